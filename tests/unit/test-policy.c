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
static uint32_t blocked_a_tick;
static bool blocked_known;
static struct event last;
static uint32_t last_hooks;

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
        blocked_known = false;
        blocked_a_tick = 0;
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
                o.counters_known = 0;
                if (blocked_known)
                        observation_set(&o, OBS_BLOCKED, blocked_a_tick);
                v.host.finding = finding;
                v.host.diagnosis = diagnosis;
                v.host.evidence.syn_per_s = syn_per_s;
                policy_step(policy, &o, &v, &d);
                for (uint32_t i = 0; i < d.events_count; i++) {
                        last = d.events[i].event;
                        last_hooks = d.events[i].hooks;
                        starts += d.events[i].event.type == EVENT_FLOOD_START;
                        ends += d.events[i].event.type == EVENT_FLOOD_END;
                        updates += d.events[i].event.type == EVENT_FLOOD_UPDATE;
                        delivered_updates += d.events[i].event.type == EVENT_FLOOD_UPDATE && d.events[i].alert;
                }
        }
}

static bool tell(struct event *e) {
        return policy_tell(policy, e, o.time_us, o.realtime_us);
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

/* Blocked, let go after five minutes, blocked again: one start, one word that it is held off,
 * and an end when nobody sends any more. */
static void a_blocked_flood_is_not_over(void **state) {
        struct event act = event_make(EVENT_SOURCE_BLOCKED);
        uint64_t id;

        settings.detect.unanswered_per_s = 10;
        settings.alerts.update_interval_us = S;
        blocked_known = true;
        feed(FINDING_FLOOD, DIAGNOSIS_FLOOD_CONCENTRATED, 100000, 2 * S);
        id = d.incident.id;
        act.sources_count = 3;
        tell(&act);
        for (unsigned i = 0; i < 3; i++) {
                blocked_a_tick = 20000;
                calm(300 * S);
                assert_int_equal(d.state, STATE_RECOVERING);
                assert_true(d.held_off);
                assert_true(d.blocked_per_s > 99000 && d.blocked_per_s < 101000);
                if (i == 0)
                        assert_non_null(strstr(last.message, "held off: still sent, "));
                blocked_a_tick = 0; /* its time is over */
                act.type = EVENT_SOURCE_UNBLOCKED;
                tell(&act);
                act.type = EVENT_SOURCE_BLOCKED;
                tell(&act);
                calm(S);
                flood(2 * S);
                assert_int_equal(d.state, STATE_FLOOD);
                assert_int_equal(d.incident.id, id);
        }
        assert_int_equal(starts, 1);
        assert_int_equal(delivered_updates, 1);
        assert_true(updates >= 6);
        blocked_a_tick = 20000;
        calm(300 * S);
        /* Less than a flood, and the watch is as long as it was. */
        blocked_a_tick = 1;
        calm(58 * S);
        assert_int_equal(d.state, STATE_RECOVERING);
        assert_int_equal(ends, 0);
        calm(20 * S);
        assert_int_equal(d.state, STATE_NORMAL);
        assert_int_equal(ends, 1);
        assert_non_null(strstr(last.message, "; up to 3 sources blocked, 120.0 M SYNs of theirs dropped"));
        assert_true(last.peak_syn_per_s > 99000);
        calm(S);
        assert_false(d.held_off);
        assert_int_equal(starts, 1);
}

/* What is not known holds nothing. */
static void an_unknown_block_list_ends(void **state) {
        settings.detect.unanswered_per_s = 10;
        blocked_known = true;
        flood(2 * S);
        blocked_a_tick = 20000;
        calm(100 * S);
        assert_true(d.held_off);
        blocked_known = false;
        calm(65 * S);
        assert_int_equal(d.state, STATE_NORMAL);
        assert_int_equal(ends, 1);
}

/* SYNs of blocked sources alone are no flood: there has to be one to hold off. */
static void old_entries_begin_nothing(void **state) {
        settings.detect.unanswered_per_s = 10;
        blocked_known = true;
        blocked_a_tick = 20000;
        calm(60 * S);
        assert_int_equal(d.state, STATE_NORMAL);
        assert_false(d.held_off);
}

static void the_end_says_what_was_done(void **state) {
        struct event act = event_make(EVENT_SYNCOOKIES_SET);

        flood(2 * S);
        act.new_value = 1;
        act.pretended = true;
        tell(&act);
        calm(70 * S);
        assert_int_equal(ends, 1);
        assert_null(strstr(last.message, "tcp_syncookies"));
        flood(2 * S);
        act.pretended = false;
        tell(&act);
        calm(70 * S);
        assert_int_equal(ends, 2);
        assert_non_null(strstr(last.message, "; tcp_syncookies was raised to 1"));
        assert_null(strstr(last.message, "blocked"));
}

static void send_from(const char *prefix, double syn_per_s) {
        struct culprit *k = &v.culprits.list[v.culprits.count++];

        v.culprits.unfinished_per_s += syn_per_s;
        *k = (struct culprit) { .unfinished_per_s = syn_per_s };
        assert_int_equal(prefix_parse(prefix, &k->prefix), 0);
}

static void the_end_says_who_sent_most(void **state) {
        send_from("203.0.113.0/24", 900);
        send_from("198.51.100.1", 100);
        feed(FINDING_FLOOD, DIAGNOSIS_FLOOD_CONCENTRATED, 1000, 5 * S);
        calm(70 * S);
        assert_int_equal(ends, 1);
        assert_non_null(strstr(last.message, "SYNs in all, most from 203.0.113.0/24 (90 %), 198.51.100.1 (10 %)"));
        assert_int_equal(last.top_count, 2);

        /* Of forged addresses nobody is named. */
        flood(5 * S);
        calm(70 * S);
        assert_int_equal(ends, 2);
        assert_null(strstr(last.message, "most from"));
        assert_int_equal(last.top_count, 0);
}

/* A known client may be forged: it is a part of the flood, and nobody to be told of. */
static void who_is_a_client_is_not_told(void **state) {
        send_from("203.0.113.7", 1000);
        send_from("198.51.100.1", 3000);
        v.culprits.list[1].is = OBS_S_CLIENT;
        feed(FINDING_FLOOD, DIAGNOSIS_FLOOD_CONCENTRATED, 4000, 5 * S);
        calm(70 * S);
        assert_non_null(strstr(last.message, "most from 203.0.113.7 (25 %)"));
        assert_null(strstr(last.message, "198.51.100.1"));
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
        settings.rules[1] = (struct settings_rule) { .states = 1u << STATE_FLOOD,
                                                     .alert = true,
                                                     .hook = { .argc = 1 } };
        flood(S);
        assert_false(d.want_block);
        assert_int_equal(d.incident.hooks, 1u << 1);
        assert_int_equal(last_hooks, 1u << 1);
        assert_true(d.incident.alerted);
        feed(FINDING_FLOOD, DIAGNOSIS_FLOOD_CONCENTRATED, 5000, S);
        assert_true(d.want_block);
        assert_false(d.want_syncookies); /* a given policy replaces the built-in one */
}

/* tcp_syncookies is put back in the very step that ends a flood. */
static void what_ends_it_belongs_to_it(void **state) {
        struct event act = event_make(EVENT_SYNCOOKIES_RESTORED);
        uint64_t id;

        flood(2 * S);
        id = d.incident.id;
        while (d.state != STATE_NORMAL)
                calm(TICK_US);
        assert_true(tell(&act));
        assert_int_equal(act.incident, id);
        calm(TICK_US);
        tell(&act);
        assert_int_equal(act.incident, 0);
        assert_int_equal(act.time_us, o.time_us);
        assert_int_equal(act.realtime_us, o.realtime_us);
        assert_int_equal(act.state, STATE_NORMAL);
        assert_int_equal(act.diagnosis, DIAGNOSIS_QUIET);
}

/* A reload in mid-flood: who was told of the start is told the rest, nobody else is. */
static void hooks_of_other_rules_do_not_run(void **state) {
        static char pager[] = "/bin/page", mailer[] = "/bin/mail";
        struct settings other;

        settings.rules_given = true;
        settings.rules_count = 2;
        settings.rules[0] = (struct settings_rule) { .alert = true, .hook = { .argc = 1, .argv = { pager } } };
        settings.rules[1] = (struct settings_rule) { .hook = { .argc = 1, .argv = { mailer } } };
        flood(S);
        assert_int_equal(d.incident.hooks, 3);

        other = settings;
        other.rules[1] = other.rules[0]; /* another rule comes first; the pager's moves */
        other.rules[0] = (struct settings_rule) { .states = 1u << STATE_NORMAL };
        policy_configure(policy, &other);
        calm(TICK_US);
        assert_int_equal(d.incident.hooks & 1, 0);

        /* The same again: its rule matches, and it is told as before. */
        policy_configure(policy, &settings);
        flood(S);
        assert_int_equal(d.incident.hooks, 3);
}

static unsigned delivered(enum finding finding, uint64_t us) {
        unsigned n = 0;

        for (uint64_t t = 0; t < us; t += TICK_US) {
                feed(finding, finding == FINDING_FLOOD ? DIAGNOSIS_FLOOD_SPOOFED : DIAGNOSIS_QUIET, 1000, TICK_US);
                for (uint32_t i = 0; i < d.events_count; i++)
                        n += d.events[i].alert;
        }
        return n;
}

static void mute_for(uint64_t from_us, uint64_t until_us) {
        settings.mutes_count = 1;
        settings.mutes[0] = (struct settings_mute) { .any_listener = true,
                                                     .from_us = o.realtime_us + from_us,
                                                     .until_us = o.realtime_us + until_us };
}

/* Who was told of a flood is told of its end, in a muted time too. */
static void a_mute_does_not_keep_an_end(void **state) {
        mute_for(5 * S, 1000 * S);
        assert_int_equal(delivered(FINDING_FLOOD, 10 * S), 1);
        assert_int_equal(delivered(FINDING_NONE, 80 * S), 1);
        assert_int_equal(ends, 1);
        assert_true(d.events_count == 0);
}

/* A flood that is over before the mute is, was told nobody: nor is its end. */
static void a_muted_flood_is_not_told(void **state) {
        settings.rules_given = true;
        settings.rules_count = 1;
        settings.rules[0] = (struct settings_rule) { .alert = true, .hook = { .argc = 1 } };
        mute_for(0, 10 * S);
        assert_int_equal(delivered(FINDING_FLOOD, 5 * S), 0);
        assert_int_equal(d.incident.hooks, 1);
        assert_int_equal(last_hooks, 0);
        assert_int_equal(delivered(FINDING_NONE, 100 * S), 0);
        assert_int_equal(starts, 1);
        assert_int_equal(ends, 1);
}

/* One that goes on is told when the mute ends, once, and so is its end. */
static void a_mute_that_ends_tells_what_goes_on(void **state) {
        mute_for(0, 20 * S);
        assert_int_equal(delivered(FINDING_FLOOD, 19 * S), 0);
        assert_int_equal(delivered(FINDING_FLOOD, 2 * S), 1);
        assert_non_null(strstr(last.message, "began in the muted time"));
        assert_int_equal(delivered(FINDING_FLOOD, 30 * S), 0);
        assert_int_equal(delivered(FINDING_NONE, 10 * S), 0); /* an update, too soon after */
        assert_int_equal(delivered(FINDING_NONE, 80 * S), 1);
        assert_int_equal(ends, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(goes_through_the_states, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_suspicion_is_dropped, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_flapping_flood_is_one_incident, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_blocked_flood_is_not_over, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_unknown_block_list_ends, set_up, tear_down),
                cmocka_unit_test_setup_teardown(old_entries_begin_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_end_says_what_was_done, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_end_says_who_sent_most, set_up, tear_down),
                cmocka_unit_test_setup_teardown(who_is_a_client_is_not_told, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_fading_flood_keeps_its_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_built_in_policy, set_up, tear_down),
                cmocka_unit_test_setup_teardown(rules_match_all_they_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(hooks_of_other_rules_do_not_run, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_ends_it_belongs_to_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_mute_does_not_keep_an_end, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_muted_flood_is_not_told, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_mute_that_ends_tells_what_goes_on, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
