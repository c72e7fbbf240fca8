/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/distinct.h"
#include "core/keyed_hash.h"
#include "core/seen_once.h"

static struct keyed_hash key(uint64_t seed) {
        struct keyed_hash k;

        for (unsigned i = 0; i < 4; i++)
                k.words[i] = (seed + i + 1) * 0x9e3779b97f4a7c15;
        return k;
}

static uint64_t hash_of(const struct keyed_hash *k, uint32_t n) {
        struct address a = address_from_ipv4(__builtin_bswap32(n));

        return keyed_hash_address(k, &a);
}

/* Neighbouring addresses, the hardest for a weak hash. Over 24 keys the mean error must
 * vanish (no bias, at the size where plain HyperLogLog has it too), and no single one pass
 * 4.5 standard errors. */
static void distinct_is_unbiased(void **state) {
        static const uint32_t sizes[] = { 0, 1, 10, 300, 4096, 12000, 20000, 100000 };
        static struct distinct d;
        const unsigned rounds = 24;

        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                double n = sizes[i], sum = 0;

                for (unsigned round = 0; round < rounds; round++) {
                        struct keyed_hash k = key(round);

                        distinct_clear(&d);
                        for (uint32_t j = 0; j < sizes[i]; j++) {
                                distinct_add(&d, hash_of(&k, 0x0a000000 + j));
                                distinct_add(&d, hash_of(&k, 0x0a000000 + j));
                        }
                        assert_true(fabs(distinct_estimate(&d, NULL) - n) <= 4.5 * 0.01625 * n + 0.5);
                        sum += distinct_estimate(&d, NULL) - n;
                }
                assert_true(fabs(sum / rounds) <= 4 * 0.01625 * n / sqrt(rounds) + 0.2);
        }
}

static void distinct_counts_millions(void **state) {
        static struct distinct d;
        struct keyed_hash k = key(77);

        distinct_clear(&d);
        for (uint32_t i = 0; i < 4000000; i++)
                distinct_add(&d, hash_of(&k, i));
        assert_true(fabs(distinct_estimate(&d, NULL) / 4e6 - 1) < 0.06);
}

static void distinct_joins(void **state) {
        static struct distinct a, b;
        struct keyed_hash k = key(5);

        for (uint32_t i = 0; i < 60000; i++)
                distinct_add(i < 40000 ? &a : &b, hash_of(&k, i));
        for (uint32_t i = 0; i < 20000; i++)
                distinct_add(&b, hash_of(&k, i));
        assert_true(fabs(distinct_estimate(&a, &b) / 60000 - 1) < 0.06);
        assert_true(fabs(distinct_estimate(&b, NULL) / 40000 - 1) < 0.06);
}

static double once_of(const struct seen_once *s) {
        struct seen_once_tally t = seen_once_all(s);

        return (double) t.once * t.one_in;
}

static void seen_once_is_exact_while_it_fits(void **state) {
        static struct seen_once s;
        struct keyed_hash k = key(1);

        seen_once_clear(&s);
        for (uint32_t i = 0; i < 1000; i++)
                for (uint32_t j = 0; j <= i % 3; j++)
                        seen_once_add(&s, hash_of(&k, i), 0);
        assert_true(once_of(&s) == 334);
}

/* Half of the keys come once, the others up to seven times, mixed. */
static void seen_once_estimates(void **state) {
        static struct seen_once s;
        double sum = 0;

        for (unsigned round = 0; round < 20; round++) {
                struct keyed_hash k = key(round);

                seen_once_clear(&s);
                for (uint32_t pass = 0; pass < 7; pass++)
                        for (uint32_t i = 0; i < 100000; i++)
                                if (pass == 0 || (i % 2 && i % 7 <= pass))
                                        seen_once_add(&s, hash_of(&k, i), 0);
                assert_true(s.used <= SEEN_ONCE_SLOTS / 4 * 3);
                assert_true(fabs(once_of(&s) / 50000 - 1) < 0.25);
                sum += once_of(&s);
        }
        assert_true(fabs(sum / 20 / 50000 - 1) < 0.05);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(distinct_is_unbiased), cmocka_unit_test(distinct_counts_millions),
                cmocka_unit_test(distinct_joins),       cmocka_unit_test(seen_once_is_exact_while_it_fits),
                cmocka_unit_test(seen_once_estimates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
