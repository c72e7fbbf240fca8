/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/survival.h"

#include <math.h>

#include "core/retries.h"

/* How long a listener counts as one with deferred accept after such an entry. */
#define DEFERRED_MEMORY_US HALF_OPEN_LIFE_US
enum { SURVIVAL_AGE_BIN_MAX = OBS_AGE_3S };

static uint32_t count_from(const struct obs_listener *l, unsigned first, unsigned end) {
        uint32_t n = 0;

        for (unsigned i = first; i < end; i++)
                n += l->age[i];
        return n;
}

/* Bins of which none is without end. */
static double rate_between(const struct obs_listener *l, unsigned first, unsigned end) {
        uint64_t width_us = obs_age_bin_start_us(end) - obs_age_bin_start_us(first);

        return count_from(l, first, end) / ((double) width_us / 1e6);
}

/* Where a steady rate past that age is read: up to 1 s, and past it from one bin. */
static unsigned steady_end(unsigned first) {
        return first < OBS_AGE_FINE_BINS ? OBS_AGE_FINE_BINS : first + 1;
}

/* The larger of the rate in the 200 ms just past the age, which knows a new
 * flood soonest, and the steady one. */
static double late_rate(const struct obs_listener *l, unsigned first) {
        unsigned edge_end = first + 2 < OBS_AGE_FINE_BINS ? first + 2 : steady_end(first);

        return fmax(rate_between(l, first, edge_end), rate_between(l, first, steady_end(first)));
}

/* What a tick sees first of a flood: the fuller of the two 100 ms around the survival age, whenever
 * in the tick it began. The very young say nothing. */
static double early_rate(const struct obs_listener *l, unsigned first) {
        uint32_t before = first >= 2 ? l->age[first - 1] : 0;

        if (first >= OBS_AGE_FINE_BINS)
                return rate_between(l, first, first + 1);
        return first < 2 ? NAN
                         : fmax(before, l->age[first]) / ((double) OBS_AGE_FINE_US / 1e6);
}

static void measure_alive(struct survival_memory *m, const struct obs_listener *l, uint64_t now_us) {
        uint32_t older_3s = count_from(l, OBS_AGE_3S, OBS_AGE_BINS);
        uint32_t older_2s = count_from(l, OBS_AGE_2S, OBS_AGE_BINS);

        /* Entries between 2 and 3 s may rightly have passed 3 s, if no more than 1 s went by. */
        if (m->time_us && now_us > m->time_us && now_us - m->time_us <= 1000000) {
                double elapsed_s = (double) (now_us - m->time_us) / 1e6;
                double leaps = older_3s > m->older_2s ? older_3s - m->older_2s : 0;

                m->alive = m->alive * exp(-elapsed_s / ((double) RETRY_FOURTH_US / 1e6)) + leaps;
        }
        m->time_us = now_us;
        m->older_2s = older_2s;
}

struct survival survival_step(struct survival_memory *m, const struct obs_listener *l,
                              uint64_t survival_age_us, uint64_t now_us) {
        unsigned first = obs_age_bin(survival_age_us);
        struct survival s;

        if (first > SURVIVAL_AGE_BIN_MAX)
                first = SURVIVAL_AGE_BIN_MAX;
        if (l->deferred)
                m->deferred_us = now_us;

        measure_alive(m, l, now_us);

        s.aged_per_s = l->age[OBS_AGE_1S] / 0.5;
        s.stale_per_s = l->age[OBS_AGE_1500MS] / 0.5;
        s.stuck = count_from(l, OBS_AGE_1S, OBS_AGE_BINS);
        s.alive = m->alive;
        if (m->deferred_us && now_us - m->deferred_us < DEFERRED_MEMORY_US) {
                s.early_per_s = NAN;
                s.late_per_s = s.late_steady_per_s = s.aged_per_s;
                s.held = s.stuck;
        } else {
                s.early_per_s = early_rate(l, first);
                s.late_per_s = late_rate(l, first);
                s.late_steady_per_s = rate_between(l, first, steady_end(first));
                s.held = count_from(l, first, OBS_AGE_BINS);
        }
        return s;
}
