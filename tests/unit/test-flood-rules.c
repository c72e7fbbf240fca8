/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pattern that needs one look, and what strength means. */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>

#include "config/keys.h"
#include "core/explanations.h"
#include "core/flood_rules.h"
#include "tests/scenarios/random.h"

static struct settings settings;

/* 1,000 SYN/s that nobody finishes, 300 ms after the first, on a server with 200 clients a second. */
static struct look flood_begins(void) {
        return (struct look) {
                .early_per_s = 1000,
                .late_per_s = 0,
                .aged_per_s = 0,
                .stale_per_s = 0,
                .cookies_early_per_s = 0,
                .cookies_unanswered_per_s = 0,
                .cookies_in_vain_per_s = 0,
                .cookies_stale_per_s = 0,
                .completed_per_s = 200,
                .refused_per_s = 0,
                .killed_per_s = 0,
                .cookies_sent_per_s = 0,
                .half_open = 330,
                .backlog = 511,
                .usual_early_per_s = 2,
                .usual_arrivals_per_s = 205,
                .begun_per_s = 1200,
                .usual_completed_per_s = 200,
                .usual_killed_per_s = NAN,
                .seen_once_share = NAN,
                .half_open_life_s = 63,
                .syncookies = 1,
        };
}

static double overwhelming(const struct look *l) {
        return flood_rules_match(l, &settings.detect).overwhelming;
}

static void one_look_is_enough(void **state) {
        struct look l = flood_begins();

        assert_true(overwhelming(&l) >= 1);
        l.early_per_s = 500; /* not three times what finishes */
        assert_true(overwhelming(&l) < 1);
        l = flood_begins();
        l.early_per_s = 0;
        l.cookies_early_per_s = 1000;
        l.syncookies = 2;
        assert_true(overwhelming(&l) >= 1);
}

static void honest_loads_need_more_looks(void **state) {
        struct look l = flood_begins();

        /* The network pauses for 300 ms: as many are waiting as finished a moment ago. */
        l.completed_per_s = 800;
        assert_true(overwhelming(&l) < 1);
        /* The same, longer: no more arrive than usual. */
        l = flood_begins();
        l.completed_per_s = 50;
        l.usual_arrivals_per_s = 1000;
        assert_true(overwhelming(&l) < 1);
        /* The usual clients are far away: a crowd of them. */
        l = flood_begins();
        l.usual_early_per_s = 150;
        assert_true(overwhelming(&l) < 1);
        l = flood_begins();
        l.outage = true;
        assert_true(overwhelming(&l) < 1);
        /* It could not fill the queue in a minute. */
        l = flood_begins();
        l.backlog = 1000000;
        assert_true(overwhelming(&l) < 1);
}

static void unknown_is_not_zero(void **state) {
        struct look l = flood_begins();

        l.usual_arrivals_per_s = NAN; /* nothing is usual yet */
        assert_true(overwhelming(&l) < 1);
        l = flood_begins();
        l.completed_per_s = NAN;
        assert_true(overwhelming(&l) < 1);
        l = flood_begins();
        l.early_per_s = l.cookies_early_per_s = NAN;
        assert_true(overwhelming(&l) < 1);
}

static void a_scanners_burst_is_soon_over(void **state) {
        struct look l = flood_begins();

        /* A little above what is noise, on a queue that it would fill in a minute. */
        l.late_per_s = 8;
        l.aged_per_s = l.stale_per_s = 12;
        l.completed_per_s = 1;
        l.gathered = 30;
        assert_true(flood_rules_match(&l, &settings.detect).sustained < 1);
        assert_false(flood_rules_suspect(&l, &settings.detect));
        l.gathered = 45;
        assert_true(flood_rules_match(&l, &settings.detect).sustained >= 1);
        /* On a small one there is no time for that. */
        l.gathered = 15;
        l.backlog = 128;
        assert_true(flood_rules_match(&l, &settings.detect).sustained >= 1);
        /* Nor has what is loud to be waited for. */
        l.backlog = 511;
        l.late_per_s = l.aged_per_s = l.stale_per_s = 40;
        assert_true(flood_rules_match(&l, &settings.detect).sustained >= 1);
}

/* A fair walk of noise: how often it gathers as much as is not chance within the interval. */
static void chance_brings_it_as_seldom_as_wanted(void **state) {
        struct settings_detect s = settings.detect;
        struct chance chance = { 1 };
        unsigned alarms = 0;
        double hours = 0;

        assert_float_equal(flood_rules_chance(&s), 15, 0.1);
        s.false_alarm_us = UINT64_C(3600000000);
        assert_float_equal(flood_rules_chance(&s), 7.1, 0.1);
        /* 3,000 hours of Poisson noise of 4.25/s, a tick of 0.2 s each. */
        for (double gathered = 0; hours < 3000; hours += 0.2 / 3600) {
                double mean = 0.425 * s.unanswered_per_s * 0.2, p = exp(-mean), u;
                unsigned n = 0;

                for (u = chance_unit(&chance); u > p; n++) {
                        u -= p;
                        p *= mean / (n + 1);
                }
                gathered = fmax(gathered + n - EXPLANATION_NOISE_SHARE * s.unanswered_per_s * 0.2, 0);
                if (gathered < flood_rules_chance(&s))
                        continue;
                alarms++;
                gathered = 0;
        }
        printf("# noise alone: %u alarms in %.0f hours, where one an hour is allowed for\n", alarms, hours);
        assert_true(alarms > hours / 2 && alarms <= hours);
}

/* 33/s that nobody finishes fill half of 4,096 entries that live for 63 s, never of those that
 * live for 3 s. */
static void what_cannot_fill_the_queue_does_not_hurt(void **state) {
        struct look l = flood_begins();

        l.early_per_s = 33;
        l.backlog = 4096;
        l.half_open = 90;
        l.completed_per_s = 20;
        l.gathered = 1e3;
        l.late_per_s = l.aged_per_s = l.stale_per_s = 33;
        assert_true(flood_rules_match(&l, &settings.detect).sustained >= 1);
        l.half_open_life_s = 3;
        assert_true(flood_rules_match(&l, &settings.detect).sustained < 1);
}

static void strength_is_in_proportion(void **state) {
        struct look l = flood_begins();
        struct flood_strength s;
        double half;

        l.late_per_s = 600; /* odds of 3 to 1, where 1.5 to 1 is asked for */
        s = flood_rules_match(&l, &settings.detect);
        assert_float_equal(s.surge, 2, 0.01);
        assert_string_equal(flood_rules_strongest(&s), s.overwhelming > s.surge ? "overwhelming" : "surge");
        assert_true(flood_rules_best(&s) >= 2);
        l.late_per_s = 300;
        half = flood_rules_match(&l, &settings.detect).surge;
        assert_float_equal(half, 1, 0.01);
}

/* The round trip grows by half a second: for as long nobody finishes, and all are late, but no more come. */
static void the_usual_clients_are_no_surge(void **state) {
        struct look l = flood_begins();

        l.early_per_s = 0;
        l.late_per_s = 205;
        l.completed_per_s = 100;
        l.begun_per_s = 210;
        assert_true(flood_rules_match(&l, &settings.detect).surge == 0);
        l.begun_per_s = 410;
        assert_true(flood_rules_match(&l, &settings.detect).surge >= 1);
        /* What the log does not see may be anybody's. */
        l.begun_per_s = NAN;
        assert_true(flood_rules_match(&l, &settings.detect).surge >= 1);
        l.begun_per_s = 10;
        l.late_per_s = 400;
        assert_true(flood_rules_match(&l, &settings.detect).surge >= 1);
}

/* Half of a full queue is past a second, of clients that have just sent their SYNs again. */
static void who_came_again_does_not_refuse(void **state) {
        struct look l = flood_begins();

        l.early_per_s = 0;
        l.syncookies = 0;
        l.refused_per_s = 500;
        l.half_open = 512;
        l.stuck = 300;
        assert_true(flood_rules_match(&l, &settings.detect).refusing >= 1);
        l.came_again = 200;
        assert_true(flood_rules_match(&l, &settings.detect).refusing < 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_look_is_enough),
                cmocka_unit_test(honest_loads_need_more_looks),
                cmocka_unit_test(unknown_is_not_zero),
                cmocka_unit_test(a_scanners_burst_is_soon_over),
                cmocka_unit_test(chance_brings_it_as_seldom_as_wanted),
                cmocka_unit_test(what_cannot_fill_the_queue_does_not_hurt),
                cmocka_unit_test(strength_is_in_proportion),
                cmocka_unit_test(the_usual_clients_are_no_surge),
                cmocka_unit_test(who_came_again_does_not_refuse),
        };

        config_defaults(&settings);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
