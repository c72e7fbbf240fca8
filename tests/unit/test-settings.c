/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which thresholds a listener has, who is allowed, which hooks two configurations share. */
#include "tests/unit/unit.h"

#include <string.h>

#include "core/settings.h"

static struct settings s; /* large */

static struct address address_of(const char *text) {
        struct address a;

        assert_int_equal(address_parse(text, &a), 0);
        return a;
}

static uint32_t fill_for(const char *address, uint16_t port) {
        struct address a = address_of(address);

        return settings_detect_for(&s, &a, port)->fill_permille;
}

static void add_listener(const char *prefix, uint16_t first, uint16_t last, uint32_t fill_permille) {
        struct settings_listener *l = &s.listeners[s.listeners_count++];

        *l = (struct settings_listener) { .any_address = !prefix, .detect.fill_permille = fill_permille };
        if (prefix)
                assert_int_equal(prefix_parse(prefix, &l->address), 0);
        if (first) {
                l->ports_count = 1;
                l->ports[0] = (struct settings_port_range) { first, last };
        }
}

static int set_up(void **state) {
        (void) state;
        memset(&s, 0, sizeof s);
        s.detect.fill_permille = 500;
        return 0;
}

static void the_first_match_wins(void **state) {
        (void) state;
        add_listener(NULL, 443, 443, 100);
        add_listener("192.0.2.0/24", 0, 0, 200);
        add_listener(NULL, 8000, 8999, 300);
        add_listener("2001:db8::1", 25, 25, 400);

        assert_int_equal(fill_for("192.0.2.7", 443), 100); /* also of the second */
        assert_int_equal(fill_for("192.0.2.7", 8080), 200);
        assert_int_equal(fill_for("198.51.100.1", 8000), 300);
        assert_int_equal(fill_for("198.51.100.1", 8999), 300);
        assert_int_equal(fill_for("198.51.100.1", 9000), 500);
        assert_int_equal(fill_for("198.51.100.1", 7999), 500);
        assert_int_equal(fill_for("2001:db8::1", 25), 400);
        assert_int_equal(fill_for("2001:db8::1", 26), 500);
        assert_int_equal(fill_for("2001:db8::2", 25), 500);
}

static void wildcards_are_no_address_of_a_network(void **state) {
        (void) state;
        add_listener("10.0.0.0/8", 0, 0, 200);
        assert_int_equal(fill_for("0.0.0.0", 80), 500);
        assert_int_equal(fill_for("10.1.2.3", 80), 200);
}

static void the_allow_list(void **state) {
        struct address in = address_of("10.255.0.1"), out = address_of("11.0.0.1"), six = address_of("2001:db8::7");

        (void) state;
        s.allow_count = 2;
        assert_int_equal(prefix_parse("10.0.0.0/8", &s.allow[0]), 0);
        assert_int_equal(prefix_parse("2001:db8::/32", &s.allow[1]), 0);
        assert_true(settings_allows(&s, &in));
        assert_true(settings_allows(&s, &six));
        assert_false(settings_allows(&s, &out));
}

static void the_same_hooks(void **state) {
        static char a[] = "/bin/a", b[] = "/bin/b", x[] = "x";
        static struct settings other;

        (void) state;
        s.rules_count = 4;
        s.rules[0].hook = (struct settings_hook) { .argc = 1, .argv = { a } };
        s.rules[1].hook = (struct settings_hook) { .argc = 2, .argv = { b, x } };
        s.rules[3].hook = (struct settings_hook) { .argc = 1, .argv = { a } };
        other = s;
        assert_int_equal(settings_same_hooks(&s, &other, 0xf), 0xb); /* the third has none */
        assert_int_equal(settings_same_hooks(&s, &other, 0x2), 0x2);
        other.rules[1].hook.argv[1] = a;
        other.rules[0].hook.argc = 0;
        assert_int_equal(settings_same_hooks(&s, &other, 0xf), 0x8);
        other.rules_count = 3;
        assert_int_equal(settings_same_hooks(&s, &other, 0xf), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(the_first_match_wins),
                TEST(wildcards_are_no_address_of_a_network),
                TEST(the_allow_list),
                TEST(the_same_hooks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
