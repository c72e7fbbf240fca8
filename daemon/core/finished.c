/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/finished.h"

static void take(struct finished *f, uint64_t now_us, uint64_t elapsed_us, const struct finished_count *count) {
        uint64_t sum = count->open + count->ended;

        if (f->counts == 0) {
                *f = (struct finished) { .counts = 1, .counted_us = now_us, .sum = sum };
                return;
        }
        f->syns_left += f->syns;
        f->syns = 0;
        if (sum > f->sum) { /* a little less than before: some ended between the two looks */
                f->finished_left += sum - f->sum;
                f->sum = sum;
        }
        f->until_us = now_us - elapsed_us + (now_us - f->counted_us);
        f->counted_us = now_us;
        f->counts = 2;
}

/* This tick's part of what is left: as if it had come evenly. */
static uint64_t portion(uint64_t *left, uint64_t elapsed_us, uint64_t left_us) {
        uint64_t part = elapsed_us < left_us ? (uint64_t) ((double) *left * (double) elapsed_us / (double) left_us)
                                             : *left;

        *left -= part;
        return part;
}

bool finished_step(struct finished *f, uint64_t now_us, uint64_t elapsed_us, const struct finished_count *count,
                   uint64_t *syns, uint64_t *ret_finished) {
        uint64_t begun_us = now_us - elapsed_us, left_us;

        if (f->counts > 0)
                f->syns += *syns;
        if (count)
                take(f, now_us, elapsed_us, count);
        if (f->counts < 2)
                return false;
        left_us = f->until_us > begun_us ? f->until_us - begun_us : 0;
        *syns = portion(&f->syns_left, elapsed_us, left_us);
        *ret_finished = portion(&f->finished_left, elapsed_us, left_us);
        return true;
}

void finished_forget(struct finished *f) {
        f->counts = 0;
}
