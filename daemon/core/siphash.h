/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * SipHash-2-4 of one address (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * INDOCRYPT 2012): for what is shown outside this process.
 *
 * core/keyed_hash.h is faster, and is not to be shown: who sees its output may learn its key. Of
 * this one 64 bits a message say nothing of the key, nor of other messages. No library that is
 * linked anyway has it, and one for these lines would be one more to install everywhere.
 */

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "core/address.h"

struct siphash_key {
        uint64_t words[2]; /* the first eight bytes of the key and the last, each as little-endian */
};

struct siphash_state {
        uint64_t v0, v1, v2, v3;
};

static inline uint64_t siphash_rotate(uint64_t x, unsigned bits) {
        return x << bits | x >> (64 - bits);
}

static inline void siphash_rounds(struct siphash_state *s, unsigned rounds) {
        for (; rounds > 0; rounds--) {
                s->v0 += s->v1;
                s->v2 += s->v3;
                s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
                s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
                s->v0 = siphash_rotate(s->v0, 32) + s->v3;
                s->v2 += s->v1;
                s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
                s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
                s->v2 = siphash_rotate(s->v2, 32);
        }
}

static inline void siphash_word(struct siphash_state *s, uint64_t word) {
        s->v3 ^= word;
        siphash_rounds(s, 2);
        s->v0 ^= word;
}

static inline uint64_t siphash_address(const struct siphash_key *k, const struct address *a) {
        struct siphash_state s = {
                /* "somepseudorandomlygeneratedbytes" */
                .v0 = k->words[0] ^ UINT64_C(0x736f6d6570736575),
                .v1 = k->words[1] ^ UINT64_C(0x646f72616e646f6d),
                .v2 = k->words[0] ^ UINT64_C(0x6c7967656e657261),
                .v3 = k->words[1] ^ UINT64_C(0x7465646279746573),
        };
        uint64_t words[2];

        memcpy(words, a->bytes, sizeof words);
        siphash_word(&s, le64toh(words[0]));
        siphash_word(&s, le64toh(words[1]));
        /* What follows the last whole word: nothing, and the length. */
        siphash_word(&s, (uint64_t) sizeof a->bytes << 56);
        s.v2 ^= 0xff;
        siphash_rounds(&s, 4);
        return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
