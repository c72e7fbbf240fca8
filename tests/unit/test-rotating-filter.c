/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "core/rotating_filter.h"

#define S UINT64_C(1000000)

static uint64_t hash_of(uint64_t n) {
        n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9) + 1;
        n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
        return n ^ n >> 31;
}

static struct rotating_filter *make(uint32_t blocks) {
        struct rotating_filter *f = NULL;

        assert_int_equal(rotating_filter_new(blocks, 10 * S, 0, &f), 0);
        return f;
}

static void remembers_for_a_period_at_least(void **state) {
        struct rotating_filter *f = make(64);

        assert_false(rotating_filter_again(f, hash_of(1)));
        assert_true(rotating_filter_again(f, hash_of(1)));
        rotating_filter_pass(f, 10 * S);
        assert_true(rotating_filter_has(f, hash_of(1)));
        rotating_filter_pass(f, 20 * S);
        assert_false(rotating_filter_has(f, hash_of(1)));

        rotating_filter_add(f, hash_of(2));
        rotating_filter_pass(f, 1000 * S); /* after a suspend */
        assert_false(rotating_filter_has(f, hash_of(2)));
        rotating_filter_free(f);
}

/* The header's figures, for one key in 16 bits and in 8. */
static void seldom_wrong(void **state) {
        struct rotating_filter *f = make(1024);
        unsigned wrong = 0;
        uint64_t n = 0;

        for (; n < 1024 * 512 / 16; n++)
                rotating_filter_add(f, hash_of(n));
        for (uint64_t i = 0; i < n; i++)
                assert_true(rotating_filter_has(f, hash_of(i)));
        for (uint64_t i = 0; i < 100000; i++)
                wrong += rotating_filter_has(f, hash_of(10000000 + i));
        assert_true(wrong < 300);
        for (; n < 1024 * 512 / 8; n++)
                rotating_filter_add(f, hash_of(n));
        wrong = 0;
        for (uint64_t i = 0; i < 100000; i++)
                wrong += rotating_filter_has(f, hash_of(10000000 + i));
        assert_true(wrong > 300 && wrong < 5000);
        rotating_filter_free(f);
}

/* However many come: one in 100. */
static void forgets_rather_than_be_wrong(void **state) {
        struct rotating_filter *f = make(64);
        unsigned wrong = 0;
        uint64_t n = 0;

        rotating_filter_forget_when_full(f);
        for (unsigned tick = 1; tick <= 40; tick++) {
                for (unsigned i = 0; i < 500; i++)
                        wrong += rotating_filter_again(f, hash_of(n++));
                assert_true(rotating_filter_has(f, hash_of(n - 500)));
                rotating_filter_pass(f, tick * S / 10);
        }
        assert_true(wrong < n / 50);
        rotating_filter_free(f);
}

static void refuses_sizes(void **state) {
        struct rotating_filter *f = NULL;

        assert_int_equal(rotating_filter_new(0, S, 0, &f), -EINVAL);
        assert_int_equal(rotating_filter_new(100, S, 0, &f), -EINVAL);
        assert_int_equal(rotating_filter_new(131072, S, 0, &f), -EINVAL);
        assert_null(f);
        assert_null(rotating_filter_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(remembers_for_a_period_at_least),
                cmocka_unit_test(seldom_wrong),
                cmocka_unit_test(forgets_rather_than_be_wrong),
                cmocka_unit_test(refuses_sizes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
