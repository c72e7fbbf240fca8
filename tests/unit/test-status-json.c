/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "format/status_json.h"
#include "tests/unit/sample.h"

/* A path such as "host.fill" or "listeners.0.port". */
static const json_t *at(const json_t *o, const char *path) {
        char copy[128];
        char *rest = copy, *name;

        snprintf(copy, sizeof copy, "%s", path);
        while (o && (name = strsep(&rest, ".")))
                o = json_is_array(o) ? json_array_get(o, strtoul(name, NULL, 10)) : json_object_get(o, name);
        return o;
}

/* What users were promised, field by field, and of which type. */
static const struct {
        const char *path;
        const char *types; /* any of: s: string, i: integer, r: real, b: boolean, n: null, a: array, o: object */
} promised[] = {
        { "schema", "s" },
        { "version", "s" },
        { "pid", "i" },
        { "time", "s" },
        { "uptime_s", "r" },
        { "state", "s" },
        { "diagnosis", "s" },
        { "reasons", "a" },
        { "since", "s" },
        { "host", "o" },
        { "host.half_open", "in" },
        { "host.half_open_aged", "in" },
        { "host.syn_per_s", "rn" },
        { "host.completed_per_s", "rn" },
        { "host.completion_ratio", "rn" },
        { "host.cookies_sent_per_s", "rn" },
        { "host.cookies_received_per_s", "rn" },
        { "host.queue_drops_per_s", "rn" },
        { "host.accept_overflows_per_s", "rn" },
        { "host.strength", "rn" },
        { "host.explained", "a" },
        { "listeners", "a" },
        { "sources_tracked", "in" },
        { "sources_distinct_estimate", "in" },
        { "syncookies.value", "in" },
        { "syncookies.original", "in" },
        { "syncookies.managed", "b" },
        { "syncookies.mode", "s" },
        { "syncookies.trouble", "sn" },
        { "incident", "no" },
        { "host.known_finished_share", "rn" },
        { "host.probe_connected_share", "rn" },
        { "host.probe_slowest_ms", "rn" },
        { "probe", "no" },
        { "block.enabled", "b" },
        { "block.entries", "i" },
        { "block.limited", "i" },
        { "block.dropped_syn_per_s", "rn" },
        { "block.dropped_syns", "i" },
        { "clients.now", "i" },
        { "clients.refused", "i" },
        { "clients.dropped", "i" },
        { "clients.accepted", "i" },
        { "clients.accept_failed", "i" },
        { "sensors.sock_diag.state", "s" },
        { "sensors.sock_diag.interval_ms", "in" },
        { "sensors.sock_diag.last_us", "in" },
        { "sensors.sock_diag.entries", "in" },
        { "sensors.netstat.state", "s" },
        { "sensors.nflog.state", "s" },
        { "sensors.nflog.received", "i" },
        { "sensors.nflog.lost", "i" },
        { "sensors.nflog.sample_one_in", "in" },
};

static const struct {
        const char *path, *types;
} promised_of_listeners[] = {
        { "address", "s" },    { "port", "i" },      { "state", "s" },     { "diagnosis", "s" },
        { "half_open", "in" }, { "backlog", "in" },  { "fill", "rn" },     { "accept_queue", "in" },
        { "syn_per_s", "rn" }, { "strength", "rn" }, { "explained", "a" },
};

static void has_type(const json_t *value, const char *path, const char *types) {
        static const char letters[] = {
                [JSON_OBJECT] = 'o', [JSON_ARRAY] = 'a', [JSON_STRING] = 's', [JSON_INTEGER] = 'i',
                [JSON_REAL] = 'r',   [JSON_TRUE] = 'b',  [JSON_FALSE] = 'b',  [JSON_NULL] = 'n',
        };

        if (!value)
                fail_msg("%s is missing", path);
        else if (!strchr(types, letters[json_typeof(value)]))
                fail_msg("%s has type %c, not %s", path, letters[json_typeof(value)], types);
}

static void keeps_the_promise(const struct snapshot *s) {
        json_t *status = status_json(s);
        json_t *listeners;

        assert_non_null(status);
        for (size_t i = 0; i < sizeof promised / sizeof *promised; i++)
                has_type(at(status, promised[i].path), promised[i].path, promised[i].types);
        listeners = json_object_get(status, "listeners");
        for (size_t i = 0; i < json_array_size(listeners); i++)
                for (size_t k = 0; k < sizeof promised_of_listeners / sizeof *promised_of_listeners; k++)
                        has_type(at(json_array_get(listeners, i), promised_of_listeners[k].path),
                                 promised_of_listeners[k].path, promised_of_listeners[k].types);
        json_decref(status);
}

static void has_every_field(void **state) {
        struct snapshot s;

        sample_quiet(&s);
        keeps_the_promise(&s);
        sample_flood(&s);
        keeps_the_promise(&s);
}

static void tells_of_the_probe(void **state) {
        struct snapshot s;
        json_t *status;

        sample_flood(&s);
        status = status_json(&s);
        assert_string_equal(json_string_value(at(status, "probe.listener")), "192.0.2.1:80");
        assert_true(json_is_null(at(status, "probe.from")));
        assert_string_equal(json_string_value(at(status, "probe.last")), "timed_out");
        assert_true(json_is_null(at(status, "probe.last_ms"))); /* it never came to an end */
        assert_int_equal(json_integer_value(at(status, "probe.attempts.timed_out")), 9);
        assert_int_equal(json_integer_value(at(status, "probe.attempts.skipped")), 2);
        assert_true(fabs(json_real_value(at(status, "probe.connected_share")) - 0.25) < 1e-9);
        assert_true(fabs(json_real_value(at(status, "host.known_finished_share")) - 0.985) < 1e-9);
        json_decref(status);

        s.probe.last = OBS_PROBE_CONNECTED;
        s.probe.last_us = 57;
        s.probe.from.address = address_from_ipv4(0x090200c0);
        strcpy(s.probe.why, "because");
        status = status_json(&s);
        assert_true(fabs(json_real_value(at(status, "probe.last_ms")) - 0.057) < 1e-9);
        assert_string_equal(json_string_value(at(status, "probe.from")), "192.0.2.9");
        assert_string_equal(json_string_value(at(status, "probe.why")), "because");
        json_decref(status);
}

static void unknown_is_null(void **state) {
        static const char *const paths[] = {
                "host.half_open",
                "host.syn_per_s",
                "host.completion_ratio",
                "incident",
                "sources_tracked",
                "sources_distinct_estimate",
                "syncookies.value",
                "syncookies.original",
                "syncookies.trouble",
                "probe",
                "host.known_finished_share",
                "block.dropped_syn_per_s",
                "sensors.sock_diag.last_us",
                "sensors.nflog.sample_one_in",
        };
        struct snapshot s;
        json_t *status;

        sample_quiet(&s);
        status = status_json(&s);
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
                if (!json_is_null(at(status, paths[i])))
                        fail_msg("%s is not null", paths[i]);
        assert_int_equal(json_array_size(at(status, "listeners")), 0);
        assert_int_equal(json_array_size(at(status, "reasons")), 0);
        json_decref(status);
}

static void infinite_is_null(void **state) {
        struct snapshot s;
        json_t *status;

        sample_flood(&s);
        s.host.half_open = INFINITY;
        s.host.syn_per_s = -INFINITY;
        s.sources_distinct = 1e300;
        s.host.queue_drops_per_s = -0.0;
        status = status_json(&s);
        assert_true(json_is_null(at(status, "host.half_open")));
        assert_true(json_is_null(at(status, "host.syn_per_s")));
        assert_true(json_is_null(at(status, "sources_distinct_estimate")));
        assert_false(signbit(json_real_value(at(status, "host.queue_drops_per_s"))));
        json_decref(status);
}

static void is_text(const json_t *o, const char *path, const char *want) {
        assert_non_null(at(o, path));
        assert_string_equal(json_string_value(at(o, path)), want);
}

static void is_real(const json_t *o, const char *path, double want) {
        assert_non_null(at(o, path));
        assert_true(fabs(json_real_value(at(o, path)) - want) < 1e-9);
}

static void says_what_is(void **state) {
        struct snapshot s;
        json_t *status;

        sample_flood(&s);
        status = status_json(&s);
        is_text(status, "schema", "synward.status.v1");
        is_text(status, "time", "2026-01-01T00:00:00.000Z");
        is_text(status, "since", "2025-12-31T23:59:58.500Z");
        is_text(status, "state", "flood");
        is_text(status, "diagnosis", "flood-spoofed");
        is_text(status, "listeners.0.address", "0.0.0.0");
        is_text(status, "listeners.1.address", "2001:db8::1");
        assert_int_equal(json_integer_value(at(status, "listeners.1.port")), 443);
        assert_int_equal(json_integer_value(at(status, "host.half_open")), 515);
        is_real(status, "host.syn_per_s", 1240.0);
        is_real(status, "host.completion_ratio", 0.16);
        is_real(status, "listeners.0.fill", 1.002);
        is_real(status, "uptime_s", 93784.5);
        is_text(status, "incident.listener", "0.0.0.0:80");
        assert_int_equal(json_integer_value(at(status, "incident.id")), 3);
        assert_true(json_is_true(at(status, "syncookies.managed")));
        is_text(status, "sensors.nflog.state", "degraded");
        is_text(status, "sensors.nflog.reason", "table \"synward\" belongs to another");
        assert_null(at(status, "sensors.netstat.reason"));
        assert_int_equal(json_integer_value(at(status, "sensors.sock_diag.interval_ms")), 200);
        json_decref(status);
}

static void text_cut_within_a_character(void **state) {
        struct snapshot s;
        json_t *status;

        sample_flood(&s);
        strcpy(s.reasons[0], "half \xc3");
        status = status_json(&s);
        is_text(status, "reasons.0", "half ?");
        json_decref(status);
}

static void full_snapshot_is_an_answer(void **state) {
        static struct snapshot s;
        json_t *listeners;

        sample_flood(&s);
        s.listeners_count = OBS_LISTENERS_MAX;
        for (unsigned i = 0; i < OBS_LISTENERS_MAX; i++)
                s.listeners[i] = s.listeners[0];
        listeners = status_json_listeners(&s);
        assert_int_equal(json_array_size(at(listeners, "listeners")), OBS_LISTENERS_MAX);
        json_decref(listeners);
}

static void sources_or_prefixes(void **state) {
        struct snapshot s;
        json_t *o;

        sample_flood(&s);
        o = status_json_sources(&s, 10, false);
        assert_int_equal(json_array_size(at(o, "sources")), 2);
        is_text(o, "sources.0.address", "192.0.2.7");
        assert_true(json_is_null(at(o, "sources.0.prefix")));
        is_real(o, "sources.0.share", 0.05);
        is_real(o, "sources.0.error", 0.001);
        is_text(o, "sources.1.address", "2001:db8::5");
        json_decref(o);

        o = status_json_sources(&s, 10, true);
        assert_int_equal(json_array_size(at(o, "sources")), 1);
        is_text(o, "sources.0.prefix", "198.51.100.0/24");
        assert_true(json_is_null(at(o, "sources.0.address")));
        json_decref(o);

        s.sensors[SENSOR_NFLOG].state = SENSOR_FAILED;
        o = status_json_sources(&s, 1, false);
        assert_true(json_is_false(at(o, "known")));
        json_decref(o);
        s.sensors[SENSOR_NFLOG].state = SENSOR_OK;
        o = status_json_sources(&s, 1, false);
        assert_true(json_is_true(at(o, "known")));
        assert_int_equal(json_array_size(at(o, "sources")), 1);
        json_decref(o);
        o = status_json_sources(&s, 0, false);
        assert_true(json_is_array(at(o, "sources")));
        assert_int_equal(json_array_size(at(o, "sources")), 0);
        json_decref(o);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(has_every_field),
                cmocka_unit_test(tells_of_the_probe),
                cmocka_unit_test(unknown_is_null),
                cmocka_unit_test(infinite_is_null),
                cmocka_unit_test(says_what_is),
                cmocka_unit_test(text_cut_within_a_character),
                cmocka_unit_test(full_snapshot_is_an_answer),
                cmocka_unit_test(sources_or_prefixes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
