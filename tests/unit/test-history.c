/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "core/figures.h"
#include "core/history.h"
#include "format/history_json.h"
#include "tests/unit/sample.h"

#define START_US UINT64_C(1767225600000000)

static struct snapshot snapshot;
static struct history *history;

static int set_up(void **state) {
        sample_flood(&snapshot);
        snapshot.uptime_us = 0;
        snapshot.realtime_us = START_US;
        history = history_new();
        return history ? 0 : -1;
}

static int tear_down(void **state) {
        history = history_free(history);
        return 0;
}

static void tick(uint64_t elapsed_us) {
        snapshot.uptime_us += elapsed_us;
        snapshot.realtime_us += elapsed_us;
        history_add(history, &snapshot);
}

static void run(unsigned seconds) {
        for (unsigned i = 0; i < seconds * 5; i++)
                tick(200000);
}

/* The column of a figure; fails if the history has no such figure. */
static unsigned column(const char *name) {
        unsigned i = 0;

        for (const struct figure *f = figures; f->name; f++) {
                if (!(f->places & FIGURE_IN_HISTORY))
                        continue;
                if (strcmp(f->name, name) == 0)
                        return i;
                i++;
        }
        fail_msg("no %s in the history", name);
        return 0;
}

static float last(const char *name) {
        return history_get(history, history_count(history) - 1)->figures[column(name)];
}

static void there_is_room_for_all(void **state) {
        unsigned kept = 0;

        for (const struct figure *f = figures; f->name; f++)
                kept += (f->places & FIGURE_IN_HISTORY) != 0;
        assert_int_equal(kept, HISTORY_FIGURES);
}

static void a_second_is_what_held_in_it(void **state) {
        snapshot.host.syn_per_s = 100;
        snapshot.host.half_open = 7;
        snapshot.host.completed_per_s = NAN;
        tick(500000);
        assert_int_equal(history_count(history), 0);
        snapshot.host.syn_per_s = 300;
        snapshot.host.half_open = 3;
        tick(500000);
        assert_int_equal(history_count(history), 1);
        assert_int_equal(history_get(history, 0)->step_s, 1);
        assert_true(fabsf(last("syn_per_s") - 200) < 0.01F);
        assert_true(fabsf(last("half_open") - 7) < 0.01F); /* the highest */
        assert_true(isnan(last("completed_per_s")));
        assert_int_equal(history_get(history, 0)->state, STATE_FLOOD);
        assert_true(history_get(history, 0)->blocking);
        assert_true(fabsf(history_get(history, 0)->backlog - 511) < 0.01F); /* the fullest one's */

        snapshot.state = STATE_NORMAL;
        snapshot.host.completed_per_s = 5;
        run(1);
        assert_int_equal(history_get(history, 1)->state, STATE_NORMAL);
        assert_true(fabsf(last("completed_per_s") - 5) < 0.01F);
}

static void minutes_stand_before_seconds(void **state) {
        const struct history_point *p, *before = NULL;

        run(3600);
        assert_int_equal(history_count(history), HISTORY_SECONDS + 50);
        for (uint32_t i = 0; i < history_count(history); i++) {
                p = history_get(history, i);
                assert_non_null(p);
                assert_int_equal(p->step_s, i < 50 ? 60 : 1);
                if (before)
                        assert_int_equal(p->realtime_us - before->realtime_us, p->step_s * UINT64_C(1000000));
                before = p;
        }
        assert_int_equal(before->realtime_us, snapshot.realtime_us);
        run(26 * 3600);
        /* Fixed memory: a day and no more. */
        assert_int_equal(history_count(history), HISTORY_MINUTES + HISTORY_SECONDS - 10);
}

static void a_peak_of_a_minute_is_not_lost(void **state) {
        run(30);
        snapshot.host.half_open = 9999;
        tick(200000);
        snapshot.host.half_open = 1;
        run(HISTORY_SECONDS + 60);
        assert_int_equal(history_get(history, 0)->step_s, 60);
        assert_true(fabsf(history_get(history, 0)->figures[column("half_open")] - 9999) < 0.1F);
}

static void time_asleep_is_no_traffic(void **state) {
        run(10);
        snapshot.host.syn_per_s = 50000;
        tick(UINT64_C(3600000000));
        snapshot.host.syn_per_s = 10;
        run(10);
        assert_int_equal(history_count(history), 21); /* nothing in between */
        assert_true(last("syn_per_s") < 11);
}

static void a_clock_set_back_loses_nothing(void **state) {
        run(700);
        snapshot.realtime_us -= UINT64_C(86400000000);
        run(700);
        assert_int_equal(history_count(history), HISTORY_SECONDS + 13);
}

static void a_course_fits_however_long(void **state) {
        static struct history_course course;
        double syns = 0, seconds = 0;

        memset(&course, 0, sizeof course);
        for (unsigned i = 0; i < 100000; i++) {
                struct history_point p = {
                        .realtime_us = START_US + i * UINT64_C(1000000),
                        .step_s = 1,
                        .state = STATE_FLOOD,
                        .half_open = NAN,
                        .backlog = NAN,
                };

                p.figures[column("syn_per_s")] = (float) (i % 7);
                history_course_add(&course, &p);
                assert_true(course.count <= HISTORY_COURSE_MAX);
        }
        assert_true(course.count >= HISTORY_COURSE_MAX / 2 - 1);
        for (uint32_t i = 0; i < course.count; i++) {
                syns += (double) course.points[i].figures[column("syn_per_s")] * course.points[i].step_s;
                seconds += course.points[i].step_s;
        }
        assert_true(fabs(seconds - 100000) < 0.5);
        assert_true(fabs(syns / seconds - 3) < 0.01);
        assert_int_equal(course.points[course.count - 1].realtime_us, START_US + UINT64_C(99999000000));
}

static void as_json(void **state) {
        json_t *o, *fields, *points, *point = NULL;
        size_t i;

        run(100);
        o = history_json(history, 30);
        fields = json_object_get(o, "fields");
        points = json_object_get(o, "points");
        assert_int_equal(json_array_size(points), 30);
        json_array_foreach(points, i, point)
                assert_int_equal(json_array_size(point), json_array_size(fields));
        assert_string_equal(json_string_value(json_array_get(fields, 0)), "time");
        assert_string_equal(json_string_value(json_array_get(point, 0)), "2026-01-01T00:01:40.000Z");
        assert_string_equal(json_string_value(json_array_get(point, 2)), "flood");
        json_decref(o);
}

/* All of it must go through the control socket (SERVER_OUTPUT_MAX). */
static void all_of_it_fits_into_an_answer(void **state) {
        char *text;
        json_t *o;

        snapshot.host.syn_per_s = snapshot.host.completed_per_s = snapshot.host.unanswered_per_s = 123456.789;
        snapshot.host.half_open = snapshot.host.half_open_aged = 1234567;
        run(90000);
        o = history_json(history, 100000);
        text = json_dumps(o, JSON_COMPACT);
        assert_true(strlen(text) < 700 * 1024);
        free(text);
        json_decref(o);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(there_is_room_for_all, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_second_is_what_held_in_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(minutes_stand_before_seconds, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_peak_of_a_minute_is_not_lost, set_up, tear_down),
                cmocka_unit_test_setup_teardown(time_asleep_is_no_traffic, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_clock_set_back_loses_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_course_fits_however_long, set_up, tear_down),
                cmocka_unit_test_setup_teardown(as_json, set_up, tear_down),
                cmocka_unit_test_setup_teardown(all_of_it_fits_into_an_answer, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
