/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the probe is due, and what is told of it. */
#include "tests/unit/unit.h"

#include <string.h>

#include "core/probe_course.h"

#define MS UINT64_C(1000)
#define S (1000 * MS)

static struct settings s;
static struct probe_course c;

static int set_up(void **state) {
        memset(&s, 0, sizeof s);
        memset(&c, 0, sizeof c);
        assert_int_equal(address_parse("192.0.2.1", &s.probe.listener.address), 0);
        s.probe.listener.port = 443;
        s.probe.interval_us = 5 * S;
        s.probe.flood_interval_us = 500 * MS;
        probe_course_configure(&c, &s);
        return 0;
}

/* How many are begun in ticks of 200 ms over so long. */
static unsigned begun(uint64_t from_us, uint64_t to_us, bool pressing) {
        unsigned n = 0;

        for (uint64_t now = from_us; now < to_us; now += 200 * MS)
                n += probe_course_is_due(&c, &s, pressing, now);
        return n;
}

static void comes_with_its_interval(void **state) {
        assert_true(c.told.on);
        assert_int_equal(begun(1000 * S, 1060 * S, false), 12);
        assert_int_equal(c.told.interval_us, 5 * S);
        /* Although no tick falls on it: twice a second, no less. */
        assert_int_equal(begun(1060 * S, 1120 * S, true), 120);
        assert_int_equal(c.told.interval_us, 500 * MS);
        assert_in_range(begun(1120 * S, 1180 * S, false), 11, 12);
}

static void a_flood_does_not_wait_for_the_calms_next(void **state) {
        assert_true(probe_course_is_due(&c, &s, false, 1000 * S));
        assert_false(probe_course_is_due(&c, &s, false, 1001 * S));
        assert_true(probe_course_is_due(&c, &s, true, 1001 * S));
}

static void does_not_catch_up(void **state) {
        assert_true(probe_course_is_due(&c, &s, true, 1000 * S));
        assert_true(probe_course_is_due(&c, &s, true, 1030 * S));
        assert_false(probe_course_is_due(&c, &s, true, 1030 * S + 200 * MS));
}

static void tells_what_became_of_them(void **state) {
        struct obs_probe fresh;
        uint64_t in_buckets = 0;

        probe_course_end(&c, OBS_PROBE_CONNECTED, 60, NULL);
        probe_course_end(&c, OBS_PROBE_CONNECTED, 100, NULL);
        probe_course_end(&c, OBS_PROBE_CONNECTED, 101, NULL);
        probe_course_end(&c, OBS_PROBE_CONNECTED, 20 * S, NULL);
        probe_course_end(&c, OBS_PROBE_TIMED_OUT, 3 * S, NULL);
        probe_course_end(&c, OBS_PROBE_REFUSED, 40, NULL);
        probe_course_end(&c, OBS_PROBE_FAILED, 0, "no way");
        assert_int_equal(c.told.buckets[0], 2); /* a bound belongs to its bucket */
        assert_int_equal(c.told.buckets[1], 1);
        assert_int_equal(c.told.buckets[PROBE_COURSE_BUCKETS], 1);
        for (unsigned i = 0; i <= PROBE_COURSE_BUCKETS; i++)
                in_buckets += c.told.buckets[i];
        assert_int_equal(in_buckets, c.told.ended[OBS_PROBE_CONNECTED]);
        assert_int_equal(c.told.us_sum, 60 + 100 + 101 + 20 * S);
        assert_int_equal(c.told.last, OBS_PROBE_FAILED);
        assert_string_equal(c.told.why, "no way");
        fresh = probe_course_take(&c);
        assert_int_equal(fresh.ended[OBS_PROBE_CONNECTED], 4);
        assert_int_equal(fresh.ended[OBS_PROBE_TIMED_OUT], 1);
        assert_int_equal(fresh.ended[OBS_PROBE_REFUSED], 1);
        assert_int_equal(fresh.slowest_us, 20 * S);
        fresh = probe_course_take(&c);
        assert_int_equal(fresh.ended[OBS_PROBE_CONNECTED], 0);
        assert_int_equal(fresh.slowest_us, 0);
        probe_course_end(&c, OBS_PROBE_CONNECTED, 60, NULL);
        assert_string_equal(c.told.why, "");
}

static void another_listener_is_another_story(void **state) {
        assert_true(probe_course_is_due(&c, &s, false, 1000 * S));
        probe_course_end(&c, OBS_PROBE_FAILED, 0, "no way");
        s.probe.interval_us = 7 * S;
        probe_course_configure(&c, &s);
        assert_true(c.told.any); /* the same one */
        assert_false(probe_course_is_due(&c, &s, false, 1001 * S));
        s.probe.listener.port = 80;
        probe_course_configure(&c, &s);
        assert_false(c.told.any);
        assert_string_equal(c.told.why, "");
        assert_int_equal(c.told.ended[OBS_PROBE_FAILED], 1); /* counters are never reset */
        assert_true(probe_course_is_due(&c, &s, false, 1001 * S));
        s.probe.listener.port = 0;
        probe_course_configure(&c, &s);
        assert_false(c.told.on);
}

static void bounds_rise(void **state) {
        for (unsigned i = 1; i < PROBE_COURSE_BUCKETS; i++)
                assert_true(probe_course_bounds_us[i - 1] < probe_course_bounds_us[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(comes_with_its_interval, set_up),
                cmocka_unit_test_setup(a_flood_does_not_wait_for_the_calms_next, set_up),
                cmocka_unit_test_setup(does_not_catch_up, set_up),
                cmocka_unit_test_setup(tells_what_became_of_them, set_up),
                cmocka_unit_test_setup(another_listener_is_another_story, set_up),
                cmocka_unit_test(bounds_rise),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
