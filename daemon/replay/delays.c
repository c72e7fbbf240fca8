/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/delays.h"

#include <math.h>

static unsigned bin_of(uint32_t ms) {
        unsigned octave = 31 - (unsigned) __builtin_clz(ms + 4);
        unsigned bin = octave * 4 + ((ms + 4) >> (octave - 2) & 3);

        return bin < DELAYS_BINS ? bin : DELAYS_BINS - 1;
}

static double bin_s(unsigned bin) {
        return (ldexp(4 + bin % 4 + 0.5, (int) (bin / 4) - 2) - 4) / 1000;
}

void delays_add(struct delays *d, uint32_t ms) {
        d->bins[bin_of(ms)]++;
}

void delays_merge(struct delays *d, const struct delays *from) {
        for (unsigned i = 0; i < DELAYS_BINS; i++)
                d->bins[i] += from->bins[i];
}

double delays_at_s(const struct delays *d, double share) {
        uint64_t all = 0, sum = 0;

        for (unsigned i = 0; i < DELAYS_BINS; i++)
                all += d->bins[i];
        for (unsigned i = 0; i < DELAYS_BINS && all > 0; i++) {
                sum += d->bins[i];
                if ((double) sum >= share * (double) all)
                        return bin_s(i);
        }
        return NAN;
}
