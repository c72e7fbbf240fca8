/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "format/metrics_text.h"
#include "tests/unit/sample.h"

static bool has_line(const char *text, const char *line) {
        size_t n = strlen(line);

        for (const char *p = text; (p = strstr(p, line)); p++)
                if ((p == text || p[-1] == '\n') && p[n] == '\n')
                        return true;
        return false;
}

static void says_what_is(void **state) {
        static const char *const lines[] = {
                "synward_build_info{version=\"0.1.0\"} 1",
                "synward_state{state=\"flood\"} 1",
                "synward_state{state=\"normal\"} 0",
                "synward_state{state=\"suspect\"} 0",
                "synward_state{state=\"recovering\"} 0",
                "synward_half_open 515",
                "synward_half_open_aged 502",
                "synward_listener_half_open{address=\"0.0.0.0\",port=\"80\"} 512",
                "synward_listener_half_open{address=\"2001:db8::1\",port=\"443\",ifindex=\"2\"} 3",
                "synward_listener_backlog{address=\"0.0.0.0\",port=\"80\"} 511",
                "synward_listener_syns_total{address=\"0.0.0.0\",port=\"80\"} 90000",
                "synward_listener_completed_total{address=\"0.0.0.0\",port=\"80\"} 20000",
                "synward_listener_unanswered_total{address=\"0.0.0.0\",port=\"80\"} 68000",
                "synward_listener_refused_total{address=\"0.0.0.0\",port=\"80\"} 1500",
                "synward_listener_refused_total{address=\"2001:db8::1\",port=\"443\",ifindex=\"2\"} 0",
                "synward_incident_info{id=\"3\",diagnosis=\"flood-spoofed\",listener=\"0.0.0.0:80\"} 1",
                "synward_unanswered_per_second 1041.6",
                "synward_syns_total 123456",
                "synward_handshakes_completed_total 23456",
                "synward_blocked_syns_total 912000",
                "synward_blocked_entries 3",
                "synward_limited_entries 1",
                "synward_control_clients 2",
                "synward_control_accepted_total 40",
                "synward_control_refused_total 5",
                "synward_control_dropped_total 3",
                "synward_control_accept_failed_total 1",
                "synward_records_waiting_bytes 4096",
                "synward_records_dropped_total 7",
                "synward_cookies_sent_total 98765",
                "synward_nflog_lost_total 12",
                "synward_incidents_total{diagnosis=\"flood-spoofed\"} 2",
                "synward_incidents_total{diagnosis=\"flood-reflected\"} 0",
                "synward_tcp_syncookies 1",
                "synward_sensor_up{sensor=\"sock_diag\"} 1",
                "synward_sensor_up{sensor=\"nflog\"} 1",
                "synward_sensor_degraded{sensor=\"nflog\"} 1",
                "# TYPE synward_poll_duration_seconds histogram",
                "synward_poll_duration_seconds_bucket{le=\"0.0003\"} 0",
                "synward_poll_duration_seconds_bucket{le=\"0.001\"} 5",
                "synward_poll_duration_seconds_bucket{le=\"0.003\"} 5",
                "synward_poll_duration_seconds_bucket{le=\"3\"} 6",
                "synward_poll_duration_seconds_bucket{le=\"+Inf\"} 7",
                "synward_poll_duration_seconds_sum 3.500123",
                "synward_poll_duration_seconds_count 7",
                "synward_known_finished_ratio 0.985",
                "synward_probe_connected_ratio 0.25",
                "synward_probe_info{listener=\"192.0.2.1:80\"} 1",
                "# TYPE synward_probe_handshakes_total counter",
                "synward_probe_handshakes_total{result=\"connected\"} 31",
                "synward_probe_handshakes_total{result=\"refused\"} 1",
                "synward_probe_handshakes_total{result=\"timed_out\"} 9",
                "synward_probe_handshakes_total{result=\"failed\"} 0",
                "synward_probe_skipped_total 2",
                "synward_probe_duration_seconds_bucket{le=\"0.0001\"} 30",
                "synward_probe_duration_seconds_bucket{le=\"1\"} 30",
                "synward_probe_duration_seconds_bucket{le=\"1.5\"} 31",
                "synward_probe_duration_seconds_bucket{le=\"+Inf\"} 31",
                "synward_probe_duration_seconds_sum 1.036",
                "synward_probe_duration_seconds_count 31",
        };
        struct snapshot s;
        char *text;

        sample_flood(&s);
        text = metrics_text(&s, false);
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
                if (!has_line(text, lines[i]))
                        fail_msg("not there: %s\n%s", lines[i], text);
        free(text);
}

static void no_source_and_nothing_unknown(void **state) {
        struct snapshot s;
        char *text;

        sample_flood(&s);
        text = metrics_text(&s, false);
        assert_null(strstr(text, "192.0.2.7"));
        assert_null(strstr(text, "198.51.100"));
        free(text);

        sample_quiet(&s);
        s.sensors[SENSOR_NETSTAT].state = SENSOR_FAILED;
        text = metrics_text(&s, false);
        assert_null(strstr(text, " nan"));
        assert_null(strstr(text, "\nsynward_half_open"));
        assert_null(strstr(text, "\nsynward_tcp_syncookies"));
        assert_null(strstr(text, "synward_probe_")); /* there is none */
        assert_true(has_line(text, "synward_sensor_up{sensor=\"netstat\"} 0"));
        assert_null(strstr(text, "sensor_up{sensor=\"nflog\"}")); /* it is set to be off */
        free(text);
}

static unsigned count_lines(const char *text, const char *start) {
        unsigned n = 0;

        for (const char *p = text; (p = strstr(p, start)); p++)
                n += p == text || p[-1] == '\n';
        return n;
}

/* 192 of them where they are switched on, and none elsewhere. */
static void fleet_is_192_series(void **state) {
        struct snapshot s;
        char *text;

        sample_flood(&s);
        text = metrics_text(&s, false);
        assert_null(strstr(text, "synward_fleet_"));
        free(text);

        s.fleet.known = true;
        s.fleet.mark = 0xab;
        s.fleet.cells[0][17] = 12;
        s.fleet.cells[1][63] = UINT64_C(5000000000);
        s.fleet.registers[5] = 47;
        text = metrics_text(&s, false);
        assert_int_equal(count_lines(text, "synward_fleet_cell_total{"), 128);
        assert_int_equal(count_lines(text, "synward_fleet_register{"), 64);
        assert_int_equal(count_lines(text, "synward_fleet_"), 192);
        assert_true(has_line(text, "# TYPE synward_fleet_cell_total counter"));
        assert_true(has_line(text, "# TYPE synward_fleet_register gauge"));
        assert_true(has_line(text, "synward_fleet_cell_total{key=\"00ab\",row=\"0\",cell=\"17\"} 12"));
        assert_true(has_line(text, "synward_fleet_cell_total{key=\"00ab\",row=\"1\",cell=\"63\"} 5000000000"));
        assert_true(has_line(text, "synward_fleet_register{key=\"00ab\",register=\"5\"} 47"));
        assert_true(has_line(text, "synward_fleet_register{key=\"00ab\",register=\"63\"} 0"));
        free(text);
}

static void escapes_labels(void **state) {
        struct snapshot s;
        char *text;

        sample_quiet(&s);
        s.version = "a\"b\\c\nd";
        text = metrics_text(&s, false);
        assert_true(has_line(text, "synward_build_info{version=\"a\\\"b\\\\c\\nd\"} 1"));
        free(text);
}

static void sample_fleet(struct snapshot *s) {
        sample_quiet(s);
        s->fleet.known = true;
}

static void prometheus_has_no_complaint(void **state) {
        static void (*const samples[])(struct snapshot *) = { sample_quiet, sample_flood, sample_fleet };

        if (system("promtool --version >/dev/null 2>&1") != 0) {
                print_message("no promtool here\n");
                skip();
        }
        for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
                struct snapshot s;
                char *text;
                FILE *f = popen("promtool check metrics 2>&1", "w");

                assert_non_null(f);
                samples[i](&s);
                text = metrics_text(&s, false);
                fputs(text, f);
                free(text);
                assert_int_equal(pclose(f), 0);
        }
}

/* Counters are named without their suffix, and the end is marked. */
static void openmetrics(void **state) {
        struct snapshot s;
        char *text;

        sample_flood(&s);
        text = metrics_text(&s, true);
        assert_true(has_line(text, "# TYPE synward_syns counter"));
        assert_true(has_line(text, "synward_syns_total 123456"));
        assert_true(has_line(text, "# TYPE synward_listener_syns counter"));
        assert_null(strstr(text, "# TYPE synward_syns_total"));
        assert_string_equal(text + strlen(text) - 6, "# EOF\n");
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(says_what_is),        cmocka_unit_test(no_source_and_nothing_unknown),
                cmocka_unit_test(fleet_is_192_series), cmocka_unit_test(escapes_labels),
                cmocka_unit_test(openmetrics),         cmocka_unit_test(prometheus_has_no_complaint),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
