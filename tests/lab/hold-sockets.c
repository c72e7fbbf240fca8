/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Holds so many established sockets in this network namespace until it is told to end (SIGTERM). */

#include "config.h"

#include "tests/lab/common.h"
#include "tests/lab/pairs.h"

int main(int argc, char **argv) {
        pid_t children[PAIRS_PROCESSES_MAX];
        unsigned processes;
        int sockets = argc == 2 ? atoi(argv[1]) : 0;

        if (sockets < 2 || sockets > 2 * PAIRS_PER_PROCESS * PAIRS_PROCESSES_MAX) {
                fprintf(stderr, "usage: hold-sockets NUMBER, %d at most\n",
                        2 * PAIRS_PER_PROCESS * PAIRS_PROCESSES_MAX);
                return 2;
        }
        lab_catch_signals();
        processes = pairs_hold_all(sockets / 2, children);
        puts("{\"program\":\"hold-sockets\",\"ready\":true}");
        fflush(stdout);
        while (lab_running())
                pause();
        pairs_end(processes, children);
        return 0;
}
