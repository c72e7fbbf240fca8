/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Finds out who must never be blocked: this host's addresses, the routers it
 * reaches others by, its resolvers; and whether a candidate has an established
 * connection here.
 */

#include <stdio.h>

#include "core/block_policy.h"

/* All of them, or ret->known is false. At worst some milliseconds: once a minute will do. */
void block_guard_gather(struct block_protected *ret);

/* Sets `established` and `half_open_aged`; at most BLOCK_CANDIDATES_MAX. A walk of the socket
 * table. -errno: not known. */
int block_guard_look(struct block_candidate *candidates, uint32_t count);

/* The parts that read text, for tests. Each adds what it finds; false: no room left. */
bool block_guard_read_routes4(FILE *f, struct block_protected *ret);     /* /proc/net/route */
bool block_guard_read_routes6(FILE *f, struct block_protected *ret);     /* /proc/net/ipv6_route */
bool block_guard_read_resolvers(FILE *f, struct block_protected *ret);   /* resolv.conf(5) */
