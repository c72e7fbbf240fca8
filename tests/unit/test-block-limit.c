/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is limited to a rate, instead of cut off or let be. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/block_policy.h"

enum { LIMIT = 10, MANY_AGED = 16 };

static struct settings settings;
static struct known_clients *clients;
static struct block_policy *policy;
static struct observation o;
static struct decision d;
static struct culprits c;
static struct block_protected protect;
static struct block_candidate candidates[BLOCK_CANDIDATES_MAX];
static struct block_change changes[BLOCK_CHANGES_MAX];
static uint32_t changes_count;

static int set_up(void **state) {
        memset(&settings, 0, sizeof settings);
        settings.block.enabled = true;
        settings.block.timeout_us = 10000000;
        settings.block.max_entries = 8;
        settings.block.min_syn_per_s = 50;
        settings.block.limit_per_s = LIMIT;
        known_clients_new(&(struct keyed_hash) { { 3, 5, 7, 11 } }, 60000000, 0, &clients);
        policy = block_policy_new(&settings, clients);
        memset(&protect, 0, sizeof protect);
        protect.known = true;
        memset(&o, 0, sizeof o);
        o.time_us = 1000000;
        o.known = OBS_K_SOURCES;
        d = (struct decision) { .want_block = true, .diagnosis = DIAGNOSIS_FLOOD_CONCENTRATED };
        c.count = 0;
        return policy ? 0 : -1;
}

static int tear_down(void **state) {
        block_policy_free(policy);
        known_clients_free(clients);
        return 0;
}

static struct prefix prefix_of(const char *text) {
        struct prefix p;

        assert_int_equal(prefix_parse(text, &p), 0);
        return p;
}

static struct culprit *source(const char *text, double syn_per_s, uint8_t is) {
        struct culprit *k = &c.list[c.count++];

        *k = (struct culprit) {
                .prefix = prefix_of(text),
                .syn_per_s = syn_per_s,
                .unfinished_per_s = syn_per_s,
                .completion_high = 0.05,
                .completions_known = true,
                .half_open = 99,
                .is = is,
        };
        return k;
}

static void step_with(bool established, uint32_t half_open_aged) {
        const struct block_scene scene = { &o, &d, &c, &protect };
        uint32_t n;

        o.time_us += 200000;
        n = block_policy_candidates(policy, &scene, candidates);
        for (uint32_t i = 0; i < n; i++) {
                candidates[i].established = established;
                candidates[i].half_open_aged = half_open_aged;
        }
        changes_count = block_policy_step(policy, &scene, candidates, n, changes);
}

static void step(void) {
        step_with(false, MANY_AGED);
}

/* Its limit, 0: cut off, -1: it is not on the list. */
static int limit_of(const char *text) {
        struct prefix p = prefix_of(text);

        for (uint32_t i = 0; i < block_policy_count(policy); i++) {
                const struct block_entry *e = block_policy_entry(policy, i);

                if (e->prefix.length == p.length && address_equal(&e->prefix.address, &p.address))
                        return (int) e->limit_per_s;
        }
        return -1;
}

static void a_client_is_limited(void **state) {
        struct address client;

        assert_int_equal(address_parse("203.0.113.7", &client), 0);
        known_clients_add(clients, &client);
        source("192.0.2.1", 1000, OBS_S_CLIENT);
        source("203.0.113.7", 900, 0);
        source("198.51.100.1", 800, 0);
        step();
        assert_int_equal(limit_of("192.0.2.1"), LIMIT);
        assert_int_equal(limit_of("203.0.113.7"), LIMIT);
        assert_int_equal(limit_of("198.51.100.1"), 0);
        assert_int_equal(block_policy_limited(policy), 2);
        assert_int_equal(changes[0].limit_per_s, LIMIT);
        assert_string_equal(changes[0].reason, "at least 1,000 SYN/s unfinished, 99 half-open; not cut off, for it was "
                                               "a client lately");
        step();
        assert_int_equal(changes_count, 0);
}

static void who_is_connected_is_limited(void **state) {
        source("192.0.2.1", 1000, 0);
        step_with(true, MANY_AGED);
        assert_int_equal(limit_of("192.0.2.1"), LIMIT);
        assert_non_null(strstr(changes[0].reason, "for it has a connection"));
        source("2001:db8::/64", 1000, 0);
        step_with(true, MANY_AGED);
        assert_int_equal(limit_of("2001:db8::/64"), LIMIT);
        assert_non_null(strstr(changes[0].reason, "for a host in it has a connection"));
}

/* As it was before there were limits. */
static void zero_lets_it_be(void **state) {
        const struct block_scene scene = { &o, &d, &c, &protect };

        settings.block.limit_per_s = 0;
        source("192.0.2.1", 1000, OBS_S_CLIENT);
        source("203.0.113.0/24", 1000, 0);
        assert_int_equal(block_policy_candidates(policy, &scene, candidates), 1); /* nobody is looked for in vain */
        step_with(true, MANY_AGED);
        assert_int_equal(block_policy_count(policy), 0);
        d.diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        step();
        assert_int_equal(block_policy_count(policy), 0);
}

static void it_takes_more_proof(void **state) {
        source("192.0.2.1", 1000, OBS_S_CLIENT);
        step_with(false, MANY_AGED - 1);
        assert_int_equal(block_policy_count(policy), 0);
        step();
        assert_int_equal(block_policy_count(policy), 1);
}

/* The forged client that answers by RST, who finishes, who does not certainly flood, whom nobody may touch. */
static void never_the_innocent(void **state) {
        struct culprit *k = source("192.0.2.1", 1000, OBS_S_CLIENT | OBS_S_DISOWNS);

        step();
        assert_int_equal(block_policy_count(policy), 0);
        k->is = OBS_S_CLIENT;
        k->completion_high = 0.2;
        step();
        assert_int_equal(block_policy_count(policy), 0);
        k->completion_high = 0.05;
        k->unfinished_per_s = 49;
        step();
        assert_int_equal(block_policy_count(policy), 0);
        k->unfinished_per_s = 1000;
        settings.allow_count = 1;
        settings.allow[0] = prefix_of("192.0.2.0/24");
        step();
        assert_int_equal(block_policy_count(policy), 0);
        settings.allow_count = 0;
        protect.count = 1;
        protect.list[0] = k->prefix.address;
        step();
        assert_int_equal(block_policy_count(policy), 0);
        protect.count = 0;
        step();
        assert_int_equal(block_policy_count(policy), 1);
        settings.allow_count = 1;
        step();
        assert_int_equal(block_policy_count(policy), 0);
        assert_int_equal(changes[0].limit_per_s, LIMIT);
}

/* Handshakes that the application does not accept are nobody's fault, and told for a while after. */
static void never_while_nothing_is_accepted(void **state) {
        source("192.0.2.1", 1000, OBS_S_CLIENT);
        source("198.51.100.1", 900, 0);
        o.listeners_count = 1;
        o.listeners[0].known = OBS_L_LIMITS;
        o.listeners[0].accept_full = 1;
        step();
        assert_int_equal(limit_of("192.0.2.1"), -1);
        assert_int_equal(limit_of("198.51.100.1"), 0);
        o.listeners[0].accept_full = 0;
        observation_set(&o, OBS_LISTEN_OVERFLOWS, 1);
        step();
        observation_set(&o, OBS_LISTEN_OVERFLOWS, 0);
        c.list[0].is = 0; /* nor who is only connected */
        step_with(true, MANY_AGED);
        assert_int_equal(limit_of("192.0.2.1"), -1);
        o.time_us += 10000000;
        step_with(true, MANY_AGED);
        assert_int_equal(limit_of("192.0.2.1"), LIMIT);
}

/* The name leaves known clients out: one that floods alone makes a flood that is called spoofed. */
static void in_a_spoofed_flood_clients_alone(void **state) {
        source("192.0.2.1", 1000, OBS_S_CLIENT);
        source("198.51.100.1", 900, 0);
        step();
        assert_int_equal(block_policy_count(policy), 2);
        d.diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        source("192.0.2.2", 800, OBS_S_CLIENT);
        source("203.0.113.0/24", 700, OBS_S_CLIENT);
        source("2001:db8:1:2::/64", 600, OBS_S_CLIENT);
        source("2001:db8:5::/48", 500, OBS_S_CLIENT);
        step();
        assert_int_equal(limit_of("2001:db8:1:2::/64"), LIMIT);
        assert_int_equal(limit_of("2001:db8:5::/48"), -1);
        assert_int_equal(limit_of("192.0.2.1"), LIMIT); /* stays */
        assert_int_equal(limit_of("192.0.2.2"), LIMIT);
        assert_int_equal(limit_of("198.51.100.1"), -1);
        assert_int_equal(limit_of("203.0.113.0/24"), -1);
        d.diagnosis = DIAGNOSIS_FLOOD_REFLECTED;
        source("192.0.2.3", 800, OBS_S_CLIENT);
        step();
        assert_int_equal(limit_of("192.0.2.3"), -1);
}

static void another_limit_begins_anew(void **state) {
        source("192.0.2.1", 1000, OBS_S_CLIENT);
        source("198.51.100.1", 900, 0);
        step();
        settings.block.limit_per_s = 20;
        step();
        assert_int_equal(changes_count, 1);
        assert_int_equal(changes[0].type, BLOCK_REMOVED);
        assert_int_equal(changes[0].limit_per_s, LIMIT);
        assert_string_equal(changes[0].reason, "block.limit was changed");
        step();
        assert_int_equal(limit_of("192.0.2.1"), 20);
        assert_int_equal(limit_of("198.51.100.1"), 0);
        settings.block.limit_per_s = 0;
        step();
        assert_int_equal(limit_of("192.0.2.1"), -1);
        assert_int_equal(limit_of("198.51.100.1"), 0);
}

/* The kernel has a set for each: who is cut off may lie in a network that is limited. */
static void one_within_the_other(void **state) {
        source("203.0.113.0/24", 90000, OBS_S_CLIENT);
        source("203.0.113.9", 80, OBS_S_CLIENT); /* its network's limit is its own */
        source("203.0.113.0", 70, 0);            /* begins where the network does */
        step();
        assert_int_equal(limit_of("203.0.113.0/24"), LIMIT);
        assert_int_equal(limit_of("203.0.113.9"), -1);
        assert_int_equal(limit_of("203.0.113.0"), 0);
        step();
        assert_int_equal(changes_count, 0);
}

static void the_larger_takes_the_smaller_in(void **state) {
        source("203.0.113.9", 500, OBS_S_CLIENT);
        source("203.0.113.8", 400, 0);
        step();
        assert_int_equal(block_policy_count(policy), 2);
        source("203.0.113.0/24", 90000, OBS_S_CLIENT);
        step();
        assert_int_equal(limit_of("203.0.113.9"), -1);
        assert_int_equal(limit_of("203.0.113.8"), 0);
        assert_int_equal(limit_of("203.0.113.0/24"), LIMIT);
        /* Nobody in it is a client any more. */
        c.list[2].is = 0;
        step();
        assert_int_equal(block_policy_count(policy), 1);
        assert_int_equal(limit_of("203.0.113.0/24"), 0);
        assert_int_equal(changes_count, 3);
        assert_int_equal(changes[2].type, BLOCK_ADDED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_client_is_limited, set_up, tear_down),
                cmocka_unit_test_setup_teardown(who_is_connected_is_limited, set_up, tear_down),
                cmocka_unit_test_setup_teardown(zero_lets_it_be, set_up, tear_down),
                cmocka_unit_test_setup_teardown(it_takes_more_proof, set_up, tear_down),
                cmocka_unit_test_setup_teardown(never_the_innocent, set_up, tear_down),
                cmocka_unit_test_setup_teardown(never_while_nothing_is_accepted, set_up, tear_down),
                cmocka_unit_test_setup_teardown(in_a_spoofed_flood_clients_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(another_limit_begins_anew, set_up, tear_down),
                cmocka_unit_test_setup_teardown(one_within_the_other, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_larger_takes_the_smaller_in, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
