/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "core/far.h"

#define MS UINT64_C(1000)

/* 100 handshakes a second with a round trip of so much. */
static void see(struct far *f, unsigned rtt_ms, unsigned seconds) {
        static struct observation o;

        o.known = OBS_K_DUMP;
        o.listeners_count = 1;
        for (unsigned i = 0; i < OBS_AGE_FINE_BINS; i++)
                o.listeners[0].age[i] = i * 100 < rtt_ms ? 10 : 0;
        for (unsigned i = 0; i < seconds * 5; i++)
                far_learn(f, &o, 100, 0.2);
}

static void before_anything_is_known_a_satellite(void **state) {
        struct far f = { 0 };

        assert_int_equal(far_age_us(&f, 400 * MS), 800 * MS);
        see(&f, 100, 1);
        assert_int_equal(far_age_us(&f, 400 * MS), 800 * MS);
}

static void learns_how_far_they_are(void **state) {
        struct far f = { 0 };

        see(&f, 100, 10);
        assert_int_equal(far_age_us(&f, 400 * MS), 400 * MS);
        assert_int_equal(far_age_us(&f, 100 * MS), 100 * MS);
        see(&f, 700, 60);
        assert_int_equal(far_age_us(&f, 400 * MS), 700 * MS);
        assert_int_equal(far_age_us(&f, 2000 * MS), 2000 * MS); /* as was set */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(before_anything_is_known_a_satellite),
                cmocka_unit_test(learns_how_far_they_are),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
