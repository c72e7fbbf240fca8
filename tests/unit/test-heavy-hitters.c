/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/heavy_hitters.h"
#include "core/keyed_hash.h"

enum { KEYS = 4096, CAPACITY = 64 };

static const struct keyed_hash hash_key = { { 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
                                              0x082efa98ec4e6c89 } };
static uint64_t random_state;

/* splitmix64: the same numbers on every machine. */
static uint64_t next_random(void) {
        uint64_t z = (random_state += 0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
}

static struct address key_of(uint32_t n) {
        return address_from_ipv4(n * UINT32_C(2654435761));
}

static void add(struct heavy_hitters *h, uint32_t n, uint32_t weight) {
        struct heavy_key k = { .address = key_of(n) };

        heavy_hitters_add(h, &k, keyed_hash_address(&hash_key, &k.address), weight);
}

static struct heavy_hitter get(const struct heavy_hitters *h, uint32_t n) {
        struct heavy_key k = { .address = key_of(n) };

        return heavy_hitters_get(h, &k, keyed_hash_address(&hash_key, &k.address));
}

static struct heavy_hitters *make(uint32_t capacity) {
        struct heavy_hitters *h = NULL;

        assert_int_equal(heavy_hitters_new(capacity, &h), 0);
        return h;
}

static void check_guarantees(const struct heavy_hitters *h, const double *exact, double total, double heaviest) {
        double slack = 1.0 / 32; /* rounding of the halvings, outwards */

        assert_true(fabs(heavy_hitters_total(h) - total) <= slack);
        for (uint32_t n = 0; n < KEYS; n++) {
                struct heavy_hitter e = get(h, n);

                assert_true(e.count >= exact[n]);
                assert_true(e.count - e.error <= exact[n]);
                assert_true(e.error <= total / (double) CAPACITY * 9 / 8 + heaviest + slack);
        }
}

/* Streams from one heavy key to uniform, weights of 1 to 512, decays at random times. */
static void guarantees_hold(void **state) {
        for (unsigned round = 0; round < 60; round++) {
                struct heavy_hitters *h = make(CAPACITY);
                double *exact = calloc(KEYS, sizeof *exact), total = 0;
                double skew = 1 + (double) (round % 6);

                assert_non_null(exact);
                random_state = 1000 + round;
                for (unsigned i = 0; i < 20000; i++) {
                        double u = (double) (next_random() >> 11) / 9007199254740992.0;
                        uint32_t n = (uint32_t) (pow(u, skew) * (double) KEYS);
                        uint32_t weight = round % 2 ? 1 : 1u << (3 * (next_random() % 4));

                        add(h, n, weight);
                        exact[n] += weight;
                        total += weight;
                        if (next_random() % 5000 == 0) {
                                heavy_hitters_decay(h, 1);
                                for (uint32_t k = 0; k < KEYS; k++)
                                        exact[k] /= 2;
                                total /= 2;
                                check_guarantees(h, exact, total, round % 2 ? 1 : 512);
                        }
                }
                check_guarantees(h, exact, total, round % 2 ? 1 : 512);
                free(exact);
                heavy_hitters_free(h);
        }
}

static void heavy_keys_come_first(void **state) {
        struct heavy_hitters *h = make(1024);
        struct heavy_hitter top[64];
        size_t n;

        random_state = 7;
        for (uint32_t i = 0; i < 400000; i++) {
                if (i % 10 == 0)
                        add(h, 1 + i / 10 % 20, 1); /* twenty keys, half a percent each */
                else
                        add(h, 1000 + (uint32_t) (next_random() >> 40), 1);
        }

        n = heavy_hitters_top(h, heavy_hitters_total(h) / 1000, 64, top);
        assert_int_equal(n, 20);
        for (size_t i = 0; i < n; i++) {
                bool known = false;

                for (uint32_t k = 1; k <= 20; k++) {
                        struct address a = key_of(k);

                        known |= address_equal(&a, &top[i].key.address);
                }
                assert_true(known);
                assert_true(top[i].count >= 2000 && top[i].count - top[i].error <= 2000);
                assert_true(i == 0 || top[i - 1].count - top[i - 1].error >= top[i].count - top[i].error);
        }
        assert_int_equal(heavy_hitters_top(h, 0, 5, top), 5);
        heavy_hitters_free(h);
}

static void forgets_what_stopped(void **state) {
        struct heavy_hitters *h = make(64);
        struct heavy_hitter top[64];

        for (uint32_t i = 0; i < 64 * 1000; i++)
                add(h, i % 64, 1);
        for (unsigned i = 0; i < 12; i++)
                heavy_hitters_decay(h, 1);
        assert_int_equal(heavy_hitters_tracked(h), 0);
        /* The first one is only noted: it may be one of many that come once. */
        for (unsigned i = 0; i < 3; i++)
                add(h, 5000, 1);
        assert_int_equal(heavy_hitters_top(h, 1, 64, top), 1);
        assert_true(top[0].count >= 3 && top[0].count < 4);
        assert_true(top[0].count - top[0].error > 1.9);
        heavy_hitters_free(h);
}

/* Many times in one pass are as many passes. */
static void decays_many_times_at_once(void **state) {
        static const unsigned times[] = { 0, 1, 2, 5, 31, 32 };

        for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
                struct heavy_hitters *once = make(64), *each = make(64);

                random_state = 11;
                for (uint32_t i = 0; i < 2000; i++) {
                        uint64_t r = next_random();

                        add(once, (uint32_t) (r % 100), 1 + (uint32_t) (r >> 48));
                        add(each, (uint32_t) (r % 100), 1 + (uint32_t) (r >> 48));
                }
                heavy_hitters_decay(once, times[t]);
                for (unsigned i = 0; i < times[t]; i++)
                        heavy_hitters_decay(each, 1);
                assert_true(heavy_hitters_total(once) - heavy_hitters_total(each) == 0);
                for (uint32_t n = 0; n < 100; n++) {
                        struct address a = key_of(n);
                        struct heavy_hitter x = get(once, n), y = get(each, n);

                        assert_true(address_equal(&x.key.address, &a));
                        assert_true(x.count - y.count == 0 && x.error - y.error == 0);
                }
                heavy_hitters_free(once);
                heavy_hitters_free(each);
        }
}

static void allocates_only_when_made(void **state) {
        struct heavy_hitters *h = make(4096);
        struct mallinfo2 before = mallinfo2(), after;

        random_state = 3;
        for (uint32_t i = 0; i < 1000000; i++)
                add(h, (uint32_t) next_random(), 1);
        heavy_hitters_decay(h, 1);
        after = mallinfo2();
        assert_int_equal(before.uordblks + before.hblkhd, after.uordblks + after.hblkhd);
        assert_true(heavy_hitters_memory(h) < 512 * 1024);
        heavy_hitters_free(h);
}

static void clear_is_new(void **state) {
        struct heavy_hitters *h = make(64);

        for (uint32_t i = 0; i < 1000; i++)
                add(h, i, 3);
        heavy_hitters_clear(h);
        assert_true(heavy_hitters_total(h) == 0);
        assert_int_equal(heavy_hitters_tracked(h), 0);
        for (uint32_t i = 0; i < 1000; i++)
                assert_true(get(h, i).count == 0);
        heavy_hitters_free(h);
}

static void saturates(void **state) {
        struct heavy_hitters *h = make(2);

        add(h, 1, UINT32_MAX);
        add(h, 1, UINT32_MAX);
        add(h, 2, 1);
        add(h, 3, UINT32_MAX);
        assert_true(get(h, 1).count > 67e6);
        heavy_hitters_free(h);
}

static void refuses_sizes(void **state) {
        struct heavy_hitters *h = NULL;

        assert_int_equal(heavy_hitters_new(0, &h), -EINVAL);
        assert_int_equal(heavy_hitters_new(100, &h), -EINVAL);
        assert_int_equal(heavy_hitters_new(HEAVY_HITTERS_CAPACITY_MAX * 2, &h), -EINVAL);
        assert_null(h);
        assert_null(heavy_hitters_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(guarantees_hold),
                cmocka_unit_test(heavy_keys_come_first),
                cmocka_unit_test(forgets_what_stopped),
                cmocka_unit_test(decays_many_times_at_once),
                cmocka_unit_test(allocates_only_when_made),
                cmocka_unit_test(clear_is_new),
                cmocka_unit_test(saturates),
                cmocka_unit_test(refuses_sizes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
