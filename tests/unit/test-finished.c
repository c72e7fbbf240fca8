/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handshakes reckoned from connections, counted at every tick or only now and then, alone and
 * as what the detector goes by. */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>

#include "config/keys.h"
#include "core/engine.h"
#include "core/finished.h"

#define S UINT64_C(1000000)
#define TICK_US UINT64_C(200000)

static struct finished f;
static uint64_t now_us, syns, finished;

static int set_up(void **state) {
        f = (struct finished) { 0 };
        now_us = 1000 * S;
        syns = finished = 77;
        return 0;
}

static bool tick(uint64_t came, const struct finished_count *count) {
        now_us += TICK_US;
        syns = came;
        return finished_step(&f, now_us, TICK_US, count, &syns, &finished);
}

static bool counted(uint64_t open, uint64_t ended) {
        struct finished_count c = { open, ended };

        return tick(10, &c);
}

static void first_count_tells_nothing(void **state) {
        assert_false(tick(10, NULL));
        assert_false(counted(1000, 5000));
        assert_int_equal(finished, 77);
        assert_true(counted(1000, 5000));
        assert_int_equal(finished, 0);
        assert_int_equal(syns, 10);
}

static void opened_and_ended(void **state) {
        counted(10, 0);
        assert_true(counted(25, 0)); /* 15 came */
        assert_int_equal(finished, 15);
        assert_true(counted(5, 20)); /* 20 went */
        assert_int_equal(finished, 0);
        assert_true(counted(5, 60)); /* 40 came, and went at once */
        assert_int_equal(finished, 40);
}

/* One that ended between the two looks is in neither: told when its end is, not twice. */
static void ended_between_the_looks(void **state) {
        counted(10, 100);
        assert_true(counted(7, 100)); /* 3 have ended, as yet unheard of */
        assert_int_equal(finished, 0);
        assert_true(counted(9, 103)); /* heard of, and 2 new ones */
        assert_int_equal(finished, 2);
}

static void a_failed_count_begins_anew(void **state) {
        counted(10, 100);
        finished_forget(&f);
        finished = 77;
        assert_false(counted(500, 100));
        assert_int_equal(finished, 77);
        assert_true(counted(501, 100));
        assert_int_equal(finished, 1);
}

/* One count in five ticks: 1,000 handshakes of 1,500 SYNs, told over the next five. */
static void is_spread_over_ticks_without(void **state) {
        struct finished_count c = { 0, 0 };
        uint64_t told = 0, told_syns = 0;

        assert_false(tick(0, &c));
        for (unsigned i = 0; i < 4; i++)
                assert_false(tick(300, NULL));
        c.open = 1000;
        for (unsigned i = 0; i < 5; i++) {
                assert_true(tick(i ? 0 : 300, i ? NULL : &c));
                assert_int_equal(finished, 200);
                assert_int_equal(syns, 300);
                told += finished;
                told_syns += syns;
        }
        assert_int_equal(told, 1000);
        assert_int_equal(told_syns, 1500);
        assert_true(tick(0, NULL)); /* the next count is late: no more has been seen */
        assert_int_equal(finished, 0);
}

/* However irregular the counts, in the end as many are told as came. */
static void none_is_lost_or_told_twice(void **state) {
        uint64_t came = 0, told = 0, told_syns = 0;
        unsigned wait = 1;

        srandom(1);
        for (unsigned i = 0; i < 5000; i++) {
                struct finished_count c = { .open = came / 3, .ended = came - came / 3 };
                bool now = --wait == 0;

                if (now)
                        wait = 1 + (unsigned) random() % 12;
                if (tick(17, now ? &c : NULL)) {
                        told += finished;
                        told_syns += syns;
                }
                assert_true(told <= came);
                came += 17;
        }
        assert_true(came - told < 17 * 30);
        assert_true(told_syns <= came && came - told_syns < 17 * 30);
}

/* --- what the detector makes of it ------------------------------------------------- */

struct world {
        struct settings settings;
        struct engine *engine;
        unsigned ticks, count_every, open;
        struct observation o; /* large */
};

static int world_set_up(void **state) {
        struct world *w = calloc(1, sizeof *w);

        set_up(state);
        config_defaults(&w->settings);
        w->engine = engine_new(&w->settings);
        *state = w;
        return w->engine ? 0 : -1;
}

static int world_tear_down(void **state) {
        struct world *w = *state;

        engine_free(w->engine);
        free(w);
        return 0;
}

/* tcp_syncookies 2, /proc/net unreadable, so many SYNs of which so many finish. */
static enum flood_state stay(struct world *w, double for_s, unsigned syns_per_s, unsigned finish_per_s) {
        enum flood_state worst = STATE_NORMAL;

        for (unsigned i = 0; i < (unsigned) (for_s * 5); i++) {
                struct finished_count c = { .open = w->open += finish_per_s / 5 };
                bool counts = w->ticks++ % w->count_every == 0;

                w->o = (struct observation) {
                        .time_us = now_us + TICK_US,
                        .realtime_us = now_us,
                        .elapsed_us = TICK_US,
                        .syncookies = 2,
                        .known = OBS_K_LISTENERS | OBS_K_SYNCOOKIES,
                        .listeners_count = 1,
                        .sensors = { SENSOR_OK, SENSOR_FAILED, SENSOR_OK },
                        .listeners = { { .key = { .port = 443 },
                                         .sockets = 1,
                                         .backlog = 511,
                                         .known = OBS_L_LIMITS | OBS_L_SYNS,
                                         .syns = syns_per_s / 5 } },
                };
                if (counts) {
                        w->o.known |= OBS_K_DUMP;
                        w->o.listeners[0].known |= OBS_L_HALF_OPEN;
                }
                observation_set(&w->o, OBS_SYNS, syns_per_s / 5);
                if (tick(syns_per_s / 5, counts ? &c : NULL)) {
                        observation_set(&w->o, OBS_SYNS, syns);
                        observation_set(&w->o, OBS_PASSIVE_OPENS, finished);
                }
                engine_step(w->engine, &w->o);
                if (engine_last(w->engine)->decision.state == STATE_FLOOD)
                        worst = STATE_FLOOD;
        }
        return worst;
}

static void floods_are_found_between_rare_walks(void **state) {
        struct world *w = *state;

        for (w->count_every = 1; w->count_every <= 25; w->count_every += 6) {
                assert_int_not_equal(stay(w, 60, 100, 100), STATE_FLOOD);
                assert_int_equal(stay(w, 2 * w->count_every * 0.2 + 2, 1100, 100), STATE_FLOOD);
                stay(w, 120, 100, 100);
                assert_int_equal(engine_last(w->engine)->decision.state, STATE_NORMAL);
        }
}

static void a_crowd_is_none_between_rare_walks(void **state) {
        struct world *w = *state;

        for (w->count_every = 1; w->count_every <= 25; w->count_every += 6) {
                assert_int_not_equal(stay(w, 60, 100, 100), STATE_FLOOD);
                assert_int_not_equal(stay(w, 20, 2000, 2000), STATE_FLOOD);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(first_count_tells_nothing, set_up),
                cmocka_unit_test_setup(opened_and_ended, set_up),
                cmocka_unit_test_setup(ended_between_the_looks, set_up),
                cmocka_unit_test_setup(a_failed_count_begins_anew, set_up),
                cmocka_unit_test_setup(is_spread_over_ticks_without, set_up),
                cmocka_unit_test_setup(none_is_lost_or_told_twice, set_up),
                cmocka_unit_test_setup_teardown(floods_are_found_between_rare_walks, world_set_up, world_tear_down),
                cmocka_unit_test_setup_teardown(a_crowd_is_none_between_rare_walks, world_set_up, world_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
