/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Figures and texts as JSON. What is no number is null: "not known". All
 * return a new reference; NULL: no memory.
 */

#include <stdint.h>

#include <jansson.h>

#include "core/figures.h"

/* Beyond this a double is no exact integer any more, and llround() may overflow. */
#define JSON_VALUE_WHOLE_MAX 9007199254740992.0

json_t *json_value_count(double value); /* a whole number; null beyond JSON_VALUE_WHOLE_MAX */
json_t *json_value_rate(double value);  /* three decimals */
json_t *json_value_share(double value); /* four */
/* As its unit has it. */
json_t *json_value_figure(const struct figure *f, double value);
/* What accounts for unfinished handshakes: [{ "name", "per_s" }]; what explains none is left out. */
json_t *json_value_explained(const struct evidence *e);
json_t *json_value_time(uint64_t realtime_us); /* RFC 3339; 0: null */

/* A text of ours that may have been cut within a character, or hold what a hook wrote: then
 * what is not ASCII becomes '?', and a long one is cut. It must go out all the same. */
json_t *json_value_text(const char *text);
