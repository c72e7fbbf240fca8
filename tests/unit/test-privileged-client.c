/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side of the keeper, with a keeper that this test plays: one that answers, late,
 * wrongly, not at all, one that is started anew, none. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privileged/client.h"
#include "privileged/keeper.h"
#include "privileged/message.h"

static struct privileged *client;
static int end = -1; /* the keeper's */
static pthread_t thread;

static int set_up(void **state) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        end = pair[1];
        assert_int_equal(privileged_new(pair[0], &client), 0);
        return 0;
}

static int tear_down(void **state) {
        client = privileged_free(client);
        if (end >= 0)
                close(end);
        end = -1;
        return 0;
}

static void hello(uint32_t generation) {
        const struct message_request none = { .operation = MESSAGE_HELLO };
        struct message_reply m;

        message_reply_begin(&m, &none, generation);
        assert_int_equal(send(end, &m, sizeof m, 0), sizeof m);
}

static struct message_request take(void) {
        struct message_request m;

        assert_int_equal(recv(end, &m, sizeof m, 0), sizeof m);
        assert_int_equal(message_request_check(&m, sizeof m), 0);
        return m;
}

static void give(const struct message_request *to, uint32_t generation, int result, const char *reason) {
        struct message_reply m;

        message_reply_begin(&m, to, generation);
        m.result = result;
        strcpy(m.reason, reason);
        assert_int_equal(send(end, &m, sizeof m, 0), sizeof m);
}

/* What the keeper does while the test waits in a call. */
static void meanwhile(void *(*play)(void *) ) {
        assert_int_equal(pthread_create(&thread, NULL, play, NULL), 0);
}

static void *answer_well(void *data) {
        struct message_request m = take();

        give(&m, 1, 0, "");
        return data;
}

static void *answer_busy(void *data) {
        struct message_request m = take();

        give(&m, 1, -EBUSY, "somebody has it");
        return data;
}

static void answers(void **state) {
        const char *reason = NULL;

        hello(1);
        meanwhile(answer_well);
        assert_int_equal(privileged_make_table(client, &reason), 0);
        pthread_join(thread, NULL);
        assert_int_equal(privileged_generation(client), 1);
        meanwhile(answer_busy);
        assert_int_equal(privileged_make_table(client, &reason), -EBUSY);
        pthread_join(thread, NULL);
        assert_string_equal(reason, "somebody has it");
}

static void late_answers_are_dropped(void **state) {
        struct message_request late;
        const char *reason = NULL;

        hello(1);
        assert_int_equal(privileged_clear_ports(client, &reason), -ETIMEDOUT);
        assert_string_equal(reason, "the privileged process does not answer");
        /* As long as it owes one, nothing else is asked, nor waited for. */
        assert_int_equal(privileged_write_syncookies(client, 1), -EAGAIN);
        late = take();
        assert_int_equal(late.operation, MESSAGE_NO_PORTS);
        assert_int_equal(recv(end, &late, sizeof late, MSG_DONTWAIT), -1);
        give(&late, 1, -EIO, "late");
        meanwhile(answer_well);
        assert_int_equal(privileged_write_syncookies(client, 1), 0);
        pthread_join(thread, NULL);
}

static void *answer_another_first(void *data) {
        struct message_request m = take(), other = m;

        other.sequence += 7;
        give(&other, 1, -EIO, "not yours");
        give(&m, 1, 0, "");
        return data;
}

static void answers_go_by_their_sequence(void **state) {
        hello(1);
        meanwhile(answer_another_first);
        assert_int_equal(privileged_write_syncookies(client, 2), 0);
        pthread_join(thread, NULL);
}

static void another_keeper_is_told_once(void **state) {
        uint64_t blocked = 7;

        hello(1);
        assert_int_equal(privileged_generation(client), 1);
        hello(2);
        assert_int_equal(privileged_write_syncookies(client, 1), -ESTALE);
        assert_int_equal(privileged_generation(client), 2);
        meanwhile(answer_well); /* says 1, as if it were the old one */
        assert_int_equal(privileged_write_syncookies(client, 1), -ESTALE);
        pthread_join(thread, NULL);
        assert_int_equal(privileged_read_blocked(client, &blocked), 0);
        assert_true(blocked == 0); /* it has no list */
}

static void *die_and_come_again(void *data) {
        (void) take(); /* it has the request, and ends */
        hello(2);
        return data;
}

static void a_keeper_that_dies_is_not_waited_for(void **state) {
        hello(1);
        assert_int_equal(privileged_generation(client), 1);
        meanwhile(die_and_come_again);
        assert_int_equal(privileged_write_syncookies(client, 1), -ESTALE);
        pthread_join(thread, NULL);
        /* What the dead one owed is forgotten. */
        meanwhile(answer_well);
        assert_int_equal(privileged_write_syncookies(client, 1), -ESTALE);
        pthread_join(thread, NULL);
}

static void *say_nonsense(void *data) {
        struct message_request m = take();
        struct message_reply r;

        assert_int_equal(send(end, "x", 1, 0), 1);
        message_reply_begin(&r, &m, 1);
        memset(r.reason, 'x', sizeof r.reason);
        assert_int_equal(send(end, &r, sizeof r, 0), sizeof r);
        give(&m, 1, 0, "");
        return data;
}

static void nonsense_is_passed_over(void **state) {
        hello(1);
        meanwhile(say_nonsense);
        assert_int_equal(privileged_write_syncookies(client, 1), 0);
        pthread_join(thread, NULL);
}

static void a_socket_must_come_with_it(void **state) {
        int fd = -1;

        hello(1);
        meanwhile(answer_well);
        assert_int_equal(privileged_open_ends(client, &fd), -EPROTO);
        pthread_join(thread, NULL);
        assert_int_equal(fd, -1);
}

static void without_a_keeper(void **state) {
        const char *reason = NULL;
        int fd;

        close(end);
        end = -1;
        assert_int_equal(privileged_make_table(client, &reason), -EPIPE);
        assert_string_equal(reason, "the privileged process is gone");
        assert_true(privileged_is_gone(client));
        assert_int_equal(privileged_open_log(client, 5, 512, &fd, &reason), -EPIPE);
        privileged_remove_rules(client);
}

static void *count_entries(void *data) {
        struct message_request m = take();

        assert_int_equal(m.entries.count, MESSAGE_ENTRIES_MAX);
        give(&m, 1, 0, "");
        m = take();
        assert_int_equal(m.entries.count, 3);
        assert_int_equal(m.entries.list[0].timeout_ms, 2500);
        assert_int_equal(m.entries.list[0].limit_per_s, 7);
        give(&m, 1, 0, "");
        return data;
}

static void many_entries_are_several_requests(void **state) {
        static struct privileged_entry list[MESSAGE_ENTRIES_MAX + 3];
        const char *reason = NULL;

        for (uint32_t i = 0; i < sizeof list / sizeof *list; i++) {
                assert_int_equal(prefix_parse("192.0.2.0/24", &list[i].prefix), 0);
                list[i].timeout_us = 2500000;
                list[i].limit_per_s = 7;
        }
        hello(1);
        meanwhile(count_entries);
        assert_int_equal(privileged_block(client, list, sizeof list / sizeof *list, &reason), 0);
        pthread_join(thread, NULL);
}

/* --- the keeper itself, as far as it needs no privilege ----------------------------------- */

static void the_keeper_refuses(void **state) {
        struct message_request m;
        struct message_reply reply;
        struct keeper *k;
        int fd = 3;

        assert_int_equal(keeper_new(5, &k), 0);
        message_request_begin(&m, MESSAGE_SYNCOOKIES);
        m.sequence = 9;
        m.until_us = 1000;
        m.syncookies = 3;
        assert_int_equal(keeper_answer(k, &m, sizeof m, 1000, &reply, &fd), 0);
        assert_int_equal(reply.result, -EINVAL);
        assert_int_equal(reply.sequence, 9);
        assert_int_equal(message_reply_check(&reply, sizeof reply), 0);
        assert_int_equal(fd, -1);
        m.syncookies = 1;
        m.generation = 4; /* meant for the one before */
        assert_int_equal(keeper_answer(k, &m, sizeof m, 1000, &reply, &fd), 0);
        assert_int_equal(reply.result, -ESTALE);
        assert_int_equal(reply.generation, 5);
        assert_int_equal(keeper_answer(k, &m, sizeof m - 1, 1000, &reply, &fd), -EPROTO);
        m.operation = 1000;
        assert_int_equal(keeper_answer(k, &m, sizeof m, 1000, &reply, &fd), -EPROTO);
        message_request_begin(&m, MESSAGE_SAMPLE); /* without rules */
        m.sequence = 10;
        m.until_us = 1000;
        m.sample = (struct message_sample) { 4, 8, 1, 100 };
        assert_int_equal(keeper_answer(k, &m, sizeof m, 1000, &reply, &fd), 0);
        assert_int_equal(reply.result, -ENOENT);
        /* Whoever asked has given it up: the rules are not even looked at. */
        m.until_us = 999;
        assert_int_equal(keeper_answer(k, &m, sizeof m, 1000, &reply, &fd), 0);
        assert_int_equal(reply.result, -ETIMEDOUT);
        keeper_free(k);
}

static void *run_keeper(void *data) {
        static int result;

        result = keeper_run(end, 3);
        return data ? data : &result;
}

static void the_keeper_ends_with_the_daemon(void **state) {
        void *result;

        meanwhile(run_keeper);
        assert_int_equal(privileged_sample(client, 4, 8, 1, 100), -ENOENT);
        assert_int_equal(privileged_generation(client), 3);
        client = privileged_free(client);
        pthread_join(thread, &result);
        assert_int_equal(*(int *) result, 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(answers),
                test(late_answers_are_dropped),
                test(answers_go_by_their_sequence),
                test(another_keeper_is_told_once),
                test(a_keeper_that_dies_is_not_waited_for),
                test(nonsense_is_passed_over),
                test(a_socket_must_come_with_it),
                test(without_a_keeper),
                test(many_entries_are_several_requests),
                cmocka_unit_test(the_keeper_refuses),
                test(the_keeper_ends_with_the_daemon),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
