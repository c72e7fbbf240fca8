/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>

#include "core/source_table.h"
#include "sensors/tcp_destroy.h"

static struct source_table *table;
static struct tcp_destroy *destroy;

static int setup(void **state) {
        static const struct keyed_hash key = { { 1, 2, 3, 4 } };
        static const struct obs_listener web = { .key = { .port = 80 } };

        (void) state;
        assert_int_equal(source_table_new(&key, 0, &table), 0);
        assert_int_equal(tcp_destroy_new(-1, table, &destroy), 0);
        tcp_destroy_set_listeners(destroy, &web, 1);
        return 0;
}

static int teardown(void **state) {
        (void) state;
        destroy = tcp_destroy_free(destroy);
        source_table_free(table);
        return 0;
}

/* As the kernel tells of a socket that is gone (recorded with 6.18). remote "": it never had a peer. */
static void tell(uint8_t family, uint16_t port, const char *remote, uint16_t remote_port) {
        _Alignas(struct nlmsghdr) char buffer[256];
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
        struct inet_diag_msg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

        h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        m->idiag_family = family;
        m->idiag_state = 7; /* TCP_CLOSE */
        m->id.idiag_sport = htons(port);
        m->id.idiag_dport = htons(remote_port);
        if (*remote)
                assert_int_equal(inet_pton(family, remote, m->id.idiag_dst), 1);
        tcp_destroy_parse(destroy, h, h->nlmsg_len);
}

static void expect(uint64_t completed, uint64_t connections, uint64_t others) {
        struct tcp_destroy_counts c = tcp_destroy_counts(destroy);

        assert_int_equal(c.completed, completed);
        assert_int_equal(c.connections, connections);
        assert_int_equal(c.others, others);
}

static void test_ends(void **state) {
        (void) state;
        tell(AF_INET, 80, "192.0.2.1", 40000);
        tell(AF_INET6, 80, "2001:db8::1", 40000);
        expect(2, 2, 0);
        tell(AF_INET, 40001, "192.0.2.2", 80); /* of our own */
        expect(2, 3, 1);
}

static void test_aborts(void **state) {
        (void) state;
        tell(AF_INET, 80, "192.0.2.1", 0); /* a server's SO_LINGER of 0 s */
        tell(AF_INET6, 80, "2001:db8::1", 0);
        expect(2, 2, 0);
        tell(AF_INET, 40001, "192.0.2.2", 0); /* our own, or refused */
        expect(2, 3, 1);
}

static void test_without_a_peer(void **state) {
        (void) state;
        tell(AF_INET, 80, "", 0); /* a listener */
        tell(AF_INET6, 80, "", 0);
        tell(AF_INET, 0, "", 0); /* a socket that was only made */
        expect(0, 0, 3);
        assert_int_equal(tcp_destroy_counts(destroy).listeners, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(test_aborts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_without_a_peer, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
