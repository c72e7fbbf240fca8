/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How long something took: a histogram from a millisecond to minutes, a quarter of an octave a bin. */

#include <stdint.h>

enum { DELAYS_BINS = 64 };

struct delays {
        uint32_t bins[DELAYS_BINS];
};

void delays_add(struct delays *d, uint32_t ms);
void delays_merge(struct delays *d, const struct delays *from);
/* The delay that a share of all stayed below; NAN: there were none. */
double delays_at_s(const struct delays *d, double share);
