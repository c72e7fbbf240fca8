/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against the running kernel, over the loopback; needs no privilege. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "util/established.h"

/* An address of the loopback that nobody else uses. */
#define CLIENT UINT32_C(0x7f4d0309) /* 127.77.3.9 */

static int listen_on(int family, uint16_t *ret_port) {
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
        struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        const void *address = family == AF_INET ? (void *) &in4 : (void *) &in6;
        socklen_t length = family == AF_INET ? sizeof in4 : sizeof in6;
        int fd = socket(family, SOCK_STREAM, 0), off = 0;

        if (fd < 0)
                return -1;
        if (family == AF_INET6)
                (void) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
        if (bind(fd, address, length) < 0 || listen(fd, 8) < 0) {
                close(fd);
                return -1;
        }
        length = sizeof in6;
        assert_int_equal(getsockname(fd, (struct sockaddr *) &in6, &length), 0);
        *ret_port = in6.sin6_port; /* in the same place in both */
        return fd;
}

static int connect_from_client(uint16_t port) {
        struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(CLIENT) };
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *) &from, sizeof from), 0);
        assert_int_equal(connect(fd, (const struct sockaddr *) &to, sizeof to), 0);
        return fd;
}

static struct established_peer peer(uint32_t host, uint8_t length4) {
        struct established_peer p = { .bytes = { [10] = 0xff, [11] = 0xff }, .length = (uint8_t) (96 + length4) };
        uint32_t n = htonl(host);

        memcpy(p.bytes + 12, &n, sizeof n);
        return p;
}

static void counts(int family) {
        struct established_peer peers[] = {
                { .bytes = { 0x20, 0x01, 0x0d, 0xb8 }, .length = 32 }, /* 2001:db8::/32 */
                peer(CLIENT, 32),
                peer(CLIENT + 1, 32),
                peer(CLIENT & ~UINT32_C(255), 24),
                peer(CLIENT & ~UINT32_C(7), 29),
                peer((CLIENT & ~UINT32_C(7)) - 8, 29),
        };
        static const uint32_t expected[] = { 0, 3, 0, 3, 3, 0 };
        int clients[3], accepted[3], listener;
        uint16_t port = 0;

        listener = listen_on(family, &port);
        if (listener < 0) {
                print_message("skipped: no loopback of family %d: %s\n", family, strerror(errno));
                skip();
        }
        assert_int_equal(established_count(peers, 6), 0);
        assert_int_equal(peers[1].count, 0);
        for (unsigned i = 0; i < 3; i++) {
                clients[i] = connect_from_client(port);
                accepted[i] = accept(listener, NULL, NULL);
                assert_true(accepted[i] >= 0);
        }
        assert_int_equal(established_count(peers, 6), 0);
        for (unsigned i = 0; i < 6; i++)
                assert_int_equal(peers[i].count, expected[i]);
        for (unsigned i = 0; i < 3; i++) {
                close(clients[i]);
                close(accepted[i]);
        }
        close(listener);
}

static void counts_by_prefix(void **state) {
        counts(AF_INET);
}

/* A dual-stack socket has its IPv4 peers as ::ffff:a.b.c.d. */
static void counts_mapped_peers(void **state) {
        counts(AF_INET6);
}

static void asks_for_as_many_as_fit(void **state) {
        static struct established_peer peers[ESTABLISHED_PEERS_MAX + 1];

        for (unsigned i = 0; i <= ESTABLISHED_PEERS_MAX; i++)
                peers[i] = i % 2 ? peer(CLIENT + i, 32)
                                 : (struct established_peer) { .bytes = { 0x20, 0x01, (uint8_t) i }, .length = 64 };
        assert_int_equal(established_count(peers, ESTABLISHED_PEERS_MAX), 0);
        assert_int_equal(established_count(peers, ESTABLISHED_PEERS_MAX + 1), -EINVAL);
        assert_int_equal(established_count(peers, 0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(counts_by_prefix),
                cmocka_unit_test(counts_mapped_peers),
                cmocka_unit_test(asks_for_as_many_as_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
