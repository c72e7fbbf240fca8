/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "core/address.h"

static void round_trips(void **state) {
        static const char *const texts[] = {
                "0.0.0.0",       "192.0.2.1",   "255.255.255.255",   "::",
                "::1",           "2001:db8::1", "192.0.2.0/24",      "0.0.0.0/0",
                "2001:db8::/32", "::/0",        "198.51.100.128/25",
        };

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                char text[ADDRESS_TEXT_MAX];
                struct prefix p;

                assert_int_equal(prefix_parse(texts[i], &p), 0);
                assert_string_equal(prefix_format(&p, text), texts[i]);
        }
}

static void refuses(void **state) {
        static const struct {
                const char *text;
                int error;
        } cases[] = {
                { "", -EINVAL },
                { "1.2.3", -EINVAL },
                { "1.2.3.4/", -EINVAL },
                { "1.2.3.4/33", -ERANGE },
                { "1.2.3.4/8", -EDOM },
                { "::/129", -ERANGE },
                { "2001:db8::1/32", -EDOM },
                { "1.2.3.4/-1", -EINVAL },
                { "1.2.3.4/0008", -EINVAL },
                { "a.b.c.d", -EINVAL },
                { " 1.2.3.4", -EINVAL },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct prefix p = { .length = 77 };

                assert_int_equal(prefix_parse(cases[i].text, &p), cases[i].error);
                assert_int_equal(p.length, 77); /* changed only on success */
        }
}

static void contains(void **state) {
        struct prefix p;
        struct address inside, outside, other_family;

        assert_int_equal(prefix_parse("198.51.100.128/25", &p), 0);
        assert_int_equal(address_parse("198.51.100.255", &inside), 0);
        assert_int_equal(address_parse("198.51.100.127", &outside), 0);
        assert_int_equal(address_parse("2001:db8::1", &other_family), 0);
        assert_true(prefix_contains(&p, &inside));
        assert_false(prefix_contains(&p, &outside));
        assert_false(prefix_contains(&p, &other_family));
        assert_int_equal(prefix_parse("::/0", &p), 0);
        assert_true(prefix_contains(&p, &other_family));
        assert_false(prefix_contains(&p, &inside));
}

static void wildcards_differ(void **state) {
        struct address any4 = address_from_ipv4(0), any6, one;

        assert_int_equal(address_parse("::", &any6), 0);
        assert_int_equal(address_parse("::1", &one), 0);
        assert_true(address_is_wildcard(&any4));
        assert_true(address_is_wildcard(&any6));
        assert_false(address_is_wildcard(&one));
        assert_false(address_equal(&any4, &any6));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(round_trips),
                cmocka_unit_test(refuses),
                cmocka_unit_test(contains),
                cmocka_unit_test(wildcards_differ),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
