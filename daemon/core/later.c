/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/later.h"

#include <math.h>

#define SECOND_US UINT64_C(1000000)
/* Chance evens out over what is kept, twice of this: ten a second are eighty. */
#define LATER_TAU_S ((double) LATER_SECONDS / 2)

static double per_s(const struct obs_listener *l, unsigned first, unsigned end) {
        uint64_t width_us = obs_age_bin_start_us(end) - obs_age_bin_start_us(first);
        double n = 0;

        for (unsigned i = first; i < end; i++)
                n += l->age[i];
        return n * (double) SECOND_US / (double) width_us;
}

/* So many whole seconds ago. */
static double were_young(const struct later *m, uint64_t second, unsigned from_s, unsigned to_s) {
        double sum = 0;
        unsigned n = 0;

        for (unsigned i = 0; i < LATER_SECONDS; i++)
                if (m->seconds[i].second && m->seconds[i].second + to_s >= second &&
                    m->seconds[i].second + from_s <= second) {
                        sum += m->seconds[i].per_s;
                        n++;
                }
        return n ? sum / n : NAN;
}

/* What is fewer than chance makes of as many. */
static double share(double young, double old) {
        double chance = sqrt(young / (2 * LATER_TAU_S));

        return young - chance > old ? (young - chance - old) / young : 0;
}

double later_share(struct later *m, const struct obs_listener *l, uint64_t now_us) {
        uint64_t second = now_us / SECOND_US;
        double elapsed_s, then;

        if (!m->began_us) {
                *m = (struct later) { .young = rate_unknown(), .old = rate_unknown() };
                m->began_us = m->time_us = now_us;
        }
        elapsed_s = (double) (now_us - m->time_us) / (double) SECOND_US;
        m->time_us = now_us;
        m->seconds[second % LATER_SECONDS].second = second;
        m->seconds[second % LATER_SECONDS].per_s = per_s(l, OBS_AGE_1S, OBS_AGE_2S);
        /* Who is 3 to 7 s old was 1 to 2 s old so long ago, or a second less: the fewer count, so that
         * of a flood that grows or ends nothing seems to finish. */
        then = fmin(were_young(m, second, 3, 6), were_young(m, second, 2, 5));
        if (isnan(then) || now_us - m->began_us < obs_age_bin_start_us(OBS_AGE_7S))
                return 0;
        rate_mix(&m->young, then, elapsed_s, LATER_TAU_S);
        rate_mix(&m->old, per_s(l, OBS_AGE_3S, OBS_AGE_7S), elapsed_s, LATER_TAU_S);
        return share(m->young.per_s, m->old.per_s);
}
