/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "tests/scenarios/random.h"
#include "tests/scenarios/statistic.h"

#define LOOK_S 0.2
#define YEAR_S (365 * 86400.0)

static double add(struct statistic *s, double per_s, double explained_per_s, double bound) {
        struct statistic_look l = { .per_s = per_s, .explained_per_s = explained_per_s, .seen_s = LOOK_S };

        return statistic_add(s, &l, bound, bound / 2);
}

static unsigned poisson(struct chance *c, double mean) {
        double p = chance_unit(c);
        unsigned n = 0;

        for (; p > exp(-mean); n++)
                p *= chance_unit(c);
        return n;
}

static void the_bound_follows_from_the_interval(void **state) {
        double year = statistic_bound(YEAR_S, LOOK_S, 6);

        (void) state;
        assert_float_equal(year, log(YEAR_S / LOOK_S * 6), 1e-5);
        /* Twice as long, or as many tests, is ln 2 more evidence. */
        assert_float_equal((statistic_bound(2 * YEAR_S, LOOK_S, 6) - year), M_LN2, 1e-5);
        assert_float_equal((statistic_bound(YEAR_S, LOOK_S, 12) - year), M_LN2, 1e-5);
}

/* The zero of the drift: l0 / ln 2. */
static void gathers_only_beyond_what_is_explained(void **state) {
        struct statistic below = { 0 }, above = { 0 };
        double last = 0;

        (void) state;
        for (unsigned i = 0; i < 1000; i++)
                last = add(&below, 14, 10, 100);
        assert_float_equal(last, 0, 1e-5);
        for (unsigned i = 0; i < 1000; i++)
                last = add(&above, 15, 10, 100);
        assert_true(last > 10);
}

/* Per look (20 · ln 2 − 7) · 0.2 = 1.37 nats. */
static void is_as_quick_as_the_likelihood_says(void **state) {
        struct statistic s = { 0 };
        double bound = statistic_bound(YEAR_S, LOOK_S, 1);
        unsigned looks = 1;

        (void) state;
        while (add(&s, 20, 7, bound) < bound)
                looks++;
        assert_int_equal(looks, (unsigned) ceil(bound / ((20 * M_LN2 - 7) * LOOK_S)));
}

static void no_single_look_decides(void **state) {
        struct statistic s = { 0 };

        (void) state;
        assert_true(add(&s, 1e6, 1, 20) < 20);
        assert_true(add(&s, 1e6, 1, 20) >= 20);
}

static void sees_the_end(void **state) {
        struct statistic s = { 0 };
        unsigned looks = 0;

        (void) state;
        for (unsigned i = 0; i < 10000; i++)
                assert_true(add(&s, 1000, 10, 20) <= 40);
        while (add(&s, 0, 10, 20) >= 20)
                looks++;
        assert_true(looks <= 10);
}

static void a_look_without_news_says_nothing(void **state) {
        struct statistic s = { .nats = { 5, 5 } };
        struct statistic_look l = { .per_s = 1000, .explained_per_s = 1, .seen_s = 0 };

        (void) state;
        assert_float_equal(statistic_add(&s, &l, 20, 10), 5, 1e-5);
        statistic_learn(&s, &l);
        assert_float_equal(statistic_dispersion(&s), 1, 1e-5);
}

/* Twice a look's chance in pairs: variance over mean is 2. */
static void learns_how_uneven_counts_are(void **state) {
        struct statistic even = { 0 }, uneven = { 0 };
        struct chance c = { .state = 1 };

        (void) state;
        for (unsigned i = 0; i < 20000; i++) {
                struct statistic_look l = { .explained_per_s = 1, .seen_s = LOOK_S };

                l.per_s = poisson(&c, 2) / LOOK_S;
                statistic_learn(&even, &l);
                l.per_s = 2 * poisson(&c, 1) / LOOK_S;
                statistic_learn(&uneven, &l);
        }
        assert_float_equal(statistic_dispersion(&even), 1, 0.15);
        assert_float_equal(statistic_dispersion(&uneven), 2, 0.3);
        /* What is uneven needs more evidence. */
        assert_true(add(&uneven, 100, 10, 1000) < 0.7 * add(&even, 100, 10, 1000));
}

/* Lorden's bound: on chance alone, at exactly what is explained, no more alarms than one in e^h looks. */
static void chance_is_no_alarm_more_often_than_asked_for(void **state) {
        const double wanted_s = 2000;
        double bound = statistic_bound(wanted_s, LOOK_S, STATISTIC_FLOODS);
        const unsigned looks = 2000000;
        struct statistic s = { 0 };
        struct chance c = { .state = 7 };
        unsigned alarms = 0;

        (void) state;
        for (unsigned i = 0; i < looks; i++)
                if (add(&s, poisson(&c, 2) / LOOK_S, 2 / LOOK_S, bound) >= bound) {
                        alarms++;
                        s = (struct statistic) { 0 };
                }
        assert_true(alarms <= looks * LOOK_S / wanted_s);
        assert_true(alarms > 0); /* or the test says nothing */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_bound_follows_from_the_interval),
                cmocka_unit_test(gathers_only_beyond_what_is_explained),
                cmocka_unit_test(is_as_quick_as_the_likelihood_says),
                cmocka_unit_test(no_single_look_decides),
                cmocka_unit_test(sees_the_end),
                cmocka_unit_test(a_look_without_news_says_nothing),
                cmocka_unit_test(learns_how_uneven_counts_are),
                cmocka_unit_test(chance_is_no_alarm_more_often_than_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
