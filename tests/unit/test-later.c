/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "core/later.h"

#define STEP_US UINT64_C(200000)
#define CALM_US UINT64_C(20000000)

/* A listener to whom per_s a second come that are left unfinished for seconds; all of them, or those that
 * each of the tries at 1.4, 3 and 7 s leaves. Since when: seconds. */
static struct obs_listener queue(double per_s, double left, double since_s) {
        struct obs_listener l = { .known = OBS_L_HALF_OPEN };
        double here = per_s;

        for (unsigned i = OBS_AGE_1S; i < OBS_AGE_BINS - 1; i++) {
                double from_s = (double) obs_age_bin_start_us(i) / 1e6;
                double to_s = (double) obs_age_bin_start_us(i + 1) / 1e6;

                if (i == OBS_AGE_1500MS || i == OBS_AGE_3S || i == OBS_AGE_7S)
                        here *= left;
                if (since_s > from_s)
                        l.age[i] = (uint32_t) (here * ((since_s < to_s ? since_s : to_s) - from_s) + 0.5);
        }
        return l;
}

/* After so many seconds of it, and calm before. */
static double share_after(double per_s, double left, double seconds) {
        struct later m = { 0 };
        double share = 0;

        for (uint64_t us = 0; us < CALM_US + (uint64_t) (seconds * 1e6); us += STEP_US) {
                struct obs_listener l = queue(per_s, left, us > CALM_US ? (double) (us - CALM_US) / 1e6 : 0);

                share = later_share(&m, &l, 100000000 + us);
        }
        return share;
}

static void of_a_flood_nothing_finishes(void **state) {
        for (double s = 0.2; s < 90; s += 0.2) {
                assert_true(share_after(20, 1, s) < 0.02);
                assert_true(share_after(2000, 1, s) < 0.02);
        }
}

/* As where its queue is full, and cookies answer. */
static void nor_while_it_ends(void **state) {
        struct later m = { 0 };

        for (uint64_t us = 0; us < 200 * UINT64_C(1000000); us += STEP_US) {
                bool on = us / 1000000 % 60 < 20;
                struct obs_listener l = queue(1000, 1, 90);
                uint64_t since_us = us % 60000000, gone_us = on ? since_us : since_us - 20000000;

                for (unsigned i = OBS_AGE_1S; i < OBS_AGE_BINS - 1; i++) {
                        uint64_t from = obs_age_bin_start_us(i), to = obs_age_bin_start_us(i + 1);
                        uint64_t first = on ? 0 : gone_us, last = since_us;

                        from = from > first ? from : first;
                        to = to < last ? to : last;
                        l.age[i] = to > from ? (uint32_t) ((to - from) / 1000) : 0;
                }
                assert_true(later_share(&m, &l, 100000000 + us) < 0.02);
        }
}

static void what_each_try_finishes_is_seen_in_time(void **state) {
        assert_float_equal(share_after(20, 0.5, 2), 0, 0.001);
        assert_in_range((int) (100 * share_after(20, 0.5, 10)), 30, 60);
        /* Of 1 before 1.5 s and a half after it a quarter is left past 3 s. */
        assert_float_equal((float) share_after(20000, 0.5, 30), 0.667F, 0.02F);
        assert_in_range((int) (100 * share_after(20, 0.5, 30)), 50, 67);
}

static void few_are_chance(void **state) {
        struct later m = { 0 };
        struct obs_listener l = { .known = OBS_L_HALF_OPEN };

        l.age[OBS_AGE_1S] = 1;
        for (uint64_t s = 1; s < 60; s++)
                assert_true(later_share(&m, &l, s * 1000000) <= 0.7);
        l.age[OBS_AGE_1S] = 0;
        for (uint64_t s = 60; s < 120; s++)
                later_share(&m, &l, s * 1000000);
        assert_float_equal(later_share(&m, &l, 120000000), 0, 0.001);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(of_a_flood_nothing_finishes),
                cmocka_unit_test(nor_while_it_ends),
                cmocka_unit_test(what_each_try_finishes_is_seen_in_time),
                cmocka_unit_test(few_are_chance),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
