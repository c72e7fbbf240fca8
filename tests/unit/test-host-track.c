/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is usual, and what is a silence. */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/host_track.h"

#define TICK_US UINT64_C(200000)

struct host {
        struct host_track track;
        uint64_t now_us;
        double finished; /* so far */
        uint64_t warmup_us;
};

static struct host host_new(void) {
        struct host h = { .now_us = 1000000 };

        host_track_init(&h.track);
        h.warmup_us = 120000000;
        return h;
}

/* So many finish, evenly, for so long. */
static void runs(struct host *h, double per_s, double for_s, bool calm) {
        static struct observation o; /* large */

        for (uint64_t end_us = h->now_us + (uint64_t) (for_s * 1e6); h->now_us < end_us;) {
                double before = h->finished;

                h->now_us += TICK_US;
                h->finished += per_s * (double) TICK_US / 1e6;
                o = (struct observation) { .time_us = h->now_us, .elapsed_us = TICK_US };
                observation_set(&o, OBS_PASSIVE_OPENS, (uint64_t) (floor(h->finished) - floor(before)));
                host_track_step(&h->track, &o, 400000);
                if (calm)
                        host_track_learn(&h->track, &o, 0, h->warmup_us);
        }
}

static void a_crowd_of_a_minute_is_not_the_usual(void **state) {
        struct host h = host_new();

        runs(&h, 200, 300, true);
        assert_float_equal(h.track.usual_completed.per_s, 200, 2);
        runs(&h, 3000, 60, true);
        assert_true(h.track.usual_completed.per_s < 320);
        assert_true(h.track.usual_arrivals.per_s < 320);
        /* It stays: then it is. */
        runs(&h, 3000, 1800, true);
        assert_true(h.track.usual_completed.per_s > 2000);
}

static void what_comes_in_the_warmup_is_the_usual(void **state) {
        struct host h = host_new();

        (void) state;
        h.warmup_us = 3600000000;
        runs(&h, 200, 300, true);
        runs(&h, 3000, 60, true);
        assert_true(h.track.usual_completed.per_s > 600);
}

static void the_first_clients_are_learned_soon(void **state) {
        struct host h = host_new();

        runs(&h, 0, 3600, true);
        runs(&h, 200, 1500, true);
        assert_true(h.track.usual_completed.per_s > 150);
}

static void a_service_that_starts_after_us_is_learned_at_once(void **state) {
        struct host h = host_new();

        runs(&h, 0, 15, true);
        runs(&h, 3000, 45, true);
        assert_true(h.track.usual_completed.per_s > 2000);
}

static bool half_is_gone(const struct host *h) {
        return h->track.completed_steady.per_s < h->track.usual_completed.per_s / 2;
}

static void a_pause_among_few_is_no_silence(void **state) {
        struct host h = host_new();

        runs(&h, 4, 600, true);
        runs(&h, 0, 3, false);
        assert_false(half_is_gone(&h));
        runs(&h, 0, 7, false);
        assert_true(half_is_gone(&h));
}

static void among_many_it_is(void **state) {
        struct host h = host_new();

        runs(&h, 200, 600, true);
        runs(&h, 0, 0.6, false);
        assert_true(half_is_gone(&h));
}

static void unknown_is_no_silence(void **state) {
        static struct observation o;
        struct host h = host_new();

        runs(&h, 200, 60, true);
        o = (struct observation) { .time_us = h.now_us + TICK_US, .elapsed_us = TICK_US };
        host_track_step(&h.track, &o, 400000);
        assert_true(isnan(h.track.completed_steady.per_s));
}

/* 1 + 2 + 4 … s, 120 at most; what was known stays where it cannot be read. */
static void half_opens_live_as_they_are_retried(void **state) {
        static const struct {
                uint8_t retries;
                double life_s;
        } cases[] = { { 0, 1 }, { 1, 3 }, { 3, 15 }, { 5, 63 }, { 7, 247 }, { 8, 367 } };
        struct host h = host_new();

        assert_float_equal(h.track.half_open_life_s, 63, 0);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                static struct observation o; /* large */

                o = (struct observation) { .elapsed_us = TICK_US,
                                           .known = OBS_K_SYNACK_RETRIES,
                                           .synack_retries = cases[i].retries };
                host_track_step(&h.track, &o, 400000);
                assert_float_equal(h.track.half_open_life_s, cases[i].life_s, 0);
                o.known = 0;
                o.synack_retries = 0;
                host_track_step(&h.track, &o, 400000);
                assert_float_equal(h.track.half_open_life_s, cases[i].life_s, 0);
        }
}

/* With tcp_syncookies 2, each second: cookies sent to so many SYNs, of which the log knows so many as sent again, and
 * of the handshakes all but left come back. */
static double stale_of(uint64_t sent, uint64_t seen, uint64_t again, uint64_t left) {
        static struct observation o; /* large */
        struct host h = host_new();

        for (unsigned i = 0; i < 30; i++) {
                h.now_us += 1000000;
                o = (struct observation) { .time_us = h.now_us,
                                           .elapsed_us = 1000000,
                                           .listeners_count = 1,
                                           .known = OBS_K_SYNCOOKIES,
                                           .syncookies = 2 };
                observation_set(&o, OBS_COOKIES_SENT, sent);
                observation_set(&o, OBS_COOKIES_RECEIVED, sent - again - left);
                o.listeners[0].known = OBS_L_SYNS | OBS_L_SENDERS;
                o.listeners[0].syns = seen;
                o.listeners[0].syns_again = again;
                host_track_step(&h.track, &o, 400000);
        }
        return host_track_cookies(&h.track, 400000).stale_per_s;
}

/* A crowd on a path that it fills: each sends its SYN again, gets another cookie, and finishes once. */
static void a_syn_again_begins_no_handshake_by_cookie(void **state) {
        assert_float_equal(stale_of(1200, 1200, 600, 0), 0, 0.01);
        assert_float_equal(stale_of(1200, 1200, 600, 100), 100, 0.01);
        /* A flood is as many handshakes as begin, however often each SYN comes. */
        assert_float_equal(stale_of(2000, 2000, 1000, 1000), 1000, 0.01);
}

static void what_the_log_does_not_see_is_no_repeat(void **state) {
        assert_float_equal(stale_of(1000, 0, 0, 1000), 1000, 0.01);
        assert_float_equal(stale_of(1000, 500, 100, 900), 900, 0.01);
        /* In a sample's estimate there may be more than there were. */
        assert_float_equal(stale_of(1000, 1300, 0, 1000), 1000, 0.01);
}

/* TCP does not send a SYN again a hundred times. */
static void the_same_few_syns_all_the_time_are_a_flood(void **state) {
        assert_float_equal(stale_of(7000, 7000, 6990, 10), 1000, 0.01);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_crowd_of_a_minute_is_not_the_usual),
                cmocka_unit_test(what_comes_in_the_warmup_is_the_usual),
                cmocka_unit_test(the_first_clients_are_learned_soon),
                cmocka_unit_test(a_service_that_starts_after_us_is_learned_at_once),
                cmocka_unit_test(a_pause_among_few_is_no_silence),
                cmocka_unit_test(among_many_it_is),
                cmocka_unit_test(unknown_is_no_silence),
                cmocka_unit_test(half_opens_live_as_they_are_retried),
                cmocka_unit_test(a_syn_again_begins_no_handshake_by_cookie),
                cmocka_unit_test(what_the_log_does_not_see_is_no_repeat),
                cmocka_unit_test(the_same_few_syns_all_the_time_are_a_flood),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
