/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/course.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "ctl/ctl.h"

struct course course_of(const json_t *history) {
        struct course c = {
                .fields = json_object_get(history, "fields"),
                .points = json_object_get(history, "points"),
        };

        c.count = json_array_size(c.points);
        return c;
}

size_t course_field(const struct course *c, const char *name) {
        const json_t *field;
        size_t i;

        json_array_foreach(c->fields, i, field)
                if (json_is_string(field) && strcmp(json_string_value(field), name) == 0)
                        return i;
        return SIZE_MAX;
}

double course_value(const struct course *c, size_t point, size_t field) {
        const json_t *value = json_array_get(json_array_get(c->points, point), field);

        return json_is_number(value) ? json_number_value(value) : (double) NAN;
}

const char *course_text(const struct course *c, size_t point, const char *name) {
        const json_t *value = json_array_get(json_array_get(c->points, point), course_field(c, name));

        return json_is_string(value) ? json_string_value(value) : "";
}

double course_time(const struct course *c, size_t point) {
        return term_seconds(course_text(c, point, "time"));
}

/* When something was first done about it; NAN: never. */
static double acted(const json_t *incident) {
        const json_t *e;
        size_t i;

        json_array_foreach(json_object_get(incident, "done"), i, e) {
                const char *what = ctl_text(e, "event");

                if (strcmp(what, "syncookies-set") == 0 || strcmp(what, "source-blocked") == 0)
                        return term_seconds(ctl_text(e, "time"));
        }
        return NAN;
}

size_t course_phases(const struct course *c, const json_t *incident,
                     struct course_phase phases[static COURSE_PHASES_MAX]) {
        double start = term_seconds(ctl_text(incident, "start")), act = acted(incident);
        double end = term_seconds(ctl_text(incident, "end"));
        size_t count = 0;

        if (c->count == 0 || isnan(start))
                return 0;
        /* The SYNs of the last second before the alarm are the flood's already. */
        if (course_time(c, 0) < start - 1)
                phases[count++] = (struct course_phase) { "before", 0, start - 1 };
        if (isnan(end))
                end = INFINITY;
        if (act > start && act < end) {
                /* What holds for less than a point cannot be told apart. */
                if (act - start >= 1)
                        phases[count++] = (struct course_phase) { "flood, nothing done yet", start, act };
                phases[count++] = (struct course_phase) { "flood, after acting", fmax(act, start), end };
        } else
                phases[count++] = (struct course_phase) { "flood", start, end };
        if (course_time(c, c->count - 1) > end)
                phases[count++] = (struct course_phase) { "after", end, INFINITY };
        return count;
}

double course_mean(const struct course *c, const struct course_phase *p, const char *name) {
        size_t field = course_field(c, name), step = course_field(c, "step_s");
        double sum = 0, weight = 0;

        for (size_t i = 0; i < c->count; i++) {
                double at = course_time(c, i), value = course_value(c, i, field);
                double length = course_value(c, i, step);

                if (!(at > p->from && at <= p->to) || isnan(value))
                        continue;
                sum += value * length;
                weight += length;
        }
        return weight > 0 ? sum / weight : (double) NAN;
}

double course_most(const struct course *c, const struct course_phase *p, const char *name) {
        size_t field = course_field(c, name);
        double most = NAN;

        for (size_t i = 0; i < c->count; i++) {
                double at = course_time(c, i);

                if (at > p->from && at <= p->to)
                        most = fmax(most, course_value(c, i, field));
        }
        return most;
}
