/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_parse.h"

#include <stdbool.h>
#include <string.h>

#include "util/json_text.h"

static bool is_deeper(json_t *o, unsigned depth) {
        const char *name;
        json_t *part;
        size_t i;

        if (!json_is_object(o) && !json_is_array(o))
                return false;
        if (depth == 0)
                return true;
        json_object_foreach(o, name, part)
                if (is_deeper(part, depth - 1))
                        return true;
        json_array_foreach(o, i, part)
                if (is_deeper(part, depth - 1))
                        return true;
        return false;
}

/* NULL: there is no such JSON, or none that would still be read as a part of an answer. */
static json_t *load(const char *text, size_t length, size_t flags) {
        json_t *o = text ? json_text_read(text, length, flags, NULL, NULL) : NULL;

        if (!is_deeper(o, INCIDENT_PARSE_DEPTH_MAX))
                return o;
        json_decref(o);
        return NULL;
}

json_t *incident_parse_summary(const char *text, size_t length, uint64_t id) {
        json_t *o = load(text, length, JSON_REJECT_DUPLICATES);

        if (json_integer_value(json_object_get(o, "id")) == (json_int_t) id)
                return o;
        json_decref(o);
        return json_pack("{s:I, s:b}", "id", (json_int_t) id, "damaged", 1);
}

json_t *incident_parse_events(const char *text, size_t length) {
        json_t *array = json_array();

        for (const char *line = text, *end;
             text && line < text + length && json_array_size(array) < INCIDENT_PARSE_EVENTS_MAX; line = end + 1) {
                json_t *event;

                end = memchr(line, '\n', (size_t) (text + length - line));
                if (!end)
                        end = text + length;
                event = load(line, (size_t) (end - line), 0);
                if (json_is_object(event))
                        json_array_append(array, event);
                json_decref(event);
        }
        return array;
}

json_t *incident_parse_json(const char *text, size_t length) {
        json_t *o = load(text, length, JSON_REJECT_DUPLICATES);

        return o ? o : json_null();
}

json_t *incident_parse_text(const char *text, size_t length) {
        /* Zeros are what a loss of power leaves of a file; with them no client could read the answer. */
        bool whole = text && (length == 0 || !memchr(text, '\0', length));
        json_t *o = whole ? json_stringn(text, length) : NULL;

        return o ? o : json_null();
}
