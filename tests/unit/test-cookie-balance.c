/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/cookie_balance.h"

#define MS UINT64_C(1000)
#define TICKS 200u

/* Cookies a second sent and the part of them that is answered, a tick of 200 ms. */
struct phase {
        double sent_per_s, answered;
};

/* Runs ticks of a profile with a round trip of some ticks; the most that was called
 * unanswered, a second. */
static double most_unanswered(const struct phase *profile, unsigned round_trip_ticks) {
        struct cookie_balance b;
        double most = 0;

        cookie_balance_init(&b);
        for (unsigned i = 0; i < TICKS; i++) {
                const struct phase *then = i >= round_trip_ticks ? &profile[i - round_trip_ticks] : NULL;
                double u;

                cookie_balance_add(&b, 1000000 + i * 200 * MS, (uint64_t) (profile[i].sent_per_s / 5),
                                   then ? (uint64_t) (then->sent_per_s * then->answered / 5) : 0);
                u = cookie_balance_unanswered_per_s(&b, 400 * MS, 250 * MS);
                if (u > most)
                        most = u;
        }
        return most;
}

static void a_crowd_that_comes_and_goes_is_answered(void **state) {
        struct phase profile[TICKS];

        for (unsigned rtt = 0; rtt <= 2; rtt++) {
                for (unsigned i = 0; i < TICKS; i++)
                        profile[i] = (struct phase) { i > 50 && i < 100 ? 4000 : 0, 1 };
                assert_true(most_unanswered(profile, rtt) < 1);
        }
}

static void lost_ones_count_as_they_are(void **state) {
        struct phase profile[TICKS];
        double most;

        for (unsigned i = 0; i < TICKS; i++)
                profile[i] = (struct phase) { 1000, 0.75 };
        most = most_unanswered(profile, 1);
        assert_true(most > 240 && most < 260);
}

static void a_flood_is_seen_after_lag_and_window(void **state) {
        struct cookie_balance b;
        unsigned i;

        cookie_balance_init(&b);
        for (i = 0; i < 50; i++)
                cookie_balance_add(&b, 1000000 + i * 200 * MS, 0, 0);
        assert_true(cookie_balance_unanswered_per_s(&b, 400 * MS, 250 * MS) == 0);
        for (; i < 54; i++)
                cookie_balance_add(&b, 1000000 + i * 200 * MS, 200, 0);
        assert_true(cookie_balance_unanswered_per_s(&b, 400 * MS, 250 * MS) > 900);
}

static void a_short_history_knows_nothing(void **state) {
        struct cookie_balance b;

        cookie_balance_init(&b);
        assert_true(isnan(cookie_balance_unanswered_per_s(&b, 400 * MS, 250 * MS)));
        cookie_balance_add(&b, 1000000, 100, 0);
        assert_true(isnan(cookie_balance_unanswered_per_s(&b, 400 * MS, 250 * MS)));
}

/* All are answered after 120 ms, and from some moment on after 700 ms: for as long nothing comes back. What was lost of
 * what was sent in a second, at most. */
static double lost_when_the_round_trip_grows(double part) {
        struct cookie_balance b;
        double most = 0;

        cookie_balance_init(&b);
        for (unsigned i = 0; i < 600; i++) {
                bool pause = i >= 300 && i < 312; /* 50 ms each */
                double l;

                cookie_balance_add(&b, 1000000 + i * 50 * MS, 100, pause ? 0 : (uint64_t) (100 * part));
                l = cookie_balance_lost_per_s(&b, 1500 * MS, 1000 * MS);
                if (l > most)
                        most = l;
        }
        return most;
}

static void a_round_trip_that_grows_loses_nothing(void **state) {
        assert_float_equal(lost_when_the_round_trip_grows(1), 0, 101);
        /* A flood beside it is what it was. */
        assert_float_equal(lost_when_the_round_trip_grows(0.5), 1000, 101);
}

static void a_flood_is_lost_after_lag_and_window(void **state) {
        struct cookie_balance b;
        unsigned i;

        cookie_balance_init(&b);
        for (i = 0; i < 50; i++)
                cookie_balance_add(&b, 1000000 + i * 200 * MS, 40, 40);
        assert_true(cookie_balance_lost_per_s(&b, 1500 * MS, 1000 * MS) == 0);
        for (; i < 63; i++)
                cookie_balance_add(&b, 1000000 + i * 200 * MS, 240, 40);
        assert_float_equal(cookie_balance_lost_per_s(&b, 1500 * MS, 1000 * MS), 1000, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_crowd_that_comes_and_goes_is_answered),
                cmocka_unit_test(lost_ones_count_as_they_are),
                cmocka_unit_test(a_flood_is_seen_after_lag_and_window),
                cmocka_unit_test(a_short_history_knows_nothing),
                cmocka_unit_test(a_round_trip_that_grows_loses_nothing),
                cmocka_unit_test(a_flood_is_lost_after_lag_and_window),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
