/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a flood, when, in which words, and what is only recorded. */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "core/news.h"

#define S UINT64_C(1000000)

static struct settings settings;
static struct incident_watch watch;
static struct verdicts v;
static struct news news;
static struct news_scene scene;
static struct event e;

static int set_up(void **state) {
        memset(&settings, 0, sizeof settings);
        settings.alerts.update_interval_us = 60 * S;
        memset(&v, 0, sizeof v);
        v.host.evidence = evidence_unknown();
        v.host.evidence.syn_per_s = 1000;
        watch = incident_watch_begin();
        watch.incident = (struct incident) { .id = 7,
                                             .start_us = 1000 * S,
                                             .syncookies = -1,
                                             .diagnosis = DIAGNOSIS_FLOOD_SPOOFED,
                                             .peak_syn_per_s = 1000 };
        memset(&news, 0, sizeof news);
        scene = (struct news_scene) { .time_us = 1000 * S,
                                      .realtime_us = 5000 * S,
                                      .state = STATE_FLOOD,
                                      .diagnosis = DIAGNOSIS_FLOOD_SPOOFED,
                                      .watch = &watch,
                                      .verdicts = &v,
                                      .opened = true,
                                      .state_changed = true };
        return 0;
}

/* A look so much later; whether something is told. */
static bool look(uint64_t later_us, enum flood_state state) {
        scene.time_us += later_us;
        scene.realtime_us += later_us;
        scene.state_changed = state != scene.state;
        scene.state = state;
        scene.opened = false;
        memset(&e, 0, sizeof e);
        return news_of_flood(&news, &settings, &scene, &e);
}

static bool begin(void) {
        return news_of_flood(&news, &settings, &scene, &e);
}

static bool delivers(void) {
        return news_delivers(&news, &settings, &e);
}

static void mute_until(uint64_t realtime_us) {
        settings.mutes_count = 1;
        settings.mutes[0] = (struct settings_mute) { .any_listener = true, .until_us = realtime_us };
}

static void nothing_without_an_incident(void **state) {
        watch.incident.id = 0;
        assert_false(look(S, STATE_NORMAL));
        assert_false(look(S, STATE_SUSPECT));
}

static void start_turn_and_end(void **state) {
        assert_true(begin());
        assert_int_equal(e.type, EVENT_FLOOD_START);
        assert_int_equal(e.incident, 7);
        assert_non_null(strstr(e.message, "spoofed addresses; 1,000 SYN/s"));
        assert_true(delivers());
        assert_false(look(10 * S, STATE_FLOOD));
        scene.diagnosis = DIAGNOSIS_QUIET;
        assert_true(look(10 * S, STATE_RECOVERING));
        assert_int_equal(e.type, EVENT_FLOOD_UPDATE);
        assert_int_equal(e.diagnosis, DIAGNOSIS_FLOOD_SPOOFED); /* the flood's, not the calm's */
        assert_non_null(strstr(e.message, "nothing of the flood arrives any more"));
        assert_true(delivers());
        assert_false(look(10 * S, STATE_RECOVERING));
        assert_true(look(10 * S, STATE_FLOOD));
        assert_non_null(strstr(e.message, "the flood is back: a SYN flood from spoofed addresses; "));
        assert_false(delivers()); /* the second update of this minute */
        watch.incident.syncookies = 1;
        watch.incident.blocked_sources = 1;
        assert_true(look(30 * S, STATE_NORMAL));
        assert_int_equal(e.type, EVENT_FLOOD_END);
        assert_true(e.duration_s == 70);
        assert_non_null(strstr(e.message, "lasted 70 s, peak 1,000 SYN/s"));
        assert_non_null(strstr(e.message, "; tcp_syncookies was raised to 1; up to 1 source blocked, "));
        assert_true(delivers());
}

static void the_end_tells_who_was_limited(void **state) {
        begin();
        watch.incident.limited_sources = 1;
        watch.incident.blocked_syns = 1200;
        assert_true(look(30 * S, STATE_NORMAL));
        assert_non_null(strstr(e.message, "; up to 1 source limited, 1,200 SYNs of theirs dropped"));
}

static void the_end_tells_of_both(void **state) {
        begin();
        watch.incident.blocked_sources = 2;
        watch.incident.limited_sources = 1;
        watch.incident.blocked_syns = 1200;
        assert_true(look(30 * S, STATE_NORMAL));
        assert_non_null(strstr(e.message, "; up to 2 sources blocked and 1 limited, 1,200 SYNs of theirs dropped"));
}

static void growth_is_told_when_it_is_time(void **state) {
        begin();
        watch.incident.peak_syn_per_s = 4001;
        assert_false(look(59 * S, STATE_FLOOD));
        assert_true(look(S, STATE_FLOOD));
        assert_non_null(strstr(e.message, "the flood has grown, up to 4,001 SYN/s"));
        assert_true(e.peak_syn_per_s == 4001);
        watch.incident.peak_syn_per_s = 16004; /* four times is not more than four times */
        assert_false(look(60 * S, STATE_FLOOD));
}

static void a_name_has_to_stand(void **state) {
        begin();
        look(60 * S, STATE_FLOOD);
        watch.incident.diagnosis = DIAGNOSIS_FLOOD_DISTRIBUTED;
        assert_false(look(S, STATE_FLOOD));
        assert_false(look(2 * S, STATE_FLOOD));
        assert_true(look(S, STATE_FLOOD));
        assert_int_equal(strncmp(e.message, "now a SYN flood", strlen("now a SYN flood")), 0);
}

static void held_off_is_told_once(void **state) {
        begin();
        watch.blocked.per_s = 900;
        watch.held_off_us = scene.time_us + 10 * S;
        assert_true(look(10 * S, STATE_RECOVERING));
        assert_non_null(strstr(e.message, "held off: still sent, 900 SYN/s of blocked sources"));
        assert_true(delivers());
        assert_true(look(5 * S, STATE_FLOOD)); /* we let them go */
        assert_false(delivers());
        settings.alerts.update_interval_us = 0;
        watch.held_off_us = scene.time_us + 5 * S;
        assert_true(look(5 * S, STATE_RECOVERING));
        assert_false(delivers());
        assert_true(look(20 * S, STATE_FLOOD)); /* somebody began again */
        assert_true(delivers());
}

static void forged_addresses_are_not_named(void **state) {
        watch.top.syns = 100;
        watch.top.count = 1;
        watch.top.list[0].syns = 90;
        assert_int_equal(prefix_parse("203.0.113.7", &watch.top.list[0].prefix), 0);
        begin();
        assert_int_equal(e.top_count, 0);
        watch.incident.diagnosis = DIAGNOSIS_FLOOD_CONCENTRATED;
        assert_true(look(S, STATE_NORMAL));
        assert_int_equal(e.top_count, 1);
        assert_non_null(strstr(e.message, "most from 203.0.113.7 (90 %)"));
}

/* The listener's own, and of it what is not known the host's. */
static void figures_are_the_listeners(void **state) {
        watch.incident.has_listener = true;
        watch.incident.listener.port = 443;
        v.listeners_count = 1;
        v.listeners[0].key.port = 443;
        v.listeners[0].verdict.evidence = evidence_unknown();
        v.listeners[0].verdict.evidence.half_open = 12;
        begin();
        assert_true(e.evidence.half_open == 12);
        assert_true(e.evidence.syn_per_s == 1000);
        assert_int_equal(e.listener.port, 443);
}

/* Whoever muted the start hears when the mute is over, at once, and of the end. */
static void a_mute_delays(void **state) {
        mute_until(scene.realtime_us + 20 * S);
        begin();
        assert_false(delivers());
        assert_false(look(19 * S, STATE_FLOOD));
        assert_true(look(S, STATE_FLOOD));
        assert_non_null(strstr(e.message, "began in the muted time"));
        assert_true(delivers());
        assert_false(look(S, STATE_FLOOD));
        assert_true(look(60 * S, STATE_NORMAL));
        assert_true(delivers());
}

static void a_mute_swallows(void **state) {
        mute_until(scene.realtime_us + 200 * S);
        begin();
        assert_false(delivers());
        assert_true(look(60 * S, STATE_NORMAL));
        assert_false(delivers());
}

/* A reload that nobody hears of is no flood that nobody heard of. */
static void a_muted_event_of_others_silences_nothing(void **state) {
        struct event reloaded = event_make(EVENT_CONFIG_RELOADED);

        settings.mutes_count = 1;
        settings.mutes[0] = (struct settings_mute) { .any_listener = true, .from_us = 1, .until_us = 2 };
        begin();
        reloaded.realtime_us = 1;
        assert_false(news_delivers(&news, &settings, &reloaded));
        assert_false(news.silenced);
        reloaded.realtime_us = 2;
        assert_true(news_delivers(&news, &settings, &reloaded));
        assert_false(news.delivered);
}

static void all_are_stamped_alike(void **state) {
        struct event other = event_make(EVENT_SENSOR_DEGRADED);

        scene.diagnosis = DIAGNOSIS_BUSY;
        scene.state = STATE_RECOVERING;
        news_stamp(&other, &scene);
        assert_int_equal(other.time_us, scene.time_us);
        assert_int_equal(other.realtime_us, scene.realtime_us);
        assert_int_equal(other.state, STATE_RECOVERING);
        assert_int_equal(other.diagnosis, DIAGNOSIS_BUSY);
        assert_int_equal(other.incident, 7);
        begin();
        assert_int_equal(e.time_us, scene.time_us);
        assert_int_equal(e.realtime_us, scene.realtime_us);
        assert_int_equal(e.state, STATE_RECOVERING);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(nothing_without_an_incident, set_up),
                cmocka_unit_test_setup(start_turn_and_end, set_up),
                cmocka_unit_test_setup(the_end_tells_who_was_limited, set_up),
                cmocka_unit_test_setup(the_end_tells_of_both, set_up),
                cmocka_unit_test_setup(growth_is_told_when_it_is_time, set_up),
                cmocka_unit_test_setup(a_name_has_to_stand, set_up),
                cmocka_unit_test_setup(held_off_is_told_once, set_up),
                cmocka_unit_test_setup(forged_addresses_are_not_named, set_up),
                cmocka_unit_test_setup(figures_are_the_listeners, set_up),
                cmocka_unit_test_setup(a_mute_delays, set_up),
                cmocka_unit_test_setup(a_mute_swallows, set_up),
                cmocka_unit_test_setup(a_muted_event_of_others_silences_nothing, set_up),
                cmocka_unit_test_setup(all_are_stamped_alike, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
