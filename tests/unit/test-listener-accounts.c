/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an incident did to each of its flooded listeners. */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "core/listener_accounts.h"

static struct listener_accounts accounts; /* large */
static struct verdicts v;
static const struct listener_account *told[LISTENER_ACCOUNTS_TOLD];

static void add_listener(uint16_t port, enum finding finding) {
        struct listener_verdict *l = &v.listeners[v.listeners_count++];

        memset(l, 0, sizeof *l);
        l->key.port = port;
        l->verdict.finding = finding;
        l->verdict.evidence = evidence_unknown();
}

static struct evidence *evidence_of(unsigned i) {
        return &v.listeners[i].verdict.evidence;
}

static int set_up(void **state) {
        memset(&accounts, 0, sizeof accounts);
        v.listeners_count = 0;
        return 0;
}

/* Each its own, only while it is flooded, and those that were hurt most are told first. */
static void each_has_its_own(void **state) {
        add_listener(80, FINDING_FLOOD);
        add_listener(443, FINDING_FLOOD);
        add_listener(22, FINDING_SUSPECT);
        *evidence_of(0) = *evidence_of(2) = (struct evidence) {
                .syn_per_s = 100,
                .completed_per_s = 10,
                .unanswered_per_s = 70,
                .queue_drops_per_s = 20,
                .half_open = 60,
                .backlog = 128,
        };
        *evidence_of(1) = (struct evidence) {
                .syn_per_s = 400,
                .completed_per_s = 0,
                .unanswered_per_s = 50,
                .queue_drops_per_s = 350,
                .half_open = 511,
                .backlog = 511,
        };
        listener_accounts_add(&accounts, &v, 0.5);
        evidence_of(0)->half_open = 120;
        evidence_of(0)->backlog = 256;
        listener_accounts_add(&accounts, &v, 1.5);
        evidence_of(0)->half_open = 90;
        v.listeners[1].verdict.finding = FINDING_NONE;
        listener_accounts_add(&accounts, &v, 1);
        assert_int_equal(listener_accounts_tell(&accounts, told), 2);
        assert_int_equal(told[0]->key.port, 443);
        assert_true(told[0]->flood_s == 2 && told[0]->syns == 800 && told[0]->finished == 0);
        assert_true(told[0]->unfinished == 100 && told[0]->refused == 700);
        assert_true(told[0]->peak_half_open == 511 && told[0]->peak_backlog == 511);
        assert_int_equal(told[1]->key.port, 80);
        assert_true(told[1]->flood_s == 3 && told[1]->syns == 300 && told[1]->finished == 30);
        assert_true(told[1]->unfinished == 210 && told[1]->refused == 60);
        assert_true(told[1]->peak_half_open == 120 && told[1]->peak_backlog == 256);
        assert_int_equal(accounts.forgotten, 0);
}

/* What was never known stays so; what was known for a while counts for that while. */
static void unknown_is_not_zero(void **state) {
        add_listener(80, FINDING_FLOOD);
        evidence_of(0)->unanswered_per_s = 30;
        listener_accounts_add(&accounts, &v, 1);
        evidence_of(0)->unanswered_per_s = NAN;
        evidence_of(0)->queue_drops_per_s = 5;
        listener_accounts_add(&accounts, &v, 1);
        assert_int_equal(listener_accounts_tell(&accounts, told), 1);
        assert_true(isnan(told[0]->syns) && isnan(told[0]->finished));
        assert_true(isnan(told[0]->peak_half_open) && isnan(told[0]->peak_backlog));
        assert_true(told[0]->flood_s == 2 && told[0]->unfinished == 30 && told[0]->refused == 5);
}

/* More than are told, in an order that is not theirs. */
static void the_most_are_told(void **state) {
        for (unsigned i = 0; i < 20; i++) {
                add_listener((uint16_t) (1000 + i), FINDING_FLOOD);
                evidence_of(i)->unanswered_per_s = 100 + i * 7 % 20;
        }
        listener_accounts_add(&accounts, &v, 1);
        assert_int_equal(listener_accounts_tell(&accounts, told), LISTENER_ACCOUNTS_TOLD);
        assert_int_equal(accounts.count, 20);
        for (unsigned i = 0; i < LISTENER_ACCOUNTS_TOLD; i++)
                assert_true(told[i]->unfinished == 119 - i);
}

/* Listeners that come and go: the heavy one of them is kept. */
static void those_hurt_least_are_forgotten(void **state) {
        add_listener(443, FINDING_FLOOD);
        evidence_of(0)->unanswered_per_s = 5000;
        listener_accounts_add(&accounts, &v, 1);
        for (unsigned i = 0; i < 1000; i++) {
                v.listeners_count = 0;
                add_listener((uint16_t) (2000 + i), FINDING_FLOOD);
                evidence_of(0)->unanswered_per_s = 1 + i % 50;
                listener_accounts_add(&accounts, &v, 1);
        }
        assert_int_equal(accounts.count, OBS_LISTENERS_MAX);
        assert_int_equal(accounts.count + accounts.forgotten, 1001);
        assert_int_equal(listener_accounts_tell(&accounts, told), LISTENER_ACCOUNTS_TOLD);
        assert_int_equal(told[0]->key.port, 443);
        assert_true(told[1]->unfinished == 50);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(each_has_its_own, set_up),
                cmocka_unit_test_setup(unknown_is_not_zero, set_up),
                cmocka_unit_test_setup(the_most_are_told, set_up),
                cmocka_unit_test_setup(those_hurt_least_are_forgotten, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
