/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probe's own handshakes, with sockets of this host's loopback. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sensors/probe.h"

#define S UINT64_C(1000000)

static struct probe *probe;
static const struct address any; /* a wildcard */

static int set_up(void **state) {
        return probe_new(&probe);
}

static int tear_down(void **state) {
        probe = probe_free(probe);
        return 0;
}

/* A socket on a port of its own; listening, or only in possession of it. */
static int take_port(bool listens, int backlog, struct settings_address *ret) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof a;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &a, sizeof a), 0);
        if (listens)
                assert_int_equal(listen(fd, backlog), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &a, &length), 0);
        ret->address = address_from_ipv4(a.sin_addr.s_addr);
        ret->port = ntohs(a.sin_port);
        return fd;
}

static void wait_for_one(void) {
        struct pollfd p = { .fd = probe_fd(probe), .events = POLLIN };

        assert_int_equal(poll(&p, 1, 5000), 1);
}

static void connects_and_leaves(void **state) {
        struct settings_address listener;
        int fd = take_port(true, 8, &listener), peer;
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        struct address me;
        struct probe_end e;
        char byte;

        assert_int_equal(address_parse("127.0.0.2", &me), 0);
        assert_int_equal(probe_begin(probe, &listener, &me, 1000 * S), 0);
        wait_for_one();
        peer = accept(fd, (struct sockaddr *) &from, &length); /* while it is there */
        assert_true(peer >= 0);
        assert_int_equal(ntohl(from.sin_addr.s_addr), 0x7f000002);
        assert_true(probe_ended(probe, 3 * S, 1002 * S, &e));
        assert_int_equal(e.error, 0);
        assert_in_range(e.took_us, 1, S); /* the kernel's measure, not when it was noticed */
        assert_false(probe_ended(probe, 3 * S, 1002 * S, &e));
        assert_int_equal(read(peer, &byte, 1), 0);
        /* It has gone, and does not wait for our end: once its FIN is acknowledged, some 40 ms late, an RST follows. */
        assert_int_equal(poll(&(struct pollfd) { .fd = peer, .events = 0 }, 1, 5000), 1);
        assert_int_equal(send(peer, "x", 1, MSG_NOSIGNAL), -1);
        assert_int_equal(errno, EPIPE);
        close(peer);
        close(fd);
}

static void is_refused(void **state) {
        struct settings_address listener;
        int fd = take_port(false, 0, &listener);
        struct probe_end e;

        assert_int_equal(probe_begin(probe, &listener, &any, 1000 * S), 0);
        wait_for_one();
        assert_true(probe_ended(probe, 3 * S, 1000 * S + 7, &e));
        assert_int_equal(e.error, -ECONNREFUSED);
        assert_int_equal(e.took_us, 7);
        close(fd);
}

/* Two in the accept queue, and the third's SYN is dropped. */
static void times_out(void **state) {
        struct settings_address listener;
        int fd = take_port(true, 1, &listener);
        struct probe_end e;
        unsigned ended = 0;

        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(probe_begin(probe, &listener, &any, 1000 * S + i), 0);
        for (unsigned i = 0; i < 2; i++) {
                wait_for_one();
                assert_true(probe_ended(probe, 3 * S, 1001 * S, &e));
                assert_int_equal(e.error, 0);
        }
        assert_false(probe_ended(probe, 3 * S, 1003 * S - 1, &e));
        while (probe_ended(probe, 3 * S, 1003 * S + 3, &e)) {
                assert_int_equal(e.error, -ETIMEDOUT);
                ended++;
        }
        assert_int_equal(ended, 2);
        close(fd);
}

static void cannot_be_tried(void **state) {
        struct settings_address listener;
        int fd = take_port(true, 8, &listener);
        struct address nobody;
        struct probe_end e;

        assert_int_equal(address_parse("192.0.2.77", &nobody), 0); /* RFC 5737 */
        assert_int_equal(probe_begin(probe, &listener, &nobody, 1000 * S), -EADDRNOTAVAIL);
        assert_false(probe_ended(probe, 3 * S, 2000 * S, &e));
        close(fd);
}

static void there_is_an_end_to_them(void **state) {
        struct settings_address listener;
        int fd = take_port(true, 1, &listener);
        struct probe_end e;
        unsigned ended = 0;

        for (unsigned i = 0; i < PROBE_FLIGHTS_MAX; i++)
                assert_int_equal(probe_begin(probe, &listener, &any, 1000 * S), 0);
        assert_int_equal(probe_begin(probe, &listener, &any, 1000 * S), -EBUSY);
        while (probe_ended(probe, 3 * S, 1003 * S, &e))
                ended++;
        assert_int_equal(ended, PROBE_FLIGHTS_MAX);
        assert_int_equal(probe_begin(probe, &listener, &any, 1003 * S), 0);
        close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(connects_and_leaves, set_up, tear_down),
                cmocka_unit_test_setup_teardown(is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(times_out, set_up, tear_down),
                cmocka_unit_test_setup_teardown(cannot_be_tried, set_up, tear_down),
                cmocka_unit_test_setup_teardown(there_is_an_end_to_them, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
