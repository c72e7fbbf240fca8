/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/far.h"

#include <math.h>

#include "core/retries.h"

#define PRIOR_US UINT64_C(800000)
/* Handshakes after which a share of that size is known to a third of itself, as a binomial's is: ten are open. */
#define ENOUGH (10 / FAR_OPEN_SHARE_MAX)
/* What is remembered: clients of another hour may be others. */
#define MEMORY 20000.0

static uint32_t young(const struct observation *o, unsigned bin) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (!o->listeners[i].deferred)
                        n += o->listeners[i].age[bin];
        return n;
}

void far_learn(struct far *f, const struct observation *o, double finished_per_s, double elapsed_s) {
        double handshakes = finished_per_s * elapsed_s, part;

        if (!(o->known & OBS_K_DUMP) || !(handshakes > 0))
                return;
        f->handshakes = fmin(f->handshakes + handshakes, MEMORY);
        part = fmin(1, handshakes / f->handshakes);
        for (unsigned i = 0; i < OBS_AGE_FINE_BINS; i++) {
                double share = young(o, i) / ((double) OBS_AGE_FINE_US / 1e6 * finished_per_s);

                f->open[i] += part * (fmin(1, share) - f->open[i]);
        }
}

uint64_t far_age_us(const struct far *f, uint64_t at_least_us) {
        unsigned first = OBS_AGE_FINE_BINS;

        if (at_least_us >= RETRY_FIRST_US)
                return at_least_us;
        if (f->handshakes < ENOUGH)
                return at_least_us > PRIOR_US ? at_least_us : PRIOR_US;
        while (first > 0 && f->open[first - 1] <= FAR_OPEN_SHARE_MAX)
                first--;
        return first * OBS_AGE_FINE_US > at_least_us ? first * OBS_AGE_FINE_US : at_least_us;
}
