/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/open_connections.h"

#define SECOND UINT64_C(1000000)

static struct prefix from(uint32_t host) {
        return (struct prefix) { .address = address_from_ipv4(host), .length = 128 };
}

static void counts_what_is_gained(void **state) {
        struct open_connections o = { 0 };
        struct prefix a = from(1), net = { .address = a.address, .length = 120 };

        open_connections_look(&o, &a, 100, 1 * SECOND);
        assert_true(open_connections_get(&o, &a)->at_first == 100);
        assert_true(open_connections_get(&o, &a)->gained == 0);
        open_connections_look(&o, &a, 250, 2 * SECOND);
        open_connections_look(&o, &a, 230, 3 * SECOND);
        assert_true(open_connections_get(&o, &a)->gained == 130);
        open_connections_look(&o, &a, 0, 4 * SECOND); /* fewer than at first */
        assert_true(open_connections_get(&o, &a)->gained == -100);
        assert_null(open_connections_get(&o, &net)); /* another source of the same address */
}

static void halves_and_forgets(void **state) {
        struct open_connections o = { 0 };
        struct prefix a = from(1), b = from(2);

        open_connections_look(&o, &a, 8, 1 * SECOND);
        open_connections_look(&o, &a, 24, 2 * SECOND);
        open_connections_look(&o, &b, 5, 9 * SECOND);
        open_connections_halve(&o, 10 * SECOND, 2 * SECOND);
        assert_true(open_connections_get(&o, &a)->at_first == 4);
        assert_true(open_connections_get(&o, &a)->gained == 8);
        open_connections_halve(&o, 12 * SECOND, 2 * SECOND);
        assert_null(open_connections_get(&o, &a));
        assert_non_null(open_connections_get(&o, &b));
}

/* What came before a halving has been halved by it. */
static void gains_weigh_by_their_time(void **state) {
        struct open_connections o = { 0 };
        struct prefix a = from(1);

        open_connections_look(&o, &a, 0, 10 * SECOND);
        open_connections_halve(&o, 12 * SECOND, 2 * SECOND);
        open_connections_halve(&o, 14 * SECOND, 2 * SECOND);
        open_connections_look(&o, &a, 500, 15 * SECOND);
        /* 100 of the last second whole, 200 halved once, 200 halved twice */
        assert_true(fabs(open_connections_get(&o, &a)->gained - (100 + 100 + 50)) < 1e-9);
}

static void the_longest_unlooked_goes(void **state) {
        struct open_connections o = { 0 };
        struct prefix p;

        for (uint32_t i = 0; i < OPEN_CONNECTIONS_MAX; i++) {
                p = from(i + 1);
                open_connections_look(&o, &p, i, (10 + i) * SECOND);
        }
        p = from(1);
        open_connections_look(&o, &p, 7, 90 * SECOND); /* the first is fresh again */
        p = from(1000);
        open_connections_look(&o, &p, 3, 91 * SECOND);
        assert_non_null(open_connections_get(&o, &p));
        p = from(2);
        assert_null(open_connections_get(&o, &p));
        p = from(1);
        assert_non_null(open_connections_get(&o, &p));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(counts_what_is_gained),
                cmocka_unit_test(halves_and_forgets),
                cmocka_unit_test(gains_weigh_by_their_time),
                cmocka_unit_test(the_longest_unlooked_goes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
