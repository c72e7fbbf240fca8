/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that walk the socket table for others: this host's own, which need no privilege. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sensors/sock_diag.h"
#include "sensors/walker_client.h"
#include "tests/unit/children.h"
#include "util/peer_counter.h"

enum { WAIT_MS = 50, TURNS = 500 };

static sd_event *event;
static struct walker_client *walker;
static struct sock_diag *diag;
static unsigned begun, rows;
static uint64_t now_us;

static void on_begin(void *data) {
        begun++;
        rows = 0;
        sock_diag_walk_begin(diag, SOCK_DIAG_LISTENERS_AND_HALF_OPENS);
}

static int on_row(void *data, const struct sock_diag_row *row) {
        rows++;
        sock_diag_walk_row(diag, row);
        return 0;
}

static int set_up(void **state) {
        const struct sock_diag_rows to = { .begin = on_begin, .row = on_row };

        begun = rows = 0;
        now_us = 1000000;
        if (sd_event_new(&event) < 0 || sock_diag_new(NULL, &diag) < 0)
                return -1;
        return walker_client_new(event, &to, &walker);
}

static int tear_down(void **state) {
        walker = walker_client_free(walker);
        diag = sock_diag_free(diag);
        event = sd_event_unref(event);
        return 0;
}

static int listen_on_loopback(uint16_t *ret_port) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        socklen_t size = sizeof at;
        int s = socket(AF_INET, SOCK_STREAM, 0);

        assert_true(s >= 0);
        assert_int_equal(bind(s, (struct sockaddr *) &at, sizeof at), 0);
        assert_int_equal(listen(s, 7), 0);
        assert_int_equal(getsockname(s, (struct sockaddr *) &at, &size), 0);
        *ret_port = ntohs(at.sin_port);
        return s;
}

static int collect(uint64_t *ret_cost_us) {
        int r = -EAGAIN;

        for (unsigned i = 0; r == -EAGAIN && i < TURNS; i++) {
                now_us += 200000;
                walker_client_step(walker, now_us);
                r = walker_client_collect(walker, WAIT_MS, now_us, ret_cost_us);
        }
        return r;
}

static bool has_listener(const struct observation *o, uint16_t port) {
        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (o->listeners[i].key.port == port)
                        return o->listeners[i].backlog == 7 && (o->listeners[i].known & OBS_L_HALF_OPEN);
        return false;
}

static void walks(void **state) {
        static struct observation o;
        uint64_t cost_us = 0;
        uint32_t open;
        uint16_t port, later_port;
        int s = listen_on_loopback(&port), later;

        assert_int_equal(walker_client_ask(walker, SOCK_DIAG_LISTENERS_AND_HALF_OPENS, now_us), 0);
        assert_int_equal(walker_client_ask(walker, SOCK_DIAG_LISTENERS_AND_HALF_OPENS, now_us), -EBUSY);
        assert_int_equal(collect(&cost_us), 0);
        assert_int_equal(begun, 1);
        assert_true(rows >= 1);
        assert_true(cost_us > 0);
        assert_false(walker_client_is_walking(walker));
        later = listen_on_loopback(&later_port);
        assert_int_equal(sock_diag_walk_end(diag, &o, &open), 0);
        assert_true(o.known & OBS_K_DUMP);
        assert_true(has_listener(&o, port));
        assert_true(has_listener(&o, later_port)); /* the listeners are those of now */
        close(s);
        close(later);
}

/* The loop hears the rows between two ticks. */
static void is_heard_in_the_loop(void **state) {
        uint64_t cost_us;

        assert_int_equal(walker_client_ask(walker, SOCK_DIAG_LISTENERS_AND_HALF_OPENS, now_us), 0);
        for (unsigned i = 0; begun == 0 && i < TURNS; i++)
                assert_true(sd_event_run(event, 20000) >= 0);
        assert_int_equal(begun, 1);
        assert_int_equal(collect(&cost_us), 0);
}

static void a_walker_that_ends_is_replaced(void **state) {
        pid_t pid = first_child();
        uint64_t cost_us;

        if (pid == 0)
                skip(); /* a kernel without CONFIG_PROC_CHILDREN */
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(walker_client_ask(walker, SOCK_DIAG_LISTENERS_AND_HALF_OPENS, now_us), 0);
        assert_int_equal(walker_client_collect(walker, WAIT_MS, now_us, &cost_us), -EAGAIN);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(collect(&cost_us), -EPIPE);
        for (unsigned i = 0; walker_client_ask(walker, SOCK_DIAG_LISTENERS_AND_HALF_OPENS, now_us) < 0 && i < TURNS;
             i++) {
                now_us += 200000;
                walker_client_step(walker, now_us);
                usleep(1000); /* until the old one has ended */
        }
        assert_int_equal(collect(&cost_us), 0);
}

static void a_walker_that_stands_still_is_replaced(void **state) {
        pid_t pid = first_child();
        uint64_t cost_us;

        if (pid == 0)
                skip();
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(walker_client_ask(walker, SOCK_DIAG_LISTENERS_AND_HALF_OPENS, now_us), 0);
        now_us += WALKER_STANDS_US;
        assert_int_equal(walker_client_collect(walker, 0, now_us, &cost_us), -EAGAIN);
        now_us += 1;
        assert_int_equal(walker_client_collect(walker, 0, now_us, &cost_us), -ETIMEDOUT);
}

/* --- peers ----------------------------------------------------------------------------- */

static void counts_peers(void **state) {
        struct established_peer asked[2] = {
                { .bytes = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 77 }, .length = 128 },
                { .bytes = { [10] = 0xff, [11] = 0xff, [12] = 127 }, .length = 120 },
        }, got[ESTABLISHED_PEERS_MAX];
        struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = { htonl(0x7f00004d) } };
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        struct peer_counter *c;
        uint64_t cost_us;
        uint32_t n = 0;
        uint16_t port;
        int s = listen_on_loopback(&port), client = socket(AF_INET, SOCK_STREAM, 0), r = -EAGAIN;

        to.sin_port = htons(port);
        assert_int_equal(bind(client, (struct sockaddr *) &from, sizeof from), 0);
        assert_int_equal(connect(client, (struct sockaddr *) &to, sizeof to), 0);
        assert_int_equal(peer_counter_new(&c), 0);
        assert_int_equal(peer_counter_answer(c, PEER_COUNTER_LOG, 1, got, &n, &cost_us), -ENOENT);
        assert_int_equal(peer_counter_ask(c, PEER_COUNTER_LOG, asked, 2, 1), 0);
        assert_int_equal(peer_counter_ask(c, PEER_COUNTER_LOG, asked, 2, 1), -EBUSY);
        assert_int_equal(peer_counter_ask(c, PEER_COUNTER_BLOCK, asked, 1, 1), 0);
        for (unsigned i = 0; r == -EAGAIN && i < TURNS; i++)
                r = peer_counter_answer(c, PEER_COUNTER_LOG, 1, got, &n, &cost_us);
        assert_int_equal(r, 0);
        assert_int_equal(n, 2);
        assert_int_equal(got[0].count, 1);
        assert_true(got[1].count >= 1);
        assert_int_equal(peer_counter_answer(c, PEER_COUNTER_LOG, 1, got, &n, &cost_us), -ENOENT);
        for (r = -EAGAIN, n = 0; r == -EAGAIN && n < TURNS;)
                r = peer_counter_answer(c, PEER_COUNTER_BLOCK, 1, got, &n, &cost_us);
        assert_int_equal(r, 0);
        assert_int_equal(n, 1);
        assert_int_equal(got[0].count, 1);
        assert_null(peer_counter_free(c));
        close(client);
        close(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(walks, set_up, tear_down),
                cmocka_unit_test_setup_teardown(is_heard_in_the_loop, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_walker_that_ends_is_replaced, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_walker_that_stands_still_is_replaced, set_up, tear_down),
                cmocka_unit_test(counts_peers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
