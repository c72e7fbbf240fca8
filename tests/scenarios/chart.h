/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Delay against false alarms, a curve a judge, as an SVG. */

#include <stdio.h>

#include "tests/scenarios/comparison.h"

struct chart_curve {
        const char *name, *parameter;
        struct standing standings[SWEEP_THRESHOLDS]; /* the plain one is marked */
};

void chart_write(FILE *to, const struct chart_curve *curves, unsigned count, double days);
