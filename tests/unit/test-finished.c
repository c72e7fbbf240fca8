/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "core/finished.h"

static void first_look_tells_nothing(void **state) {
        struct finished f = { 0 };
        uint64_t n = 77;

        (void) state;
        assert_false(finished_step(&f, 1000, 5000, &n));
        assert_int_equal(n, 77);
        assert_true(finished_step(&f, 1000, 5000, &n));
        assert_int_equal(n, 0);
}

static void opened_and_ended(void **state) {
        struct finished f = { 0 };
        uint64_t n;

        (void) state;
        finished_step(&f, 10, 0, &n);
        assert_true(finished_step(&f, 25, 0, &n)); /* 15 came */
        assert_int_equal(n, 15);
        assert_true(finished_step(&f, 5, 20, &n)); /* 20 went */
        assert_int_equal(n, 0);
        assert_true(finished_step(&f, 5, 60, &n)); /* 40 came, and went at once */
        assert_int_equal(n, 40);
}

/* One that ended between the two looks is in neither: told when its end is, not twice. */
static void ended_between_the_looks(void **state) {
        struct finished f = { 0 };
        uint64_t n;

        (void) state;
        finished_step(&f, 10, 100, &n);
        assert_true(finished_step(&f, 7, 100, &n)); /* 3 have ended, as yet unheard of */
        assert_int_equal(n, 0);
        assert_true(finished_step(&f, 9, 103, &n)); /* heard of, and 2 new ones */
        assert_int_equal(n, 2);
}

static void missed_look(void **state) {
        struct finished f = { 0 };
        uint64_t n = 77;

        (void) state;
        finished_step(&f, 10, 100, &n);
        finished_forget(&f);
        assert_false(finished_step(&f, 500, 100, &n));
        assert_int_equal(n, 77);
        assert_true(finished_step(&f, 501, 100, &n));
        assert_int_equal(n, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(first_look_tells_nothing),
                cmocka_unit_test(opened_and_ended),
                cmocka_unit_test(ended_between_the_looks),
                cmocka_unit_test(missed_look),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
