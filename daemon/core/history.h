/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What was: the host's figures, a point a second for ten minutes and a point a minute for a
 * day, and the course of one incident in at most HISTORY_COURSE_MAX points however long it
 * takes (each step doubles when there is no more room). Memory is fixed: about 200 KB.
 *
 * A point is what held during its step: rates are means over it, levels (figure_is_peak()) the
 * highest. What was never known in it is NAN. A step in which the host did not run has no
 * point.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/snapshot.h"

enum {
        HISTORY_FIGURES = 15, /* rows of figures[] with FIGURE_IN_HISTORY; a test counts them */
        HISTORY_SECONDS = 600,
        HISTORY_MINUTES = 1440,
        HISTORY_COURSE_MAX = 600,
        HISTORY_COURSE_BEFORE = 60, /* seconds before its start */
};

struct history_point {
        uint64_t realtime_us; /* of its end */
        uint32_t uptime_s;    /* of the daemon at its end: never goes backwards */
        uint32_t step_s;      /* how long it lasts */
        uint8_t state;        /* enum flood_state, the worst */
        int8_t syncookies;    /* at its end; -1: not known */
        bool blocking;        /* something was on the block list */
        float figures[HISTORY_FIGURES]; /* in the order of the table */
        float half_open, backlog; /* of the listener filled most */
};

/* A point that is not full yet. */
struct history_sum {
        struct history_point point;
        double weight_s[HISTORY_FIGURES]; /* of the means: how long each was known */
        double sum[HISTORY_FIGURES];
        uint64_t elapsed_us;
};

/* The course of an incident. Begins zeroed. */
struct history_course {
        uint32_t count, step_s;
        struct history_point points[HISTORY_COURSE_MAX];
};

struct history;

/* NULL: no memory. */
struct history *history_new(void);
struct history *history_free(struct history *h);

/* The picture of a tick. Never allocates. */
void history_add(struct history *h, const struct snapshot *s);

/* Oldest first: minutes up to where the seconds begin, then seconds. */
uint32_t history_count(const struct history *h);
const struct history_point *history_get(const struct history *h, uint32_t index);

/* How many seconds were ever closed; the last `HISTORY_SECONDS` of them are kept. */
uint64_t history_seconds(const struct history *h);
/* NULL: not kept. */
const struct history_point *history_second(const struct history *h, uint64_t number);

/* Takes over a second at the end. */
void history_course_add(struct history_course *c, const struct history_point *second);
