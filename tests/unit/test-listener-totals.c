/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/listener_totals.h"

static struct listener_totals totals;
static struct observation o;
static struct verdicts v;

static int set_up(void **state) {
        totals = (struct listener_totals) { 0 };
        o = (struct observation) { .elapsed_us = 200000, .listeners_count = 2 };
        v = (struct verdicts) { .listeners_count = 2 };
        for (uint32_t i = 0; i < 2; i++) {
                o.listeners[i].key.port = (uint16_t) (80 + i);
                v.listeners[i].key = o.listeners[i].key;
                v.listeners[i].slot = i;
                v.listeners[i].verdict.evidence = evidence_unknown();
        }
        return 0;
}

static void tick(unsigned times) {
        for (unsigned i = 0; i < times; i++)
                listener_totals_count(&totals, &o, &v);
}

static double unanswered(void) {
        return listener_totals_get(&totals, 0)->unanswered;
}

/* Three a second for forty seconds, a walk every second tick; what the verdict makes of it is
 * less, and does not matter. */
static void counts_a_thin_flood_whole(void **state) {
        o.listeners[0].age[OBS_AGE_1S] = 2;
        o.listeners[0].age[OBS_AGE_1500MS] = 1;
        o.listeners[0].age[OBS_AGE_3S] = 100; /* were counted already */
        v.listeners[0].verdict.evidence.unanswered_per_s = 1.8;
        for (unsigned i = 0; i < 100; i++) {
                o.listeners[0].known = OBS_L_HALF_OPEN;
                tick(1);
                o.listeners[0].known = 0;
                tick(1);
        }
        assert_true(fabs(unanswered() - 120) < 0.01);
        assert_true(fabs(listener_totals_get(&totals, 1)->unanswered) < 0.01);
}

static void without_a_second_syn_ack(void **state) {
        o.known = OBS_K_SYNACK_RETRIES;
        o.synack_retries = 0;
        o.listeners[0].known = OBS_L_HALF_OPEN;
        o.listeners[0].age[8] = 1;
        tick(50);
        assert_true(fabs(unanswered() - 50) < 0.01); /* 5 a second, 10 s */
}

/* Cookies leave no entries, and without a walk there are no ages: then the verdict counts. */
static void takes_the_verdict_where_ages_say_nothing(void **state) {
        v.listeners[0].verdict.evidence.unanswered_per_s = 1000;
        tick(5);
        assert_true(fabs(unanswered() - 1000) < 0.01);
        o.listeners[0].known = OBS_L_HALF_OPEN;
        tick(5);
        assert_true(fabs(unanswered() - 1000) < 0.01);
        v.listeners[0].verdict.evidence.cookies_sent_per_s = 900;
        tick(5);
        assert_true(fabs(unanswered() - 2000) < 0.01);
}

/* However the verdicts share them, all that the host counted are somebody's. */
static void shares_what_the_host_completed(void **state) {
        observation_set(&o, OBS_PASSIVE_OPENS, 40);
        v.listeners[0].verdict.evidence.completed_per_s = 90;
        v.listeners[1].verdict.evidence.completed_per_s = 30;
        tick(10);
        assert_true(fabs(listener_totals_get(&totals, 0)->completed - 300) < 0.01);
        assert_true(fabs(listener_totals_get(&totals, 1)->completed - 100) < 0.01);
        o.counters_known = 0;
        tick(5);
        assert_true(fabs(listener_totals_get(&totals, 0)->completed - 390) < 0.01);
}

static void a_slot_begins_at_zero_with_another(void **state) {
        v.listeners[0].verdict.evidence.syn_per_s = 100;
        tick(5);
        assert_true(fabs(listener_totals_get(&totals, 0)->syns - 100) < 0.01);
        o.listeners[0].key.port = v.listeners[0].key.port = 443;
        o.listeners[0].known = OBS_L_SYNS;
        o.listeners[0].syns = 7;
        tick(1);
        assert_true(fabs(listener_totals_get(&totals, 0)->syns - 7) < 0.01);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(counts_a_thin_flood_whole, set_up),
                cmocka_unit_test_setup(without_a_second_syn_ack, set_up),
                cmocka_unit_test_setup(takes_the_verdict_where_ages_say_nothing, set_up),
                cmocka_unit_test_setup(shares_what_the_host_completed, set_up),
                cmocka_unit_test_setup(a_slot_begins_at_zero_with_another, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
