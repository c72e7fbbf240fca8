/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <malloc.h>
#include <math.h>

#include "core/share_bounds.h"
#include "core/source_table.h"

#define SECOND UINT64_C(1000000)

static const struct keyed_hash key = { { 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
                                         0x082efa98ec4e6c89 } };
static uint64_t random_state;
static struct obs_sources out;

static uint64_t next_random(void) {
        uint64_t z = (random_state += 0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
}

static struct address ip(const char *text) {
        struct address a;

        assert_int_equal(address_parse(text, &a), 0);
        return a;
}

static struct address random_ipv4(void) {
        return address_from_ipv4((uint32_t) (next_random() >> 32));
}

static struct source_table *make(void) {
        struct source_table *t = NULL;

        assert_int_equal(source_table_new(&key, 0, &t), 0);
        source_table_set_known(t, true, true);
        random_state = 1;
        return t;
}

static void syn(struct source_table *t, struct address from, uint16_t port) {
        struct syn s = { .source = from,
                         .destination = ip("192.0.2.1"),
                         .destination_port = port,
                         .sequence = (uint32_t) next_random() };

        source_table_add(t, &s, SOURCE_BOTH, 1);
}

static void completed(struct source_table *t, const struct address *remote) {
        struct address local = ip("192.0.2.1");

        source_table_completed(t, remote, &local, 80);
}

static const struct obs_source *source(const char *text) {
        struct prefix p;

        assert_int_equal(prefix_parse(text, &p), 0);
        for (uint32_t i = 0; i < out.count; i++)
                if (out.list[i].prefix.length == p.length && address_equal(&out.list[i].prefix.address, &p.address))
                        return &out.list[i];
        return NULL;
}

/* 20 sources of 500/s inside 100,000 spoofed SYN/s, for 8 s. */
static void names_the_heavy_ones(void **state) {
        struct source_table *t = make();

        for (unsigned tenth = 1; tenth <= 80; tenth++) {
                for (unsigned i = 0; i < 10000; i++)
                        syn(t, random_ipv4(), 80);
                for (unsigned i = 0; i < 50 * 20; i++)
                        syn(t, address_from_ipv4(__builtin_bswap32(0x0a010001 + i % 20 * 0x10100)), 80);
                source_table_observe(t, tenth * SECOND / 10, &out);
        }

        for (unsigned i = 0; i < 20; i++) {
                char text[ADDRESS_TEXT_MAX];
                struct address a = address_from_ipv4(__builtin_bswap32(0x0a010001 + i * 0x10100));
                const struct obs_source *s = source(address_format(&a, text));

                assert_non_null(s);
                assert_true(s->known & OBS_S_SYNS);
                assert_true(fabs(s->syn_per_s - 500) <= 50);
                assert_true(s->syn_error_per_s < 50);
                assert_true(s->completion_high < 0.02);
        }
        for (uint32_t i = 0, addresses = 0; i < out.count; i++)
                if (out.list[i].prefix.length == ADDRESS_BITS)
                        assert_true(++addresses <= 20);
        assert_true(out.known & OBS_SS_SEEN_ONCE && out.seen_once_share > 0.8);
        assert_true(out.known & OBS_SS_DISTINCT && out.distinct > 350000 && out.distinct < 900000);
        source_table_free(t);
}

static void names_the_prefix(void **state) {
        struct source_table *t = make();

        for (unsigned tenth = 1; tenth <= 60; tenth++) {
                for (unsigned i = 0; i < 2000; i++)
                        syn(t, random_ipv4(), 80);
                for (unsigned i = 0; i < 200; i++)
                        syn(t, address_from_ipv4(__builtin_bswap32(0xc6336400 + (uint32_t) (next_random() % 250))), 80);
                source_table_observe(t, tenth * SECOND / 10, &out);
        }
        assert_non_null(source("198.51.100.0/24"));
        assert_true(fabs(source("198.51.100.0/24")->syn_per_s - 2000) < 200);
        assert_true(out.list[0].prefix.length == 120);
        source_table_free(t);
}

static void ipv6_has_two_prefixes(void **state) {
        struct source_table *t = make();
        struct address a = ip("2001:db8:1:2::");

        for (unsigned i = 0; i < 3000; i++) {
                a.bytes[7] = (uint8_t) (i % 3);
                a.bytes[15] = (uint8_t) next_random();
                a.bytes[14] = (uint8_t) next_random();
                syn(t, a, 443);
        }
        source_table_observe(t, SECOND, &out);
        assert_true(fabs(source("2001:db8:1::/48")->syn_per_s - 3000) < 1);
        assert_true(fabs(source("2001:db8:1:1::/64")->syn_per_s - 1000) < 1);
        assert_null(source("2001:db8:1::/120"));
        source_table_free(t);
}

static void completion_tells_clients(void **state) {
        struct source_table *t = make();
        struct obs_source unended;
        struct address client = ip("198.51.100.1"), flooder = ip("203.0.113.9");

        for (unsigned second = 1; second <= 5; second++) {
                for (unsigned i = 0; i < 2000; i++) {
                        syn(t, client, 80);
                        completed(t, &client);
                        syn(t, flooder, 80);
                }
                source_table_observe(t, second * SECOND, &out);
        }
        assert_true(source("198.51.100.1")->completion_low > 0.98);
        assert_true(source("203.0.113.9")->completion_high < 0.01);
        assert_true(source("203.0.113.9")->completed_per_s < 1);

        source_table_set_known(t, true, false);
        source_table_observe(t, 5 * SECOND, &out);
        assert_false(source("198.51.100.1")->known & OBS_S_COMPLETED);
        unended = *source("203.0.113.9");
        source_table_open(t, 0, 5 * SECOND, &unended); /* that nothing is open says nothing of what ended */
        assert_false(unended.known & OBS_S_COMPLETED);
        source_table_free(t);
}

/* 100 a second that stay open, looked at every second, and then all end at once. */
static void open_connections_are_completions(void **state) {
        struct source_table *t = make();
        struct address client = ip("198.51.100.1");
        struct obs_source s;

        for (unsigned second = 1; second <= 8; second++) {
                for (unsigned i = 0; i < 100; i++)
                        syn(t, client, 80);
                source_table_observe(t, second * SECOND, &out);
                s = *source("198.51.100.1");
                assert_int_equal(source_table_doubts(&s), s.completion_low < 0.5);
                /* Before the first look nothing speaks for it; with it, nothing against it. */
                assert_true(second > 1 || s.completion_high < 0.1);
                source_table_open(t, 100 * second, second * SECOND, &s);
                assert_true(s.completion_high > 0.9);
        }
        assert_true(s.completion_low > 0.75);
        assert_true(fabs(s.completed_per_s - 100) < 25);
        source_table_observe(t, 8 * SECOND, &out);
        assert_true(fabs(source("198.51.100.1")->completion_low - s.completion_low) < 1e-9);

        /* They end: what was gained is lost again, and counted as ends instead. */
        for (unsigned i = 0; i < 100; i++)
                completed(t, &client);
        s = *source("198.51.100.1");
        source_table_open(t, 700, 8 * SECOND, &s);
        assert_true(fabs(s.completed_per_s - 100) < 25);
        source_table_free(t);
}

static void half_opens_name_too(void **state) {
        struct source_table *t = make();
        struct address slow = ip("203.0.113.77");

        source_table_half_open_begin(t);
        for (unsigned i = 0; i < 128; i++)
                source_table_half_open(t, &slow, &slow, 80);
        source_table_observe(t, SECOND / 5, &out);
        assert_null(source("203.0.113.77")); /* the walk is not over */
        source_table_half_open_end(t);
        source_table_set_known(t, false, false);
        source_table_observe(t, SECOND / 5, &out);
        assert_non_null(source("203.0.113.77"));
        assert_int_equal(source("203.0.113.77")->half_open, 128);
        assert_int_equal(source("203.0.113.77")->known, OBS_S_HALF_OPEN);
        assert_int_equal(out.known, 0);
        source_table_half_open_begin(t);
        source_table_half_open_end(t);
        source_table_observe(t, SECOND / 5, &out);
        assert_int_equal(out.count, 0);
        source_table_free(t);
}

/* Rules of others may sample by packet alone: then who comes once is not known. */
static void sampled_by_packet_alone(void **state) {
        struct source_table *t = make();

        source_table_set_sampling(t, 64, 0, 0);
        for (unsigned tenth = 1; tenth <= 40; tenth++) {
                struct syn s = { .destination = ip("192.0.2.1"), .destination_port = 80 };

                for (unsigned i = 0; i < 100; i++) {
                        s.source = i % 2 ? random_ipv4() : ip("203.0.113.9");
                        source_table_add(t, &s, SOURCE_BY_PACKET, 64);
                }
                source_table_lost(t, 1);
                source_table_observe(t, tenth * SECOND / 10, &out);
        }
        assert_int_equal(out.known & (OBS_SS_DISTINCT | OBS_SS_SEEN_ONCE), 0);
        assert_non_null(source("203.0.113.9"));
        source_table_free(t);
}

static void sampling_and_loss_are_made_up_for(void **state) {
        struct source_table *t = make();
        struct address heavy = ip("203.0.113.9");

        source_table_set_sampling(t, 64, 64, 0);
        for (unsigned tenth = 1; tenth <= 80; tenth++) {
                struct syn s = { .destination = ip("192.0.2.1"), .destination_port = 80 };

                /* 20,000/s from one, 80,000/s spoofed; 1 in 64 logged, a fifth of it lost */
                for (unsigned i = 0; i < 10000; i++) {
                        s.source = i % 5 ? random_ipv4() : heavy;
                        if (next_random() % 64 == 0) {
                                if (next_random() % 5 == 0)
                                        source_table_lost(t, 2); /* with one of the other sample */
                                else
                                        source_table_add(t, &s, SOURCE_BY_PACKET, 64);
                        }
                        if (!address_equal(&s.source, &heavy) && next_random() % 64 == 0)
                                source_table_add(t, &s, SOURCE_BY_SOURCE, 64);
                }
                source_table_observe(t, tenth * SECOND / 10, &out);
        }
        assert_non_null(source("203.0.113.9"));
        assert_true(fabs(source("203.0.113.9")->syn_per_s - 20000) < source("203.0.113.9")->syn_error_per_s);
        assert_true(source("203.0.113.9")->syn_error_per_s < 5000);
        assert_true(fabs(out.seen_once_share - 0.9) < 0.15); /* of what was logged */
        assert_true(out.distinct > 300000 && out.distinct < 700000);
        source_table_free(t);
}

static void listeners_get_their_syns(void **state) {
        struct source_table *t = make();
        struct obs_listener l[] = {
                { .key = { .address = ip("0.0.0.0"), .port = 80 } },
                { .key = { .address = ip("192.0.2.1"), .port = 443 } },
                { .key = { .address = ip("::"), .port = 443 } },
                { .key = { .address = ip("127.0.0.1"), .port = 22 } },
        };

        source_table_set_listeners(t, l, 4);
        for (unsigned i = 0; i < 10; i++) {
                syn(t, random_ipv4(), 80);
                syn(t, random_ipv4(), 443);
                for (uint16_t port = 1000; port < 1050; port++)
                        syn(t, ip("203.0.113.1"), port);
                syn(t, random_ipv4(), 22); /* not at that address */
        }
        source_table_listener_syns(t, SECOND, l, 4);
        assert_int_equal(l[0].syns, 10);
        assert_int_equal(l[1].syns, 10);
        assert_int_equal(l[2].syns, 0);
        assert_int_equal(l[3].syns, 0);
        assert_true(l[3].known & OBS_L_SYNS);

        syn(t, random_ipv4(), 80);
        source_table_set_listeners(t, l, 2); /* a listener that stays keeps its count */
        syn(t, random_ipv4(), 80);
        source_table_listener_syns(t, SECOND, l, 2);
        assert_int_equal(l[0].syns, 2);

        source_table_observe(t, SECOND, &out);
        assert_true(out.known & OBS_SS_STRAY);
        assert_int_equal(out.stray_ports, 51);
        assert_true(fabs(out.stray_share - 510.0 / 532) < 1e-9);
        source_table_free(t);
}

static void is_calm_again(void **state) {
        struct source_table *t = make();

        for (unsigned i = 0; i < 100000; i++)
                syn(t, random_ipv4(), 80);
        source_table_observe(t, SECOND, &out);
        assert_true(out.tracked > 1000);
        for (unsigned second = 2; second <= 40; second++)
                source_table_observe(t, second * SECOND, &out);
        assert_int_equal(out.count, 0);
        assert_int_equal(out.tracked, 0);
        assert_true(out.distinct < 1);
        source_table_observe(t, 100000 * SECOND, &out); /* after a suspend */
        source_table_free(t);
}

static void known_syn(struct source_table *t, struct address from, uint32_t sequence, uint32_t one_in) {
        struct syn s = { .source = from,
                         .destination = ip("192.0.2.1"),
                         .destination_port = 80,
                         .source_port = 1024,
                         .sequence = sequence };

        source_table_add(t, &s, SOURCE_BOTH, one_in);
}

/* A client that finished lately and is not answered sends the same SYN again; strangers, the probe and what goes to its
 * own address do not count, nor do SYNs for no listener. */
static void known_clients_are_counted(void **state) {
        struct source_table *t = make();
        struct obs_listener l = { .key = { .address = ip("0.0.0.0"), .port = 80 } };
        struct address client = ip("198.51.100.1"), stranger = ip("203.0.113.9"), probe = ip("192.0.2.7"),
                       self = ip("192.0.2.1");

        source_table_set_listeners(t, &l, 1);
        source_table_set_probe(t, &probe);
        known_syn(t, client, 7, 1); /* not known yet */
        source_table_observe(t, SECOND / 2, &out);
        completed(t, &client);
        completed(t, &probe);
        completed(t, &self);
        for (uint32_t i = 0; i < 5; i++) {
                known_syn(t, client, 100 + i, 1);
                known_syn(t, stranger, i, 1);
                known_syn(t, probe, i, 1);
                known_syn(t, self, i, 1);
        }
        for (unsigned repeat = 0; repeat < 3; repeat++) /* after 1, 3 and 7 s: of one handshake once */
                for (uint32_t i = 0; i < 2; i++) {
                        known_syn(t, client, 100 + i, 1);
                        known_syn(t, probe, i, 1);
                        known_syn(t, stranger, i, 1);
                }
        syn(t, client, 81); /* nobody listens there */
        source_table_observe(t, SECOND, &out);
        assert_true(out.known & OBS_SS_KNOWN);
        assert_int_equal(out.known_begun, 5);
        assert_int_equal(out.known_again, 2);
        source_table_observe(t, SECOND + 1, &out);
        assert_int_equal(out.known_begun + out.known_again, 0); /* told */

        source_table_set_known(t, true, false);
        source_table_observe(t, 2 * SECOND, &out);
        assert_true(out.known & OBS_SS_KNOWN); /* who is known is so although ends are not told just now */
        source_table_set_sampling(t, 8, 0, 2 * SECOND); /* whole addresses are not logged */
        source_table_observe(t, 3 * SECOND, &out);
        assert_false(out.known & OBS_SS_KNOWN);
        source_table_free(t);
}

/* A million forged addresses beside ten thousand known clients: hardly one is taken for one of them. */
static void forged_ones_are_not_known(void **state) {
        struct source_table *t = make();
        struct obs_listener l = { .key = { .address = ip("0.0.0.0"), .port = 80 } };

        source_table_set_listeners(t, &l, 1);
        for (unsigned i = 0; i < 10000; i++) {
                struct address a = random_ipv4();

                completed(t, &a);
        }
        for (unsigned i = 0; i < 1000000; i++)
                syn(t, random_ipv4(), 80);
        source_table_observe(t, SECOND, &out);
        /* 2.3 of them are known clients' by chance. */
        assert_true(out.known_begun + out.known_again < 20);
        source_table_free(t);
}

static void memory_is_fixed(void **state) {
        struct source_table *t = make();
        struct mallinfo2 before = mallinfo2(), after;

        for (unsigned i = 0; i < 1000000; i++) {
                struct address a = random_ipv4();

                if (i % 2)
                        a.bytes[0] = 0x20;
                syn(t, a, (uint16_t) next_random());
                completed(t, &a);
                source_table_half_open(t, &a, &a, 80);
                if (i % 50000 == 0)
                        source_table_observe(t, i * UINT64_C(10), &out);
        }
        after = mallinfo2();
        assert_int_equal(before.uordblks + before.hblkhd, after.uordblks + after.hblkhd);
        assert_true(source_table_memory(t) < 3 * 1024 * 1024);
        source_table_free(t);
}

static void shares_have_bounds(void **state) {
        double low, high;

        share_bounds(0, 0, &low, &high);
        assert_true(low == 0 && high == 1);
        share_bounds(81, 263, &low, &high); /* worked example: 0.2552, 0.3662 */
        assert_true(fabs(low - 0.2553) < 5e-4 && fabs(high - 0.3662) < 5e-4);
        share_bounds(500, 100, &low, &high); /* more ended than began */
        assert_true(low > 0.95 && high > 0.9999 && high <= 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_the_heavy_ones),
                cmocka_unit_test(names_the_prefix),
                cmocka_unit_test(ipv6_has_two_prefixes),
                cmocka_unit_test(completion_tells_clients),
                cmocka_unit_test(open_connections_are_completions),
                cmocka_unit_test(half_opens_name_too),
                cmocka_unit_test(sampled_by_packet_alone),
                cmocka_unit_test(sampling_and_loss_are_made_up_for),
                cmocka_unit_test(listeners_get_their_syns),
                cmocka_unit_test(is_calm_again),
                cmocka_unit_test(known_clients_are_counted),
                cmocka_unit_test(forged_ones_are_not_known),
                cmocka_unit_test(memory_is_fixed),
                cmocka_unit_test(shares_have_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
