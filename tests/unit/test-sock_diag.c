/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/observation.h"
#include "sensors/sock_diag.h"
#include "sensors/sock_diag_parse.h"
#include "tests/unit/fake-netlink.h"

struct fixture {
        struct fake_netlink *fake;
        struct sock_diag *sensor;
        struct observation o;
};

static int set_up(void **state) {
        struct fixture *x = calloc(1, sizeof *x);
        struct netlink_kernel kernel;

        x->fake = fake_new();
        kernel = fake_kernel(x->fake);
        assert_int_equal(sock_diag_new(&kernel, &x->sensor), 0);
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        assert_null(sock_diag_free(x->sensor));
        fake_free(x->fake);
        free(x);
        return 0;
}

static void add(struct fixture *x, struct fake_row row) {
        fake_add_row(x->fake, &row);
}

static void add_listener(struct fixture *x, uint8_t family, const char *local, uint16_t port, uint32_t backlog) {
        add(x, fake_listener(family, local, port, backlog, port));
}

static void add_half_open(struct fixture *x, uint8_t family, const char *local, uint16_t port, const char *remote) {
        add(x, fake_half_open(family, local, port, remote));
}

static void dump(struct fixture *x) {
        fake_done(x->fake, 0);
        x->o = (struct observation) { 0 };
        assert_int_equal(sock_diag_dump(x->sensor, &x->o), 0);
}

static void dump_listeners(struct fixture *x) {
        fake_done(x->fake, 0);
        x->o = (struct observation) { 0 };
        assert_int_equal(sock_diag_dump_listeners(x->sensor, &x->o), 0);
}

static const struct obs_listener *find(const struct fixture *x, const char *address, uint16_t port, uint32_t ifindex) {
        struct listener_key key = { .port = port, .ifindex = ifindex };

        assert_int_equal(address_parse(address, &key.address), 0);
        return observation_find_listener(&x->o, &key);
}

static void assert_half_open(const struct fixture *x, const char *address, uint16_t port, uint32_t ifindex,
                             uint32_t expected) {
        const struct obs_listener *l = find(x, address, port, ifindex);

        assert_non_null(l);
        assert_true(l->known & OBS_L_HALF_OPEN);
        assert_int_equal(l->half_open, expected);
}

/* --- the parser -------------------------------------------------------------- */

static void parses_a_row(void **state) {
        struct fixture *x = *state;
        struct fake_row r = fake_half_open(AF_INET6, "2001:db8::1", 443, "2001:db8::2");
        struct sock_diag_row row;
        struct address a;

        r.retrans = 2;
        r.expires_ms = 1500;
        r.ifindex = 7;
        r.cookie = UINT64_C(0x1122334455667788);
        r.has_drops = true;
        r.drops = 9;
        fake_datagram(x->fake);
        assert_int_equal(sock_diag_parse(fake_add_row(x->fake, &r), &row), 0);
        assert_int_equal(row.state, SOCK_DIAG_SYN_RECV);
        assert_int_equal(row.local_port, 443);
        assert_int_equal(row.remote_port, 40000);
        assert_int_equal(row.ifindex, 7);
        assert_int_equal(row.cookie, r.cookie);
        assert_true(row.drops_known);
        assert_int_equal(row.drops, 9);
        assert_int_equal(address_parse("2001:db8::2", &a), 0);
        assert_true(address_equal(&row.remote, &a));
        assert_int_equal(sock_diag_age_us(&row), 5500000); /* 1 + 2 + 4 - 1.5 s */
}

static void parses_only_whole_rows(void **state) {
        struct fixture *x = *state;
        struct fake_row r = fake_listener(AF_INET, "0.0.0.0", 80, 128, 1);
        struct nlmsghdr *whole;
        const uint32_t row_end = sizeof *whole + sizeof(struct inet_diag_msg);

        fake_datagram(x->fake);
        whole = fake_add_row(x->fake, &r);
        for (uint32_t length = sizeof *whole; length < whole->nlmsg_len; length++) {
                /* A block of exactly that size, so that a read beyond it is found out. */
                struct nlmsghdr *cut = malloc(length);
                struct sock_diag_row row = { .local_port = 4321 };

                memcpy(cut, whole, length);
                cut->nlmsg_len = length;
                if (length == row_end) { /* only without the attribute is it whole again */
                        assert_int_equal(sock_diag_parse(cut, &row), 0);
                        assert_false(row.drops_known);
                } else {
                        assert_int_equal(sock_diag_parse(cut, &row), -EPROTO);
                        assert_int_equal(row.local_port, 4321);
                }
                free(cut);
        }
}

static void refuses_lengths_that_lie(void **state) {
        struct fixture *x = *state;
        struct fake_row r = fake_listener(AF_INET, "0.0.0.0", 80, 128, 1);
        struct sock_diag_row row;

        for (unsigned length = 0; length < 65536; length++) {
                struct nlmsghdr *m;
                struct nlattr *a;
                int expected = length == 40 ? 0 : -EPROTO;

                x->fake->used = x->fake->datagrams = 0;
                fake_datagram(x->fake);
                m = fake_add_row(x->fake, &r);
                a = (void *) ((char *) (m + 1) + sizeof(struct inet_diag_msg));
                assert_int_equal(a->nla_len, 40);
                a->nla_len = (uint16_t) length;
                /* What an honest but shorter attribute leaves over reads as attributes
                 * of length 0, and those there are not. 37..39 are padded to 40. */
                if (length >= 37 && length <= 39)
                        expected = 0;
                assert_int_equal(sock_diag_parse(m, &row), expected);
                if (expected == 0)
                        assert_int_equal(row.drops_known, length == 40);
        }
}

static void refuses_other_messages(void **state) {
        struct fixture *x = *state;
        struct fake_row r = fake_listener(AF_INET, NULL, 80, 128, 1);
        struct sock_diag_row row;
        struct nlmsghdr *m;

        fake_datagram(x->fake);
        m = fake_add_row(x->fake, &r);
        m->nlmsg_type = SOCK_DIAG_BY_FAMILY + 1;
        assert_int_equal(sock_diag_parse(m, &row), -EPROTO);
        r.family = AF_UNIX;
        assert_int_equal(sock_diag_parse(fake_add_row(x->fake, &r), &row), -EPROTO);
}

static void ages(void **state) {
        static const struct {
                uint8_t retrans;
                uint32_t expires_ms;
                uint64_t age_ms;
                bool deferred;
        } cases[] = {
                { 0, 1000, 0, false },        { 0, 1, 999, false },
                { 0, 0, 1000, false },        { 1, 2000, 1000, false },
                { 1, 500, 2500, false },      { 2, 4000, 3000, false },
                { 5, 0, 63000, false },       { 6, 64000, 63000, false },
                { 7, 120000, 127000, false }, /* the longest time-out */
                { 255, 0, 30007000, false },  { 0, 1020, 0, false },      /* a jiffy late */
                { 0, 1021, 0, true },         { 0, 2000, 0, true },
                { 1, 2021, 979, true },       { 3, 4000000000, 0, true },
                { 0, UINT32_MAX, 0, true },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct sock_diag_row row = { .retrans = cases[i].retrans, .expires_ms = cases[i].expires_ms };

                assert_int_equal(sock_diag_age_us(&row), cases[i].age_ms * 1000);
                assert_int_equal(sock_diag_is_deferred(&row), cases[i].deferred);
        }
}

/* --- listeners and their half-opens ------------------------------------------ */

static void asks_once_for_both_families(void **state) {
        struct fixture *x = *state;

        fake_datagram(x->fake);
        dump(x);
        assert_int_equal(x->fake->requests, 1);
        assert_int_equal(x->fake->request_types[0], TCPDIAG_GETSOCK);
        assert_int_equal(x->fake->request_states[0], 1 << 3 | 1 << 10);
        assert_int_equal(x->o.known, OBS_K_DUMP | OBS_K_LISTENERS);
        assert_int_equal(x->o.listeners_count, 0);

        fake_datagram(x->fake);
        dump_listeners(x);
        assert_int_equal(x->fake->request_states[1], 1 << 10);
        assert_int_equal(x->o.known, OBS_K_LISTENERS);
}

static void gives_half_opens_to_their_listener(void **state) {
        struct fixture *x = *state;
        struct fake_row bound = fake_listener(AF_INET, NULL, 80, 64, 3), to_bound, link_local;

        fake_datagram(x->fake);
        add_listener(x, AF_INET, "0.0.0.0", 80, 511);
        add_listener(x, AF_INET, "192.0.2.1", 80, 128);
        add_listener(x, AF_INET6, "::", 443, 100);
        add_listener(x, AF_INET6, "2001:db8::1", 443, 100);
        bound.ifindex = 3;
        add(x, bound);

        add_half_open(x, AF_INET, "192.0.2.1", 80, "198.51.100.1");
        add_half_open(x, AF_INET, "192.0.2.2", 80, "198.51.100.1");
        add_half_open(x, AF_INET, "192.0.2.2", 80, "198.51.100.2");
        to_bound = fake_half_open(AF_INET, "192.0.2.9", 80, "198.51.100.3");
        to_bound.ifindex = 3;
        add(x, to_bound);
        add_half_open(x, AF_INET6, "2001:db8::1", 443, "2001:db8:1::1");
        add_half_open(x, AF_INET6, "2001:db8::2", 443, "2001:db8:1::1");
        add_half_open(x, AF_INET6, "::ffff:192.0.2.1", 443, "198.51.100.4");
        link_local = fake_half_open(AF_INET6, "fe80::1", 443, "fe80::2");
        link_local.ifindex = 2;
        add(x, link_local);
        dump(x);

        assert_int_equal(x->o.listeners_count, 5);
        assert_int_equal(x->o.half_open, 8);
        assert_int_equal(x->o.ghosts, 0);
        assert_half_open(x, "192.0.2.1", 80, 0, 1);
        assert_half_open(x, "0.0.0.0", 80, 0, 2);
        assert_half_open(x, "0.0.0.0", 80, 3, 1);
        assert_half_open(x, "2001:db8::1", 443, 0, 1);
        assert_half_open(x, "::", 443, 0, 3);
        assert_int_equal(find(x, "0.0.0.0", 80, 0)->backlog, 511);
}

static void tells_ghosts(void **state) {
        struct fixture *x = *state;

        fake_datagram(x->fake);
        add_listener(x, AF_INET6, "::", 80, 100);
        add_listener(x, AF_INET, "0.0.0.0", 81, 100);
        /* Of an IPv4 listener that closed. */
        add_half_open(x, AF_INET, "192.0.2.1", 80, "198.51.100.1");
        add_half_open(x, AF_INET6, "2001:db8::1", 81, "2001:db8::2");
        add_half_open(x, AF_INET, "192.0.2.1", 82, "198.51.100.1");
        dump(x);
        assert_int_equal(x->o.half_open, 3);
        assert_int_equal(x->o.ghosts, 3);
        assert_half_open(x, "::", 80, 0, 0);
}

static void bins_ages_and_keeps_deferred_apart(void **state) {
        struct fixture *x = *state;
        struct fake_row r = fake_half_open(AF_INET, "192.0.2.1", 80, "198.51.100.1");
        const struct obs_listener *l;

        fake_datagram(x->fake);
        add_listener(x, AF_INET, "0.0.0.0", 80, 511);
        add(x, r); /* 50 ms old */
        r.expires_ms = 499;
        add(x, r); /* 501 ms */
        r.retrans = 1;
        r.expires_ms = 1900;
        add(x, r); /* 1.1 s */
        r.retrans = 5;
        r.expires_ms = 10;
        add(x, r); /* 63 s */
        r.retrans = 0;
        r.expires_ms = 3000;
        add(x, r); /* deferred */
        dump(x);

        l = find(x, "0.0.0.0", 80, 0);
        assert_non_null(l);
        assert_int_equal(l->half_open, 5);
        assert_int_equal(l->deferred, 1);
        assert_int_equal(l->age[0], 1);
        assert_int_equal(l->age[5], 1);
        assert_int_equal(l->age[OBS_AGE_1S], 1);
        assert_int_equal(l->age[OBS_AGE_31S], 1);
        assert_int_equal(x->o.aged, 2);
        assert_int_equal(x->o.deferred, 1);
}

static void sums_a_group(void **state) {
        struct fixture *x = *state;
        struct fake_row r = fake_listener(AF_INET, "0.0.0.0", 80, 128, 1);
        const struct obs_listener *l;

        fake_datagram(x->fake);
        r.rqueue = 129;
        add(x, r);
        r.rqueue = 3;
        r.cookie = 2;
        add(x, r);
        r.rqueue = 128; /* full, not over */
        r.cookie = 3;
        add(x, r);
        add_half_open(x, AF_INET, "192.0.2.1", 80, "198.51.100.1");
        dump(x);

        assert_int_equal(x->o.listeners_count, 1);
        l = find(x, "0.0.0.0", 80, 0);
        assert_int_equal(l->sockets, 3);
        assert_int_equal(l->backlog, 384);
        assert_int_equal(l->accept_queue, 260);
        assert_int_equal(l->accept_full, 1);
        assert_int_equal(l->half_open, 1);
}

/* --- drops ------------------------------------------------------------------- */

static void one_listener(struct fixture *x, uint64_t cookie, bool has_drops, uint32_t drops) {
        struct fake_row r = fake_listener(AF_INET, "0.0.0.0", 80, 128, cookie);

        r.has_drops = has_drops;
        r.drops = drops;
        fake_datagram(x->fake);
        add(x, r);
}

static void assert_drops(const struct fixture *x, bool known, uint64_t expected) {
        const struct obs_listener *l = find(x, "0.0.0.0", 80, 0);

        assert_int_equal(!!(l->known & OBS_L_DROPS), known);
        assert_int_equal(l->drops, expected);
}

static void drops_are_deltas(void **state) {
        struct fixture *x = *state;

        one_listener(x, 1, true, 1000);
        dump(x);
        assert_drops(x, false, 0); /* the first time it is seen */
        one_listener(x, 1, true, 1007);
        dump_listeners(x);
        assert_drops(x, true, 7);
        assert_false(x->o.listeners[0].known & OBS_L_HALF_OPEN);
        one_listener(x, 1, true, 1007);
        dump(x);
        assert_drops(x, true, 0);
        one_listener(x, 1, true, 5); /* went backwards */
        dump(x);
        assert_drops(x, false, 0);
        one_listener(x, 1, true, 6);
        dump(x);
        assert_drops(x, true, 1);
        one_listener(x, 2, true, 600); /* another socket on the same port */
        dump(x);
        assert_drops(x, false, 0);
        one_listener(x, 2, false, 0); /* a kernel that does not say */
        dump(x);
        assert_drops(x, false, 0);
        one_listener(x, 2, true, 700);
        dump(x);
        assert_drops(x, false, 0);
}

/* --- many listeners ---------------------------------------------------------- */

static void keeps_the_busiest(void **state) {
        struct fixture *x = *state;
        enum { MANY = 300 };

        fake_datagram(x->fake);
        for (uint16_t i = 0; i < MANY; i++)
                add_listener(x, AF_INET, "0.0.0.0", (uint16_t) (1000 + i), 128);
        for (uint16_t i = 0; i < 5; i++)
                for (uint16_t n = 0; n <= i; n++)
                        add_half_open(x, AF_INET, "192.0.2.1", (uint16_t) (1290 + i), "198.51.100.1");
        dump(x);
        assert_int_equal(x->o.listeners_count, OBS_LISTENERS_MAX);
        assert_int_equal(x->o.listeners_left_out, MANY - OBS_LISTENERS_MAX);
        for (uint16_t i = 0; i < 5; i++)
                assert_int_equal(x->o.listeners[i].key.port, 1294 - i);
        assert_int_equal(x->o.listeners[0].half_open, 5);

        /* The dump of listeners goes on about the same ones. */
        fake_datagram(x->fake);
        for (uint16_t i = 0; i < MANY; i++)
                add_listener(x, AF_INET, "0.0.0.0", (uint16_t) (1000 + i), 128);
        dump_listeners(x);
        assert_int_equal(x->o.listeners[0].key.port, 1294);
}

static void too_many_keys_are_not_ghosts(void **state) {
        struct fixture *x = *state;

        fake_datagram(x->fake);
        for (uint32_t i = 0; i < SOCK_DIAG_KEYS_MAX + 10; i++) {
                if (i % 256 == 255)
                        fake_datagram(x->fake);
                add_listener(x, AF_INET, "0.0.0.0", (uint16_t) (1 + i), 128);
        }
        add_half_open(x, AF_INET, "192.0.2.1", 60000, "198.51.100.1");
        dump(x);
        assert_int_equal(x->o.listeners_count, OBS_LISTENERS_MAX);
        assert_int_equal(x->o.half_open, 1);
        assert_int_equal(x->o.ghosts, 0);
}

/* --- failures ---------------------------------------------------------------- */

static void falls_back_to_two_dumps(void **state) {
        struct fixture *x = *state;

        fake_datagram(x->fake);
        fake_error(x->fake, -EOPNOTSUPP);
        fake_datagram(x->fake);
        add_listener(x, AF_INET, "0.0.0.0", 80, 128);
        add_half_open(x, AF_INET, "192.0.2.1", 80, "198.51.100.1");
        fake_done(x->fake, 0);
        fake_datagram(x->fake);
        add_listener(x, AF_INET6, "::", 80, 128);
        add_half_open(x, AF_INET6, "::ffff:192.0.2.1", 80, "198.51.100.2");
        dump(x);
        assert_true(sock_diag_is_split(x->sensor));
        assert_int_equal(x->fake->requests, 3);
        assert_int_equal(x->fake->request_types[1], SOCK_DIAG_BY_FAMILY);
        assert_int_equal(x->fake->request_families[1], AF_INET);
        assert_int_equal(x->fake->request_families[2], AF_INET6);
        assert_half_open(x, "0.0.0.0", 80, 0, 1);
        assert_half_open(x, "::", 80, 0, 1);

        /* It does not try the one walk again, and a kernel without IPv6 will do. */
        fake_datagram(x->fake);
        add_listener(x, AF_INET, "0.0.0.0", 80, 128);
        fake_done(x->fake, 0);
        fake_datagram(x->fake);
        fake_error(x->fake, -ENOENT);
        x->o = (struct observation) { 0 };
        assert_int_equal(sock_diag_dump(x->sensor, &x->o), 0);
        assert_int_equal(x->fake->requests, 5);
        assert_int_equal(x->o.listeners_count, 1);
}

static void second_dump_interrupted(void **state) {
        struct fixture *x = *state;
        struct fake_row r6 = fake_half_open(AF_INET6, "2001:db8::1", 80, "2001:db8::2");

        fake_datagram(x->fake);
        fake_error(x->fake, -EOPNOTSUPP);
        for (unsigned tries = 0; tries < 2; tries++) {
                fake_datagram(x->fake);
                add_listener(x, AF_INET, "0.0.0.0", 80, 128);
                add_half_open(x, AF_INET, "192.0.2.1", 80, "198.51.100.1");
                fake_done(x->fake, 0);
                fake_datagram(x->fake);
                add_listener(x, AF_INET6, "::", 80, 128);
                if (tries == 0)
                        fake_add_row(x->fake, &r6)->nlmsg_flags |= NLM_F_DUMP_INTR;
                else
                        add(x, r6);
                fake_done(x->fake, 0);
                if (tries == 0) { /* the repeat of the second alone, which is of no use */
                        fake_datagram(x->fake);
                        add_listener(x, AF_INET6, "::", 80, 128);
                        fake_done(x->fake, 0);
                }
        }
        x->o = (struct observation) { 0 };
        assert_int_equal(sock_diag_dump(x->sensor, &x->o), 0);
        assert_int_equal(x->o.half_open, 2);
        assert_int_equal(x->o.listeners_count, 2);
        assert_int_equal(find(x, "0.0.0.0", 80, 0)->sockets, 1);
        assert_int_equal(find(x, "::", 80, 0)->sockets, 1);
}

static void assert_unchanged(const struct fixture *x) {
        assert_int_equal(x->o.known, OBS_K_DUMP | OBS_K_LISTENERS);
        assert_int_equal(x->o.half_open, 1);
        assert_int_equal(x->o.listeners_count, 1);
        assert_int_equal(x->o.listeners[0].key.port, 80);
        assert_int_equal(x->o.listeners[0].backlog, 128);
        assert_int_equal(x->o.listeners[0].half_open, 1);
}

static void a_failed_dump_changes_nothing(void **state) {
        struct fixture *x = *state;

        one_listener(x, 1, true, 10);
        add_half_open(x, AF_INET, "192.0.2.1", 80, "198.51.100.1");
        dump(x);
        assert_unchanged(x);

        one_listener(x, 1, true, 20); /* and then silence */
        assert_int_equal(sock_diag_dump(x->sensor, &x->o), -EAGAIN);
        assert_unchanged(x);

        fake_datagram(x->fake);
        add_listener(x, AF_INET, "0.0.0.0", 81, 1);
        fake_message(x->fake, TCPDIAG_GETSOCK, NLM_F_MULTI, "short", 5);
        fake_done(x->fake, 0);
        assert_int_equal(sock_diag_dump(x->sensor, &x->o), -EPROTO);
        assert_unchanged(x);

        one_listener(x, 1, true, 30); /* the delta spans the failures */
        dump(x);
        assert_drops(x, true, 20);
}

/* --- the sink ---------------------------------------------------------------- */

struct heard {
        unsigned walks, half_opens;
        struct address last;
};

static void hear(void *data, const struct address *remote, const struct address *local, uint16_t port,
                 uint64_t age_us) {
        struct address listener;

        struct heard *h = data;

        if (!remote) {
                h->walks++;
                h->half_opens = 0;
                return;
        }
        assert_int_equal(port, 80);
        assert_int_equal(address_parse("192.0.2.1", &listener), 0);
        assert_true(address_equal(local, &listener));
        h->half_opens++;
        h->last = *remote;
}

static void sink_hears_of_every_half_open(void **state) {
        struct fixture *x = *state;
        struct fake_row r = fake_half_open(AF_INET, "192.0.2.1", 80, "198.51.100.9");
        struct heard h = { 0 };
        struct address expected;

        sock_diag_set_half_open_sink(x->sensor, hear, &h);
        for (int interrupted = 1; interrupted >= 0; interrupted--) {
                fake_datagram(x->fake);
                add_listener(x, AF_INET, "0.0.0.0", 80, 128);
                add(x, r);
                r.expires_ms = 60000; /* deferred: has proven its address */
                add(x, r);
                r.retrans = 3;
                r.expires_ms = 1;
                fake_add_row(x->fake, &r)->nlmsg_flags |= interrupted ? NLM_F_DUMP_INTR : 0;
                r = fake_half_open(AF_INET, "192.0.2.1", 80, "198.51.100.9");
                if (interrupted)
                        fake_done(x->fake, 0);
        }
        dump(x);
        assert_int_equal(h.walks, 2);
        assert_int_equal(h.half_opens, 2);
        assert_int_equal(address_parse("198.51.100.9", &expected), 0);
        assert_true(address_equal(&h.last, &expected));

        fake_datagram(x->fake);
        dump_listeners(x);
        assert_int_equal(h.walks, 2); /* no walk, nothing to forget */
}

static void counts_connections_of_listeners(void **state) {
        static const uint8_t living[] = { 1, 4, 8, 9, 11 }, gone[] = { 2, 5, 6, 7 };
        struct fixture *x = *state;
        struct fake_row r = fake_half_open(AF_INET, "192.0.2.1", 80, "198.51.100.9");
        uint32_t connections = 77;

        fake_datagram(x->fake);
        add_listener(x, AF_INET, "0.0.0.0", 80, 128);
        add(x, r);
        for (unsigned i = 0; i < sizeof living; i++) {
                r.state = living[i];
                add(x, r);
        }
        for (unsigned i = 0; i < sizeof gone; i++) {
                r.state = gone[i];
                add(x, r);
        }
        r.state = 1;
        r.local_port = 40000; /* one of our own */
        add(x, r);
        fake_done(x->fake, 0);
        assert_int_equal(sock_diag_dump_connections(x->sensor, &x->o, &connections), 0);
        assert_int_equal(connections, sizeof living);
        assert_int_equal(x->fake->request_states[0], 1 << 1 | 1 << 3 | 1 << 4 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11);
        assert_half_open(x, "0.0.0.0", 80, 0, 1);
        assert_int_equal(x->o.half_open, 1);

        fake_datagram(x->fake);
        fake_done(x->fake, -EIO);
        assert_int_not_equal(sock_diag_dump_connections(x->sensor, &x->o, &connections), 0);
        assert_int_equal(connections, sizeof living);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(parses_a_row),
                TEST(parses_only_whole_rows),
                TEST(refuses_lengths_that_lie),
                TEST(refuses_other_messages),
                TEST(ages),
                TEST(asks_once_for_both_families),
                TEST(gives_half_opens_to_their_listener),
                TEST(tells_ghosts),
                TEST(bins_ages_and_keeps_deferred_apart),
                TEST(sums_a_group),
                TEST(drops_are_deltas),
                TEST(keeps_the_busiest),
                TEST(too_many_keys_are_not_ghosts),
                TEST(falls_back_to_two_dumps),
                TEST(second_dump_interrupted),
                TEST(a_failed_dump_changes_nothing),
                TEST(sink_hears_of_every_half_open),
                TEST(counts_connections_of_listeners),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
