/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/baselines.h"

#include <math.h>
#include <stdlib.h>

/* --- SYN-FIN ------------------------------------------------------------------------ */

#define SYN_FIN_PERIOD_S 20.0
#define SYN_FIN_A 0.35
#define SYN_FIN_N 1.05
#define SYN_FIN_MEMORY 0.9

struct syn_fin {
        double next_s, syns, fins, usual_fins, sum;
        bool started;
};

static void *syn_fin_new(void) {
        return calloc(1, sizeof(struct syn_fin));
}

static void syn_fin_period(struct syn_fin *b) {
        if (!b->started)
                b->usual_fins = b->fins;
        else
                b->usual_fins = SYN_FIN_MEMORY * b->usual_fins + (1 - SYN_FIN_MEMORY) * b->fins;
        b->started = true;
        b->sum = fmax(0, b->sum + (b->syns - b->fins) / fmax(b->usual_fins, 1) - SYN_FIN_A);
        b->syns = b->fins = 0;
}

static enum flood_state syn_fin_step(void *j, const struct observation *o,
                                     const struct traffic_truth *truth, enum diagnosis *ret) {
        struct syn_fin *b = j;

        (void) o;
        *ret = DIAGNOSIS_UNKNOWN;
        b->syns += (double) truth->syns;
        b->fins += (double) truth->fins;
        if (truth->now_s >= b->next_s) {
                if (b->next_s > 0)
                        syn_fin_period(b);
                b->next_s = truth->now_s + SYN_FIN_PERIOD_S;
        }
        return b->sum > SYN_FIN_N ? STATE_FLOOD : STATE_NORMAL;
}

/* --- Siris and Papagalou --------------------------------------------------------------- */

#define SIRIS_PERIOD_S 10.0
#define SIRIS_ALPHA 0.5
#define SIRIS_BETA 0.98
#define SIRIS_IN_A_ROW 4
#define SIRIS_H 5.0
#define SIRIS_WARM_UP 6

struct siris {
        double next_s, syns, mean, variance, sum;
        unsigned exceeded, periods;
        bool alarm;
};

static void *siris_new(void) {
        return calloc(1, sizeof(struct siris));
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

static enum flood_state adaptive_step(void *j, const struct observation *o,
                                      const struct traffic_truth *truth, enum diagnosis *ret) {
        struct siris *b = j;

        (void) o;
        *ret = DIAGNOSIS_UNKNOWN;
        if (siris_period(b, truth)) {
                if (siris_knows(b) && b->syns >= (1 + SIRIS_ALPHA) * b->mean)
                        b->exceeded++;
                else
                        b->exceeded = 0;
                siris_learn(b);
        }
        return b->exceeded >= SIRIS_IN_A_ROW ? STATE_FLOOD : STATE_NORMAL;
}

static enum flood_state cusum_step(void *j, const struct observation *o,
                                   const struct traffic_truth *truth, enum diagnosis *ret) {
        struct siris *b = j;
        double rise;

        (void) o;
        *ret = DIAGNOSIS_UNKNOWN;
        if (siris_period(b, truth)) {
                rise = SIRIS_ALPHA * b->mean;
                if (siris_knows(b) && b->variance > 0)
                        b->sum = fmax(0, b->sum + rise / b->variance * (b->syns - b->mean - rise / 2));
                b->alarm = b->sum > SIRIS_H;
                if (b->alarm)
                        b->sum = 0; /* begins anew, or it could not see the end */
                siris_learn(b);
        }
        return b->alarm ? STATE_FLOOD : STATE_NORMAL;
}

/* --- a fixed number ----------------------------------------------------------------------- */

static void *syn_recv_new(void) {
        return calloc(1, 1);
}

static enum flood_state syn_recv_step(void *j, const struct observation *o,
                                      const struct traffic_truth *truth, enum diagnosis *ret) {
        (void) j;
        (void) o;
        *ret = DIAGNOSIS_UNKNOWN;
        return truth->half_open > 100 ? STATE_FLOOD : STATE_NORMAL;
}

static void *baseline_free(void *j) {
        free(j);
        return NULL;
}

const struct judge judge_syn_fin = {
        .name = "SYN-FIN CUSUM", .new = syn_fin_new, .free = baseline_free, .step = syn_fin_step,
};
const struct judge judge_adaptive = {
        .name = "adaptive threshold", .new = siris_new, .free = baseline_free, .step = adaptive_step,
};
const struct judge judge_cusum = {
        .name = "CUSUM", .new = siris_new, .free = baseline_free, .step = cusum_step,
};
const struct judge judge_syn_recv = {
        .name = "SYN_RECV > 100", .new = syn_recv_new, .free = baseline_free, .step = syn_recv_step,
};
