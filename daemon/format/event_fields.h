/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * An event as a list of named fields: what JSON, the journal, syslog and the
 * environment of hooks all say is made from this one list. Only what is known
 * is in it. The message and the times are not: each form has its own place for
 * them.
 *
 *   event, severity, state, diagnosis   always
 *   sequence, incident, listener        if there is one
 *   half_open … top_share               those figures of core/figures.h that are known
 *   pattern                             what fits best: of doc/detector.md
 *   explained                           what accounts for unfinished handshakes, if anything does;
 *                                       an array in event_json.h
 *   duration_s, peak_syn_per_s, old_value, new_value
 *   top_source, top_source_share        who sent most of the flood (all told are in event_json.h)
 *   source, sources_count               whom source-(un)blocked, -(un)limited is about: the first, and how many
 *                                       (all of them are in event_json.h)
 *
 * Counts are whole numbers. Rates keep three decimals, shares four: more would
 * be noise.
 */

#include <stdbool.h>

#include "core/event.h"

enum {
        EVENT_FIELDS_MAX = 64, /* more than all of them at once */
        EVENT_FIELD_NAME_MAX = 32, /* with its NUL */
        EVENT_FIELD_TEXT_MAX = 160,
};

enum event_field_kind { EVENT_FIELD_TEXT, EVENT_FIELD_INTEGER, EVENT_FIELD_REAL };

struct event_field {
        const char *name; /* lower case, with underscores; static */
        enum event_field_kind kind;
        double real;       /* of EVENT_FIELD_REAL, rounded */
        long long integer; /* of EVENT_FIELD_INTEGER */
        char text[EVENT_FIELD_TEXT_MAX]; /* of all kinds */
};

/* Returns how many fields were written, always the same order. */
unsigned event_fields(const struct event *e, struct event_field fields[static EVENT_FIELDS_MAX]);
