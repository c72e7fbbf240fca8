/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How full each listener's queue was in the course of one incident, in at most HISTORY_COURSE_MAX
 * points however long it takes (each step doubles when there is no more room). A point is the
 * fullest moment of its step. Listeners that come when QUEUE_COURSE_ROWS are known are left out.
 * Memory is fixed: about 600 KB, of which a page is touched as a listener needs it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/history.h"
#include "core/observation.h"

enum { QUEUE_COURSE_ROWS = OBS_LISTENERS_MAX };

struct queue_row {
        struct listener_key key;
        bool flooded;         /* it was in flood at some time */
        float peak, peak_of;  /* half-open and limit of its fullest moment; 0: nothing was seen */
        float half_open[HISTORY_COURSE_MAX], backlog[HISTORY_COURSE_MAX]; /* NAN: not known */
};

struct queue_course {
        uint32_t count, rows_count; /* count: below HISTORY_COURSE_MAX */
        uint64_t step_us;
        uint64_t realtime_us[HISTORY_COURSE_MAX]; /* of each point's end */
        uint64_t elapsed_us[HISTORY_COURSE_MAX];
        struct queue_row rows[QUEUE_COURSE_ROWS];
};

/* NULL: no memory. */
struct queue_course *queue_course_new(void);
struct queue_course *queue_course_free(struct queue_course *c);

/* What was seen next, of a second or more. */
void queue_course_add(struct queue_course *c, const struct observation *o);
/* A listener is in flood. */
void queue_course_mark(struct queue_course *c, const struct listener_key *key);

/* Those that were in flood, the fullest first; returns how many of them there are, of which the
 * first max are in ret. */
size_t queue_course_flooded(const struct queue_course *c, size_t max, const struct queue_row **ret);
