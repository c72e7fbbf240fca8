/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/statistic.h"

#include <math.h>

/* As the usual of a host is learned. */
#define LEARN_TAU_S 600.0
/* Where fewer are expected in a look the variance is chance. */
#define MEAN_MIN 0.1

/* In times what is explained. */
static const double floods[STATISTIC_FLOODS] = { 1, 4 };

double statistic_bound(double interval_s, double look_s, double tests) {
        return log(interval_s / look_s * tests);
}

double statistic_dispersion(const struct statistic *s) {
        return fmax(1, s->variance / fmax(s->mean, MEAN_MIN));
}

double statistic_add(struct statistic *s, const struct statistic_look *l, double bound, double most_at_once) {
        double most = 0;

        for (unsigned i = 0; i < STATISTIC_FLOODS; i++) {
                double ratio = l->per_s * log1p(floods[i]) - floods[i] * l->explained_per_s;

                s->nats[i] += fmin(ratio * l->seen_s / statistic_dispersion(s), most_at_once);
                s->nats[i] = fmin(fmax(s->nats[i], 0), 2 * bound);
                most = fmax(most, s->nats[i]);
        }
        return most;
}

void statistic_learn(struct statistic *s, const struct statistic_look *l) {
        double error = l->per_s * l->seen_s - s->mean, weight;

        if (l->seen_s <= 0)
                return;
        s->weighed_s = fmin(s->weighed_s + l->seen_s, LEARN_TAU_S);
        weight = l->seen_s / s->weighed_s; /* at first plain averages */
        s->mean += weight * error;
        s->variance += weight * (error * error * (1 - weight) - s->variance);
}
