/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <string.h>

#include "config/keys.h"
#include "core/allowed.h"
#include "core/detector.h"

static void add(struct obs_sources *s, const char *prefix, double syn_per_s, double completed_per_s) {
        struct obs_source *e = &s->list[s->count++];

        assert_int_equal(prefix_parse(prefix, &e->prefix), 0);
        e->known = OBS_S_SYNS | OBS_S_COMPLETED;
        e->syn_per_s = syn_per_s;
        e->completed_per_s = completed_per_s;
        e->completion_high = completed_per_s / syn_per_s;
}

static void allow(struct settings *s, const char *prefix) {
        assert_int_equal(prefix_parse(prefix, &s->allow[s->allow_count++]), 0);
}

static struct obs_sources sources_of(double total, double once) {
        return (struct obs_sources) {
                .known = OBS_SS_DISTINCT | OBS_SS_SEEN_ONCE,
                .syn_per_s = total,
                .seen_once_share = once,
        };
}

static void what_an_allowed_host_finishes_is_taken_out(void **state) {
        struct settings settings = { 0 };
        struct obs_sources s = sources_of(4000, 0.25), out;

        allow(&settings, "192.0.2.7");
        add(&s, "192.0.2.7", 3000, 3000);
        add(&s, "192.0.2.0/24", 3010, 3005);
        add(&s, "198.51.100.0/24", 5, 0);
        assert_float_equal(allowed_take_out(&settings, &s, &out), 3000, 0.01);
        assert_float_equal(out.list[0].syn_per_s, 0, 0.01);
        assert_float_equal(out.list[1].syn_per_s, 10, 0.01);
        assert_float_equal(out.list[2].syn_per_s, 5, 0.01);
        assert_float_equal(out.syn_per_s, 1000, 0.01);
        assert_float_equal(out.seen_once_share, 1, 0.01);
}

static void what_it_leaves_unfinished_stays(void **state) {
        struct settings settings = { 0 };
        struct obs_sources s = sources_of(2000, 0), out;

        allow(&settings, "192.0.2.0/24");
        add(&s, "192.0.2.7", 1000, 0);
        add(&s, "192.0.2.8", 1000, 400);
        assert_float_equal(allowed_take_out(&settings, &s, &out), 400, 0.01);
        assert_float_equal(out.list[0].syn_per_s, 1000, 0.01);
        assert_float_equal(out.list[1].syn_per_s, 600, 0.01);
        /* Not seen to complete: nothing is known in its favour. */
        s.list[1].known = OBS_S_SYNS;
        assert_float_equal(allowed_take_out(&settings, &s, &out), 0, 0.01);
        assert_float_equal(out.syn_per_s, 2000, 0.01);
}

static void a_network_counts_once(void **state) {
        struct settings settings = { 0 };
        struct obs_sources s = sources_of(1000, 0), out;

        allow(&settings, "2001:db8::/32");
        add(&s, "2001:db8:1::/48", 900, 900);
        add(&s, "2001:db8:1:2::/64", 800, 800);
        add(&s, "2001:db8:1:2::1", 700, 700);
        assert_float_equal(allowed_take_out(&settings, &s, &out), 900, 0.01);
        assert_float_equal(out.syn_per_s, 100, 0.01);
}

static void others_are_not_allowed(void **state) {
        struct settings settings = { 0 };
        struct obs_sources s = sources_of(1000, 0.5), out;

        add(&s, "192.0.2.7", 700, 700);
        assert_float_equal(allowed_take_out(&settings, &s, &out), 0, 0.01);
        allow(&settings, "192.0.2.0/25");
        /* A wider prefix than the list's has strangers in it. */
        s.count = 0;
        add(&s, "192.0.2.0/24", 700, 700);
        add(&s, "192.0.3.7", 200, 200);
        assert_float_equal(allowed_take_out(&settings, &s, &out), 0, 0.01);
        assert_float_equal(out.syn_per_s, 1000, 0.01);
        assert_float_equal(out.seen_once_share, 0.5, 0.01);
}

/* --- the detector with an allow list ------------------------------------------- */

/* A busy listener: finished a second, and so many unfinished on top. */
static void tick(struct observation *o, uint64_t time_us, unsigned finished, unsigned unfinished) {
        struct obs_listener *l = &o->listeners[0];

        memset(o, 0, sizeof *o);
        o->time_us = o->realtime_us = time_us;
        o->elapsed_us = 200000;
        o->known = OBS_K_DUMP | OBS_K_LISTENERS | OBS_K_SYNCOOKIES | OBS_K_SOURCES;
        o->syncookies = 1;
        for (unsigned i = 0; i < SENSORS; i++)
                o->sensors[i] = SENSOR_OK;
        for (unsigned c = 0; c < OBS_COUNTERS; c++)
                observation_set(o, (enum obs_counter) c, 0);
        observation_set(o, OBS_PASSIVE_OPENS, finished / 5);
        observation_set(o, OBS_SYNS, (finished + unfinished) / 5);
        o->listeners_count = 1;
        l->key.port = 443;
        l->known = OBS_L_LIMITS | OBS_L_HALF_OPEN | OBS_L_DROPS;
        l->sockets = 1;
        l->backlog = 4096;
        for (unsigned i = 0; i < OBS_AGE_FINE_BINS; i++)
                l->half_open += l->age[i] = unfinished / 10;
        o->half_open = l->half_open;
}

/* One host, 192.0.2.7, sends all of it. */
static struct verdict judge(const struct settings *settings, unsigned finished, unsigned unfinished) {
        static struct observation o;
        static struct verdicts v;
        struct detector *d = detector_new(settings);
        double all = finished + unfinished;

        assert_non_null(d);
        for (unsigned i = 1; i <= 100; i++) {
                tick(&o, i * UINT64_C(200000), 20, 0);
                detector_step(d, &o, &v);
        }
        for (unsigned i = 101; i <= 115; i++) {
                tick(&o, i * UINT64_C(200000), finished, unfinished);
                o.sources = sources_of(all, 0);
                add(&o.sources, "192.0.2.7", all, finished);
                detector_step(d, &o, &v);
        }
        detector_free(d);
        return v.host;
}

static void a_load_test_is_no_crowd_if_allowed(void **state) {
        struct settings settings;
        struct verdict v;

        config_defaults(&settings);
        v = judge(&settings, 3000, 0);
        assert_int_equal(v.finding, FINDING_NONE);
        assert_int_equal(v.diagnosis, DIAGNOSIS_FLASH_CROWD);
        assert_true(v.evidence.top_share > 0.9);
        allow(&settings, "192.0.2.7");
        v = judge(&settings, 3000, 0);
        assert_int_equal(v.finding, FINDING_NONE);
        assert_int_equal(v.diagnosis, DIAGNOSIS_BUSY);
        assert_false(v.evidence.top_share > 0.1);
}

static void a_flood_is_one_from_there_too(void **state) {
        struct settings settings;
        struct verdict v;

        config_defaults(&settings);
        allow(&settings, "192.0.2.0/24");
        v = judge(&settings, 20, 1000);
        assert_int_equal(v.finding, FINDING_FLOOD);
        assert_int_equal(v.diagnosis, DIAGNOSIS_FLOOD_CONCENTRATED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_an_allowed_host_finishes_is_taken_out),
                cmocka_unit_test(what_it_leaves_unfinished_stays),
                cmocka_unit_test(a_network_counts_once),
                cmocka_unit_test(others_are_not_allowed),
                cmocka_unit_test(a_load_test_is_no_crowd_if_allowed),
                cmocka_unit_test(a_flood_is_one_from_there_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
