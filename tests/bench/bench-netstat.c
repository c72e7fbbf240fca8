/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a tick's reading of the counters and the sysctl costs, on this kernel. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sensors/netstat.h"
#include "util/sysctl.h"

enum { READINGS = 20000 };

static double cpu_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

int main(void) {
        struct observation *o = calloc(1, sizeof *o);
        struct netstat *n;
        struct sysctl *s;
        double start;
        int r;

        if (!o || netstat_new(NULL, &n) < 0 || sysctl_new(SYSCTL_SYNCOOKIES_PATH, &s) < 0)
                return EXIT_FAILURE;

        start = cpu_us();
        for (unsigned i = 0; i < READINGS; i++) {
                r = netstat_read(n, o);
                if (r < 0) {
                        fprintf(stderr, "netstat: %s\n", strerror(-r));
                        return EXIT_FAILURE;
                }
        }
        printf("netstat and snmp: %.2f us of CPU a reading\n", (cpu_us() - start) / (double) READINGS);

        start = cpu_us();
        for (unsigned i = 0; i < READINGS; i++) {
                r = sysctl_read(s, &o->syncookies);
                if (r < 0) {
                        fprintf(stderr, "tcp_syncookies: %s\n", strerror(-r));
                        return EXIT_FAILURE;
                }
        }
        printf("tcp_syncookies: %.2f us of CPU a reading\n", (cpu_us() - start) / (double) READINGS);

        sysctl_free(s);
        netstat_free(n);
        free(o);
        return EXIT_SUCCESS;
}
