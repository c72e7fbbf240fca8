/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/event_fields.h"
#include "format/event_json.h"
#include "format/time_text.h"

static void times(void **state) {
        static const struct {
                uint64_t realtime_us;
                const char *text;
        } cases[] = {
                { 0, "1970-01-01T00:00:00.000Z" },
                { UINT64_C(1767225600000000), "2026-01-01T00:00:00.000Z" },
                { UINT64_C(1767225600999999), "2026-01-01T00:00:00.999Z" },
                { UINT64_C(1709164800000000), "2024-02-29T00:00:00.000Z" },
                { UINT64_C(253402300799999999), "9999-12-31T23:59:59.999Z" },
                { UINT64_MAX, "9999-12-31T23:59:59.999Z" },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char text[TIME_TEXT_MAX];

                assert_string_equal(time_text_format(cases[i].realtime_us, text), cases[i].text);
        }
}

static struct event flood(void) {
        struct event e = event_make(EVENT_FLOOD_START);

        e.sequence = 7;
        e.realtime_us = UINT64_C(1767225600123456);
        e.incident = 3;
        e.has_listener = true;
        e.listener = (struct listener_key) { .address = address_from_ipv4(0), .port = 80 };
        e.state = STATE_FLOOD;
        e.diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        e.evidence.half_open = 511;
        e.evidence.backlog = 511;
        e.evidence.fill = 1;
        e.evidence.syn_per_s = 1000.1;
        e.evidence.unanswered_share = 0.83333333;
        snprintf(e.message, sizeof e.message, "SYN flood on 0.0.0.0:80");
        return e;
}

static void whole_line(void **state) {
        struct event e = flood();
        char *line = event_json_line(&e);

        assert_string_equal(line, "{\"schema\":\"synward.event.v1\",\"time\":\"2026-01-01T00:00:00.123Z\","
                                  "\"event\":\"flood-start\",\"severity\":\"crit\",\"incident\":3,"
                                  "\"listener\":\"0.0.0.0:80\",\"state\":\"flood\","
                                  "\"diagnosis\":\"flood-spoofed\",\"message\":\"SYN flood on 0.0.0.0:80\","
                                  "\"sequence\":7,\"half_open\":511,\"backlog\":511,\"fill\":1.0,"
                                  "\"syn_per_s\":1000.1,\"unanswered_share\":0.8333}\n");
        free(line);
}

static void unknown_is_absent_or_null(void **state) {
        struct event e = event_make(EVENT_CONFIG_RELOADED);
        json_t *o = event_json(&e);

        assert_true(json_is_null(json_object_get(o, "incident")));
        assert_true(json_is_null(json_object_get(o, "listener")));
        assert_string_equal(json_string_value(json_object_get(o, "severity")), "info");
        assert_string_equal(json_string_value(json_object_get(o, "diagnosis")), "unknown");
        assert_int_equal(json_object_size(o), 9);
        json_decref(o);

        e.evidence.syn_per_s = INFINITY; /* no JSON number; as good as unknown */
        e.evidence.half_open = 0;        /* known, and nothing */
        o = event_json(&e);
        assert_null(json_object_get(o, "syn_per_s"));
        assert_int_equal(json_integer_value(json_object_get(o, "half_open")), 0);
        assert_int_equal(json_object_size(o), 10);
        json_decref(o);
}

static void sysctl_and_source(void **state) {
        struct event e = event_make(EVENT_SYNCOOKIES_SET);
        json_t *o, *list;

        e.old_value = 0;
        e.new_value = 1;
        e.sources_count = 2;
        assert_int_equal(prefix_parse("198.51.100.0/24", &e.sources[0]), 0);
        assert_int_equal(prefix_parse("2001:db8::1", &e.sources[1]), 0);
        o = event_json(&e);
        assert_int_equal(json_integer_value(json_object_get(o, "old_value")), 0);
        assert_true(json_is_integer(json_object_get(o, "old_value")));
        assert_int_equal(json_integer_value(json_object_get(o, "new_value")), 1);
        assert_string_equal(json_string_value(json_object_get(o, "source")), "198.51.100.0/24");
        assert_int_equal(json_integer_value(json_object_get(o, "sources_count")), 2);
        list = json_object_get(o, "sources");
        assert_int_equal(json_array_size(list), 2);
        assert_string_equal(json_string_value(json_array_get(list, 1)), "2001:db8::1");
        json_decref(o);
}

static void who_sent_most(void **state) {
        struct event e = event_make(EVENT_FLOOD_END);
        json_t *o, *list, *second;

        e.top_count = 2;
        e.top[0].share = 0.91234;
        e.top[1].share = 0.06;
        assert_int_equal(prefix_parse("198.51.100.0/24", &e.top[0].prefix), 0);
        assert_int_equal(prefix_parse("2001:db8::1", &e.top[1].prefix), 0);
        o = event_json(&e);
        assert_string_equal(json_string_value(json_object_get(o, "top_source")), "198.51.100.0/24");
        assert_true(fabs(json_real_value(json_object_get(o, "top_source_share")) - 0.9123) < 1e-9);
        list = json_object_get(o, "top_sources");
        assert_int_equal(json_array_size(list), 2);
        second = json_array_get(list, 1);
        assert_string_equal(json_string_value(json_object_get(second, "source")), "2001:db8::1");
        assert_true(fabs(json_number_value(json_object_get(second, "share")) - 0.06) < 1e-9);
        json_decref(o);
}

/* A message cut within a character, or with what a hook wrote, still goes out. */
static void broken_utf8_goes_out(void **state) {
        struct event e = flood();
        json_t *o;

        memset(e.message, 'x', sizeof e.message);
        memcpy(e.message + sizeof e.message - 3, "\xe2\x80", 3);
        o = event_json(&e);
        assert_non_null(o);
        assert_int_equal(json_string_length(json_object_get(o, "message")), sizeof e.message - 1);
        json_decref(o);
}

/* Everything known at once must fit the list, in names that suit every form: the hooks' starter takes events
 * from another process. */
static void every_field_fits(void **state) {
        struct event_field fields[EVENT_FIELDS_MAX];
        struct event e = flood();
        unsigned count;

        memset(&e.evidence, 0x3f, sizeof e.evidence); /* 0.0005 in every figure */
        e.evidence.pattern = "surge";
        e.duration_s = e.peak_syn_per_s = 2;
        e.old_value = e.new_value = 1;
        e.sources_count = EVENT_SOURCES_MAX;
        e.top_count = 1;
        count = event_fields(&e, fields);
        assert_int_equal(count, 7 + offsetof(struct evidence, top) / sizeof(double) + 10);
        for (unsigned i = 0; i < count; i++) {
                assert_true(strlen(fields[i].name) < EVENT_FIELD_NAME_MAX);
                assert_int_equal(strspn(fields[i].name, "abcdefghijklmnopqrstuvwxyz_"), strlen(fields[i].name));
                assert_true(fields[i].text[0] != '\0');
                for (unsigned k = 0; k < i; k++)
                        assert_string_not_equal(fields[i].name, fields[k].name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times),
                cmocka_unit_test(whole_line),
                cmocka_unit_test(unknown_is_absent_or_null),
                cmocka_unit_test(sysctl_and_source),
                cmocka_unit_test(who_sent_most),
                cmocka_unit_test(broken_utf8_goes_out),
                cmocka_unit_test(every_field_fits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
