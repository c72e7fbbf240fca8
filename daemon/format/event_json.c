/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/event_json.h"

#include <stdlib.h>
#include <string.h>

#include "format/event_fields.h"
#include "format/json_value.h"
#include "format/time_text.h"
#include "util/json_text.h"

static json_t *field_json(const struct event_field *f) {
        switch (f->kind) {
        case EVENT_FIELD_TEXT:
                return json_string(f->text);
        case EVENT_FIELD_INTEGER:
                return json_integer(f->integer);
        case EVENT_FIELD_REAL:
                return json_real(f->real);
        }
        return NULL;
}

static json_t *sources_json(const struct event *e) {
        json_t *array = json_array();
        char text[ADDRESS_TEXT_MAX];

        for (uint32_t i = 0; i < e->sources_count; i++)
                json_array_append_new(array, json_string(prefix_format(&e->sources[i], text)));
        return array;
}

static json_t *top_sources_json(const struct event *e) {
        json_t *array = json_array();
        char text[ADDRESS_TEXT_MAX];

        for (uint32_t i = 0; i < e->top_count; i++)
                json_array_append_new(array, json_pack("{s:s, s:o}", "source",
                                                       prefix_format(&e->top[i].prefix, text), "share",
                                                       json_value_share(e->top[i].share)));
        return array;
}

json_t *event_json(const struct event *e) {
        struct event_field fields[EVENT_FIELDS_MAX];
        unsigned count = event_fields(e, fields);
        char time[TIME_TEXT_MAX];
        json_t *o = json_object();
        int r = 0;

        r |= json_object_set_new(o, "schema", json_string(EVENT_JSON_SCHEMA));
        r |= json_object_set_new(o, "time", json_string(time_text_format(e->realtime_us, time)));
        /* Set first for their place and for null; the list fills in what is known. */
        r |= json_object_set_new(o, "event", json_null());
        r |= json_object_set_new(o, "severity", json_null());
        r |= json_object_set_new(o, "incident", json_null());
        r |= json_object_set_new(o, "listener", json_null());
        r |= json_object_set_new(o, "state", json_null());
        r |= json_object_set_new(o, "diagnosis", json_null());
        r |= json_object_set_new(o, "message", json_value_text(e->message));
        for (unsigned i = 0; i < count; i++)
                r |= json_object_set_new(o, fields[i].name, field_json(&fields[i]));
        if (json_object_get(o, "explained"))
                r |= json_object_set_new(o, "explained", json_value_explained(&e->evidence));
        if (e->top_count)
                r |= json_object_set_new(o, "top_sources", top_sources_json(e));
        if (e->sources_count)
                r |= json_object_set_new(o, "sources", sources_json(e));
        if (r != 0) {
                json_decref(o);
                return NULL;
        }
        return o;
}

char *event_json_line(const struct event *e) {
        json_t *o = event_json(e);
        char *line = json_text_write(o, EVENT_JSON_FLAGS, "\n");

        json_decref(o);
        return line;
}
