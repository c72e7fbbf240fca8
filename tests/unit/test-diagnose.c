/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/diagnose.h"

static void who_answers_by_rst_loses_nothing(void **state) {
        struct circumstances c = { .usual_completed_per_s = 200, .aged_share = 0.5 };
        struct evidence e = evidence_unknown();

        e.completed_per_s = 150;
        c.late_per_s = 50;
        c.late_share = 0.25;
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
                cmocka_unit_test(who_answers_by_rst_loses_nothing),
                cmocka_unit_test(nothing_to_tell_by_is_unknown),
                cmocka_unit_test(a_crowd_of_strangers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
