/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/attribution.h"

static struct share_of_host shares[OBS_LISTENERS_MAX];

static struct claim claim(double begun, double ended, double late) {
        return (struct claim) {
                .begun_per_s = begun, .begun_lately_per_s = begun, .ended_per_s = ended, .late_per_s = late
        };
}

static void share_out(const struct claim *list, uint32_t count, int syncookies, double refused_per_s) {
        const struct host_figures host = { .refused_per_s = refused_per_s,
                                           .in_vain_per_s = 200,
                                           .sent_per_s = NAN,
                                           .received_at_most_per_s = NAN,
                                           .syncookies = syncookies };

        attribution(list, count, &host, shares);
}

static void no_share_exceeds_the_whole(void **state) {
        struct claim list[4];
        struct share_of_host sum = { 0 };

        for (unsigned i = 0; i < 4; i++) {
                list[i] = claim(100 * i, 20 * i, 10);
                list[i].dropped_per_s = 300;
                list[i].full = true;
        }
        for (int cookies = 0; cookies <= 2; cookies++) {
                sum = (struct share_of_host) { 0 };
                share_out(list, 4, cookies, 1000);
                for (unsigned i = 0; i < 4; i++) {
                        sum.finished += shares[i].finished;
                        sum.cookies += shares[i].cookies;
                        sum.refused += shares[i].refused;
                        sum.reset += shares[i].reset;
                }
                assert_true(sum.finished < 1 + 1e-9);
                assert_true(sum.cookies < 1 + 1e-9);
                assert_true(sum.refused < 1 + 1e-9);
                assert_true(sum.reset < 1 + 1e-9);
        }
}

/* A crowd on one, a flood on the other: with cookies only the connections tell them apart. */
static void cookies_go_where_nobody_ends(void **state) {
        const struct claim list[] = { claim(1000, 1000, 0), claim(200, 0, 0) };

        share_out(list, 2, 2, 0);
        assert_true(shares[1].cookies > 0.99);
        assert_true(shares[0].finished > 0.8);
}

/* With 1 a queue that has room sends none. */
static void cookies_come_from_full_queues(void **state) {
        struct claim list[] = { claim(1000, 0, 0), claim(200, 0, 0) };

        list[1].full = true;
        share_out(list, 2, 1, 0);
        assert_true(fabs((shares[0].cookies) - (0)) < 1e-9);
        assert_true(fabs((shares[1].cookies) - (1)) < 1e-9);
        list[1].full = false;
        share_out(list, 2, 1, 0);
        assert_true(fabs((shares[0].cookies + shares[1].cookies) - (0)) < 1e-9);
}

/* Many listeners flooded alike: none has more than all others may have, yet nothing came back. */
static void cookies_that_never_come_back_are_whose_they_began(void **state) {
        struct host_figures host = { .in_vain_per_s = 1700, .sent_per_s = 1900, .syncookies = 1 };
        struct claim list[20];

        for (unsigned i = 0; i < 20; i++) {
                list[i] = claim(100, 0, 0);
                list[i].begun_lately_per_s = 115; /* rates overshoot for a moment */
                list[i].full = true;
        }
        attribution(list, 20, &host, shares);
        for (unsigned i = 0; i < 20; i++)
                assert_true(fabs(shares[i].cookies - 0.05) < 1e-9);
}

/* What has been finished may have been at any of them. */
static void who_may_have_finished_has_no_cookies_for_sure(void **state) {
        struct host_figures host = {
                .in_vain_per_s = 1000, .sent_per_s = 2000, .received_at_most_per_s = 1000, .syncookies = 2
        };
        struct claim list[] = { claim(1000, 0, 0), claim(500, 0, 0), claim(500, 0, 0) };

        attribution(list, 3, &host, shares);
        assert_true(shares[1].cookies < 1e-9 && shares[2].cookies < 1e-9);
        /* The ends of connections show whose they were. */
        list[0].ended_per_s = 1000;
        attribution(list, 3, &host, shares);
        assert_true(shares[0].cookies < 1e-9);
        assert_true(fabs(shares[1].cookies - 0.5) < 0.01 && fabs(shares[2].cookies - 0.5) < 0.01);
        /* SYNs that no cookie answered prove nothing: a full accept queue drops them. */
        list[0].ended_per_s = 0;
        host.sent_per_s = 1000;
        host.received_at_most_per_s = 0;
        attribution(list, 3, &host, shares);
        assert_true(shares[1].cookies < 1e-9 && shares[2].cookies < 1e-9);
}

static void drops_are_where_they_were_counted(void **state) {
        struct claim list[] = { claim(1000, 100, 0), claim(300, 300, 0), claim(10, 0, 0) };

        list[0].dropped_per_s = 900;
        list[1].dropped_per_s = 50;
        list[1].accept_full = true; /* its drops are of finished handshakes */
        share_out(list, 3, 0, 1000);
        assert_true(fabs((shares[0].refused) - (0.9)) < 1e-9);
        assert_true(fabs((shares[1].refused) - (0)) < 1e-9);
        /* With cookies nothing is refused for a full request queue. */
        share_out(list, 3, 1, 1000);
        assert_true(fabs((shares[0].refused) - (0)) < 1e-9);
}

static void one_listener_has_it_all(void **state) {
        struct claim one = claim(NAN, NAN, 5);

        share_out(&one, 1, 2, NAN);
        assert_true(fabs((shares[0].finished) - (1)) < 1e-9);
        assert_true(fabs((shares[0].cookies) - (1)) < 1e-9);
        assert_true(fabs((shares[0].reset) - (1)) < 1e-9);
}

/* Without a log each may have finished everything: that makes no flood. */
static void without_a_log_nobody_is_deprived(void **state) {
        const struct claim list[] = { claim(NAN, NAN, 5), claim(NAN, NAN, 0) };

        share_out(list, 2, 1, 0);
        assert_true(fabs((shares[0].finished) - (1)) < 1e-9);
        assert_true(fabs((shares[1].finished) - (1)) < 1e-9);
        assert_true(fabs((shares[0].reset) - (0)) < 1e-9);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_share_exceeds_the_whole),
                cmocka_unit_test(cookies_go_where_nobody_ends),
                cmocka_unit_test(cookies_come_from_full_queues),
                cmocka_unit_test(cookies_that_never_come_back_are_whose_they_began),
                cmocka_unit_test(who_may_have_finished_has_no_cookies_for_sure),
                cmocka_unit_test(drops_are_where_they_were_counted),
                cmocka_unit_test(one_listener_has_it_all),
                cmocka_unit_test(without_a_log_nobody_is_deprived),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
