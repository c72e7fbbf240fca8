/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The files of an incident's record read back (incident_record.h says which there are), from their
 * bytes: an older synward's, half of one, or damaged. Whatever they hold, what is returned can be
 * sent to a client, which reads JSON without NULs and no deeper than jansson does.
 * text may be NULL where a file could not be read. All return NULL for no memory only.
 */

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum {
        INCIDENT_PARSE_EVENTS_MAX = 500, /* events of one record told, the first */
        INCIDENT_PARSE_DEPTH_MAX = 32,   /* of objects and arrays; ours have 5 */
};

/* incident.json. If it is not that of this id: the id and "damaged": true. */
json_t *incident_parse_summary(const char *text, size_t length, uint64_t id);
/* events.jsonl, as an array; what cannot be read is left out. */
json_t *incident_parse_events(const char *text, size_t length);
/* What a JSON file says, or a text as a string; null if it cannot be told. */
json_t *incident_parse_json(const char *text, size_t length);
json_t *incident_parse_text(const char *text, size_t length);
