/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The table of figures: name, unit, kind, meaning, place and source of every figure that a verdict
 * rests on. Events, status, metrics, history and incident records are all written from it, and the
 * control socket's interface and synward(7) say of them what stands here (format/describe_figures.c),
 * so that a new figure is one row here and one assignment in core/account.c.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/verdict.h"

enum figure_unit {
        FIGURE_COUNT, /* a whole number */
        FIGURE_RATE,  /* a second; three decimals */
        FIGURE_SHARE, /* 0..1; four decimals */
        FIGURE_MS,    /* milliseconds; three decimals */
        FIGURE_TIMES, /* so many times the bound; three decimals */
};

/* Of what time a figure is. */
enum figure_kind {
        FIGURE_NOW,     /* at the last look */
        FIGURE_FLOW,    /* smoothed over about a second */
        FIGURE_LATELY,  /* of the last seconds together */
        FIGURE_HIGHEST, /* of the last seconds the highest */
};

/* Where a figure is told. */
enum figure_place {
        FIGURE_IN_EVENT = 1 << 0,
        FIGURE_OF_HOST = 1 << 1,     /* status, "host" */
        FIGURE_OF_LISTENER = 1 << 2, /* status, "listeners" */
        FIGURE_IN_HISTORY = 1 << 3,  /* of the host, see core/history.h */
};

struct figure {
        const char *name;   /* of fields; its ending is the unit */
        const char *help;   /* a sentence */
        const char *source; /* where it is taken from, for an administrator */
        size_t offset;      /* of a double in struct evidence */
        enum figure_unit unit;
        enum figure_kind kind;
        unsigned places;    /* of enum figure_place */
        bool rest;          /* what is told is what the figure leaves of 1 */
        const char *host_metric, *listener_metric; /* gauges; NULL: none */
};

/* Ended by a row without a name. */
extern const struct figure figures[];

/* As it is told; NAN: not known. */
double figure_value(const struct figure *f, const struct evidence *e);
/* Whether points of history keep the highest, and not the mean. */
bool figure_is_peak(const struct figure *f);

const char *figure_unit_text(enum figure_unit unit); /* "per second", … */
const char *figure_kind_text(enum figure_kind kind); /* "at the last look", … */
