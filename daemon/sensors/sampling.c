/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/sampling.h"

enum { STEP = 8, ONE_IN_MAX = 512, START_SHARE_INVERSE = 4 };

struct sampling sampling_start(void) {
        return (struct sampling) { .one_in = 1 };
}

/* SYNs a second up to which a step will do. */
static double limit_of(uint32_t one_in, double max_rate) {
        return one_in == 1 ? max_rate / (double) START_SHARE_INVERSE : max_rate * one_in;
}

uint32_t sampling_step(struct sampling *s, double syn_per_s, double max_rate, uint64_t now_us) {
        uint32_t before = s->one_in;

        while (s->one_in < ONE_IN_MAX && syn_per_s > limit_of(s->one_in, max_rate))
                s->one_in *= STEP;
        if (s->one_in == 1 || s->one_in != before || syn_per_s > limit_of(s->one_in / STEP, max_rate) / 2) {
                s->fits_since_us = 0;
        } else if (s->fits_since_us == 0) {
                s->fits_since_us = now_us;
        } else if (now_us - s->fits_since_us >= SAMPLING_HOLD_US) {
                s->one_in /= STEP;
                s->fits_since_us = 0;
        }
        return s->one_in;
}
