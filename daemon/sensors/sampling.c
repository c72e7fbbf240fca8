/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/sampling.h"

enum { STEP = 8, ONE_IN_MAX = 512 };

struct sampling sampling_start(void) {
        return (struct sampling) { .one_in = 1 };
}

/* While sampling there are two samples of the same size (core/source_table.h). */
static double messages_per_s(double syn_per_s, uint32_t one_in) {
        return one_in == 1 ? syn_per_s : 2 * syn_per_s / one_in;
}

uint32_t sampling_step(struct sampling *s, double syn_per_s, double max_rate, uint64_t now_us) {
        uint32_t before = s->one_in;

        while (s->one_in < ONE_IN_MAX && messages_per_s(syn_per_s, s->one_in) > max_rate)
                s->one_in *= STEP;
        if (s->one_in == 1 || s->one_in != before ||
            messages_per_s(syn_per_s, s->one_in / STEP) > max_rate / 2) {
                s->fits_since_us = 0;
        } else if (s->fits_since_us == 0) {
                s->fits_since_us = now_us;
        } else if (now_us - s->fits_since_us >= SAMPLING_HOLD_US) {
                s->one_in /= STEP;
                s->fits_since_us = 0;
        }
        return s->one_in;
}
