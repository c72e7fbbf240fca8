/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/diagnose.h"

static enum diagnosis flood(double seen_once, double unfinished, double usual_seen_once) {
        struct evidence e = evidence_unknown();
        struct circumstances c = {
                .usual_completed_per_s = NAN, .usual_arrivals_per_s = NAN, .aged_share = NAN,
                .usual_seen_once_share = usual_seen_once, .unfinished_share = unfinished,
        };

        e.seen_once_share = seen_once;
        e.unanswered_per_s = 200;
        e.completed_per_s = 200;
        return diagnose(FINDING_FLOOD, &e, &c);
}

static void sources_that_keep_coming(void **state) {
        /* Nothing but the flood. */
        assert_int_equal(flood(0.2, 1, NAN), DIAGNOSIS_FLOOD_DISTRIBUTED);
        assert_int_equal(flood(0.9, 1, NAN), DIAGNOSIS_FLOOD_SPOOFED);
        /* Half of the SYNs are honest and, as usual, mostly seen once: 0.25 of the flood's are. */
        assert_int_equal(flood(0.6, 0.5, 0.95), DIAGNOSIS_FLOOD_DISTRIBUTED);
        assert_int_equal(flood(0.97, 0.5, 0.95), DIAGNOSIS_FLOOD_SPOOFED);
        /* Honest clients that come again and again do not make a spoofed flood another. */
        assert_int_equal(flood(0.55, 0.5, 0.1), DIAGNOSIS_FLOOD_SPOOFED);
        /* What is usual is not known: only what is so for certain. */
        assert_int_equal(flood(0.6, 0.5, NAN), DIAGNOSIS_FLOOD_SPOOFED);
        assert_int_equal(flood(NAN, 1, NAN), DIAGNOSIS_FLOOD_SPOOFED);
}

static void nothing_left_unfinished_tells_nothing(void **state) {
        /* The look that found the flood has passed, the SYNs are others'. */
        assert_int_equal(flood(0.95, 0, 0.99), DIAGNOSIS_FLOOD_SPOOFED);
}

static void who_answers_by_rst_loses_nothing(void **state) {
        struct circumstances c = { .usual_completed_per_s = 200, .aged_share = 0.5 };
        struct evidence e = evidence_unknown();

        e.completed_per_s = 150;
        e.unanswered_per_s = 50;
        e.unanswered_share = 0.25;
        assert_int_equal(diagnose(FINDING_NONE, &e, &c), DIAGNOSIS_LOSSY_CLIENTS);
        c.embryonic_rsts_per_s = 50;
        assert_int_equal(diagnose(FINDING_NONE, &e, &c), DIAGNOSIS_BUSY);
        c.embryonic_rsts_per_s = NAN;
        assert_int_equal(diagnose(FINDING_NONE, &e, &c), DIAGNOSIS_LOSSY_CLIENTS);
}

static void nothing_to_tell_by_is_unknown(void **state) {
        struct circumstances c = { .usual_completed_per_s = NAN, .aged_share = NAN };
        struct evidence e = evidence_unknown();

        e.half_open = 0;
        assert_int_equal(diagnose(FINDING_SUSPECT, &e, &c), DIAGNOSIS_UNKNOWN);
        assert_int_equal(diagnose(FINDING_NONE, &e, &c), DIAGNOSIS_QUIET);
}

static void a_crowd_of_strangers(void **state) {
        struct circumstances c = { .usual_completed_per_s = 100, .aged_share = NAN };
        struct evidence e = evidence_unknown();

        e.completed_per_s = 1000;
        assert_int_equal(diagnose(FINDING_NONE, &e, &c), DIAGNOSIS_FLASH_CROWD);
        c.allowed_per_s = 800;
        assert_int_equal(diagnose(FINDING_NONE, &e, &c), DIAGNOSIS_BUSY);
        c.allowed_per_s = 100;
        assert_int_equal(diagnose(FINDING_NONE, &e, &c), DIAGNOSIS_FLASH_CROWD);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sources_that_keep_coming),
                cmocka_unit_test(nothing_left_unfinished_tells_nothing),
                cmocka_unit_test(who_answers_by_rst_loses_nothing),
                cmocka_unit_test(nothing_to_tell_by_is_unknown),
                cmocka_unit_test(a_crowd_of_strangers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
