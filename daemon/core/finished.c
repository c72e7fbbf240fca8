/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/finished.h"

bool finished_step(struct finished *f, uint64_t open, uint64_t ended, uint64_t *ret) {
        uint64_t sum = open + ended;

        if (!f->begun) {
                *f = (struct finished) { .begun = true, .told = sum };
                return false;
        }
        /* A little less than before: some ended between the two looks. */
        *ret = sum > f->told ? sum - f->told : 0;
        f->told += *ret;
        return true;
}

void finished_forget(struct finished *f) {
        f->begun = false;
}
