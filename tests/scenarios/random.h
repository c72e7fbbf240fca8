/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Reproducible chance for the scenarios: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct chance {
        uint64_t state;
};

static inline uint64_t chance_bits(struct chance *c) {
        uint64_t x = c->state += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

/* (0, 1] */
static inline double chance_unit(struct chance *c) {
        return (double) ((chance_bits(c) >> 11) + 1) * 0x1p-53;
}

static inline bool chance_happens(struct chance *c, double probability) {
        return probability > 0 && chance_unit(c) <= probability;
}

static inline uint32_t chance_below(struct chance *c, uint32_t n) {
        return (uint32_t) (((chance_bits(c) >> 32) * n) >> 32);
}

static inline double chance_between(struct chance *c, double low, double high) {
        return low + (high - low) * chance_unit(c);
}

/* As often between 1 and 10 as between 10 and 100. */
static inline double chance_magnitude(struct chance *c, double low, double high) {
        return low * pow(high / low, chance_unit(c));
}

static inline double chance_exponential(struct chance *c, double mean) {
        return -log(chance_unit(c)) * mean;
}

static inline double chance_normal(struct chance *c) {
        return sqrt(-2 * log(chance_unit(c))) * cos(2 * M_PI * chance_unit(c));
}
