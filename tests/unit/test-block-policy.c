/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/block_guard.h"
#include "core/block_policy.h"

struct world {
        struct settings settings;
        struct block_policy *policy;
        struct observation o;
        struct decision d;
        struct culprits c;
        struct block_protected protect;
        struct known_clients *clients;
        struct block_candidate candidates[BLOCK_CANDIDATES_MAX];
        struct block_change changes[BLOCK_CHANGES_MAX];
        uint32_t changes_count;
};

static struct prefix prefix_of(const char *text) {
        struct prefix p;

        assert_int_equal(prefix_parse(text, &p), 0);
        return p;
}

static struct address address_of(const char *text) {
        struct address a;

        assert_int_equal(address_parse(text, &a), 0);
        return a;
}

static struct culprit *source(struct world *w, const char *text, double syn_per_s) {
        struct culprit *k = &w->c.list[w->c.count++];

        *k = (struct culprit) {
                .prefix = prefix_of(text),
                .syn_per_s = syn_per_s,
                .unfinished_per_s = syn_per_s - 1,
                .completion_high = 0.01,
                .completions_known = true,
                .half_open = 9,
        };
        return k;
}

static int make(void **state) {
        struct world *w = calloc(1, sizeof *w);

        w->settings.block.enabled = true;
        w->settings.block.timeout_us = 10000000;
        w->settings.block.max_entries = 4;
        w->settings.block.min_syn_per_s = 50;
        known_clients_new(&(struct keyed_hash) { { 3, 5, 7, 11 } }, 60000000, 0, &w->clients);
        w->policy = block_policy_new(&w->settings, w->clients);
        w->protect.known = true;
        w->o.time_us = 1000000;
        w->o.known = OBS_K_SOURCES;
        w->d.want_block = true;
        w->d.diagnosis = DIAGNOSIS_FLOOD_CONCENTRATED;
        *state = w;
        return w->policy ? 0 : -1;
}

static int unmake(void **state) {
        struct world *w = *state;

        block_policy_free(w->policy);
        known_clients_free(w->clients);
        free(w);
        return 0;
}

static struct block_scene scene(const struct world *w) {
        return (struct block_scene) { &w->o, &w->d, &w->c, &w->protect };
}

static uint32_t candidates(struct world *w) {
        struct block_scene now = scene(w);

        return block_policy_candidates(w->policy, &now, w->candidates);
}

static uint32_t step_with(struct world *w, bool established, uint32_t half_open_aged) {
        struct block_scene now = scene(w);
        uint32_t n = candidates(w);

        for (uint32_t i = 0; i < n; i++) {
                w->candidates[i].established = established;
                w->candidates[i].half_open_aged = half_open_aged;
        }
        w->changes_count = block_policy_step(w->policy, &now, w->candidates, n, w->changes);
        return block_policy_count(w->policy);
}

static uint32_t step(struct world *w) {
        return step_with(w, false, 9);
}

static bool holds(const struct world *w, const char *text) {
        struct prefix p = prefix_of(text);

        for (uint32_t i = 0; i < block_policy_count(w->policy); i++) {
                const struct block_entry *e = block_policy_entry(w->policy, i);

                if (e->prefix.length == p.length && address_equal(&e->prefix.address, &p.address))
                        return true;
        }
        return false;
}

static void blocks_the_heavy(void **state) {
        struct world *w = *state;

        source(w, "203.0.113.0/24", 90000);
        source(w, "203.0.113.7", 400);
        source(w, "192.0.2.1", 1000);
        source(w, "198.51.100.1", 50.5); /* certainly only 49.5 */
        assert_int_equal(step(w), 2);
        assert_int_equal(w->changes_count, 2);
        assert_true(holds(w, "203.0.113.0/24"));
        assert_true(holds(w, "192.0.2.1"));
        assert_non_null(strstr(w->changes[0].reason, "flood-concentrated: at least "));
        /* Once. */
        assert_int_equal(step(w), 2);
        assert_int_equal(w->changes_count, 0);
        w->d.diagnosis = DIAGNOSIS_FLOOD_DISTRIBUTED;
        source(w, "2001:db8::1", 100);
        assert_int_equal(step(w), 3);
}

/* Each of these alone keeps a source off the list. */
static void never_if_switched_off(void **state) {
        struct world *w = *state;

        source(w, "192.0.2.1", 1000);
        w->settings.block.enabled = false;
        assert_int_equal(step(w), 0);
        w->settings.block.enabled = true;
        w->d.want_block = false;
        assert_int_equal(step(w), 0);
        w->d.want_block = true;
        assert_int_equal(step(w), 1);
}

static void never_by_other_diagnoses(void **state) {
        struct world *w = *state;

        source(w, "192.0.2.1", 1000);
        for (unsigned d = 0; d < DIAGNOSES; d++) {
                if (d == DIAGNOSIS_FLOOD_CONCENTRATED || d == DIAGNOSIS_FLOOD_DISTRIBUTED)
                        continue;
                w->d.diagnosis = (enum diagnosis) d;
                assert_int_equal(step(w), 0);
        }
        w->d.diagnosis = DIAGNOSIS_FLOOD_DISTRIBUTED;
        assert_int_equal(step(w), 1);
}

static void never_if_it_may_complete(void **state) {
        struct world *w = *state;
        struct culprit *k = source(w, "192.0.2.1", 1000);

        k->completions_known = false;
        assert_int_equal(step(w), 0);
        k->completions_known = true;
        k->completion_high = 0.2; /* too few were seen */
        assert_int_equal(step(w), 0);
        k->completion_high = 0.01;
        k->unfinished_per_s = 40; /* heavy by half-opens only, or by an estimate */
        assert_int_equal(step(w), 0);
        k->unfinished_per_s = 1000;
        assert_int_equal(step(w), 1);
}

/* Somebody may have forged it. */
static void never_a_client(void **state) {
        struct world *w = *state;
        struct culprit *k = source(w, "192.0.2.1", 1000);
        struct address client = address_of("203.0.113.77");

        k->is = OBS_S_CLIENT;
        assert_int_equal(step(w), 0);
        k->is = OBS_S_DISOWNS;
        assert_int_equal(step(w), 0);
        k->is = 0;
        source(w, "203.0.113.0/24", 1000);
        known_clients_add(w->clients, &client);
        assert_int_equal(step(w), 1);
        assert_true(holds(w, "192.0.2.1"));
}

static void never_without_proof(void **state) {
        struct world *w = *state;

        source(w, "192.0.2.1", 1000);
        assert_int_equal(step_with(w, false, 0), 0);
        assert_int_equal(step_with(w, false, 9), 0); /* not looked for at every tick */
        w->o.time_us += 200000;
        assert_int_equal(step_with(w, false, 1), 0);
        w->o.time_us += 200000;
        assert_int_equal(step_with(w, false, 2), 1);
        /* With cookies only no half-open can tell; then who disowns must be seen. */
        source(w, "192.0.2.2", 1000);
        w->o.known |= OBS_K_SYNCOOKIES;
        w->o.syncookies = 2;
        assert_int_equal(step_with(w, false, 0), 1);
        w->o.time_us += 200000;
        w->o.sources.known = OBS_SS_DISOWNED;
        assert_int_equal(step_with(w, false, 0), 2);
}

/* SYNs with a wrong checksum are logged, and TCP never sees them: they may be under anybody's name. */
static void what_tcp_threw_away_is_nobodys(void **state) {
        struct world *w = *state;

        source(w, "192.0.2.1", 300);
        w->o.elapsed_us = 200000;
        observation_set(&w->o, OBS_CSUM_ERRORS, 60);
        assert_int_equal(step(w), 0);
        w->o.time_us += 200000;
        observation_set(&w->o, OBS_CSUM_ERRORS, 0);
        assert_int_equal(step(w), 0); /* a moment ago */
        for (unsigned i = 0; i < 50; i++) {
                w->o.time_us += 200000;
                step(w);
        }
        assert_int_equal(step(w), 1);
}

/* 2001:db8:5::/48 is carried by one /64 of it. */
static void the_smallest_prefix(void **state) {
        struct world *w = *state;

        source(w, "2001:db8:5::/48", 300);
        source(w, "2001:db8:5:1::/64", 300);
        assert_int_equal(step(w), 1);
        assert_true(holds(w, "2001:db8:5:1::/64"));
}

static void many_small_parts_are_the_whole(void **state) {
        struct world *w = *state;

        source(w, "2001:db8:5::/48", 300);
        source(w, "2001:db8:5:1::/64", 40);
        source(w, "2001:db8:5:2::/64", 40);
        assert_int_equal(step(w), 1);
        assert_true(holds(w, "2001:db8:5::/48"));
}

/* Six addresses, none of them heavy enough by itself, are not their network. */
static void six_are_not_a_network(void **state) {
        struct world *w = *state;
        char text[32];

        source(w, "203.0.113.0/24", 246);
        for (unsigned i = 0; i < 6; i++) {
                snprintf(text, sizeof text, "203.0.113.%u", i);
                source(w, text, 41);
        }
        assert_int_equal(step(w), 0);
}

static void never_if_allowed(void **state) {
        static const char *const lists[] = { "203.0.113.7", "203.0.113.0/24", "203.0.0.0/16", "0.0.0.0/0" };
        struct world *w = *state;

        source(w, "203.0.113.0/24", 90000);
        w->settings.allow_count = 1;
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
                w->settings.allow[0] = prefix_of(lists[i]);
                assert_int_equal(step(w), 0);
        }
        w->settings.allow[0] = prefix_of("203.0.112.0/24");
        assert_int_equal(step(w), 1);
}

static void never_if_protected(void **state) {
        struct world *w = *state;

        source(w, "203.0.113.0/24", 90000);
        source(w, "192.0.2.1", 1000);
        source(w, "2001:db8::/64", 1000);
        w->protect.list[0] = address_of("203.0.113.254"); /* the gateway in it */
        w->protect.list[1] = address_of("192.0.2.1");
        w->protect.list[2] = address_of("2001:db8::53");
        w->protect.count = 3;
        assert_int_equal(step(w), 0);
        w->protect.count = 0;
        w->protect.known = false; /* who they are is not known */
        assert_int_equal(step(w), 0);
        w->protect.known = true;
        assert_int_equal(step(w), 3);
        /* It becomes a gateway later. */
        w->protect.count = 1;
        assert_int_equal(step(w), 2);
        assert_int_equal(w->changes[0].type, BLOCK_REMOVED);
        assert_false(holds(w, "203.0.113.0/24"));
}

static void never_if_established(void **state) {
        struct world *w = *state;

        source(w, "203.0.113.0/24", 90000);
        assert_int_equal(step_with(w, true, 9), 0);
        /* To look costs a walk of the socket table: not at every tick. */
        assert_int_equal(candidates(w), 0);
        w->o.time_us += 5000000;
        assert_int_equal(candidates(w), 1);
        assert_int_equal(step_with(w, false, 9), 1);
}

/* A kernel that refuses is not asked at every tick. */
static void refused_is_tried_later(void **state) {
        struct world *w = *state;

        source(w, "203.0.113.0/24", 90000);
        assert_int_equal(step(w), 1);
        block_policy_forget(w->policy, &w->changes[0].prefix, w->o.time_us + 10000000);
        assert_int_equal(block_policy_count(w->policy), 0);
        assert_int_equal(candidates(w), 0);
        w->o.time_us += 10000000;
        assert_int_equal(step(w), 1);
}

/* All of them first, then anybody anew. */
static void all_are_let_go(void **state) {
        struct world *w = *state;

        source(w, "203.0.113.0/24", 90000);
        source(w, "192.0.2.1", 1000);
        assert_int_equal(step(w), 2);
        block_policy_let_go(w->policy, "the mode was changed");
        assert_int_equal(step(w), 0);
        assert_int_equal(w->changes_count, 2);
        assert_int_equal(w->changes[0].type, BLOCK_REMOVED);
        assert_string_equal(w->changes[1].reason, "the mode was changed");
        assert_int_equal(step(w), 2);
}

static void spoofed_lets_go(void **state) {
        struct world *w = *state;

        source(w, "203.0.113.0/24", 90000);
        source(w, "192.0.2.1", 1000);
        assert_int_equal(step(w), 2);
        w->d.diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        assert_int_equal(step(w), 0);
        assert_int_equal(w->changes_count, 2);
        assert_int_equal(w->changes[0].type, BLOCK_REMOVED);
        assert_int_equal(w->changes[1].type, BLOCK_REMOVED);
}

static void keeps_to_its_time(void **state) {
        struct world *w = *state;

        source(w, "192.0.2.1", 1000);
        assert_int_equal(step(w), 1);
        w->d.want_block = false; /* the flood is over, the entry stays */
        w->d.diagnosis = DIAGNOSIS_QUIET;
        w->c.count = 0;
        w->o.time_us += 10000000;
        assert_int_equal(step(w), 1);
        w->o.time_us += 500000;
        assert_int_equal(step(w), 0);
        assert_int_equal(w->changes[0].type, BLOCK_EXPIRED);
}

static void keeps_to_its_size(void **state) {
        struct world *w = *state;
        char text[32];

        for (unsigned i = 1; i <= 40; i++) {
                snprintf(text, sizeof text, "192.0.2.%u", i);
                source(w, text, 1000);
        }
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(step(w), 4);
        w->settings.block.max_entries = 20;
        assert_int_equal(block_policy_configure(w->policy, &w->settings), 0);
        step(w);
        assert_int_equal(step(w), 20);
        w->settings.block.enabled = false;
        assert_int_equal(step(w), 0);
}

/* Where few addresses carry a prefix, their neighbours are left alone. */
static void prefers_addresses(void **state) {
        struct world *w = *state;

        source(w, "203.0.113.0/24", 90100);
        source(w, "203.0.113.7", 90000);
        assert_int_equal(step(w), 1);
        assert_true(holds(w, "203.0.113.7"));
        /* The rest of it grows: the prefix takes the address's place, in this order. */
        w->c.list[0].unfinished_per_s = 900000;
        assert_int_equal(step(w), 1);
        assert_true(holds(w, "203.0.113.0/24"));
        assert_int_equal(w->changes_count, 2);
        assert_int_equal(w->changes[0].type, BLOCK_REMOVED);
        assert_int_equal(w->changes[1].type, BLOCK_ADDED);
}

static bool take_lines(block_guard_take_fn *take, const char *text, struct block_protected *p) {
        char line[256];

        for (; *text; text += strcspn(text, "\n") + 1) {
                snprintf(line, sizeof line, "%.*s\n", (int) strcspn(text, "\n"), text);
                if (!take(line, p))
                        return false;
        }
        return true;
}

static bool has(const struct block_protected *p, const char *text) {
        struct address a = address_of(text);

        for (uint32_t i = 0; i < p->count; i++)
                if (address_equal(&p->list[i], &a))
                        return true;
        return false;
}

static void reads_who_is_protected(void **state) {
        struct block_protected *p = calloc(1, sizeof *p);
        struct block_guard *guard = calloc(1, sizeof *guard);

        assert_true(take_lines(block_guard_take_route4,
                               "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
                               "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
                               "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\nrubbish\n",
                               p));
        assert_true(take_lines(block_guard_take_route6,
                               "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
                               "20010db8000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
                               "20010db8000000000000000000000000 40 00000000000000000000000000000000 00 "
                               "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
                               "short\n",
                               p));
        assert_true(take_lines(block_guard_take_resolver,
                               "# nameserver 192.0.2.99\nsearch example\nnameserver 192.0.2.53\n"
                               "  nameserver fe80::1%eth0\nnameserver nonsense\n",
                               p));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        assert_true(has(p, "192.0.2.1"));
#endif
        assert_true(has(p, "2001:db8::1"));
        assert_true(has(p, "192.0.2.53"));
        assert_true(has(p, "fe80::1"));
        assert_int_equal(p->count, 4);
        while (!block_guard_gather(guard, p))
                ;
        assert_true(p->known);
        free(guard);
        free(p);
}

/* As many routes as a router has are no one tick's work, and what was known holds meanwhile. */
static void reads_many_routes_a_part_at_a_time(void **state) {
        struct block_protected *p = calloc(1, sizeof *p);
        struct block_guard *guard = calloc(1, sizeof *guard);
        char path[] = "/tmp/synward-routes-XXXXXX";
        int fd = mkstemp(path);
        FILE *f = fdopen(fd, "w");
        unsigned steps = 1;

        for (unsigned i = 0; i < 3 * BLOCK_GUARD_LINES_MAX; i++)
                fputs("eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", f);
        fputs("eth0\t00000000\tC0C0C0C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", f);
        fclose(f);
        guard->routes4 = path;
        p->known = true;
        for (; !block_guard_gather(guard, p); steps++)
                assert_true(p->known && p->count == 0);
        assert_true(steps >= 4);
        assert_true(p->known);
        assert_true(has(p, "192.192.192.192"));
        /* Begun anew, and given up. */
        assert_false(block_guard_gather(guard, p));
        block_guard_end(guard);
        unlink(path);
        free(guard);
        free(p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(blocks_the_heavy, make, unmake),
                cmocka_unit_test_setup_teardown(never_if_switched_off, make, unmake),
                cmocka_unit_test_setup_teardown(never_by_other_diagnoses, make, unmake),
                cmocka_unit_test_setup_teardown(never_if_it_may_complete, make, unmake),
                cmocka_unit_test_setup_teardown(never_a_client, make, unmake),
                cmocka_unit_test_setup_teardown(never_without_proof, make, unmake),
                cmocka_unit_test_setup_teardown(what_tcp_threw_away_is_nobodys, make, unmake),
                cmocka_unit_test_setup_teardown(the_smallest_prefix, make, unmake),
                cmocka_unit_test_setup_teardown(many_small_parts_are_the_whole, make, unmake),
                cmocka_unit_test_setup_teardown(six_are_not_a_network, make, unmake),
                cmocka_unit_test_setup_teardown(never_if_allowed, make, unmake),
                cmocka_unit_test_setup_teardown(never_if_protected, make, unmake),
                cmocka_unit_test_setup_teardown(never_if_established, make, unmake),
                cmocka_unit_test_setup_teardown(refused_is_tried_later, make, unmake),
                cmocka_unit_test_setup_teardown(all_are_let_go, make, unmake),
                cmocka_unit_test_setup_teardown(spoofed_lets_go, make, unmake),
                cmocka_unit_test_setup_teardown(keeps_to_its_time, make, unmake),
                cmocka_unit_test_setup_teardown(keeps_to_its_size, make, unmake),
                cmocka_unit_test_setup_teardown(prefers_addresses, make, unmake),
                cmocka_unit_test(reads_who_is_protected),
                cmocka_unit_test(reads_many_routes_a_part_at_a_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
