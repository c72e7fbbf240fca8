/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The snapshot as the documents of `synwardctl --json`. A figure that is not
 * known is null; an array is an array whatever its length. Counts are JSON
 * integers, rates have three decimals and shares four.
 *
 * All return a new reference, NULL: no memory.
 */

#include <stdbool.h>

#include <jansson.h>

#include "core/snapshot.h"

#define STATUS_JSON_SCHEMA "synward.status.v1"

json_t *status_json(const struct snapshot *s);
/* {"listeners": […]} */
json_t *status_json_listeners(const struct snapshot *s);
/* {"sources": […]}, at most limit; addresses, or prefixes (more than one address each). */
json_t *status_json_sources(const struct snapshot *s, unsigned limit, bool prefixes);
/* The same of prefixes in a cell of the fleet's sketches, with what they leave unfinished. */
json_t *status_json_bucket(const struct snapshot *s, const struct fleet_source *sources, size_t count);
