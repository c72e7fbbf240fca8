/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States, incidents, events and rules, from findings given by hand. */
#include "tests/unit/unit.h"

#include <string.h>

#include "core/policy.h"

#define S UINT64_C(1000000)
#define TICK_US UINT64_C(200000)

static struct settings settings;
static struct policy *policy;
static struct observation o; /* large */
static struct verdicts v;
static struct decision d;
static unsigned starts, updates, delivered_updates, ends;

static int set_up(void **state) {
        memset(&settings, 0, sizeof settings);
        settings.detect.hold_us = 3 * S;
        settings.detect.recover_us = 60 * S;
        settings.alerts.update_interval_us = 60 * S;
        memset(&o, 0, sizeof o);
        o.time_us = 1000 * S;
        o.realtime_us = UINT64_C(1767323045) * S; /* 2026-01-02T03:04:05Z */
        memset(&v, 0, sizeof v);
        v.host.evidence = evidence_unknown();
        starts = updates = delivered_updates = ends = 0;
        policy = policy_new(&settings);
        return policy ? 0 : -1;
}

static int tear_down(void **state) {
        policy = policy_free(policy);
        return 0;
}

/* Feeds the same finding for some time. */
static void feed(enum finding finding, enum diagnosis diagnosis, double syn_per_s, uint64_t us) {
        for (uint64_t t = 0; t < us; t += TICK_US) {
                o.time_us += TICK_US;
                o.realtime_us += TICK_US;
                o.elapsed_us = TICK_US;
                v.host.finding = finding;
                v.host.diagnosis = diagnosis;
                v.host.evidence.syn_per_s = syn_per_s;
                policy_step(policy, &o, &v, &d);
                for (uint32_t i = 0; i < d.events_count; i++) {
                        starts += d.events[i].event.type == EVENT_FLOOD_START;
                        ends += d.events[i].event.type == EVENT_FLOOD_END;
                        updates += d.events[i].event.type == EVENT_FLOOD_UPDATE;
                        delivered_updates += d.events[i].event.type == EVENT_FLOOD_UPDATE &&
                                             d.events[i].alert;
                }
        }
}

static void flood(uint64_t us) {
        feed(FINDING_FLOOD, DIAGNOSIS_FLOOD_SPOOFED, 1000, us);
}

static void calm(uint64_t us) {
        feed(FINDING_NONE, DIAGNOSIS_QUIET, 10, us);
}

static void goes_through_the_states(void **state) {
        calm(S);
        assert_int_equal(d.state, STATE_NORMAL);
        feed(FINDING_SUSPECT, DIAGNOSIS_UNKNOWN, 50, S);
        assert_int_equal(d.state, STATE_SUSPECT);
        assert_int_equal(starts, 0);
        flood(S);
        assert_int_equal(d.state, STATE_FLOOD);
        assert_int_equal(d.diagnosis, DIAGNOSIS_FLOOD_SPOOFED);
        calm(2 * S);
        assert_int_equal(d.state, STATE_FLOOD); /* a moment's silence */
        assert_int_equal(d.diagnosis, DIAGNOSIS_FLOOD_SPOOFED);
        calm(2 * S);
        assert_int_equal(d.state, STATE_RECOVERING);
        calm(58 * S);
        assert_int_equal(d.state, STATE_RECOVERING);
        calm(4 * S);
        assert_int_equal(d.state, STATE_NORMAL);
        assert_int_equal(starts, 1);
        assert_int_equal(ends, 1);
        assert_int_equal(d.incident.id, 0);
}

static void a_suspicion_is_dropped(void **state) {
        feed(FINDING_SUSPECT, DIAGNOSIS_UNKNOWN, 50, S);
        calm(4 * S);
        assert_int_equal(d.state, STATE_NORMAL);
        assert_int_equal(starts + updates + ends, 0);
}

static void a_flapping_flood_is_one_incident(void **state) {
        uint64_t id;

        flood(5 * S);
        id = d.incident.id;
        assert_int_equal(id, UINT64_C(20260102030405));
        for (unsigned i = 0; i < 3; i++) {
                calm(10 * S);
                flood(5 * S);
                assert_int_equal(d.incident.id, id);
        }
        /* Three relapses: the watch is eight times as long. */
        calm(3 * S + 470 * S);
        assert_int_equal(d.state, STATE_RECOVERING);
        calm(20 * S);
        assert_int_equal(d.state, STATE_NORMAL);
        assert_int_equal(starts, 1);
        assert_int_equal(ends, 1);
        assert_true(updates >= 6);
        assert_true(delivered_updates <= 2); /* in the minute that it flapped, and after */
}

static void a_fading_flood_keeps_its_name(void **state) {
        feed(FINDING_FLOOD, DIAGNOSIS_FLOOD_SPOOFED, 1000, 5 * S);
        feed(FINDING_FLOOD, DIAGNOSIS_FLOOD_CONCENTRATED, 200, 5 * S);
        assert_int_equal(d.diagnosis, DIAGNOSIS_FLOOD_SPOOFED);
        feed(FINDING_FLOOD, DIAGNOSIS_FLOOD_CONCENTRATED, 2000, 5 * S);
        assert_int_equal(d.diagnosis, DIAGNOSIS_FLOOD_CONCENTRATED);
}

static void the_built_in_policy(void **state) {
        flood(S);
        assert_false(d.want_syncookies);
        v.host.pressure = true;
        flood(S);
        assert_true(d.want_syncookies);
        assert_false(d.want_block);
        calm(10 * S);
        assert_false(d.want_syncookies);
}

static void rules_match_all_they_name(void **state) {
        settings.rules_given = true;
        settings.rules_count = 2;
        settings.rules[0] = (struct settings_rule) { .states = 1u << STATE_FLOOD,
                                                     .diagnoses = 1u << DIAGNOSIS_FLOOD_CONCENTRATED,
                                                     .block = true };
        settings.rules[1] = (struct settings_rule) { .states = 1u << STATE_FLOOD, .alert = true,
                                                     .hook = { .argc = 1 } };
        flood(S);
        assert_false(d.want_block);
        assert_int_equal(d.incident.hooks, 1u << 1);
        assert_true(d.incident.alerted);
        feed(FINDING_FLOOD, DIAGNOSIS_FLOOD_CONCENTRATED, 5000, S);
        assert_true(d.want_block);
        assert_false(d.want_syncookies); /* a given policy replaces the built-in one */
}

static void mutes_have_an_end(void **state) {
        struct event e = event_make(EVENT_FLOOD_START);

        settings.mutes_count = 2;
        settings.mutes[0] = (struct settings_mute) { .ports = { 443, 443 }, .until_us = 100 };
        settings.mutes[1] = (struct settings_mute) { .any_listener = true, .from_us = 200, .until_us = 300 };
        e.has_listener = true;
        e.listener.port = 443;
        e.realtime_us = 99;
        assert_true(policy_mutes(&settings, &e));
        e.listener.port = 80;
        assert_false(policy_mutes(&settings, &e));
        e.listener.port = 443;
        e.realtime_us = 100;
        assert_false(policy_mutes(&settings, &e));
        e.has_listener = false;
        e.realtime_us = 200;
        assert_true(policy_mutes(&settings, &e));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(goes_through_the_states, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_suspicion_is_dropped, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_flapping_flood_is_one_incident, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_fading_flood_keeps_its_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_built_in_policy, set_up, tear_down),
                cmocka_unit_test_setup_teardown(rules_match_all_they_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(mutes_have_an_end, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
