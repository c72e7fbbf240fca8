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

        json_array_foreach(c->fields, i, field) {
                if (i == COURSE_FIELDS_MAX)
                        break;
                if (strcmp(ctl_string(field), name) == 0)
                        return i;
        }
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

                if (strcmp(what, "syncookies-set") == 0 || strcmp(what, "source-blocked") == 0 ||
                    strcmp(what, "source-limited") == 0)
                        return term_seconds(ctl_text(e, "time"));
        }
        return NAN;
}

/* When the last second of flood ended; before: none is on record. */
static double last_flood(const struct course *c, double before) {
        for (size_t i = c->count; i > 0; i--)
                if (strcmp(course_text(c, i - 1, "state"), "flood") == 0)
                        return course_time(c, i - 1);
        return before;
}

/* A stretch of less than a second cannot be told apart. */
static void add_phase(struct course_phase *phases, size_t *count, const char *name, double from, double to) {
        if (to - from >= 1)
                phases[(*count)++] = (struct course_phase) { name, from, to };
}

size_t course_phases(const struct course *c, const json_t *incident,
                     struct course_phase phases[static COURSE_PHASES_MAX]) {
        double start = term_seconds(ctl_text(incident, "start")), act = acted(incident);
        double end = term_seconds(ctl_text(incident, "end")), over, first, last;
        bool did;
        size_t count = 0;

        if (c->count == 0 || isnan(start))
                return 0;
        first = course_time(c, 0);
        last = course_time(c, c->count - 1);
        over = last_flood(c, start);
        did = act >= start && act < over;
        /* The SYNs of the last second before the alarm are the flood's already. */
        add_phase(phases, &count, "before", first - 1, start - 1);
        if (did)
                add_phase(phases, &count, "flood, nothing done yet", start, act);
        add_phase(phases, &count, did ? "flood, after acting" : "flood", did ? act : start, over);
        add_phase(phases, &count, "watched, until told over", over, isnan(end) ? last : end);
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
