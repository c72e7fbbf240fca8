/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The table of figures: name, unit, meaning and place of every figure that a verdict rests
 * on. Events, status, metrics, history and incident records are all written from it, so that
 * a new figure is one row here and one assignment in the detector.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/verdict.h"

enum figure_unit {
        FIGURE_COUNT, /* a whole number */
        FIGURE_RATE,  /* a second; three decimals */
        FIGURE_SHARE, /* 0..1; four decimals */
        FIGURE_MS,    /* milliseconds; three decimals */
};

/* Where a figure is told. */
enum figure_place {
        FIGURE_IN_EVENT = 1 << 0,
        FIGURE_OF_HOST = 1 << 1,     /* status, "host" */
        FIGURE_OF_LISTENER = 1 << 2, /* status, "listeners" */
        FIGURE_IN_HISTORY = 1 << 3,  /* of the host, see core/history.h */
};

struct figure {
        const char *name; /* of fields; its ending is the unit */
        const char *help; /* a sentence */
        size_t offset;    /* of a double in struct evidence */
        enum figure_unit unit;
        unsigned places;  /* of enum figure_place */
        bool rest;        /* what is told is what the figure leaves of 1 */
        bool peak;        /* points of history keep the highest, not the mean */
        const char *host_metric, *listener_metric; /* gauges; NULL: none */
};

/* Ended by a row without a name. */
extern const struct figure figures[];

/* As it is told; NAN: not known. */
double figure_value(const struct figure *f, const struct evidence *e);
