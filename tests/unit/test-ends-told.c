/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "core/ends_told.h"

#define MS UINT64_C(1000)
#define S UINT64_C(1000000)
#define TICK (200 * MS)

/* Connections that are opened, and end a while later; a notice of that comes later still. */
struct host {
        struct ends_told e;
        uint64_t now_us, in_use, untold;
        bool in_time;
};

static struct host host(void) {
        return (struct host) { .now_us = 1000 * S, .in_use = 50 };
}

static void tick(struct host *h, uint64_t opened, uint64_t ended, uint64_t told) {
        uint64_t before = h->in_use;

        h->now_us += TICK;
        h->in_use += opened;
        h->in_use -= ended;
        h->untold += ended;
        told = told < h->untold ? told : h->untold;
        h->untold -= told;
        h->in_time = ends_told_step(&h->e, &(struct ends_tick) {
                                                   .time_us = h->now_us,
                                                   .opened = opened,
                                                   .told = told,
                                                   .in_use = h->in_use,
                                                   .in_use_before = before,
                                           });
}

static void in_time_while_they_are_told(void **state) {
        struct host h = host();

        for (unsigned i = 0; i < 600; i++) {
                /* Each is told two ticks later; those about to end are 16 for ever. */
                tick(&h, 8, 8, i < 4 ? 4 : 8);
                assert_true(h.in_time);
        }
        for (unsigned i = 0; i < 600; i++) { /* connections that stay open end nowhere */
                tick(&h, 8, 0, 8);
                assert_true(h.in_time);
        }
}

static void late_a_second_after_they_stop(void **state) {
        struct host h = host();
        unsigned i = 0;

        for (; i < 600; i++)
                tick(&h, 8, 8, 8);
        assert_true(h.in_time);
        for (i = 0; h.in_time && i < 20; i++)
                tick(&h, 8, 8, 0);
        assert_in_range(i, 5, 7);
        for (; i < 100; i++) {
                tick(&h, 8, 8, 0);
                assert_false(h.in_time);
        }
        tick(&h, 8, 8, 100000); /* all at once */
        assert_true(h.in_time);
}

/* Nothing else ends, and one that was here before the flood is not told yet. */
static void a_single_one_is_missed(void **state) {
        struct host h = host();

        for (unsigned i = 0; i < 600; i++)
                tick(&h, 0, 0, 0);
        tick(&h, 1, 1, 0);
        for (unsigned i = 0; i < 6; i++)
                tick(&h, 0, 0, 0);
        assert_false(h.in_time);
        tick(&h, 0, 0, 1);
        assert_true(h.in_time);
}

/* Peers that died stay about to end for minutes. */
static void those_that_never_end_are_let_off(void **state) {
        struct host h = host();
        unsigned late = 0;

        for (unsigned i = 0; i < 600; i++)
                tick(&h, 8, 8, 8);
        tick(&h, 0, 20, 0);
        for (unsigned i = 0; i < 600; i++) {
                tick(&h, 8, 8, 8);
                late += !h.in_time;
        }
        assert_true(late <= 60 * S / TICK);
        assert_true(h.in_time);
}

/* It is in use and was not opened as connections are; on a host where nothing else ends. */
static void a_listener_opens_and_closes(void **state) {
        struct host h = host();

        for (unsigned quiet = 0; quiet <= 600; quiet += 600) {
                for (unsigned i = 0; i < quiet; i++)
                        tick(&h, 0, 0, 0);
                for (unsigned i = 0; i < 400; i++) {
                        uint64_t before = h.in_use;

                        h.in_use += i == 0;
                        h.in_use -= i == 300;
                        h.now_us += TICK;
                        h.in_time = ends_told_step(&h.e, &(struct ends_tick) {
                                                                 .time_us = h.now_us,
                                                                 .told = i == 301,
                                                                 .in_use = h.in_use,
                                                                 .in_use_before = before,
                                                         });
                        assert_true(h.in_time);
                }
        }
        tick(&h, 1, 1, 0);
        for (unsigned i = 0; i < 6; i++)
                tick(&h, 0, 0, 0);
        assert_false(h.in_time); /* a connection is missed all the same */
}

static void unknown_is_not_late(void **state) {
        struct host h = host();

        for (unsigned i = 0; i < 600; i++)
                tick(&h, 8, 8, i < 300 ? 8 : 0);
        assert_false(h.in_time);
        assert_true(ends_told_step(&h.e, NULL));
        tick(&h, 8, 8, 8);
        assert_true(h.in_time);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(in_time_while_they_are_told), cmocka_unit_test(late_a_second_after_they_stop),
                cmocka_unit_test(a_single_one_is_missed),      cmocka_unit_test(those_that_never_end_are_let_off),
                cmocka_unit_test(a_listener_opens_and_closes), cmocka_unit_test(unknown_is_not_late),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
