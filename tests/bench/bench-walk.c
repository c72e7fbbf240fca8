/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a walk of the socket table costs: makes PAIRS established connections
 * over the loopback of a network namespace of its own, then times full walks
 * and dumps of the listeners. Needs root. The kernel walks the sockets of every
 * namespace, so other load on the host is in the figures too.
 *
 *     tests/bench/bench-walk [PAIRS [ROUNDS [HALF_OPENS]]]
 *
 * HALF_OPENS are SYNs that nobody finishes, spread over 128 more listeners.
 */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/observation.h"
#include "sensors/sock_diag.h"
#include "tests/lab/netns.h"
#include "tests/lab/pairs.h"
#include "tests/lab/tun.h"

enum { ROUNDS_MAX = 1000, LISTENERS = 128, FLOODED_PORT = 10000, BACKLOG = 65535 };

static void die(const char *what) {
        fprintf(stderr, "bench-walk: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void open_half(int count) {
        struct sockaddr_in at = { .sin_family = AF_INET };
        int tun = tun_open("bench-walk");

        tun_run("echo 0 >/proc/sys/net/ipv4/tcp_syncookies; "
                "echo 65535 >/proc/sys/net/core/somaxconn; "
                "echo 262144 >/proc/sys/net/ipv4/tcp_max_syn_backlog");
        for (int i = 0; i < LISTENERS; i++) {
                int s = socket(AF_INET, SOCK_STREAM, 0);

                at.sin_port = htons((uint16_t) (FLOODED_PORT + i));
                if (bind(s, (struct sockaddr *) &at, sizeof at) < 0 || listen(s, BACKLOG) < 0)
                        die("listen");
        }
        for (int i = 0; i < count; i++)
                if (tun_syn4(tun, (uint16_t) (FLOODED_PORT + i % LISTENERS),
                             UINT32_C(0xc6120000) + (uint32_t) (i / LISTENERS)) < 0)
                        die("tun");
}

static double now_us(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static void measure(struct sock_diag *s, int (*dump)(struct sock_diag *, struct observation *), const char *name,
                    int rounds) {
        static struct observation o;
        static double cpu[ROUNDS_MAX], wall[ROUNDS_MAX];

        for (int i = 0; i < rounds; i++) {
                double began = now_us(CLOCK_MONOTONIC), spent = now_us(CLOCK_THREAD_CPUTIME_ID);
                int r;

                o = (struct observation) { 0 };
                r = dump(s, &o);
                cpu[i] = now_us(CLOCK_THREAD_CPUTIME_ID) - spent;
                wall[i] = now_us(CLOCK_MONOTONIC) - began;
                if (r < 0) {
                        errno = -r;
                        die(name);
                }
        }
        qsort(cpu, (size_t) rounds, sizeof *cpu, compare);
        qsort(wall, (size_t) rounds, sizeof *wall, compare);
        printf("%-10s cpu_us min %8.1f median %8.1f   wall_us median %8.1f   "
               "listeners %u half-open %u\n",
               name, cpu[0], cpu[rounds / 2], wall[rounds / 2], o.listeners_count, o.half_open);
}

int main(int argc, char *argv[]) {
        int pairs = argc > 1 ? atoi(argv[1]) : 20000, rounds = argc > 2 ? atoi(argv[2]) : 50;
        int half_opens = argc > 3 ? atoi(argv[3]) : 0;
        pid_t children[PAIRS_PROCESSES_MAX];
        struct sock_diag *s = NULL;
        unsigned processes;
        int r;

        if (pairs < 0 || pairs > PAIRS_PER_PROCESS * PAIRS_PROCESSES_MAX || rounds < 1 || rounds > ROUNDS_MAX) {
                fprintf(stderr, "usage: bench-walk [PAIRS [ROUNDS [HALF_OPENS]]]\n");
                return 2;
        }
        netns_enter("bench-walk");
        processes = pairs_hold_all(pairs, children);
        if (half_opens > 0)
                open_half(half_opens);
        r = sock_diag_new(NULL, &s);
        if (r < 0) {
                errno = -r;
                die("sock_diag_new");
        }
        printf("established sockets here: %d\n", 2 * pairs);
        measure(s, sock_diag_dump, "full", rounds);
        measure(s, sock_diag_dump_listeners, "listeners", rounds);
        sock_diag_free(s);
        pairs_end(processes, children);
        return 0;
}
