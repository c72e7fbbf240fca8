/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How many keys were seen exactly once, in fixed memory.
 *
 * Distinct sampling (Gibbons, VLDB 2001): only keys whose hash ends in `level`
 * zero bits are kept, each with its exact count; when the table is three
 * quarters full the level rises by one and about half of the keys go. With at least 700 keys
 * left, the relative standard error of the number of keys seen once is about
 * 1/sqrt(700 p) for a share p of them: 4 % when all were, 5 % for half.
 */

#include <stdint.h>

enum { SEEN_ONCE_SLOTS = 2048 };

struct seen_once {
        uint32_t level, used;
        uint32_t once; /* of those used */
        uint64_t hashes[SEEN_ONCE_SLOTS]; /* 0: free */
        uint32_t counts[SEEN_ONCE_SLOTS];
};

void seen_once_clear(struct seen_once *s);
/* The low bits are alike in every key kept, so the slot comes from higher ones. */
static inline uint32_t seen_once_home(uint64_t hash) {
        return (uint32_t) (hash >> 40) % SEEN_ONCE_SLOTS;
}
void seen_once_keep(struct seen_once *s, uint64_t hash);
/* hash: 64 keyed, uniform bits; keys with the same hash count as one. */
static inline void seen_once_add(struct seen_once *s, uint64_t hash) {
        if ((hash & ((UINT64_C(1) << s->level) - 1)) == 0)
                seen_once_keep(s, hash);
}
static inline void seen_once_prefetch(const struct seen_once *s, uint64_t hash) {
        if ((hash & ((UINT64_C(1) << s->level) - 1)) == 0) {
                __builtin_prefetch(&s->hashes[seen_once_home(hash)], 1);
                __builtin_prefetch(&s->counts[seen_once_home(hash)], 1);
        }
}
/* Estimated number of keys seen exactly once. */
double seen_once_keys(const struct seen_once *s);
