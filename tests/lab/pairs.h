/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Established connections over the loopback of this network namespace, both ends of each held open by
 * child processes, for a process may hold 20,000 descriptors at most. */

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAIRS_PER_PROCESS = 8000, PAIRS_PROCESSES_MAX = 64, PAIRS_FIRST_PORT = 2000 };

static inline void pairs_die(const char *what) {
        perror(what);
        exit(1);
}

static inline void pairs_hold(unsigned process, unsigned pairs, int ready) {
        const struct rlimit files = { .rlim_cur = 2 * pairs + 64, .rlim_max = 2 * pairs + 64 };
        struct sockaddr_in to = {
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t) (PAIRS_FIRST_PORT + process)),
                .sin_addr = { htonl(INADDR_LOOPBACK) },
        };
        int listener = socket(AF_INET, SOCK_STREAM, 0);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setrlimit(RLIMIT_NOFILE, &files); /* when it cannot be raised, socket() says so */
        if (bind(listener, (struct sockaddr *) &to, sizeof to) < 0 || listen(listener, 128) < 0)
                pairs_die("listen");
        for (unsigned i = 0; i < pairs; i++) {
                int s = socket(AF_INET, SOCK_STREAM, 0);

                if (s < 0 || connect(s, (struct sockaddr *) &to, sizeof to) < 0 || accept(listener, NULL, NULL) < 0)
                        pairs_die("connect");
        }
        if (write(ready, "", 1) != 1)
                pairs_die("write");
        for (;;)
                pause();
}

/* Forks the holders of the connections, waits until all are made; returns how many there are. */
static inline unsigned pairs_hold_all(int pairs, pid_t children[static PAIRS_PROCESSES_MAX]) {
        unsigned processes = 0;
        int ready[2];
        char byte;

        if (pipe(ready) < 0)
                pairs_die("pipe");
        for (int left = pairs; left > 0; left -= PAIRS_PER_PROCESS, processes++) {
                children[processes] = fork();
                if (children[processes] < 0)
                        pairs_die("fork");
                if (children[processes] == 0)
                        pairs_hold(processes, left < PAIRS_PER_PROCESS ? (unsigned) left : PAIRS_PER_PROCESS, ready[1]);
        }
        close(ready[1]);
        for (unsigned i = 0; i < processes; i++)
                if (read(ready[0], &byte, 1) != 1)
                        pairs_die("a child failed");
        close(ready[0]);
        return processes;
}

static inline void pairs_end(unsigned processes, const pid_t children[static PAIRS_PROCESSES_MAX]) {
        for (unsigned i = 0; i < processes; i++) {
                kill(children[i], SIGKILL);
                waitpid(children[i], NULL, 0);
        }
}
