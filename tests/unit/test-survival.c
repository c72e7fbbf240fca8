/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/survival.h"

#define AGE_US UINT64_C(400000)

static struct survival look_at(const struct obs_listener *l) {
        struct survival_memory m = { 0 };

        return survival_step(&m, l, AGE_US, 1000000);
}

static void what_is_late_soon_and_steadily(void **state) {
        struct obs_listener l = { .known = OBS_L_HALF_OPEN };
        struct survival s;

        for (unsigned i = 4; i < OBS_AGE_FINE_BINS; i++)
                l.age[i] = 10;
        s = look_at(&l);
        assert_float_equal(s.late_per_s, 100, 0.01);
        assert_float_equal(s.late_steady_per_s, 100, 0.01);
        /* Chance, or a flood: which it is the next look tells. */
        l.age[4] = 40;
        s = look_at(&l);
        assert_float_equal(s.late_per_s, 250, 0.01);
        assert_float_equal(s.late_steady_per_s, 150, 0.01);
}

static void where_accept_is_deferred_the_young_say_nothing(void **state) {
        struct obs_listener l = { .known = OBS_L_HALF_OPEN, .deferred = 1 };
        struct survival s;

        l.age[4] = 40;
        l.age[OBS_AGE_1S] = 5;
        s = look_at(&l);
        assert_true(isnan(s.early_per_s));
        assert_float_equal(s.late_per_s, 10, 0.01);
        assert_float_equal(s.late_steady_per_s, 10, 0.01);
}

/* Looks every 200 ms at a steady flood, 100 a second, whose entries are of these bins only. */
static struct survival look_for_a_while(const unsigned *bins, unsigned count, uint64_t age_us) {
        struct obs_listener l = { .known = OBS_L_HALF_OPEN };
        struct survival_memory m = { 0 };
        struct survival s;

        for (unsigned i = 0; i < count; i++) {
                uint64_t width_us = obs_age_bin_start_us(bins[i] + 1) - obs_age_bin_start_us(bins[i]);

                l.age[bins[i]] = (uint32_t) (width_us / 10000);
        }
        for (unsigned i = 0; i < 50; i++)
                s = survival_step(&m, &l, age_us, 1000000 + i * UINT64_C(200000));
        return s;
}

static void syns_twice_at_once_are_late_aged_and_stale(void **state) {
        static const unsigned bins[] = { OBS_AGE_2S, OBS_AGE_5S, OBS_AGE_7S };
        struct survival s = look_for_a_while(bins, 3, AGE_US);

        assert_float_equal(s.came_again, 0, 0.01);
        assert_float_equal(s.late_per_s, 100, 0.01);
        assert_float_equal(s.late_steady_per_s, 100, 0.01);
        assert_float_equal(s.aged_per_s, 100, 0.01);
        assert_float_equal(s.stale_per_s, 100, 0.01);
        assert_float_equal(s.repeated_per_s, 100, 0.01);
}

/* Clients on a path that doubles packets: gone after a round trip. */
static void who_finishes_soon_is_not_late(void **state) {
        static const unsigned bins[] = { OBS_AGE_2S };
        struct survival s = look_for_a_while(bins, 1, AGE_US);

        assert_float_equal(s.late_per_s, 0, 0.01);
        assert_float_equal(s.late_steady_per_s, 0, 0.01);
        assert_float_equal(s.aged_per_s, 0, 0.01);
        assert_float_equal(s.repeated_per_s, 0, 0.01);
}

/* Those that passed the younger ages are the same ones, seen before. */
static void who_grows_old_has_leapt_nowhere(void **state) {
        static const unsigned bins[] = { 0,          1,          2,         3, 4,          5,
                                         6,          7,          8,         9, OBS_AGE_1S, OBS_AGE_1500MS,
                                         OBS_AGE_2S, OBS_AGE_3S, OBS_AGE_5S };
        struct survival s = look_for_a_while(bins, sizeof bins / sizeof *bins, AGE_US);

        assert_float_equal(s.leapt_per_s, 0, 0.01);
        assert_float_equal(s.came_again, 0, 0.01);
        assert_float_equal(s.repeated_per_s, 0, 0.01);
        assert_float_equal(s.late_per_s, 100, 0.01);
        assert_float_equal(s.aged_per_s, 100, 0.01);
}

/* As TCP sends it, after a second: late where a second is not late yet, but no sign of an attack; where 400 ms
 * are, it was late before. */
static void syns_again_after_a_second(void **state) {
        static const unsigned bins[] = { 5, 6, 7, 8, 9, OBS_AGE_2S, OBS_AGE_5S };
        struct survival s = look_for_a_while(bins, sizeof bins / sizeof *bins, 1000000);

        assert_float_equal(s.late_per_s, 100, 0.01);
        assert_float_equal(s.repeated_per_s, 0, 0.01);
        assert_float_equal(s.came_again, 200, 0.01); /* within two seconds */
        s = look_for_a_while(bins, sizeof bins / sizeof *bins, 500000);
        assert_float_equal(s.leapt_per_s, 0, 0.01);
        assert_float_equal(s.aged_per_s, 0, 0.01);
}

/* Just after the timer fired, so that the entry looks five seconds old. */
static void a_leap_over_more_is_late_only(void **state) {
        static const unsigned bins[] = { 5, 6, 7, 8, 9, OBS_AGE_5S };
        struct survival s = look_for_a_while(bins, sizeof bins / sizeof *bins, 1000000);

        assert_float_equal(s.late_per_s, 100, 0.01);
        assert_float_equal(s.late_steady_per_s, 100, 0.01);
        assert_float_equal(s.aged_per_s, 0, 0.01);
        assert_float_equal(s.repeated_per_s, 0, 0.01);
}

/* What a flood has left passes the later ages after its end. */
static void what_is_left_has_leapt_nowhere(void **state) {
        struct obs_listener l = { .known = OBS_L_HALF_OPEN };
        struct survival_memory m = { 0 };
        uint64_t now_us = 1000000;
        struct survival s;

        l.age[OBS_AGE_1S] = l.age[OBS_AGE_1500MS] = 50;
        l.age[OBS_AGE_2S] = 100;
        s = survival_step(&m, &l, AGE_US, now_us);
        for (unsigned i = 0; i < 10; i++, now_us += 100000) {
                l.age[OBS_AGE_1S] = i < 5 ? 50 - 10 * i : 0;
                l.age[OBS_AGE_1500MS] = i < 5 ? 50 : 100 - 10 * i;
                s = survival_step(&m, &l, AGE_US, now_us);
                assert_float_equal(s.leapt_per_s, 0, 0.01);
        }
        l.age[OBS_AGE_1500MS] = 0;
        for (unsigned i = 0; i < 10; i++, now_us += 100000) {
                l.age[OBS_AGE_2S] = 100 - 10 * i;
                l.age[OBS_AGE_3S] = 10 * i;
                s = survival_step(&m, &l, AGE_US, now_us);
                assert_float_equal(s.late_per_s, 0, 0.01);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_late_soon_and_steadily),
                cmocka_unit_test(where_accept_is_deferred_the_young_say_nothing),
                cmocka_unit_test(syns_twice_at_once_are_late_aged_and_stale),
                cmocka_unit_test(who_finishes_soon_is_not_late),
                cmocka_unit_test(who_grows_old_has_leapt_nowhere),
                cmocka_unit_test(syns_again_after_a_second),
                cmocka_unit_test(a_leap_over_more_is_late_only),
                cmocka_unit_test(what_is_left_has_leapt_nowhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
