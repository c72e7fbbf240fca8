/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How often keys were seen, and how many exactly once, in fixed memory; keys are counted for
 * something (a listener), and told for it.
 *
 * Distinct sampling (Gibbons, VLDB 2001): only keys whose hash ends in `level`
 * zero bits are kept, each with its exact count; when the table is three
 * quarters full the level rises by one and about half of the keys go. With at least 700 keys
 * left, the relative standard error of the number of keys seen once is about
 * 1/sqrt(700 p) for a share p of them: 4 % when all were, 5 % for half.
 */

#include <stdint.h>

enum { SEEN_ONCE_SLOTS = 2048, SEEN_ONCE_COUNTED = 4 };

struct seen_once {
        uint32_t level, used;
        uint64_t hashes[SEEN_ONCE_SLOTS]; /* 0: free */
        uint32_t counts[SEEN_ONCE_SLOTS];
        uint32_t of[SEEN_ONCE_SLOTS];
};

void seen_once_clear(struct seen_once *s);
/* The low bits are alike in every key kept, so the slot comes from higher ones. */
static inline uint32_t seen_once_home(uint64_t hash) {
        return (uint32_t) (hash >> 40) % SEEN_ONCE_SLOTS;
}
void seen_once_keep(struct seen_once *s, uint64_t hash, uint32_t of);
/* hash: 64 keyed, uniform bits, of the key and of what it is counted for; those with the same
 * hash count as one. */
static inline void seen_once_add(struct seen_once *s, uint64_t hash, uint32_t of) {
        if ((hash & ((UINT64_C(1) << s->level) - 1)) == 0)
                seen_once_keep(s, hash, of);
}
static inline void seen_once_prefetch(const struct seen_once *s, uint64_t hash) {
        if ((hash & ((UINT64_C(1) << s->level) - 1)) == 0) {
                __builtin_prefetch(&s->hashes[seen_once_home(hash)], 1);
                __builtin_prefetch(&s->counts[seen_once_home(hash)], 1);
        }
}

/* Of the keys that were kept, one in one_in: how often they were seen together, how many they
 * are, and how many of them were seen exactly once. One that was seen more often than
 * SEEN_ONCE_COUNTED counts as seen so often: a single heavy key says nothing of the others. */
struct seen_once_tally {
        uint64_t seen;
        uint32_t keys, once;
        uint32_t one_in;
};

/* For one thing; each tally is that of of[i], which must differ. */
void seen_once_tell(const struct seen_once *s, const uint32_t *of, uint32_t count, struct seen_once_tally *ret);
/* For all together. */
struct seen_once_tally seen_once_all(const struct seen_once *s);
