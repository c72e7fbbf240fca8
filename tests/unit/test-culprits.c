/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/culprits.h"

static struct observation o;
static struct culprits c;
static const bool first_only[OBS_LISTENERS_MAX] = { true };

static struct obs_source *add(const char *prefix, uint16_t listener, double syn_per_s, double completion_high) {
        struct obs_source *s = &o.sources.list[o.sources.count++];

        *s = (struct obs_source) {
                .listener = listener,
                .known = OBS_S_SYNS | OBS_S_COMPLETED,
                .syn_per_s = syn_per_s,
                .completion_high = completion_high,
        };
        assert_int_equal(prefix_parse(prefix, &s->prefix), 0);
        return s;
}

static void begin(double syn_per_s, double ended_per_s) {
        o = (struct observation) { .known = OBS_K_SOURCES, .listeners_count = 2 };
        o.listeners[0].known = o.listeners[1].known = OBS_L_SENDERS | OBS_L_ENDED;
        o.listeners[0].senders.syn_per_s = syn_per_s;
        o.listeners[0].senders.ended_per_s = ended_per_s;
}

static void only_at_flooded_listeners(void **state) {
        begin(500, 0);
        add("198.51.100.1", 1, 900, 0);                /* the load balancer's other port */
        add("198.51.100.2", OBS_LISTENER_NONE, 900, 0); /* a closed port */
        add("203.0.113.9", 0, 300, 0);
        culprits_find(&o, first_only, false, &c);
        assert_int_equal(c.count, 1);
        assert_true(fabs((c.list[0].unfinished_per_s) - (300)) < 1e-9);
        assert_true(fabs((c.unfinished_per_s) - (500)) < 1e-9);
}

static void what_is_finished_is_nobodys_fault(void **state) {
        begin(1000, 600);
        add("198.51.100.1", 0, 600, 1);
        add("203.0.113.9", 0, 300, 0.1)->syn_error_per_s = 100;
        culprits_find(&o, first_only, false, &c);
        assert_int_equal(c.count, 1);
        assert_true(fabs((c.list[0].unfinished_per_s) - (180)) < 1e-9);
        assert_true(fabs((c.unfinished_per_s) - (400)) < 1e-9);
}

/* A known client may have been forged: it is in the list, and nowhere to be named. */
static void known_clients_carry_no_name(void **state) {
        begin(1000, 0);
        add("198.51.100.1", 0, 900, 0)->is = OBS_S_CLIENT;
        culprits_find(&o, first_only, false, &c);
        assert_int_equal(c.count, 1);
        assert_null(culprits_heaviest(&c));
        assert_true(fabs((culprits_few_share(&c, false, 900)) - (0)) < 1e-9);
        assert_true(fabs((culprits_few_share(&c, true, 900)) - (1)) < 1e-9);
}

static void the_narrowest_is_named(void **state) {
        begin(1000, 0);
        add("203.0.113.0/24", 0, 900, 0);
        add("203.0.113.9", 0, 880, 0);
        culprits_find(&o, first_only, false, &c);
        assert_int_equal(culprits_heaviest(&c)->prefix.length, ADDRESS_BITS);
        add("203.0.112.0/24", 0, 950, 0);
        culprits_find(&o, first_only, false, &c);
        assert_true(fabs((c.list[0].unfinished_per_s) - (950)) < 1e-9);
}

/* A load balancer that ends its checks by RST, beside a flood. */
static void checkers_are_left_out(void **state) {
        begin(300, 0);
        add("198.51.100.1", 0, 200, 0)->is = OBS_S_DISOWNS;
        add("203.0.113.9", 0, 90, 0);
        culprits_find(&o, first_only, true, &c);
        assert_int_equal(c.count, 1);
        assert_true(fabs(c.unfinished_per_s - 100) < 1e-9);
        culprits_find(&o, first_only, false, &c);
        assert_true(culprits_few_disown(&c) > 0.6);
}

static void sums_over_listeners(void **state) {
        static const bool both[OBS_LISTENERS_MAX] = { true, true };

        begin(100, 0);
        add("203.0.113.9", 0, 9, 0);
        add("203.0.113.9", 1, 9, 0);
        culprits_find(&o, both, false, &c);
        assert_int_equal(c.count, 1);
        assert_true(fabs((c.list[0].unfinished_per_s) - (18)) < 1e-9);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_at_flooded_listeners),   cmocka_unit_test(what_is_finished_is_nobodys_fault),
                cmocka_unit_test(known_clients_carry_no_name), cmocka_unit_test(the_narrowest_is_named),
                cmocka_unit_test(checkers_are_left_out),       cmocka_unit_test(sums_over_listeners),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
