/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A network namespace without a name: it ends with the process and its
 * children, however they end, and leaves nothing behind.
 */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Needs config.h, for unshare(2). Enters a new namespace with loopback up. Exits with 77
 * without the privilege, with 1 without ip(8). */
static inline void netns_enter(const char *program) {
        if (unshare(CLONE_NEWNET) < 0) {
                fprintf(stderr, "%s: skipped, no network namespace: %s\n", program, strerror(errno));
                exit(77);
        }
        if (system("ip link set lo up") != 0) {
                fprintf(stderr, "%s: ip link set lo up failed\n", program);
                exit(1);
        }
}
