/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Judges compared by delay at equal false alarms. An attack that is missed
 * counts with its whole length, so that nobody gains by finding only what is
 * easy; beginnings that are a matter of taste (ramps, pulses) have no delay.
 */

#include "tests/scenarios/trial.h"

struct standing {
        double threshold;
        unsigned attacks, found;
        double mean_s, median_s;
        double false_per_day;
};

/* Of a judge with each of its thresholds, over all rows that are done. */
void comparison_make(const struct catalogue *c, const struct row *rows, unsigned judge, double honest_days,
                     struct standing ret[static SWEEP_THRESHOLDS]);

/* The quickest (by its mean) with at most so many false alarms a day, or else as few as it can. */
const struct standing *comparison_at(const struct standing all[static SWEEP_THRESHOLDS], double per_day);

/* Whether a finds as much, and is quicker by mean and by median, with no more false alarms than b or
 * than both may have. */
bool comparison_better(const struct standing *a, const struct standing *b, double per_day);

/* The middle one; sorts the values. NAN of none. */
double comparison_median(double *values, unsigned count);
