/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Points of core/history.h as JSON, short since there are many: { "fields": [ names ],
 * "points": [ [ values in that order ], … ] }, oldest first. Both return a new reference;
 * NULL: no memory. */

#include <jansson.h>

#include "core/history.h"

/* The last points, at most limit. */
json_t *history_json(const struct history *h, unsigned limit);
/* Of an incident. */
json_t *history_json_course(const struct history_course *c);
