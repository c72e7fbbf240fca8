/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The listening TCP sockets of this network namespace, by sock_diag; needs no privilege. */

#include <stdint.h>

enum { LISTENING_ADDRESS_MAX = 64 };

struct listening {
        char address[LISTENING_ADDRESS_MAX]; /* "0.0.0.0:80", "[::]:443" */
        uint32_t backlog;                    /* min(listen(2)'s, somaxconn) */
        uint32_t queue;                      /* wait for accept(2) */
        int loopback;
};

/* At most max; the number found, or -errno. */
int listening_read(struct listening *list, unsigned max);
