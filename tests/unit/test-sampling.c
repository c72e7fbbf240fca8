/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "sensors/sampling.h"

#define SECOND UINT64_C(1000000)

static void goes_up_at_once(void **state) {
        struct sampling s = sampling_start();

        assert_int_equal(sampling_step(&s, 0, 20000, SECOND), 1);
        assert_int_equal(sampling_step(&s, 5000, 20000, SECOND), 1);
        assert_int_equal(sampling_step(&s, 5001, 20000, SECOND), 8);
        assert_int_equal(sampling_step(&s, 160000, 20000, SECOND), 8);
        assert_int_equal(sampling_step(&s, 160001, 20000, SECOND), 64);
        assert_int_equal(sampling_step(&s, 1280000, 20000, SECOND), 64);
        assert_int_equal(sampling_step(&s, 1280001, 20000, SECOND), 512);
        s = sampling_start();
        assert_int_equal(sampling_step(&s, 1e12, 20000, SECOND), 512);
}

/* Twice as many SYNs at random as of whole addresses. */
static void logs_two_samples(void **state) {
        assert_int_equal(sampling_by_packet(1), 1);
        assert_int_equal(sampling_by_packet(8), 4);
        assert_int_equal(sampling_by_packet(512), 256);
}

static void comes_down_step_by_step(void **state) {
        struct sampling s = sampling_start();
        uint64_t now = SECOND;

        sampling_step(&s, 20e6, 20000, now);
        for (; now <= 5 * SECOND; now += SECOND)
                assert_int_equal(sampling_step(&s, 10, 20000, now), 512);
        assert_int_equal(sampling_step(&s, 10, 20000, now += SECOND), 64);
        for (; s.one_in > 1; now += SECOND)
                sampling_step(&s, 10, 20000, now);
        assert_true(now < 25 * SECOND);
}

/* A rate that moves by a third around any value changes the rules at most twice. */
static void does_not_flap(void **state) {
        for (double rate = 1000; rate < 1e8; rate *= 1.07) {
                struct sampling s = sampling_start();
                unsigned changes = 0;
                uint32_t before = 1;

                for (unsigned i = 1; i < 3000; i++) {
                        double now_rate = rate * (i / 40 % 2 ? 1.15 : 0.85);
                        uint32_t one_in = sampling_step(&s, now_rate, 20000, i * SECOND / 5);

                        changes += one_in != before;
                        before = one_in;
                }
                assert_true(changes <= 2);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(goes_up_at_once),
                cmocka_unit_test(logs_two_samples),
                cmocka_unit_test(comes_down_step_by_step),
                cmocka_unit_test(does_not_flap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
