/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Addresses that all have one hash. Nobody outside can choose them, for the tables are keyed; this is
 * what it would cost if somebody could: time, up to a bound, but no memory, and nobody is named for what
 * others did. */

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include "core/source_table.h"
#include "tests/scenarios/random.h"

#define SYNS 50000

/* An IPv4 address is ::ffff:a.b.c.d, and its upper half is zero: with a first word that is zero as well the
 * first product is. */
static const struct keyed_hash usual = { { 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
                                           0x082efa98ec4e6c89 } };
static const struct keyed_hash broken = { { 0, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89 } };

static struct obs_sources out;

static double cpu_s(void) {
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

struct cost {
        double first_s, second_s; /* CPU time of the first half of the SYNs, of the second */
};

/* A spoofed flood, in which each tenth SYN is of one address if it is concentrated. */
static struct cost flood(const struct keyed_hash *key, bool concentrated) {
        const struct address heavy = address_from_ipv4(htonl(0xcb007109)),
                             victim = address_from_ipv4(htonl(0xc0000201));
        double began_s, half_s = 0, ended_s;
        struct mallinfo2 before, after;
        struct source_table *t;
        struct chance chance = { 1 };

        assert_int_equal(source_table_new(key, 0, &t), 0);
        source_table_set_known(t, true, true);
        before = mallinfo2();
        began_s = cpu_s();
        for (uint32_t i = 0; i < SYNS; i++) {
                struct syn s = {
                        .source = concentrated && i % 10 == 0 ? heavy
                                                              : address_from_ipv4((uint32_t) chance_bits(&chance)),
                        .destination = victim,
                        .destination_port = 80,
                        .sequence = (uint32_t) chance_bits(&chance),
                };

                source_table_add(t, &s, SOURCE_BOTH, 1);
                if (i == SYNS / 2)
                        half_s = cpu_s();
        }
        source_table_observe(t, 1000000, &out);
        ended_s = cpu_s();
        after = mallinfo2();
        assert_int_equal(before.uordblks + before.hblkhd, after.uordblks + after.hblkhd);
        assert_int_equal(out.count, concentrated ? 2 : 0); /* it, and its /24 */
        for (uint32_t i = 0; i < out.count; i++) {
                assert_true(prefix_contains(&out.list[i].prefix, &heavy));
                assert_true(out.list[i].syn_per_s * 10 <= SYNS && out.list[i].syn_per_s * 10 > SYNS * 0.9);
        }
        source_table_free(t);
        return (struct cost) { half_s - began_s, ended_s - half_s };
}

static void cost_time_and_nothing_else(void **state) {
        struct cost with_key = flood(&usual, true), without = flood(&broken, true);

        (void) state;
        flood(&broken, false);
        printf("# %.0f ns a SYN, and %.0f ns where all addresses have one hash\n", with_key.second_s / SYNS * 2e9,
               without.second_s / SYNS * 2e9);
        assert_true(without.second_s < 3 * without.first_s); /* a table is full at some time */
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(cost_time_and_nothing_else) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
