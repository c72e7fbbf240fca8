/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What honest clients felt: shares of known clients and of the probe, over windows and over incidents. */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "core/impact.h"

#define S UINT64_C(1000000)
#define TICK (S / 5)

static struct impact impact;
static struct observation o; /* large */

static int set_up(void **state) {
        memset(&impact, 0, sizeof impact);
        memset(&o, 0, sizeof o);
        o.time_us = 1000 * S;
        return 0;
}

static void nothing(void) {
        o.time_us += TICK;
        o.known = OBS_K_SOURCES | OBS_K_PROBE;
        o.sources.known = OBS_SS_KNOWN;
        o.sources.known_begun = o.sources.known_again = 0;
        memset(&o.probe, 0, sizeof o.probe);
}

static void tick(uint32_t begun, uint32_t again) {
        nothing();
        o.sources.known_begun = begun;
        o.sources.known_again = again;
        impact_add(&impact, &o);
}

static void ends(enum obs_probe_result r, uint64_t took_us) {
        nothing();
        o.probe.ended[r] = 1;
        o.probe.slowest_us = r == OBS_PROBE_CONNECTED ? took_us : 0;
        impact_add(&impact, &o);
}

static double finished(void) {
        return impact_known_finished(&impact, o.time_us);
}

static void few_say_nothing(void **state) {
        assert_true(isnan(finished()));
        for (unsigned i = 0; i < 100; i++)
                tick(i % 10 == 0, 0); /* one in two seconds */
        assert_true(isnan(finished()));
        for (unsigned i = 0; i < 60; i++)
                tick(1, 0);
        assert_true(finished() == 1);
}

static void unknown_is_not_zero(void **state) {
        struct impact_tally t;

        for (unsigned i = 0; i < 60; i++) {
                tick(5, 5);
                o.sources.known = 0;
                impact_add(&impact, &o); /* of the same tick, twice as much were it read */
        }
        assert_true(finished() < 0.01);
        for (unsigned i = 0; i < 60; i++) {
                nothing();
                o.known = 0; /* stale figures of the tick before are none */
                o.sources.known_begun = 5;
                o.probe.ended[OBS_PROBE_REFUSED] = 1;
                impact_add(&impact, &o);
        }
        assert_true(isnan(finished()));
        t = impact_probe_lately(&impact);
        assert_int_equal(t.ended[OBS_PROBE_REFUSED], 0);
        assert_true(isnan(impact_tally_connected(&t)));
}

/* Of 20 a second 15 send again, a second later: the share is right whatever part of a second has passed. */
static void again_belongs_to_a_second_before(void **state) {
        for (unsigned i = 0; i < 200; i++) {
                tick(4, i >= 5 ? 3 : 0);
                if (i >= 60 && fabs(finished() - 0.25) > 0.03)
                        fail_msg("tick %u: %g", i, finished());
        }
}

/* A flood's begin: none is told unfinished before one can have sent again, nearly all some seconds later. */
static void follows_a_flood(void **state) {
        unsigned told = 0;

        for (unsigned i = 0; i < 100; i++)
                tick(20, 0);
        for (unsigned i = 0; i < 75; i++) {
                tick(20, i >= 5 ? 20 : 0);
                if (i < 5)
                        assert_true(finished() == 1);
                if (!told && finished() < 0.5)
                        told = i;
        }
        assert_in_range(told, 20, 40);
        assert_true(finished() < 0.02);
        /* When all come back at once it is still a share. */
        for (unsigned i = 0; i < 25; i++) {
                tick(1, 200);
                assert_true(finished() >= 0);
        }
}

static void time_that_passed_is_forgotten(void **state) {
        for (unsigned i = 0; i < 60; i++)
                tick(20, 20);
        o.time_us += 11 * S;
        tick(0, 0);
        assert_true(isnan(finished()));
        assert_int_equal(impact_sum(&impact).known_begun, 1200);
        o.time_us += 1000 * S;
        tick(7, 0);
        assert_int_equal(impact_sum(&impact).known_begun, 7);
}

static void probe_of_lately(void **state) {
        struct impact_tally t;

        for (unsigned i = 0; i < 10; i++)
                ends(OBS_PROBE_CONNECTED, 100 + i);
        ends(OBS_PROBE_FAILED, 0);
        t = impact_probe_lately(&impact);
        assert_true(impact_tally_connected(&t) == 1); /* what could not be tried says nothing of the service */
        assert_int_equal(t.ended[OBS_PROBE_FAILED], 1);
        assert_int_equal(t.slowest_us, 109);
        o.time_us += 5 * S;
        for (unsigned i = 0; i < 30; i++)
                ends(OBS_PROBE_TIMED_OUT, 0);
        t = impact_probe_lately(&impact);
        assert_true(impact_tally_connected(&t) < 0.26);
        o.time_us += 10 * S;
        ends(OBS_PROBE_REFUSED, 0);
        t = impact_probe_lately(&impact);
        assert_true(impact_tally_connected(&t) == 0);
        assert_int_equal(t.ended[OBS_PROBE_TIMED_OUT], 0); /* ten seconds and more ago */
        assert_int_equal(t.slowest_us, 0);
}

/* Once a minute: the last one is what is known, as long as it is. */
static void a_rare_probe_is_known(void **state) {
        struct impact_tally t;

        ends(OBS_PROBE_CONNECTED, 70);
        for (unsigned i = 0; i < 59 * 5; i++) {
                tick(0, 0);
                t = impact_probe_lately(&impact);
                assert_true(impact_tally_connected(&t) == 1 && t.slowest_us == 70);
        }
        for (unsigned i = 0; i < 10 * 5; i++)
                tick(0, 0);
        t = impact_probe_lately(&impact);
        assert_true(isnan(impact_tally_connected(&t)));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(few_say_nothing, set_up),
                cmocka_unit_test_setup(unknown_is_not_zero, set_up),
                cmocka_unit_test_setup(again_belongs_to_a_second_before, set_up),
                cmocka_unit_test_setup(follows_a_flood, set_up),
                cmocka_unit_test_setup(time_that_passed_is_forgotten, set_up),
                cmocka_unit_test_setup(probe_of_lately, set_up),
                cmocka_unit_test_setup(a_rare_probe_is_known, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
