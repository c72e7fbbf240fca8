/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/observation_ring.h"

#define TICK_US UINT64_C(200000)

struct world {
        struct observation_ring *ring;
        struct observation o, got;
};

static int make(void **state) {
        struct world *w = calloc(1, sizeof *w);

        w->ring = observation_ring_new();
        w->o.time_us = 1000000;
        *state = w;
        return w->ring ? 0 : -1;
}

static int unmake(void **state) {
        struct world *w = *state;

        w->ring = observation_ring_free(w->ring);
        free(w);
        return 0;
}

/* One tick; every fifth has a walk, as in calm. */
static void tick(struct world *w, bool walk) {
        struct observation *o = &w->o;

        o->time_us += TICK_US;
        o->elapsed_us = TICK_US;
        o->known = walk ? OBS_K_DUMP : 0;
        o->half_open = walk ? 7 : 0;
        observation_ring_add(w->ring, o);
}

static void joins_the_ticks_of_a_second(void **state) {
        struct world *w = *state;

        observation_set(&w->o, OBS_SYNS, 3);
        w->o.listeners_count = 1;
        w->o.listeners[0].key.port = 80;
        w->o.listeners[0].known = OBS_L_SYNS | OBS_L_DROPS;
        w->o.listeners[0].syns = 2;
        for (unsigned i = 1; i <= 50; i++)
                tick(w, i % 5 == 0);
        /* The first ends with the first walk, being the first after a pause. */
        assert_int_equal(observation_ring_next(w->ring), 10);
        for (uint64_t n = 0; n < 10; n++) {
                assert_int_equal(observation_ring_get(w->ring, n, &w->got), 0);
                assert_int_equal(w->got.elapsed_us, 5 * TICK_US);
                assert_int_equal(w->got.time_us, 1000000 + (n + 1) * 5 * TICK_US);
                assert_int_equal(w->got.counters[OBS_SYNS], 15);
                assert_int_equal(w->got.listeners[0].syns, 10);
                assert_true(w->got.known & OBS_K_DUMP);
                assert_int_equal(w->got.half_open, 7);
        }
        assert_int_equal(observation_ring_get(w->ring, 10, &w->got), -ENOENT);
}

/* What clients felt, which is told in deltas too. */
static void joins_the_impact(void **state) {
        struct world *w = *state;

        for (unsigned i = 1; i <= 5; i++) {
                w->o.probe = (struct obs_probe) { .ended = { [OBS_PROBE_CONNECTED] = 1, [OBS_PROBE_TIMED_OUT] = i },
                                                  .slowest_us = i == 2 ? 900 : 50 };
                w->o.sources.known = OBS_SS_KNOWN;
                w->o.sources.known_begun = 10;
                w->o.sources.known_again = i;
                w->o.time_us += TICK_US;
                w->o.elapsed_us = TICK_US;
                w->o.known = OBS_K_PROBE | OBS_K_SOURCES | (i == 5 ? OBS_K_DUMP : 0);
                observation_ring_add(w->ring, &w->o);
        }
        assert_int_equal(observation_ring_get(w->ring, 0, &w->got), 0);
        assert_true(w->got.known & OBS_K_PROBE);
        assert_int_equal(w->got.probe.ended[OBS_PROBE_CONNECTED], 5);
        assert_int_equal(w->got.probe.ended[OBS_PROBE_TIMED_OUT], 15);
        assert_int_equal(w->got.probe.slowest_us, 900);
        assert_int_equal(w->got.sources.known_begun, 50);
        assert_int_equal(w->got.sources.known_again, 15);
}

static void unknown_once_is_unknown(void **state) {
        struct world *w = *state;

        for (unsigned i = 1; i <= 5; i++) {
                w->o.counters_known = 0;
                observation_set(&w->o, OBS_SYNS, 3);
                if (i != 3)
                        observation_set(&w->o, OBS_PASSIVE_OPENS, 1);
                tick(w, i == 5);
        }
        assert_int_equal(observation_ring_get(w->ring, 0, &w->got), 0);
        assert_true(observation_knows(&w->got, OBS_SYNS));
        assert_false(observation_knows(&w->got, OBS_PASSIVE_OPENS));
        assert_int_equal(w->got.counters[OBS_PASSIVE_OPENS], 0);
}

/* Walks every tick: still one a second. Walks far apart: an observation ends with each. */
static void follows_the_walks(void **state) {
        struct world *w = *state;

        for (unsigned i = 0; i < 51; i++)
                tick(w, true);
        assert_in_range(observation_ring_next(w->ring), 10, 11);
        for (unsigned i = 1; i <= 130; i++) {
                uint64_t before = observation_ring_next(w->ring);

                tick(w, i % 13 == 0); /* 2.6 s */
                if (i % 13 != 0)
                        continue;
                assert_int_equal(observation_ring_next(w->ring), before + 1);
                observation_ring_get(w->ring, before, &w->got);
                assert_true(w->got.known & OBS_K_DUMP);
                assert_int_equal(w->got.time_us, w->o.time_us);
        }
}

static void keeps_a_minute(void **state) {
        struct world *w = *state;
        uint64_t first;

        for (unsigned i = 1; i <= 5 * 600; i++)
                tick(w, i % 5 == 0);
        first = observation_ring_first(w->ring);
        assert_in_range(observation_ring_next(w->ring) - first, 60, 62);
        assert_int_equal(observation_ring_get(w->ring, first - 1, &w->got), -ENOENT);
        for (uint64_t n = first; n < observation_ring_next(w->ring); n++) {
                assert_int_equal(observation_ring_get(w->ring, n, &w->got), 0);
                assert_int_equal(w->got.elapsed_us, 1000000);
        }
}

static void fill(struct observation *o, uint64_t seed) {
        memset(o->listeners, 0, sizeof o->listeners);
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++) {
                struct obs_listener *l = &o->listeners[i];

                memset(l->key.address.bytes, (int) i, sizeof l->key.address.bytes);
                l->key.port = (uint16_t) (60000 + i);
                l->key.ifindex = i;
                l->known = OBS_L_LIMITS | OBS_L_HALF_OPEN | OBS_L_DROPS | OBS_L_SYNS;
                l->sockets = l->backlog = l->accept_queue = l->accept_full = UINT32_MAX;
                l->half_open = l->deferred = UINT32_MAX - i;
                for (unsigned a = 0; a < OBS_AGE_BINS; a++)
                        l->age[a] = UINT32_MAX - a;
                l->drops = seed << 40;
                l->syns = UINT64_MAX / 16;
        }
        o->listeners_count = OBS_LISTENERS_MAX;
        memset(&o->sources, 0, sizeof o->sources);
        o->sources.count = OBS_SOURCES_MAX;
        o->sources.distinct = 1.5e9;
        for (uint32_t i = 0; i < OBS_SOURCES_MAX; i++)
                o->sources.list[i] = (struct obs_source) {
                        .prefix.length = 128,
                        .known = 7,
                        .syn_per_s = 1e300 / (i + 1),
                        .syn_error_per_s = 0.1,
                        .half_open = i,
                        .completion_high = 1,
                };
        for (unsigned c = 0; c < OBS_COUNTERS; c++)
                observation_set(o, (enum obs_counter) c, UINT64_MAX / 16);
}

/* The largest there can be: what is kept is whole, the newest, and what was put in. */
static void survives_the_largest(void **state) {
        struct world *w = *state;
        uint64_t first, next;

        for (unsigned i = 1; i <= 300; i++) {
                fill(&w->o, i);
                w->o.time_us += 1000000;
                w->o.elapsed_us = 1000000;
                w->o.known = OBS_K_DUMP | OBS_K_SOURCES;
                observation_ring_add(w->ring, &w->o);
        }
        first = observation_ring_first(w->ring);
        next = observation_ring_next(w->ring);
        assert_int_equal(next, 300);
        assert_true(next - first >= 30);
        for (uint64_t n = first; n < next; n++) {
                assert_int_equal(observation_ring_get(w->ring, n, &w->got), 0);
                assert_int_equal(w->got.listeners[127].drops, (n + 1) << 40);
        }
        assert_memory_equal(&w->got, &w->o, sizeof w->o);
        /* And small ones again use it as before. */
        w->o.listeners_count = w->o.sources.count = 0;
        for (unsigned i = 1; i <= 500; i++)
                tick(w, i % 5 == 0);
        assert_in_range(observation_ring_next(w->ring) - observation_ring_first(w->ring), 60, 62);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(joins_the_ticks_of_a_second, make, unmake),
                cmocka_unit_test_setup_teardown(joins_the_impact, make, unmake),
                cmocka_unit_test_setup_teardown(unknown_once_is_unknown, make, unmake),
                cmocka_unit_test_setup_teardown(follows_the_walks, make, unmake),
                cmocka_unit_test_setup_teardown(keeps_a_minute, make, unmake),
                cmocka_unit_test_setup_teardown(survives_the_largest, make, unmake),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
