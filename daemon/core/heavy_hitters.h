/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The heaviest keys of a stream, in fixed memory and with guaranteed error.
 *
 * Filtered Space-Saving (Homem and Carvalho, "Finding top-k elements in data
 * streams", Information Sciences 180, 2010): the counters of Space-Saving
 * (Metwally, Agrawal, El Abbadi, ICDT 2005) behind an array of cells, each an
 * upper bound for every key that hashes to it and has no counter. A key gets
 * a counter only when its cell says that it may be heavier than the lightest
 * one counted. Plain Space-Saving replaces a counter at every SYN of a spoofed
 * flood; here such a SYN costs one look-up that fails and one addition, and the
 * error falls from total/capacity to about total/cells. It may even be slow to
 * replace: only for a cell that held an eighth more than the lightest counter
 * before this key came again. Replacing touches a dozen cache lines, and where every SYN
 * comes from elsewhere it would be done for most of them at 1,000 SYN/s and for
 * a quarter at 400,000. The guarantees, with heaviest the largest weight added:
 *
 *   count - error <= true weight of the key <= count
 *   error <= 9/8 total / capacity + heaviest, for every key, counted or not
 *
 * so a key heavier than that always has a counter. Weights are
 * whole; heavy_hitters_decay() halves everything, which keeps the guarantees
 * (rounded outwards, by 1/64 of a unit at most).
 *
 * The lightest counter is found by a heap with stale keys: a hit only adds, an
 * eviction first brings the root up to date. That is O(1) for a hit or a
 * filtered miss and O(log capacity), amortised, for an eviction, for any
 * weight; the bucket list of Space-Saving's Stream-Summary is O(1) only for
 * weights of one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"

enum {
        HEAVY_HITTERS_CAPACITY_MAX = 32768,
        HEAVY_HITTERS_CELLS_PER_COUNTER = 4,
        HEAVY_HITTERS_RELUCTANCE = 8, /* an eighth */
};

struct heavy_hitters;

struct heavy_key {
        struct address address;
        uint32_t of; /* what it is counted for, as the caller likes; the hash covers it too */
};

struct heavy_hitter {
        struct heavy_key key;
        double count; /* upper bound of the key's weight */
        double error; /* count may be too high by this much */
};

/* Allocates everything it will ever use. capacity: counters, a power of two, at
 * most HEAVY_HITTERS_CAPACITY_MAX. -EINVAL, -ENOMEM. */
int heavy_hitters_new(uint32_t capacity, struct heavy_hitters **ret);
struct heavy_hitters *heavy_hitters_free(struct heavy_hitters *h);

/* hash: of the key, keyed (core/keyed_hash.h). Never allocates. */
void heavy_hitters_add(struct heavy_hitters *h, const struct heavy_key *key, uint64_t hash, uint32_t weight);
/* Fetches what an add of that hash will read: some hundred nanoseconds before it, where the table
 * has left the cache. */
void heavy_hitters_prefetch(const struct heavy_hitters *h, uint64_t hash);
/* Halves every count, error and the total, so many times (up to 32) in one pass. */
void heavy_hitters_decay(struct heavy_hitters *h, unsigned times);
/* As new. */
void heavy_hitters_clear(struct heavy_hitters *h);

/* What is known about a key, counted or not (then error is all of count). */
struct heavy_hitter heavy_hitters_get(const struct heavy_hitters *h, const struct heavy_key *key, uint64_t hash);
/* The at most max keys with the most guaranteed weight (count - error), which must be above
 * 0 and at least min_guaranteed, heaviest first. Returns how many. */
size_t heavy_hitters_top(const struct heavy_hitters *h, double min_guaranteed, size_t max, struct heavy_hitter *ret);
/* Weight of everything added, decayed alike. */
double heavy_hitters_total(const struct heavy_hitters *h);
/* Counters with a weight of at least one half. */
uint32_t heavy_hitters_tracked(const struct heavy_hitters *h);
/* Bytes allocated. */
size_t heavy_hitters_memory(const struct heavy_hitters *h);
