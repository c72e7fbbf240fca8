/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How full queues were in the course of an incident. */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "core/queue_course.h"
#include "format/queue_course_json.h"

#define S UINT64_C(1000000)

static struct queue_course *course;
static struct observation o; /* large */

static int set_up(void **state) {
        memset(&o, 0, sizeof o);
        o.realtime_us = UINT64_C(1767225600) * S;
        course = queue_course_new();
        return course ? 0 : -1;
}

static int tear_down(void **state) {
        course = queue_course_free(course);
        return 0;
}

static void listens(uint32_t index, uint16_t port, uint32_t half_open, uint32_t backlog) {
        o.listeners[index].key.port = port;
        o.listeners[index].known = OBS_L_LIMITS | OBS_L_HALF_OPEN;
        o.listeners[index].half_open = half_open;
        o.listeners[index].backlog = backlog;
        if (o.listeners_count <= index)
                o.listeners_count = index + 1;
}

static void second(uint64_t elapsed_us) {
        o.realtime_us += elapsed_us;
        o.elapsed_us = elapsed_us;
        queue_course_add(course, &o);
}

static void only_flooded_ones_are_told(void **state) {
        const struct queue_row *rows[4];

        assert_int_equal(queue_course_flooded(course, 4, rows), 0);
        listens(0, 80, 10, 100);
        listens(1, 443, 500, 500);
        listens(2, 25, 90, 100);
        second(S);
        queue_course_mark(course, &o.listeners[0].key);
        queue_course_mark(course, &o.listeners[2].key);
        assert_int_equal(queue_course_flooded(course, 4, rows), 2);
        assert_int_equal(rows[0]->key.port, 25); /* the fullest, not the largest */
        assert_int_equal(rows[1]->key.port, 80);
        queue_course_mark(course, &o.listeners[1].key);
        assert_int_equal(queue_course_flooded(course, 2, rows), 3);
        assert_int_equal(rows[0]->key.port, 443);
        assert_int_equal(rows[1]->key.port, 25);
        assert_int_equal(queue_course_flooded(course, 0, rows), 3);
}

/* What was not seen is not known, before it came and after it went. */
static void unknown_is_not_empty(void **state) {
        const struct queue_row *rows[1];
        struct listener_key key = { .port = 80 };

        queue_course_mark(course, &key); /* before anything was seen of it */
        second(S);
        listens(0, 80, 7, 100);
        second(S);
        o.listeners[0].known = OBS_L_LIMITS;
        second(S);
        o.listeners_count = 0;
        second(S);
        assert_int_equal(queue_course_flooded(course, 1, rows), 1);
        assert_int_equal(course->count, 4);
        assert_true(isnan(rows[0]->half_open[0]));
        assert_true(rows[0]->half_open[1] >= 7 && rows[0]->half_open[1] <= 7);
        assert_true(isnan(rows[0]->half_open[2]));
        assert_true(isnan(rows[0]->half_open[3]));
}

/* However long it takes: bounded, nothing left out in between, and each point its fullest moment. */
static void a_long_one_gets_coarser(void **state) {
        const struct queue_row *rows[1];
        uint64_t begin_us = o.realtime_us, elapsed_us = 0;

        listens(0, 80, 0, 1000);
        for (unsigned i = 0; i < 5000; i++) {
                o.listeners[0].half_open = i == 1234 ? 999 : 5;
                second(S);
                assert_true(course->count < HISTORY_COURSE_MAX);
        }
        queue_course_mark(course, &o.listeners[0].key);
        assert_int_equal(queue_course_flooded(course, 1, rows), 1);
        assert_in_range(course->count, HISTORY_COURSE_MAX / 2 - 1, HISTORY_COURSE_MAX);
        for (uint32_t i = 0; i < course->count; i++) {
                uint64_t before_us = elapsed_us;

                elapsed_us += course->elapsed_us[i];
                assert_int_equal(course->realtime_us[i], begin_us + elapsed_us);
                if (before_us <= 1234 * S && 1234 * S < elapsed_us)
                        assert_true(rows[0]->half_open[i] > 998);
                else
                        assert_true(rows[0]->half_open[i] < 6);
        }
        assert_int_equal(elapsed_us, 5000 * S);
        assert_true(rows[0]->peak > 998);
}

static void there_is_room_for_so_many(void **state) {
        static const struct queue_row *rows[QUEUE_COURSE_ROWS];

        for (uint32_t round = 0; round < 3; round++) {
                for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++) {
                        listens(i, (uint16_t) (1000 * (round + 1) + i), i, 500);
                        queue_course_mark(course, &o.listeners[i].key);
                }
                second(S);
        }
        assert_int_equal(queue_course_flooded(course, QUEUE_COURSE_ROWS, rows), QUEUE_COURSE_ROWS);
}

static void as_json(void **state) {
        const json_t *listeners, *point;
        json_t *json;

        for (uint32_t i = 0; i < QUEUE_COURSE_TOLD + 3; i++) {
                listens(i, (uint16_t) (1000 + i), 100 + i, 500);
                queue_course_mark(course, &o.listeners[i].key);
        }
        second(S);
        o.listeners[QUEUE_COURSE_TOLD + 2].known = 0;
        second(2 * S);
        json = queue_course_json(course);
        listeners = json_object_get(json, "listeners");
        assert_int_equal(json_array_size(listeners), QUEUE_COURSE_TOLD);
        assert_int_equal(json_integer_value(json_object_get(json, "left_out")), 3);
        assert_string_equal(json_string_value(json_object_get(json_array_get(listeners, 0), "listener")), "[::]:1018");
        assert_int_equal(json_integer_value(json_object_get(json_array_get(listeners, 0), "peak_half_open")), 118);
        assert_int_equal(json_array_size(json_object_get(json, "fields")), 2 + 2 * QUEUE_COURSE_TOLD);
        point = json_array_get(json_object_get(json, "points"), 1);
        assert_string_equal(json_string_value(json_array_get(point, 0)), "2026-01-01T00:00:03.000Z");
        assert_int_equal(json_integer_value(json_array_get(point, 1)), 2);
        assert_true(json_is_null(json_array_get(point, 2)));
        assert_int_equal(json_integer_value(json_array_get(point, 4)), 117);
        json_decref(json);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(only_flooded_ones_are_told, set_up, tear_down),
                cmocka_unit_test_setup_teardown(unknown_is_not_empty, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_long_one_gets_coarser, set_up, tear_down),
                cmocka_unit_test_setup_teardown(there_is_room_for_so_many, set_up, tear_down),
                cmocka_unit_test_setup_teardown(as_json, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
