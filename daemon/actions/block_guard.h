/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Finds out who must never be blocked: this host's addresses, the routers it
 * reaches others by, its resolvers; and whether a candidate has an established
 * connection here.
 */

#include <stdio.h>

#include "core/block_policy.h"
#include "util/peer_counter.h"

/* A part at a time: 150,000 routes take the kernel 0.6 s to print, and no tick has that. Zeroed:
 * nothing is begun. */
struct block_guard {
        unsigned source; /* that is being read */
        FILE *file;      /* it; NULL: not open */
        struct block_protected found;
        const char *routes4; /* for tests, instead of /proc/net/route; NULL */
};

/* Reads the next BLOCK_GUARD_LINES_MAX lines, some milliseconds. True: that was all, and ret has all
 * of them, or ret->known is false; the next call begins anew. Before that ret is as it was. */
bool block_guard_gather(struct block_guard *g, struct block_protected *ret);
/* What is open is closed. */
void block_guard_end(struct block_guard *g);

enum { BLOCK_GUARD_LINES_MAX = 4000 };

/* Sets `established` and `half_open_aged`; at most BLOCK_CANDIDATES_MAX. Keeps the candidates of whom that
 * is known, in this tick where a walk of the socket table is quick, else in a later one: how many.
 * -errno: it cannot be known. */
int block_guard_look(struct peer_counter *peers, uint64_t now_us, struct block_candidate *candidates, uint32_t count);

/* One line of text, of which it adds who it names. False: no room left. */
typedef bool block_guard_take_fn(const char *line, struct block_protected *p);
block_guard_take_fn block_guard_take_route4;   /* /proc/net/route */
block_guard_take_fn block_guard_take_route6;   /* /proc/net/ipv6_route */
block_guard_take_fn block_guard_take_resolver; /* resolv.conf(5) */
