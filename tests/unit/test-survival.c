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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_late_soon_and_steadily),
                cmocka_unit_test(where_accept_is_deferred_the_young_say_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
