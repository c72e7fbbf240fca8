/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Delay against false alarms, as an SVG. */

#include <stdio.h>

struct chart_point {
        const char *name;
        double false_alarms_per_day, delay_s;
        double found_share; /* 0..1, the area of the dot */
};

void chart_write(FILE *to, const struct chart_point *points, unsigned count, double days);
