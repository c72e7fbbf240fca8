/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>

#include "sensors/dump_schedule.h"

enum { TICK_US = 200000, SECOND_US = 1000000 };

static struct settings the_settings(void) {
        struct settings s = { 0 };

        s.poll.interval_us = SECOND_US;
        s.poll.fast_interval_us = TICK_US;
        s.poll.max_interval_us = 30 * (uint64_t) SECOND_US;
        s.poll.budget_permille = 10;
        s.poll.alarm_budget_permille = 100;
        return s;
}

/* --- the pace ---------------------------------------------------------------- */

struct pace {
        unsigned walks;
        double share; /* of one CPU, over the whole run */
};

/* Ticks for seconds; jitter_us shifts every other tick. */
static struct pace run(struct dump_schedule *s, uint64_t cost_us, unsigned seconds, bool alarm, bool wanted,
                       uint64_t jitter_us) {
        struct pace p = { 0 };
        uint64_t start_us = s->walked ? s->last_us + TICK_US : 1000 * (uint64_t) SECOND_US;

        for (unsigned i = 0; i < 5 * seconds; i++) {
                uint64_t now_us = start_us + (uint64_t) i * TICK_US + (i % 2 ? jitter_us : 0);

                if (!dump_schedule_due(s, now_us, alarm, wanted))
                        continue;
                dump_schedule_done(s, now_us, cost_us, alarm);
                p.walks++;
        }
        p.share = (double) p.walks * (double) cost_us / ((double) seconds * 1e6);
        return p;
}

static void begins_at_once_and_keeps_its_pace(void **state) {
        struct settings settings = the_settings();
        struct dump_schedule s;

        dump_schedule_init(&s, &settings);
        assert_true(dump_schedule_due(&s, 0, false, false));
        assert_int_equal(run(&s, 1000, 100, false, false, 0).walks, 100);
        assert_int_equal(dump_schedule_interval_us(&s, false), SECOND_US);

        dump_schedule_init(&s, &settings);
        assert_int_equal(run(&s, 1000, 100, false, false, 3000).walks, 100);
        dump_schedule_init(&s, &settings);
        assert_int_equal(run(&s, 1000, 100, true, false, 3000).walks, 500);
}

static void stretches_to_the_budget(void **state) {
        struct settings settings = the_settings();
        struct dump_schedule s;
        struct pace p;

        dump_schedule_init(&s, &settings);
        p = run(&s, 50000, 1000, false, false, 0);
        assert_int_equal(dump_schedule_interval_us(&s, false), 5 * SECOND_US);
        assert_true(p.share <= 0.0101);
        assert_true(p.walks >= 195);
        p = run(&s, 50000, 100, true, false, 0);
        assert_int_equal(dump_schedule_interval_us(&s, true), SECOND_US / 2);
        assert_true(p.share <= 0.101);

        /* No further than the longest interval, and back when it is cheap again. */
        dump_schedule_init(&s, &settings);
        run(&s, 2000000, 1000, false, false, 0);
        assert_int_equal(dump_schedule_interval_us(&s, false), 30 * SECOND_US);
        run(&s, 1000, 2000, false, false, 0);
        assert_int_equal(dump_schedule_interval_us(&s, false), SECOND_US);
}

static void a_dear_walk_counts_at_once(void **state) {
        struct settings settings = the_settings();
        struct dump_schedule s;

        dump_schedule_init(&s, &settings);
        run(&s, 100, 10, false, false, 0);
        dump_schedule_done(&s, s.last_us + SECOND_US, 100000, false);
        assert_int_equal(dump_schedule_interval_us(&s, false), 10 * SECOND_US);
        assert_true(fabs(dump_schedule_cpu_share(&s, false) - 0.01) < 1e-9);
}

static void many_new_entries_are_looked_at_closer(void **state) {
        struct settings settings = the_settings();
        struct dump_schedule s;

        dump_schedule_init(&s, &settings);
        dump_schedule_found(&s, SECOND_US, 100);
        assert_false(dump_schedule_closer(&s, SECOND_US)); /* the first says what is usual */
        dump_schedule_found(&s, 2 * SECOND_US, 140);
        assert_false(dump_schedule_closer(&s, 2 * SECOND_US));
        dump_schedule_found(&s, 3 * SECOND_US, 300);
        assert_true(dump_schedule_closer(&s, 3 * SECOND_US));
        assert_false(dump_schedule_closer(&s, 3 * SECOND_US + DUMP_SCHEDULE_CLOSER_US));
        for (unsigned i = 0; i < 20; i++)
                dump_schedule_found(&s, 4 * SECOND_US, 300);
        dump_schedule_found(&s, 9 * SECOND_US, 300);
        assert_false(dump_schedule_closer(&s, 9 * SECOND_US)); /* it has become usual */
}

static void a_surge_is_looked_at_in_its_tick(void **state) {
        struct settings settings = the_settings();
        struct dump_schedule s;
        uint64_t t;

        dump_schedule_init(&s, &settings);
        run(&s, 50000, 60, false, false, 0);
        t = s.last_us + TICK_US;
        assert_false(dump_schedule_due(&s, t, false, false));
        assert_true(dump_schedule_due(&s, t, false, true));
}

static void triggers_cannot_spend_more(void **state) {
        static const uint64_t costs_us[] = { 100, 5000, 20000, 200000 };
        struct settings settings = the_settings();

        for (size_t i = 0; i < sizeof costs_us / sizeof *costs_us; i++) {
                struct dump_schedule s;
                struct pace calm, p;

                dump_schedule_init(&s, &settings);
                calm = run(&s, costs_us[i], 2000, false, false, 0);
                dump_schedule_init(&s, &settings);
                p = run(&s, costs_us[i], 2000, false, true, 0);
                printf("cost %lu us: calm %.2f %%, triggered all the time %.2f %% of one CPU\n",
                       (unsigned long) costs_us[i], 100 * calm.share, 100 * p.share);
                assert_true(p.share >= calm.share);
                assert_true(p.share <= calm.share + 0.0045);
        }
}

static void survives_odd_settings_and_figures(void **state) {
        struct settings settings = the_settings();
        struct dump_schedule s;

        settings.poll.budget_permille = 0;
        settings.poll.max_interval_us = 1; /* below the interval */
        dump_schedule_init(&s, &settings);
        dump_schedule_done(&s, 5, UINT64_MAX, false);
        assert_int_equal(dump_schedule_interval_us(&s, false), SECOND_US);
        assert_false(dump_schedule_due(&s, 5, false, true));
        assert_true(dump_schedule_due(&s, UINT64_MAX / 2, false, true));
        dump_schedule_done(&s, 1, 10, true); /* time that went backwards */
        assert_true(dump_schedule_due(&s, 40 * (uint64_t) SECOND_US, false, false));
}

/* --- the trigger ------------------------------------------------------------- */

static uint32_t seed;

static double uniform(void) {
        seed = seed * 1664525 + 1013904223;
        return ((double) (seed >> 8) + 0.5) / (1 << 24);
}

static unsigned poisson(double mean) {
        double limit = exp(-mean), product = uniform();
        unsigned n = 0;

        while (product > limit) {
                n++;
                product *= uniform();
        }
        return n;
}

/* A tick of honest connections of some seven segments each, and SYNs that nobody answers. */
static struct observation tick(double connections_per_s, double flood_per_s, bool counts_syns) {
        struct observation o = { .elapsed_us = TICK_US };
        unsigned flood = flood_per_s > 0 ? poisson(flood_per_s * 0.2) : 0;
        unsigned segments = flood, syns = flood;
        unsigned connections = connections_per_s > 0 ? poisson(connections_per_s * 0.2) : 0;

        for (unsigned i = 0; i < connections; i++)
                segments += 5 + (unsigned) (uniform() * 5);
        syns += connections;
        observation_set(&o, OBS_IN_SEGMENTS, segments);
        if (counts_syns)
                observation_set(&o, OBS_SYNS, syns);
        return o;
}

/* Runs 60 s of calm, then one tick of flood; counts the calm ticks that triggered. */
static bool first_tick_triggers(uint32_t with_seed, double connections_per_s, double flood_per_s, bool counts_syns,
                                unsigned *false_ticks) {
        struct dump_trigger t;
        struct observation o;

        seed = with_seed;
        dump_trigger_init(&t);
        for (unsigned i = 0; i < 300; i++) {
                o = tick(connections_per_s, 0, counts_syns);
                *false_ticks += dump_trigger_step(&t, &o);
        }
        o = tick(connections_per_s, flood_per_s, counts_syns);
        return dump_trigger_step(&t, &o);
}

static void finds_a_flood_in_its_first_tick(void **state) {
        static const struct {
                double connections_per_s;
                bool counts_syns;
                unsigned least; /* of 100 seeds */
        } cases[] = {
                { 0, false, 100 }, { 10, false, 100 }, { 200, false, 80 }, { 200, true, 100 }, { 1000, true, 90 }
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                unsigned found = 0, false_ticks = 0;

                for (uint32_t n = 1; n <= 100; n++)
                        found += first_tick_triggers(n * 7919, cases[i].connections_per_s, 1000, cases[i].counts_syns,
                                                     &false_ticks);
                printf("1000 SYN/s on %4.0f connections/s, SYNs %s: %3u of 100 in the first tick, "
                       "false in %u of 30000 ticks\n",
                       cases[i].connections_per_s, cases[i].counts_syns ? "counted" : "unknown", found, false_ticks);
                assert_in_range(found, cases[i].least, 100);
                assert_in_range(false_ticks, 0, 300);
        }
}

static void a_surge_becomes_usual(void **state) {
        struct dump_trigger t;
        struct observation o;
        unsigned last = 0;

        seed = 1;
        dump_trigger_init(&t);
        for (unsigned i = 0; i < 300; i++) {
                o = tick(100, 0, false);
                dump_trigger_step(&t, &o);
        }
        for (unsigned i = 0; i < 300; i++) {
                o = tick(1000, 0, false);
                if (dump_trigger_step(&t, &o))
                        last = i;
        }
        assert_in_range(last, 1, 299);
        for (unsigned i = 0, count = 0; i < 300; i++) {
                o = tick(1000, 0, false);
                count += dump_trigger_step(&t, &o);
                assert_in_range(count, 0, 10);
        }
}

static bool asks(enum obs_counter c, uint64_t delta, int syncookies) {
        struct observation o = { .elapsed_us = TICK_US };
        struct dump_trigger t;

        dump_trigger_init(&t);
        if (syncookies >= 0) {
                o.known |= OBS_K_SYNCOOKIES;
                o.syncookies = (uint8_t) syncookies;
        }
        observation_set(&o, c, delta);
        return dump_trigger_step(&t, &o);
}

static void drops_and_cookies_ask(void **state) {
        assert_true(asks(OBS_QUEUE_FULL_DROPS, 1, 0));
        assert_true(asks(OBS_LISTEN_OVERFLOWS, 1, 1));
        assert_true(asks(OBS_LISTEN_DROPS, 1, 1));
        assert_true(asks(OBS_COOKIES_SENT, 1, 1));
        assert_true(asks(OBS_COOKIES_SENT, 1, -1));
        assert_false(asks(OBS_COOKIES_SENT, 1, 2)); /* for every SYN, honest or not */
        assert_false(asks(OBS_QUEUE_FULL_COOKIES, 1, 2));
        assert_false(asks(OBS_COOKIES_SENT, 0, 1));
        assert_false(asks(OBS_PASSIVE_OPENS, 100000, 1));
}

static void listeners_ask(void **state) {
        struct observation o = { .elapsed_us = TICK_US, .listeners_count = 2 };
        struct dump_trigger t;

        dump_trigger_init(&t);
        assert_false(dump_trigger_step(&t, &o));
        o.listeners[1].drops = 1; /* not known */
        o.listeners[1].accept_full = 1;
        assert_false(dump_trigger_step(&t, &o));
        o.listeners[1].known = OBS_L_DROPS;
        assert_true(dump_trigger_step(&t, &o));
        o.listeners[1].known = OBS_L_LIMITS;
        assert_true(dump_trigger_step(&t, &o));
        o.listeners[1].accept_full = 0;
        assert_false(dump_trigger_step(&t, &o));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(begins_at_once_and_keeps_its_pace),
                cmocka_unit_test(stretches_to_the_budget),
                cmocka_unit_test(a_dear_walk_counts_at_once),
                cmocka_unit_test(many_new_entries_are_looked_at_closer),
                cmocka_unit_test(a_surge_is_looked_at_in_its_tick),
                cmocka_unit_test(triggers_cannot_spend_more),
                cmocka_unit_test(survives_odd_settings_and_figures),
                cmocka_unit_test(finds_a_flood_in_its_first_tick),
                cmocka_unit_test(a_surge_becomes_usual),
                cmocka_unit_test(drops_and_cookies_ask),
                cmocka_unit_test(listeners_ask),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
