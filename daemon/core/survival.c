/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/survival.h"

#include <assert.h>
#include <math.h>

#include "core/retries.h"

/* How long a listener counts as one with deferred accept after such an entry. */
#define DEFERRED_MEMORY_US HALF_OPEN_LIFE_US
enum { SURVIVAL_AGE_BIN_MAX = OBS_AGE_3S };
/* Stages of an entry's life, from so many seconds on; TCP itself sends a SYN again after the first. */
enum { STAGE_NEARLY_1S, STAGE_1S, STAGE_2S, STAGE_3S, STAGE_5S };
static_assert(STAGE_5S + 1 == SURVIVAL_STAGES, "one figure for each");
enum { NEARLY_1S = OBS_AGE_FINE_BINS - 5 };
/* From one second to the end of the last stage. */
#define STAGES_HALF_US (2 * RETRY_SECOND_US)

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
        return first < 2 ? NAN : fmax(before, l->age[first]) / ((double) OBS_AGE_FINE_US / 1e6);
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

/* The rate at which handshakes reach each stage, where what passed one before passes the next later. */
static void stage_rates(const struct obs_listener *l, unsigned first, double ret[static SURVIVAL_STAGES]) {
        static const unsigned begins[SURVIVAL_STAGES] = { NEARLY_1S, OBS_AGE_1S, OBS_AGE_2S, OBS_AGE_3S, OBS_AGE_5S };
        static const unsigned ends[SURVIVAL_STAGES] = { OBS_AGE_1S, OBS_AGE_2S, OBS_AGE_3S, OBS_AGE_5S, OBS_AGE_7S };

        for (unsigned i = 0; i < SURVIVAL_STAGES; i++)
                ret[i] = rate_between(l, begins[i], ends[i]);
        /* What is late anyway. */
        if (first < OBS_AGE_FINE_BINS)
                ret[STAGE_1S] = fmax(ret[STAGE_1S], rate_between(l, first, OBS_AGE_FINE_BINS));
}

/* Lately: the most of this half of the last seconds, or of the one before. */
static void remember_stages(struct survival_memory *m, const double now[static SURVIVAL_STAGES], uint64_t now_us) {
        bool begins = now_us - m->half_us >= STAGES_HALF_US, next = now_us - m->half_us < 2 * STAGES_HALF_US;

        for (unsigned i = 0; i < SURVIVAL_STAGES; i++) {
                if (begins) {
                        m->most_per_s[1][i] = next ? m->most_per_s[0][i] : 0;
                        m->most_per_s[0][i] = 0;
                }
                m->most_per_s[0][i] = fmax(m->most_per_s[0][i], now[i]);
        }
        if (begins)
                m->half_us = now_us;
}

static double stage_lately(const struct survival_memory *m, unsigned stage) {
        return fmax(m->most_per_s[0][stage], m->most_per_s[1][stage]);
}

/* What reaches a stage and has reached none lately of those before it. Who looks two seconds old may have come
 * just now, on a path that doubles packets: it counts once it has stayed, and a timer fired for it. */
static void measure_leaps(struct survival_memory *m, const struct obs_listener *l, unsigned first, uint64_t now_us,
                          struct survival *s) {
        double now[SURVIVAL_STAGES], passed_1s, passed_2s, passed_3s, stayed, sooner;
        double stage_s = (double) (obs_age_bin_start_us(OBS_AGE_7S) - obs_age_bin_start_us(OBS_AGE_5S)) / 1e6;

        stage_rates(l, first, now);
        remember_stages(m, now, now_us);
        passed_1s = stage_lately(m, STAGE_1S);
        passed_2s = stage_lately(m, STAGE_2S);
        passed_3s = stage_lately(m, STAGE_3S);
        stayed = fmax(0, now[STAGE_5S] - fmax(passed_1s, passed_3s));
        s->leapt_soon_per_s = fmin(stayed, fmax(0, passed_2s - passed_1s));
        sooner = fmax(0, passed_2s - fmax(passed_1s, stage_lately(m, STAGE_NEARLY_1S)));
        s->repeated_per_s = fmin(stayed, sooner);
        s->came_again = fmax(0, now[STAGE_5S] - fmax(passed_3s, sooner)) * stage_s;
        s->leapt_per_s = fmax(s->leapt_soon_per_s,
                              fmax(now[STAGE_3S] - fmax(passed_1s, passed_2s), stayed - passed_2s));
}

struct survival survival_step(struct survival_memory *m, const struct obs_listener *l, uint64_t survival_age_us,
                              uint64_t now_us) {
        unsigned first = obs_age_bin(survival_age_us);
        struct survival s;

        if (first > SURVIVAL_AGE_BIN_MAX)
                first = SURVIVAL_AGE_BIN_MAX;
        if (l->deferred)
                m->deferred_us = now_us;

        measure_alive(m, l, now_us);
        measure_leaps(m, l, first, now_us, &s);

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
        s.late_per_s = fmax(s.late_per_s, s.leapt_per_s);
        s.late_steady_per_s = fmax(s.late_steady_per_s, s.leapt_per_s);
        s.aged_per_s = fmax(s.aged_per_s, s.leapt_soon_per_s);
        s.stale_per_s = fmax(s.stale_per_s, s.leapt_soon_per_s);
        return s;
}
