/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Exponentially weighted means over irregular ticks: the weight of the past
 * falls by 1/e in tau seconds, however many ticks that takes.
 */

#include <math.h>
#include <stdbool.h>

struct rate {
        double per_s; /* NAN until the first sample */
};

static inline struct rate rate_unknown(void) {
        return (struct rate) { .per_s = NAN };
}

/* Mixes in a level that held for elapsed_s. The first one is taken as it is. */
static inline void rate_mix(struct rate *r, double level, double elapsed_s, double tau_s) {
        if (isnan(r->per_s))
                r->per_s = level;
        else
                r->per_s += (level - r->per_s) * -expm1(-elapsed_s / tau_s);
}

/* Mixes in a count that came in elapsed_s (> 0). */
static inline void rate_count(struct rate *r, double count, double elapsed_s, double tau_s) {
        rate_mix(r, count / elapsed_s, elapsed_s, tau_s);
}

/* The highest level of the last seconds, falling off with tau: what a figure that
 * is seen late has to be compared with. */
static inline void rate_peak(struct rate *r, double level, double elapsed_s, double tau_s) {
        r->per_s = fmax(level, r->per_s * exp(-elapsed_s / tau_s)); /* fmax ignores a NAN */
}

/* NAN counts as zero: for sums in which an unknown part just does not add. */
static inline double or_zero(double v) {
        return isnan(v) ? 0.0 : v;
}
