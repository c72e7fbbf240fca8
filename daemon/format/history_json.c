/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/history_json.h"

#include "core/figures.h"
#include "format/json_value.h"

static json_t *fields_json(void) {
        json_t *a = json_pack("[s, s, s]", "time", "step_s", "state");
        int r = a ? 0 : -1;

        for (const struct figure *f = figures; f->name; f++)
                if (f->places & FIGURE_IN_HISTORY)
                        r |= json_array_append_new(a, json_string(f->name));
        r |= json_array_append_new(a, json_string("listener_half_open"));
        r |= json_array_append_new(a, json_string("listener_backlog"));
        r |= json_array_append_new(a, json_string("syncookies"));
        r |= json_array_append_new(a, json_string("blocking"));
        if (r == 0)
                return a;
        json_decref(a);
        return NULL;
}

static json_t *point_json(const struct history_point *p) {
        json_t *a = json_pack("[o, I, s]", json_value_time(p->realtime_us), (json_int_t) p->step_s,
                              flood_state_name((enum flood_state) p->state));
        unsigned i = 0;
        int r = a ? 0 : -1;

        for (const struct figure *f = figures; f->name; f++)
                if (f->places & FIGURE_IN_HISTORY)
                        r |= json_array_append_new(a, json_value_figure(f, (double) p->figures[i++]));
        r |= json_array_append_new(a, json_value_count((double) p->half_open));
        r |= json_array_append_new(a, json_value_count((double) p->backlog));
        r |= json_array_append_new(a, p->syncookies < 0 ? json_null() : json_integer(p->syncookies));
        r |= json_array_append_new(a, json_boolean(p->blocking));
        if (r == 0)
                return a;
        json_decref(a);
        return NULL;
}

/* Takes over points. */
static json_t *finish(json_t *points, int error) {
        if (error == 0)
                return json_pack("{s:o, s:o}", "fields", fields_json(), "points", points);
        json_decref(points);
        return NULL;
}

json_t *history_json(const struct history *h, unsigned limit) {
        uint32_t count = history_count(h);
        json_t *points = json_array();
        int r = points ? 0 : -1;

        for (uint32_t i = count > limit ? count - limit : 0; i < count; i++)
                r |= json_array_append_new(points, point_json(history_get(h, i)));
        return finish(points, r);
}

json_t *history_json_course(const struct history_course *c) {
        json_t *points = json_array();
        int r = points ? 0 : -1;

        for (uint32_t i = 0; i < c->count; i++)
                r |= json_array_append_new(points, point_json(&c->points[i]));
        return finish(points, r);
}
