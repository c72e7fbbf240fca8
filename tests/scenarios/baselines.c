/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/baselines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void judge_thresholds(const struct judge *j, double ret[static SWEEP_THRESHOLDS]) {
        for (unsigned i = 0; i < SWEEP_SWEPT; i++)
                ret[i] = j->lowest * pow(j->highest / j->lowest, (double) i / (SWEEP_SWEPT - 1));
        ret[SWEEP_PLAIN] = j->plain;
}

uint32_t judge_above(const double thresholds[static SWEEP_THRESHOLDS], double figure) {
        uint32_t above = 0;

        for (unsigned i = 0; i < SWEEP_THRESHOLDS; i++)
                above |= (uint32_t) (figure > thresholds[i]) << i;
        return above;
}

/* What a baseline knows begins with its thresholds. */
static void *baseline_new(size_t size, const double thresholds[static SWEEP_THRESHOLDS]) {
        double *b = calloc(1, size);

        if (!b)
                abort();
        memcpy(b, thresholds, SWEEP_THRESHOLDS * sizeof *b);
        return b;
}

static void *baseline_free(void *j) {
        free(j);
        return NULL;
}

/* --- SYN-FIN ------------------------------------------------------------------------ */

#define SYN_FIN_PERIOD_S 20.0
#define SYN_FIN_A 0.35
#define SYN_FIN_MEMORY 0.9

struct syn_fin {
        double thresholds[SWEEP_THRESHOLDS];
        double next_s, syns, fins, usual_fins, sum;
        uint32_t alarms;
        bool started;
};

static void *syn_fin_new(const double thresholds[static SWEEP_THRESHOLDS]) {
        return baseline_new(sizeof(struct syn_fin), thresholds);
}

static void syn_fin_period(struct syn_fin *b) {
        if (!b->started)
                b->usual_fins = b->fins;
        else
                b->usual_fins = SYN_FIN_MEMORY * b->usual_fins + (1 - SYN_FIN_MEMORY) * b->fins;
        b->started = true;
        b->sum = fmax(0, b->sum + (b->syns - b->fins) / fmax(b->usual_fins, 1) - SYN_FIN_A);
        b->alarms = judge_above(b->thresholds, b->sum);
        b->syns = b->fins = 0;
}

static uint32_t syn_fin_step(void *j, const struct observation *o, const struct traffic_truth *truth) {
        struct syn_fin *b = j;

        (void) o;
        b->syns += (double) truth->syns;
        b->fins += (double) truth->fins;
        if (truth->now_s >= b->next_s) {
                if (b->next_s > 0)
                        syn_fin_period(b);
                b->next_s = truth->now_s + SYN_FIN_PERIOD_S;
        }
        return b->alarms;
}

/* --- Siris and Papagalou --------------------------------------------------------------- */

#define SIRIS_PERIOD_S 10.0
#define SIRIS_ALPHA 0.5
#define SIRIS_BETA 0.98
#define SIRIS_IN_A_ROW 4
#define SIRIS_WARM_UP 6

struct siris {
        double thresholds[SWEEP_THRESHOLDS];
        double next_s, syns, mean, variance;
        double excess[SIRIS_IN_A_ROW];  /* of the last periods, over the mean, in means */
        double sums[SWEEP_THRESHOLDS];
        uint32_t alarms;
        unsigned periods;
};

static void *siris_new(const double thresholds[static SWEEP_THRESHOLDS]) {
        return baseline_new(sizeof(struct siris), thresholds);
}

/* Whether a period has ended; its SYNs are then in b->syns. */
static bool siris_period(struct siris *b, const struct traffic_truth *truth) {
        b->syns += (double) truth->syns;
        if (truth->now_s < b->next_s)
                return false;
        b->next_s = truth->now_s + SIRIS_PERIOD_S;
        return true;
}

/* At first plain averages: a mean that begins at nothing would be unfair. */
static void siris_learn(struct siris *b) {
        double weight = fmax(1 - SIRIS_BETA, 1.0 / ++b->periods), error = b->syns - b->mean;

        b->mean += weight * error;
        if (b->periods > 1)
                b->variance += weight * (error * error - b->variance);
        b->syns = 0;
}

static bool siris_knows(const struct siris *b) {
        return b->periods >= SIRIS_WARM_UP;
}

/* Exceeded by alpha in each of the last periods: by the least of them. */
static uint32_t adaptive_step(void *j, const struct observation *o, const struct traffic_truth *truth) {
        struct siris *b = j;
        double least = INFINITY;

        (void) o;
        if (!siris_period(b, truth))
                return b->alarms;
        memmove(b->excess + 1, b->excess, (SIRIS_IN_A_ROW - 1) * sizeof *b->excess);
        b->excess[0] = siris_knows(b) ? (b->syns - b->mean) / fmax(b->mean, 1) : 0;
        for (unsigned i = 0; i < SIRIS_IN_A_ROW; i++)
                least = fmin(least, b->excess[i]);
        b->alarms = judge_above(b->thresholds, least);
        siris_learn(b);
        return b->alarms;
}

static uint32_t cusum_step(void *j, const struct observation *o, const struct traffic_truth *truth) {
        struct siris *b = j;
        double rise, likelier;

        (void) o;
        if (!siris_period(b, truth))
                return b->alarms;
        rise = SIRIS_ALPHA * b->mean;
        likelier = siris_knows(b) && b->variance > 0 ? rise / b->variance * (b->syns - b->mean - rise / 2) : 0;
        b->alarms = 0;
        for (unsigned i = 0; i < SWEEP_THRESHOLDS; i++) {
                b->sums[i] = fmax(0, b->sums[i] + likelier);
                if (b->sums[i] <= b->thresholds[i])
                        continue;
                b->alarms |= UINT32_C(1) << i;
                b->sums[i] = 0; /* begins anew, or it could not see the end */
        }
        siris_learn(b);
        return b->alarms;
}

/* --- a fixed number ----------------------------------------------------------------------- */

static void *syn_recv_new(const double thresholds[static SWEEP_THRESHOLDS]) {
        return baseline_new(SWEEP_THRESHOLDS * sizeof(double), thresholds);
}

static uint32_t syn_recv_step(void *j, const struct observation *o, const struct traffic_truth *truth) {
        (void) o;
        return judge_above(j, truth->half_open);
}

const struct judge judge_syn_fin = {
        .name = "SYN-FIN CUSUM",
        .parameter = "N",
        .lowest = 0.1,
        .highest = 20000,
        .plain = 1.05,
        .new = syn_fin_new,
        .free = baseline_free,
        .step = syn_fin_step,
};
const struct judge judge_adaptive = {
        .name = "adaptive threshold",
        .parameter = "alpha",
        .lowest = 0.1,
        .highest = 1000,
        .plain = 0.5,
        .new = siris_new,
        .free = baseline_free,
        .step = adaptive_step,
};
const struct judge judge_cusum = {
        .name = "CUSUM",
        .parameter = "h",
        .lowest = 0.5,
        .highest = 50000,
        .plain = 5,
        .new = siris_new,
        .free = baseline_free,
        .step = cusum_step,
};
const struct judge judge_syn_recv = {
        .name = "SYN_RECV > 100",
        .parameter = "entries",
        .lowest = 10,
        .highest = 5000,
        .plain = 100,
        .new = syn_recv_new,
        .free = baseline_free,
        .step = syn_recv_step,
};
