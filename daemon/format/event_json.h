/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * An event as JSON, the form of the events file, of hooks, and of GetEvents:
 *
 *   schema "synward.event.v1", time (RFC 3339, UTC), event, severity,
 *   incident (number or null), listener ("0.0.0.0:80" or null), state,
 *   diagnosis, message, and the fields of format/event_fields.h that are known;
 *   sources, an array, if there are any.
 *
 * Fields may be added to v1.
 */

#include <jansson.h>

#include "core/event.h"

#define EVENT_JSON_SCHEMA "synward.event.v1"

/* How to write it (json_dumps and the like): one line, and 0.1 as 0.1. */
#define EVENT_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* New reference, NULL: no memory. */
json_t *event_json(const struct event *e);

/* The same as one line of text with its line break, to be freed by free().
 * NULL: no memory. */
char *event_json_line(const struct event *e);
