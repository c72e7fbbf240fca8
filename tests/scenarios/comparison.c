/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/comparison.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

double comparison_median(double *values, unsigned count) {
        if (count == 0)
                return NAN;
        qsort(values, count, sizeof *values, compare);
        return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static struct standing stand(const struct catalogue *c, const struct row *rows, unsigned judge, unsigned i,
                             double honest_days) {
        double *delays = calloc(c->count, sizeof *delays), sum = 0;
        struct standing t = { 0 };
        uint32_t false_alarms = 0;
        unsigned n = 0;

        if (!delays)
                abort();
        for (unsigned k = 0; k < c->count; k++) {
                const struct scenario *s = &c->list[k];
                const struct score *score = &rows[k].scores[judge][i];

                if (!rows[k].done)
                        continue;
                false_alarms += score->false_alarms;
                if (!s->attack)
                        continue;
                t.attacks++;
                t.found += score->found;
                if (s->gradual)
                        continue;
                delays[n] = score->found ? score->delay_s : s->to_s - s->from_s;
                sum += delays[n++];
        }
        t.mean_s = n ? sum / n : NAN;
        t.median_s = comparison_median(delays, n);
        t.false_per_day = honest_days > 0 ? false_alarms / honest_days : NAN;
        free(delays);
        return t;
}

void comparison_make(const struct catalogue *c, const struct row *rows, unsigned judge, double honest_days,
                     struct standing ret[static SWEEP_THRESHOLDS]) {
        double thresholds[SWEEP_THRESHOLDS];

        judge_thresholds(judges[judge], thresholds);
        for (unsigned i = 0; i < SWEEP_THRESHOLDS; i++) {
                ret[i] = stand(c, rows, judge, i, honest_days);
                ret[i].threshold = thresholds[i];
        }
}

const struct standing *comparison_at(const struct standing all[static SWEEP_THRESHOLDS], double per_day) {
        const struct standing *best = NULL;
        double least = INFINITY;

        for (unsigned i = 0; i < SWEEP_THRESHOLDS; i++)
                least = fmin(least, all[i].false_per_day);
        for (unsigned i = 0; i < SWEEP_THRESHOLDS; i++)
                if (all[i].false_per_day <= fmax(least, per_day) && (!best || all[i].mean_s < best->mean_s))
                        best = &all[i];
        return best ? best : &all[SWEEP_PLAIN];
}

bool comparison_better(const struct standing *a, const struct standing *b, double per_day) {
        return a->found >= b->found && a->false_per_day <= fmax(b->false_per_day, per_day) && a->mean_s < b->mean_s &&
               a->median_s < b->median_s;
}
