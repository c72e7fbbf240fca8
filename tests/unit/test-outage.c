/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A way in that is cut, and what is none. */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/outage.h"

#define TICK_US UINT64_C(200000)

static const struct settings_detect detect = { .unanswered_per_s = 8, .unanswered_share_permille = 200 };

struct at {
        struct outage outage;
        struct host_track track;
        struct look look;
        struct outage_clients clients;
        uint64_t now_us;
};

/* 150 come a second, and finish. */
static struct at usual(void) {
        struct at a = { .now_us = 1000000000 };

        host_track_init(&a.track);
        a.track.learned_us = 600000000;
        a.track.usual_arrivals.per_s = a.track.usual_completed.per_s = a.track.completed_steady.per_s = 150;
        a.track.completed.per_s = a.track.syns.per_s = 150;
        a.clients = (struct outage_clients) { .begun_per_s = 150 };
        return a;
}

/* With so many SYNs, and handshakes that are late, for so long: whether it ever was an outage, or always. */
static void go_on(struct at *a, double syns_per_s, double late_per_s, double for_s, bool *ever, bool *always) {
        *ever = false;
        *always = true;
        a->track.syns.per_s = syns_per_s;
        a->look.late_steady_per_s = late_per_s;
        for (uint64_t end_us = a->now_us + (uint64_t) (for_s * 1e6); a->now_us < end_us; a->now_us += TICK_US) {
                bool is = outage_step(&a->outage, &a->track, &a->look, &a->clients, &detect, a->now_us);

                *ever |= is;
                *always &= is;
        }
}

static void what_had_begun_is_explained_once(void **state) {
        struct at a = usual();
        bool ever, always;

        go_on(&a, 150, 40, 10, &ever, &always);
        assert_false(ever);
        go_on(&a, 29, 40, 2, &ever, &always);
        assert_true(always);
        go_on(&a, 29, 40, 10, &ever, &always);
        assert_false(always);
        /* Not again before the usual are back. */
        go_on(&a, 100, 40, 1, &ever, &always);
        go_on(&a, 29, 40, 10, &ever, &always);
        assert_false(ever);
        go_on(&a, 160, 0, 1, &ever, &always);
        go_on(&a, 29, 40, 2, &ever, &always);
        assert_true(always);
}

static void more_than_had_begun_is_not(void **state) {
        struct at a = usual();
        bool ever, always;

        go_on(&a, 29, 400, 10, &ever, &always);
        assert_false(ever);
}

static void without_a_count_nothing_is_cut(void **state) {
        struct at a = usual();
        bool ever, always;

        go_on(&a, NAN, 40, 10, &ever, &always);
        assert_false(ever);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_had_begun_is_explained_once),
                cmocka_unit_test(more_than_had_begun_is_not),
                cmocka_unit_test(without_a_count_nothing_is_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
