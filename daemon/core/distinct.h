/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How many different keys were seen, in 4 KiB.
 *
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier, AofA 2007) with 4096
 * registers: standard error 1.04/64 = 1.6 %, up to any number of keys. Read by
 * the improved estimator of Ertl ("New cardinality estimation algorithms for
 * HyperLogLog sketches", 2017, algorithm 6), which needs neither the
 * bias tables of HyperLogLog++ (Heule 2013) nor a switch to linear counting:
 * it is unbiased from a handful of keys to 2^64.
 */

#include <stdint.h>

enum { DISTINCT_BITS = 12, DISTINCT_REGISTERS = 1 << DISTINCT_BITS };

struct distinct {
        uint8_t registers[DISTINCT_REGISTERS];
};

void distinct_clear(struct distinct *d);
/* hash: 64 keyed, uniform bits (core/keyed_hash.h). */
static inline void distinct_add(struct distinct *d, uint64_t hash) {
        uint8_t *r = &d->registers[hash >> (64 - DISTINCT_BITS)];
        /* The bit set behind the hash bounds the rank at 64 - DISTINCT_BITS + 1. */
        uint64_t rest = (hash << DISTINCT_BITS) | (UINT64_C(1) << (DISTINCT_BITS - 1));
        uint8_t rank = (uint8_t) (__builtin_clzll(rest) + 1);

        if (*r < rank)
                *r = rank;
}
static inline void distinct_prefetch(const struct distinct *d, uint64_t hash) {
        __builtin_prefetch(&d->registers[hash >> (64 - DISTINCT_BITS)], 1);
}
/* What both have seen together; b may be NULL. */
double distinct_estimate(const struct distinct *a, const struct distinct *b);
