/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The detector with tcp_syncookies=2, which leaves no entries: only the host's
 * cookies, and the log. Several listeners, and few sources.
 */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>

#include "config/keys.h"
#include "core/detector.h"
#include "core/rate.h"

#define TICK_US UINT64_C(200000)
#define TICK_S 0.2

enum { LISTENERS = 3 };

struct world {
        struct settings settings;
        struct detector *detector;
        uint64_t now_us;
        double honest_per_s[LISTENERS], flood_per_s[LISTENERS];
        double syns[LISTENERS], finished; /* so far */
        unsigned sources; /* that the flood comes from; 0: nothing is known of sources */
        struct verdicts verdicts;
        unsigned flooded[LISTENERS]; /* ticks of the last stay() */
        double most_unanswered;
};

static struct observation o; /* large */

static uint64_t more(double *total, double per_s) {
        double before = floor(*total);

        *total += per_s * TICK_S;
        return (uint64_t) (floor(*total) - before);
}

static double sum(const double *per_s) {
        double all = 0;

        for (unsigned i = 0; i < LISTENERS; i++)
                all += per_s[i];
        return all;
}

static void add_sources(const struct world *w) {
        double flood = sum(w->flood_per_s);

        if (w->sources == 0)
                return;
        o.known |= OBS_K_SOURCES;
        o.sources.known = OBS_SS_DISTINCT;
        o.sources.syn_per_s = flood + sum(w->honest_per_s);
        for (unsigned i = 0; i < w->sources && i < OBS_SOURCES_MAX; i++)
                o.sources.list[o.sources.count++] = (struct obs_source) {
                        .prefix = { .address = address_from_ipv4(i + 1), .length = ADDRESS_BITS },
                        .known = OBS_S_SYNS | OBS_S_COMPLETED,
                        .syn_per_s = flood / w->sources,
                };
}

static void tick(struct world *w) {
        uint64_t syns = 0;

        w->now_us += TICK_US;
        o = (struct observation) {
                .time_us = w->now_us,
                .elapsed_us = TICK_US,
                .syncookies = 2,
                .known = OBS_K_DUMP | OBS_K_LISTENERS | OBS_K_SYNCOOKIES,
                .listeners_count = LISTENERS,
                .sensors = { SENSOR_OK, SENSOR_OK, SENSOR_OK },
        };
        for (unsigned c = 0; c < OBS_COUNTERS; c++)
                observation_set(&o, (enum obs_counter) c, 0);
        for (unsigned i = 0; i < LISTENERS; i++) {
                o.listeners[i] = (struct obs_listener) {
                        .key = { .port = (uint16_t) (443 + i) },
                        .known = OBS_L_LIMITS | OBS_L_HALF_OPEN | OBS_L_SYNS,
                        .sockets = 1,
                        .backlog = 511,
                        .syns = more(&w->syns[i], w->honest_per_s[i] + w->flood_per_s[i]),
                };
                syns += o.listeners[i].syns;
        }
        observation_set(&o, OBS_SYNS, syns);
        observation_set(&o, OBS_COOKIES_SENT, syns);
        observation_set(&o, OBS_COOKIES_RECEIVED, more(&w->finished, sum(w->honest_per_s)));
        observation_set(&o, OBS_PASSIVE_OPENS, o.counters[OBS_COOKIES_RECEIVED]);
        add_sources(w);
        detector_step(w->detector, &o, &w->verdicts);
}

static void stay(struct world *w, double for_s) {
        for (unsigned i = 0; i < LISTENERS; i++)
                w->flooded[i] = 0;
        w->most_unanswered = 0;
        for (double s = 0; s < for_s - TICK_S / 2; s += TICK_S) {
                tick(w);
                for (uint32_t i = 0; i < w->verdicts.listeners_count; i++)
                        w->flooded[i] += w->verdicts.listeners[i].verdict.finding == FINDING_FLOOD;
                w->most_unanswered = fmax(w->most_unanswered, or_zero(w->verdicts.host.evidence.unanswered_per_s));
        }
}

static struct world *world_new(double honest_per_s) {
        struct world *w = calloc(1, sizeof *w);

        assert_non_null(w);
        config_defaults(&w->settings);
        w->detector = detector_new(&w->settings);
        assert_non_null(w->detector);
        for (unsigned i = 0; i < LISTENERS; i++)
                w->honest_per_s[i] = honest_per_s;
        stay(w, 60);
        return w;
}

static void world_free(struct world *w) {
        detector_free(w->detector);
        free(w);
}

static void two_attacked_listeners_are_both_named(void **state) {
        struct world *w = world_new(100);

        w->flood_per_s[0] = 1000;
        stay(w, 2);
        stay(w, 20);
        assert_int_equal(w->flooded[0], 100);
        assert_int_equal(w->flooded[1] + w->flooded[2], 0);

        w->flood_per_s[1] = 1000;
        stay(w, 2);
        assert_true(w->flooded[1] > 0);
        stay(w, 20);
        assert_int_equal(w->flooded[0], 100);
        assert_int_equal(w->flooded[1], 100);
        assert_int_equal(w->flooded[2], 0);
        /* Counted once. */
        assert_in_range((uint64_t) w->most_unanswered, 1800, 2300);

        /* Also where one of them takes most. */
        w->flood_per_s[0] = 1400;
        stay(w, 5);
        stay(w, 10);
        assert_int_equal(w->flooded[1], 50);
        assert_in_range((uint64_t) w->most_unanswered, 2200, 2700);

        /* Nobody else is blamed when it goes. */
        w->flood_per_s[0] = w->flood_per_s[1] = 0;
        stay(w, 20);
        assert_int_equal(w->flooded[2], 0);
        assert_true(w->flooded[0] < 25 && w->flooded[1] < 25);
        world_free(w);
}

static void a_crowd_beside_a_flood_is_not_named(void **state) {
        struct world *w = world_new(100);

        w->honest_per_s[1] = 900;
        stay(w, 20);
        w->flood_per_s[0] = 2000;
        stay(w, 20);
        assert_true(w->flooded[0] > 90);
        assert_int_equal(w->flooded[1] + w->flooded[2], 0);
        world_free(w);
}

static unsigned alone(double flood_per_s, unsigned sources) {
        struct world *w = world_new(0.1);
        unsigned flooded;

        w->sources = sources;
        w->flood_per_s[0] = flood_per_s;
        stay(w, 60);
        flooded = w->flooded[0];
        w->flood_per_s[0] = 0;
        stay(w, 20);
        flooded += w->flooded[0] > 25 ? w->flooded[0] : 0;
        world_free(w);
        return flooded;
}

static void few_sources_may_answer_by_rst(void **state) {
        assert_int_equal(alone(50, 2), 0);
        assert_int_equal(alone(150, 1), 0);
        /* As much as bounces is a flood whatever they answer. */
        assert_true(alone(300, 1) > 250);
        /* They are not few, or nobody knows. */
        assert_true(alone(50, 60) > 200);
        assert_true(alone(50, 0) > 200);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(two_attacked_listeners_are_both_named),
                cmocka_unit_test(a_crowd_beside_a_flood_is_not_named),
                cmocka_unit_test(few_sources_may_answer_by_rst),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
