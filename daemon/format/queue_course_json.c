/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/queue_course_json.h"

#include <math.h>

#include "format/json_value.h"

/* Those of a course that are told. */
struct told {
        const struct queue_course *course;
        const struct queue_row *rows[QUEUE_COURSE_TOLD];
        size_t count;
};

static json_t *listeners_json(const struct told *t) {
        json_t *a = json_array();
        char text[ADDRESS_TEXT_MAX];

        for (size_t i = 0; i < t->count; i++)
                json_array_append_new(a, json_pack("{s:s, s:o, s:o}", "listener",
                                                   listener_key_format(&t->rows[i]->key, text), "peak_half_open",
                                                   json_value_count((double) t->rows[i]->peak), "peak_backlog",
                                                   json_value_count((double) t->rows[i]->peak_of)));
        return a;
}

static json_t *fields_json(const struct told *t) {
        json_t *a = json_pack("[s, s]", "time", "step_s");

        for (size_t i = 0; i < t->count; i++) {
                json_array_append_new(a, json_sprintf("%zu half_open", i));
                json_array_append_new(a, json_sprintf("%zu backlog", i));
        }
        return a;
}

static json_t *points_json(const struct told *t) {
        const struct queue_course *c = t->course;
        json_t *points = json_array();

        for (uint32_t n = 0; n < c->count; n++) {
                json_t *p = json_pack("[o, I]", json_value_time(c->realtime_us[n]),
                                      (json_int_t) llround((double) c->elapsed_us[n] / 1e6));

                for (size_t i = 0; i < t->count; i++) {
                        json_array_append_new(p, json_value_count((double) t->rows[i]->half_open[n]));
                        json_array_append_new(p, json_value_count((double) t->rows[i]->backlog[n]));
                }
                json_array_append_new(points, p);
        }
        return points;
}

json_t *queue_course_json(const struct queue_course *c) {
        struct told t = { .course = c };
        size_t flooded = queue_course_flooded(c, QUEUE_COURSE_TOLD, t.rows);

        t.count = flooded < QUEUE_COURSE_TOLD ? flooded : QUEUE_COURSE_TOLD;
        return json_pack("{s:o, s:I, s:o, s:o}", "listeners", listeners_json(&t), "left_out",
                         (json_int_t) (flooded - t.count), "fields", fields_json(&t), "points", points_json(&t));
}
