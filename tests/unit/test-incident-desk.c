/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who asks for records: one answer for all who ask for the same, within a share of the CPU. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "actions/incident_desk.h"

static struct incident_desk *desk;
static struct scribe_order last;
static char last_data[256];
static unsigned orders, readies;
static uint64_t present, now_us;
static int refuse;

static int submit(void *userdata, const struct scribe_order *order, const void *data) {
        if (refuse)
                return refuse;
        last = *order;
        assert_true(order->length < sizeof last_data);
        memcpy(last_data, data ? data : "", order->length);
        last_data[order->length] = '\0';
        orders++;
        return 0;
}

static uint64_t present_id(void *userdata) {
        return present;
}

static json_t *present_json(void *userdata, bool in_full) {
        return json_pack("{s:b}", "full", in_full);
}

static void ready(void *userdata) {
        readies++;
}

static void done(int result, const char *text, uint64_t cost_us) {
        const struct scribe_reply reply = { .result = result,
                                            .length = text ? (uint32_t) strlen(text) : 0,
                                            .cost_us = cost_us };

        incident_desk_done(desk, &reply, text);
}

static void pass(uint64_t us) {
        for (uint64_t end_us = now_us + us; now_us < end_us;) {
                now_us += 200000;
                incident_desk_step(desk, now_us);
        }
}

static int set_up(void **state) {
        const struct incident_desk_ops ops = { submit, present_id, present_json, ready, NULL };

        orders = readies = 0;
        present = 0;
        refuse = 0;
        now_us = 1000000;
        if (incident_desk_new(&ops, &desk) < 0)
                return -1;
        incident_desk_step(desk, now_us);
        return 0;
}

static int tear_down(void **state) {
        desk = incident_desk_free(desk);
        return 0;
}

static uint64_t ask(const char *id) {
        uint64_t ticket = 0;

        assert_int_equal(incident_desk_ask(desk, id, &ticket), 0);
        assert_int_not_equal(ticket, 0);
        return ticket;
}

static int answer_of(uint64_t ticket, const char *expected) {
        const char *text = NULL;
        size_t length = 0;
        int r = incident_desk_answer(desk, ticket, &text, &length);

        if (expected) {
                assert_int_equal(length, strlen(expected));
                assert_memory_equal(text, expected, length);
        }
        return r;
}

static void answers_at_once(void **state) {
        uint64_t t = ask(NULL);

        assert_int_equal(orders, 1);
        assert_int_equal(last.operation, SCRIBE_LIST);
        assert_int_equal(last.length, 0);
        assert_int_equal(answer_of(t, NULL), -EAGAIN);
        done(0, "[1]", 1000);
        assert_int_equal(readies, 1);
        assert_int_equal(answer_of(t, "[1]"), 0);
        incident_desk_end(desk, t);
        assert_int_equal(answer_of(t, NULL), -EINVAL);
}

/* Of the one at hand memory knows more than its files. */
static void hands_the_present_over(void **state) {
        present = 5;
        (void) ask(NULL);
        assert_int_equal(last.id, 5);
        assert_string_equal(last_data, "{\"full\":false}");
        done(0, "[]", 0);
        (void) ask("5");
        assert_int_equal(last.operation, SCRIBE_READ);
        assert_string_equal(last_data, "{\"full\":true}");
        done(0, "[]", 0);
        (void) ask("6");
        assert_int_equal(last.id, 6);
        assert_int_equal(last.length, 0);
}

static void says_what_is_not_there(void **state) {
        uint64_t t, other;

        assert_int_equal(incident_desk_ask(desk, "../1", &t), -ENOENT);
        assert_int_equal(orders, 0);
        t = ask("17");
        done(-ENOENT, NULL, 0);
        assert_int_equal(answer_of(t, "17"), -ENOENT);
        refuse = -ENOBUFS;
        other = ask("18");
        assert_int_equal(answer_of(other, NULL), -ENOBUFS);
}

/* While one reads, the others wait; those who want the same get it together. */
static void one_answer_for_all(void **state) {
        uint64_t first = ask(NULL), later[3];

        for (unsigned i = 0; i < 3; i++)
                later[i] = ask(NULL);
        assert_int_equal(orders, 1);
        done(0, "[1]", 1000);
        assert_int_equal(answer_of(first, "[1]"), 0);
        assert_int_equal(answer_of(later[0], NULL), -EAGAIN); /* what it asked for may be newer */
        pass(200000);
        assert_int_equal(orders, 2);
        incident_desk_end(desk, later[1]); /* has gone away */
        done(0, "[1,2]", 1000);
        assert_int_equal(answer_of(later[0], "[1,2]"), 0);
        assert_int_equal(answer_of(later[2], "[1,2]"), 0);
        pass(1000000);
        assert_int_equal(orders, 2);
}

/* In a loop: 40 ms an answer, 3 % of a CPU. */
static void takes_its_share_and_no_more(void **state) {
        unsigned before;

        for (unsigned i = 0; i < 100; i++) {
                uint64_t t = ask(NULL);

                if (answer_of(t, NULL) == -EAGAIN && last.operation == SCRIBE_LIST && orders > i)
                        done(0, "[]", 40000);
                incident_desk_end(desk, t);
        }
        assert_in_range(orders, 6, 8); /* what had piled up */
        before = orders;
        for (unsigned i = 0; i < 500; i++) {
                unsigned had = orders;
                uint64_t t = ask(NULL);

                pass(200000);
                if (orders > had)
                        done(0, "[]", 40000);
                incident_desk_end(desk, t);
        }
        assert_in_range(orders - before, 70, 76); /* 100 s x 3 % / 40 ms */
}

static void does_not_wait_without_end(void **state) {
        uint64_t t = ask(NULL), others[INCIDENT_DESK_MAX], one_more;

        for (unsigned i = 1; i < INCIDENT_DESK_MAX; i++)
                others[i] = ask("7");
        assert_int_equal(incident_desk_ask(desk, NULL, &one_more), -EBUSY);
        pass(4000000);
        assert_int_equal(answer_of(t, NULL), -EAGAIN);
        pass(400000);
        assert_int_equal(answer_of(t, NULL), -ETIMEDOUT);
        assert_int_equal(answer_of(others[1], NULL), -ETIMEDOUT);
        assert_true(readies > 0);
        done(0, "[]", 0); /* at last: nobody is there */
        assert_int_equal(answer_of(t, NULL), -ETIMEDOUT);
        incident_desk_end(desk, t);
        t = ask(NULL);
        done(0, "[]", 0);
        assert_int_equal(answer_of(t, "[]"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(answers_at_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(hands_the_present_over, set_up, tear_down),
                cmocka_unit_test_setup_teardown(says_what_is_not_there, set_up, tear_down),
                cmocka_unit_test_setup_teardown(one_answer_for_all, set_up, tear_down),
                cmocka_unit_test_setup_teardown(takes_its_share_and_no_more, set_up, tear_down),
                cmocka_unit_test_setup_teardown(does_not_wait_without_end, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
