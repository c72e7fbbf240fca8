/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a flood adds up to, and when it is held off. */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "core/incident.h"

#define S UINT64_C(1000000)

static struct settings settings;
static struct incident_watch watch;
static struct observation o; /* large */
static struct verdicts v;

static int set_up(void **state) {
        memset(&settings, 0, sizeof settings);
        settings.detect.unanswered_per_s = 50;
        memset(&o, 0, sizeof o);
        o.time_us = 1000 * S;
        o.realtime_us = UINT64_C(1767323045) * S; /* 2026-01-02T03:04:05Z */
        memset(&v, 0, sizeof v);
        v.host.evidence = evidence_unknown();
        watch = incident_watch_begin();
        return 0;
}

/* A look of one second. blocked < 0: not known. */
static bool look(enum flood_state state, double syn_per_s, int blocked) {
        o.time_us += S;
        o.realtime_us += S;
        o.elapsed_us = S;
        o.counters_known = 0;
        if (blocked >= 0)
                observation_set(&o, OBS_BLOCKED, (uint64_t) blocked);
        v.host.finding = state == STATE_FLOOD ? FINDING_FLOOD : FINDING_NONE;
        v.host.evidence.syn_per_s = syn_per_s;
        incident_follow_blocked(&watch, &settings, &o);
        return incident_step(&watch, &o, &v, state,
                             state == STATE_FLOOD ? DIAGNOSIS_FLOOD_DISTRIBUTED : DIAGNOSIS_QUIET);
}

static void only_a_flood_opens_one(void **state) {
        assert_false(look(STATE_NORMAL, 10, -1));
        assert_false(look(STATE_SUSPECT, 10, -1));
        assert_int_equal(watch.incident.id, 0);
        assert_true(look(STATE_FLOOD, 1000, -1));
        assert_int_equal(watch.incident.id, UINT64_C(20260102030408));
        assert_int_equal(watch.incident.start_us, o.time_us);
        assert_int_equal(watch.incident.syncookies, -1);
        assert_false(look(STATE_FLOOD, 1000, -1));
        assert_int_equal(watch.incident.id, UINT64_C(20260102030408));
        incident_close(&watch, STATE_RECOVERING);
        assert_int_equal(watch.incident.id, UINT64_C(20260102030408));
        incident_close(&watch, STATE_NORMAL);
        assert_int_equal(watch.incident.id, 0);
}

static void it_adds_up(void **state) {
        v.has_worst = true;
        v.worst.port = 443;
        v.host.evidence.half_open = 300;
        look(STATE_FLOOD, 1000, 0);
        v.worst.port = 80;
        v.host.evidence.half_open = NAN;
        look(STATE_RECOVERING, 20, 500);
        assert_int_equal(watch.incident.listener.port, 443); /* the calm's is not the flooded one */
        assert_int_equal(watch.incident.diagnosis, DIAGNOSIS_FLOOD_DISTRIBUTED);
        assert_true(watch.incident.has_listener);
        assert_true(watch.incident.peak_half_open == 300);
        assert_true(watch.incident.peak_syn_per_s == 1000);
        assert_true(watch.incident.blocked_syns == 500);
        assert_true(watch.incident.total_syns == 1000 + 20 + 500);
        look(STATE_FLOOD, 900, 500); /* what is dropped is in the peak */
        assert_true(watch.incident.peak_syn_per_s > 1200);
        look(STATE_FLOOD, NAN, -1); /* nothing known adds nothing */
        assert_true(watch.incident.total_syns == 1520 + 1400);
}

/* Of the flooded listeners, while a flood is found; of the host where none can be told. */
static void what_explains_it_adds_up(void **state) {
        struct evidence *flooded = &v.listeners[0].verdict.evidence, *other = &v.listeners[1].verdict.evidence;

        v.listeners_count = 2;
        *flooded = *other = evidence_unknown();
        v.listeners[0].verdict.finding = FINDING_FLOOD;
        flooded->completed_per_s = 5;
        flooded->unanswered_per_s = 900;
        flooded->queue_drops_per_s = 40;
        flooded->explained_per_s[EXPLAINED_LOSS] = 12;
        other->unanswered_per_s = other->completed_per_s = 7000;
        other->explained_per_s[EXPLAINED_LOSS] = 3000;
        v.host.evidence.unanswered_per_s = 50;
        look(STATE_NORMAL, 10, -1);
        look(STATE_FLOOD, 1000, -1);
        look(STATE_FLOOD, 1000, -1);
        look(STATE_RECOVERING, 10, -1); /* nothing of it arrives */
        assert_true(watch.incident.account.flood_s == 2);
        assert_true(watch.incident.account.finished == 10);
        assert_true(watch.incident.account.unfinished == 1800);
        assert_true(watch.incident.account.refused == 80);
        assert_true(watch.incident.account.explained[EXPLAINED_LOSS] == 24);
        assert_true(watch.incident.account.explained[EXPLAINED_FAR] == 0);
        assert_int_equal(watch.listeners.count, 1);
        assert_true(watch.listeners.list[0].flood_s == 2 && watch.listeners.list[0].unfinished == 1800);
        assert_true(watch.listeners.list[0].finished == 10 && watch.listeners.list[0].refused == 80);
        v.listeners[0].verdict.finding = FINDING_NONE;
        look(STATE_FLOOD, 1000, -1);
        assert_true(watch.incident.account.unfinished == 1850);
        assert_true(watch.listeners.list[0].unfinished == 1800);
        incident_close(&watch, STATE_NORMAL);
        look(STATE_FLOOD, 1000, -1);
        assert_int_equal(watch.listeners.count, 0); /* of another incident */
}

/* From its first look to its last, and what was felt in the minute before. */
static void what_clients_felt_adds_up(void **state) {
        o.known = OBS_K_SOURCES | OBS_K_PROBE;
        o.sources.known = OBS_SS_KNOWN;
        o.sources.known_begun = 40;
        o.probe = (struct obs_probe) { .ended = { [OBS_PROBE_CONNECTED] = 1 }, .slowest_us = 70 };
        for (unsigned i = 0; i < 100; i++)
                look(STATE_NORMAL, 10, -1);
        o.sources.known_again = 30;
        o.probe = (struct obs_probe) { .ended = { [OBS_PROBE_TIMED_OUT] = 2, [OBS_PROBE_CONNECTED] = 1 },
                                       .slowest_us = 1040000 };
        for (unsigned i = 0; i < 10; i++)
                look(i < 5 ? STATE_FLOOD : STATE_RECOVERING, 1000, -1);
        assert_in_range(watch.incident.before.known_begun, 60 * 40, 64 * 40);
        assert_int_equal(watch.incident.before.known_again, 0);
        assert_int_equal(watch.incident.before.slowest_us, 70);
        assert_true(impact_tally_connected(&watch.incident.before) == 1);
        assert_int_equal(watch.incident.impact.known_begun, 400);
        assert_true(fabs(impact_tally_known_finished(&watch.incident.impact) - 0.25) < 0.001);
        assert_true(fabs(impact_tally_connected(&watch.incident.impact) - 1.0 / 3) < 0.001);
        assert_int_equal(watch.incident.impact.slowest_us, 1040000);
}

static void blocked_sources_hold_it_off(void **state) {
        struct listener_key other = { .port = 80 };

        v.has_worst = true;
        v.worst.port = 443;
        look(STATE_NORMAL, 10, 1000);
        assert_false(incident_is_held_off(&watch, o.time_us)); /* of nothing */
        look(STATE_FLOOD, 1000, 0);
        assert_false(incident_blocks_for(&watch, NULL));
        for (unsigned i = 0; i < 5; i++)
                look(STATE_RECOVERING, 10, 60);
        assert_true(incident_is_held_off(&watch, o.time_us));
        assert_true(incident_blocks_for(&watch, NULL));
        assert_true(incident_blocks_for(&watch, &v.worst));
        assert_false(incident_blocks_for(&watch, &other));
        look(STATE_RECOVERING, 10, 0);
        assert_false(incident_is_held_off(&watch, o.time_us));
        assert_true(incident_was_let_go(&watch, o.time_us));
        assert_false(incident_was_let_go(&watch, o.time_us + 10 * S));
        look(STATE_RECOVERING, 10, -1); /* unknown is no flood */
        assert_true(isnan(watch.blocked.per_s));
        assert_false(incident_is_held_off(&watch, o.time_us));
        incident_close(&watch, STATE_NORMAL);
        assert_false(incident_was_let_go(&watch, o.time_us));
}

static void what_was_done_is_noted(void **state) {
        struct event blocked = event_make(EVENT_SOURCE_BLOCKED), cookies = event_make(EVENT_SYNCOOKIES_SET);

        blocked.sources_count = 3;
        cookies.new_value = 2;
        incident_note_act(&watch, &blocked); /* of no incident */
        look(STATE_FLOOD, 1000, 0);
        assert_int_equal(watch.incident.blocked_sources, 0);
        incident_note_act(&watch, &blocked);
        blocked.type = EVENT_SOURCE_UNBLOCKED;
        blocked.sources_count = 5; /* two of them were there before */
        incident_note_act(&watch, &blocked);
        assert_int_equal(watch.incident.blocked_now, 0);
        assert_int_equal(watch.incident.blocked_sources, 3);
        incident_note_act(&watch, &cookies);
        cookies.new_value = 1;
        incident_note_act(&watch, &cookies);
        assert_int_equal(watch.incident.syncookies, 2);
        blocked.type = EVENT_SOURCE_BLOCKED;
        blocked.pretended = true;
        incident_note_act(&watch, &blocked);
        assert_int_equal(watch.incident.blocked_now, 0);
        assert_int_equal(watch.incident.limited_sources, 0);
        blocked = event_make(EVENT_SOURCE_LIMITED);
        blocked.sources_count = 4;
        incident_note_act(&watch, &blocked);
        blocked.type = EVENT_SOURCE_UNLIMITED;
        blocked.sources_count = 1;
        incident_note_act(&watch, &blocked);
        assert_int_equal(watch.incident.limited_now, 3);
        assert_int_equal(watch.incident.limited_sources, 4);
        assert_int_equal(watch.incident.blocked_sources, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(only_a_flood_opens_one, set_up),
                cmocka_unit_test_setup(it_adds_up, set_up),
                cmocka_unit_test_setup(what_explains_it_adds_up, set_up),
                cmocka_unit_test_setup(what_clients_felt_adds_up, set_up),
                cmocka_unit_test_setup(blocked_sources_hold_it_off, set_up),
                cmocka_unit_test_setup(what_was_done_is_noted, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
