/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/later.h"

#include <math.h>

#define SECOND_US UINT64_C(1000000)
/* Chance evens out: ten a second are eighty in twice of it. */
#define LATER_TAU_S 4.0

/* Who is so old now was 1 to 2 s old so many whole seconds ago, or one less: the fewer count, so that of a
 * flood that grows or ends nothing seems to finish. */
static const struct {
        unsigned first, end; /* age bins */
        unsigned from_s, to_s;
} ages[LATER_AGES] = {
        { OBS_AGE_3S, OBS_AGE_7S, 3, 6 },
        { OBS_AGE_7S, OBS_AGE_15S, 7, 14 },
};

static double per_s(const struct obs_listener *l, unsigned first, unsigned end) {
        uint64_t width_us = obs_age_bin_start_us(end) - obs_age_bin_start_us(first);
        double n = 0;

        for (unsigned i = first; i < end; i++)
                n += l->age[i];
        return n * (double) SECOND_US / (double) width_us;
}

static double were_young(const struct later *m, uint64_t second, unsigned from_s, unsigned to_s) {
        double sum = 0;
        unsigned n = 0;

        for (unsigned i = 0; i < LATER_SECONDS; i++)
                if (m->young[i].second && m->young[i].second + to_s >= second &&
                    m->young[i].second + from_s <= second) {
                        sum += m->young[i].per_s;
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
        double elapsed_s = m->time_us ? (double) (now_us - m->time_us) / (double) SECOND_US : 0, most = 0;

        if (!m->began_us)
                m->began_us = now_us;
        m->young[second % LATER_SECONDS].second = second;
        m->young[second % LATER_SECONDS].per_s = per_s(l, OBS_AGE_1S, OBS_AGE_2S);
        for (unsigned i = 0; i < LATER_AGES; i++) {
                double then = fmin(were_young(m, second, ages[i].from_s, ages[i].to_s),
                                   were_young(m, second, ages[i].from_s - 1, ages[i].to_s - 1));

                if (!m->time_us)
                        m->ages[i].young = m->ages[i].old = rate_unknown();
                if (isnan(then) || second < m->began_us / SECOND_US + ages[i].to_s)
                        continue;
                rate_mix(&m->ages[i].young, then, elapsed_s, LATER_TAU_S);
                rate_mix(&m->ages[i].old, per_s(l, ages[i].first, ages[i].end), elapsed_s, LATER_TAU_S);
                most = fmax(most, share(m->ages[i].young.per_s, m->ages[i].old.per_s));
        }
        m->time_us = now_us;
        return most;
}
