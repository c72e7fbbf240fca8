/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -v and -v -v say of a look. */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "look_log.h"
#include "util/log.h"

static struct engine_look look; /* large */
static char text[4096];

/* Two listeners in calm. */
static int set_up(void **state) {
        memset(&look, 0, sizeof look);
        look.snapshot.realtime_us = UINT64_C(1767323045) * 1000000; /* 2026-01-02T03:04:05Z */
        look.verdicts.listeners_count = 2;
        look.verdicts.host.evidence = evidence_unknown();
        for (unsigned i = 0; i < 2; i++) {
                look.verdicts.listeners[i].key = (struct listener_key) {
                        .address = address_from_ipv4(0),
                        .port = (uint16_t) (80 + i),
                };
                look.verdicts.listeners[i].verdict.evidence = evidence_unknown();
                look.decision.listeners[i].state = STATE_NORMAL;
        }
        return 0;
}

static void flood_at_81(void) {
        struct verdict *v = &look.verdicts.listeners[1].verdict;

        v->finding = FINDING_FLOOD;
        v->strength = 3.25;
        v->evidence.pattern = "surge";
        v->pressure = true;
        v->diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        v->evidence.half_open = 512;
        look.decision.listeners[1].state = look.decision.state = STATE_FLOOD;
}

/* What a verbosity logs of it: how many lines, the lines in text. */
static unsigned said(int verbosity, bool replayed) {
        int ends[2], kept = dup(STDERR_FILENO);
        unsigned lines = 0;
        ssize_t n;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
        log_setup(verbosity);
        look_log(&look, replayed);
        assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
        close(ends[1]);
        n = read(ends[0], text, sizeof text - 1);
        close(ends[0]);
        close(kept);
        text[n > 0 ? n : 0] = '\0';
        for (const char *c = text; *c; c++)
                lines += *c == '\n';
        return lines;
}

static void calm_is_said_only_when_asked_twice(void **state) {
        assert_int_equal(said(0, false), 0);
        assert_int_equal(said(1, false), 0);
        assert_int_equal(said(2, false), 3);
        assert_non_null(strstr(text, "debug: 0.0.0.0:80: normal; found none, strength 0.00 (nothing), "));
        assert_non_null(strstr(text, "debug: host: normal; "));
}

static void a_flood_is_said_with_its_figures(void **state) {
        flood_at_81();
        assert_int_equal(said(0, false), 0);
        assert_int_equal(said(1, false), 2);
        assert_non_null(strstr(text, "debug: 0.0.0.0:81: flood; found flood, strength 3.25 (surge), pressure, "
                                     "flood-spoofed; half-open 512\n"));
        assert_non_null(strstr(text, "debug: host: flood; "));
        assert_null(strstr(text, "0.0.0.0:80"));
        assert_int_equal(said(2, false), 3);
}

/* A moment's finding that has made no state yet. */
static void a_finding_is_no_calm(void **state) {
        look.verdicts.listeners[0].verdict.finding = FINDING_SUSPECT;
        assert_int_equal(said(1, false), 1);
        assert_non_null(strstr(text, "0.0.0.0:80: normal; found suspect, "));
}

static void a_replayed_look_has_its_own_time(void **state) {
        flood_at_81();
        assert_int_equal(said(1, true), 2);
        assert_non_null(strstr(text, "debug: 2026-01-02T03:04:05.000Z 0.0.0.0:81: flood; "));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(calm_is_said_only_when_asked_twice, set_up),
                cmocka_unit_test_setup(a_flood_is_said_with_its_figures, set_up),
                cmocka_unit_test_setup(a_finding_is_no_calm, set_up),
                cmocka_unit_test_setup(a_replayed_look_has_its_own_time, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
