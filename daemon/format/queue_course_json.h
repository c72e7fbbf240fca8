/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* core/queue_course.h as JSON: { "listeners": [ { "listener", "peak_half_open", "peak_backlog" } ],
 * the fullest first, "left_out", "fields": [ "time", "step_s", "0 half_open", "0 backlog", … ],
 * "points": [ [ values in that order ], … ] }. The number in a field is the listener's place. */

#include <jansson.h>

#include "core/queue_course.h"

enum { QUEUE_COURSE_TOLD = 16 }; /* listeners; the others are counted by left_out */

/* A new reference; NULL: no memory. */
json_t *queue_course_json(const struct queue_course *c);
