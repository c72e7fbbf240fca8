/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A kernel that means ill, for netlink_new(): datagrams one behind the other, each behind two bytes of its
 * length, low one first; then it is silent. What nobody can know before stands for something: a sequence
 * of 0 is the request's, 0xffffffff the one's before; a port of 0 is ours. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/netlink.h"

enum { HOSTILE_KERNEL_PORT = 4711 };

struct hostile_kernel {
        const uint8_t *data;
        size_t left;
        uint32_t sequence;    /* of the last request */
        unsigned sent;        /* requests */
        const char *datagram; /* the last one, as it was received */
        size_t length;
        bool ended; /* there was an end, or an error, of this request */
};

/* Its context is k, which must outlive it. */
struct netlink_kernel hostile_kernel(struct hostile_kernel *k);
