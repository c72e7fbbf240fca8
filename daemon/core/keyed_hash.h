/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A keyed 64-bit hash of one address.
 *
 * Whoever chooses the addresses of a flood must not choose the buckets they
 * fall into, so every table is keyed with random words that never leave the
 * process. Two folded 64×64→128 bit multiplications of the operands XORed with
 * secret words: about 3 ns, against 15 for SipHash-1-3, at every logged SYN.
 * It is no pseudo-random function to be shown to an attacker; here no output
 * is ever seen from outside, and a collision costs precision, never memory.
 */

#include <stdint.h>
#include <string.h>

#include "core/address.h"

struct keyed_hash {
        uint64_t words[4]; /* all bits random, from the caller: getrandom(2), or fixed in
                            * tests. Small numbers do not hash. */
};

static inline uint64_t keyed_hash_fold(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
        unsigned __int128 product = (unsigned __int128) a * b;

        return (uint64_t) product ^ (uint64_t) (product >> 64);
#else
        uint64_t al = (uint32_t) a, ah = a >> 32, bl = (uint32_t) b, bh = b >> 32;
        uint64_t low = al * bl, middle = ah * bl + (low >> 32);
        uint64_t cross = (uint32_t) middle + al * bh;

        return ((cross << 32) | (uint32_t) low) ^ (ah * bh + (middle >> 32) + (cross >> 32));
#endif
}

/* A hash of the same key for another use: what is counted under it, in which table. */
static inline uint64_t keyed_hash_for(const struct keyed_hash *k, uint64_t hash, uint64_t use) {
        return keyed_hash_fold(hash ^ k->words[1], use ^ k->words[3]);
}

static inline uint64_t keyed_hash_address(const struct keyed_hash *k, const struct address *a) {
        uint64_t high, low;

        memcpy(&high, a->bytes, sizeof high);
        memcpy(&low, a->bytes + sizeof high, sizeof low);
        return keyed_hash_fold(keyed_hash_fold(high ^ k->words[0], low ^ k->words[1]) ^ k->words[2], k->words[3] | 1);
}
