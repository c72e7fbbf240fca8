/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>

#include "sensors/nflog_parse.h"

/* 198.51.100.7:4660 > 192.0.2.1:80, MSS 1460, SACK, timestamps, NOP, window scale 7 */
static const uint8_t ipv4_syn[] = {
        0x45, 0,    0, 60,   0, 0, 0x40, 0,  57, 6, 0, 0, 198,  51,   100,  7,    192, 0, 2, 1,
        0x12, 0x34, 0, 80,   0, 0, 0,    1,  0,  0, 0, 0, 0xa0, 0x02, 0xfa, 0xf0, 0,   0, 0, 0,
        2,    4,    5, 0xb4, 4, 2, 8,    10, 0,  0, 0, 1, 0,    0,    0,    0,    1,   3, 3, 7,
};

/* Hop-by-hop and destination options before the TCP header; no TCP options. */
static const uint8_t ipv6_syn[] = {
        0x60, 0,    0,    0,    0,    44,  0,    64, 0x20, 1,  0xd, 0xb8, 0, 0,    0,    0, 0, 0, 0, 0,  0,
        0,    0,    1,    0x20, 1,    0xd, 0xb8, 0,  0,    0,  0,   0,    0, 0,    0,    0, 0, 0, 2, 60, 0,
        1,    4,    0,    0,    0,    0,   6,    1,  1,    12, 0,   0,    0, 0,    0,    0, 0, 0, 0, 0,  0,
        0,    0x12, 0x34, 1,    0xbb, 0,   0,    0,  1,    0,  0,   0,    0, 0x50, 0x02, 4, 0, 0, 0, 0,  0,
};

/* From a block of exactly that size, so that valgrind and ASan see a byte too many. */
static int parse(const uint8_t *packet, size_t length, struct syn *s) {
        uint8_t *copy = malloc(length ? length : 1);
        int r;

        assert_non_null(copy);
        memcpy(copy, packet, length);
        r = nflog_parse_packet(copy, length, s);
        s->options = NULL;
        free(copy);
        return r;
}

static void reads_ipv4(void **state) {
        char text[ADDRESS_TEXT_MAX];
        struct syn_fingerprint f;
        struct syn s;

        assert_int_equal(nflog_parse_packet(ipv4_syn, sizeof ipv4_syn, &s), 0);
        assert_string_equal(address_format(&s.source, text), "198.51.100.7");
        assert_string_equal(address_format(&s.destination, text), "192.0.2.1");
        assert_int_equal(s.source_port, 0x1234);
        assert_int_equal(s.destination_port, 80);
        assert_int_equal(s.window, 64240);
        f = syn_fingerprint(&s);
        assert_int_equal(f.ttl, 64);
        assert_int_equal(f.mss, 1460);
        assert_int_equal(f.window_scale, 7);
        assert_int_equal(f.options, SYN_OPT_MSS | SYN_OPT_SACK | SYN_OPT_TIMESTAMP | SYN_OPT_WINDOW_SCALE);
        assert_int_equal(f.order, 0x24813);
}

static void reads_ipv6(void **state) {
        char text[ADDRESS_TEXT_MAX];
        struct syn s;

        assert_int_equal(nflog_parse_packet(ipv6_syn, sizeof ipv6_syn, &s), 0);
        assert_string_equal(address_format(&s.source, text), "2001:db8::1");
        assert_string_equal(address_format(&s.destination, text), "2001:db8::2");
        assert_int_equal(s.destination_port, 443);
        assert_int_equal(s.options_length, 0);
}

static void cut_short_everywhere(void **state) {
        struct syn s;

        for (size_t n = 0; n < sizeof ipv4_syn; n++) {
                assert_int_equal(parse(ipv4_syn, n, &s), n < 20 ? -EBADMSG : n < 40 ? -EMSGSIZE : 0);
                if (n >= 20)
                        assert_int_equal(s.ttl, 57); /* who sent it is known all the same */
                if (n >= 40)
                        assert_int_equal(s.options_copied, n - 40);
        }
        for (size_t n = 0; n < sizeof ipv6_syn; n++)
                assert_int_equal(parse(ipv6_syn, n, &s), n < 40 ? -EBADMSG : -EMSGSIZE);
}

static void refuses_forgeries(void **state) {
        static const struct {
                bool v6;
                uint8_t at, value;
                int error;
        } cases[] = {
                { false, 0, 0x44, -EBADMSG }, /* header of 16 bytes */
                { false, 0, 0x55, -EBADMSG }, /* version 5 */
                { false, 3, 19, -EBADMSG },   /* total length within the header */
                { false, 3, 39, -EBADMSG },   /* and within TCP's */
                { false, 7, 1, -EPROTO },     /* a later fragment */
                { false, 9, 17, -EPROTO },    /* UDP */
                { false, 32, 0x40, -EBADMSG }, /* TCP header of 16 bytes */
                { false, 33, 0x12, -EPROTO }, /* SYN, ACK */
                { false, 33, 0x03, -EPROTO }, /* SYN, FIN */
                { false, 33, 0x10, -EPROTO },  { true, 6, 59, -EPROTO },     /* no next header */
                { true, 6, 17, -EPROTO },      { true, 5, 10, -EBADMSG },    /* payload length lies */
                { true, 41, 200, -EBADMSG },  /* so does an extension */
                { true, 48, 50, -EPROTO },    /* ESP */
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                uint8_t packet[sizeof ipv6_syn + sizeof ipv4_syn];
                size_t length = cases[i].v6 ? sizeof ipv6_syn : sizeof ipv4_syn;
                struct syn s = { .window = 99 };

                memcpy(packet, cases[i].v6 ? ipv6_syn : ipv4_syn, length);
                packet[cases[i].at] = cases[i].value;
                assert_int_equal(parse(packet, length, &s), cases[i].error);
                assert_int_equal(s.window, 99);
        }
}

static void endless_extensions(void **state) {
        uint8_t packet[40 + 8 * 100];
        struct syn s;

        memset(packet, 0, sizeof packet); /* hop-by-hop, again and again */
        memcpy(packet, ipv6_syn, 40);
        packet[4] = 0xff;
        assert_int_equal(parse(packet, sizeof packet, &s), -EMSGSIZE);
        assert_int_equal(s.destination_port, 0);
}

/* The answer to a SYN-ACK that nobody asked for. */
static void reads_resets(void **state) {
        uint8_t packet[sizeof ipv4_syn];
        struct syn s;

        memcpy(packet, ipv4_syn, sizeof packet);
        packet[33] = 0x04;
        assert_int_equal(parse(packet, sizeof packet, &s), 0);
        assert_true(s.reset);
        packet[33] = 0x14;
        assert_int_equal(parse(packet, sizeof packet, &s), -EPROTO);
        assert_int_equal(parse(ipv4_syn, sizeof ipv4_syn, &s), 0);
        assert_false(s.reset);
        assert_int_equal(s.sequence, 1);
}

static struct nlmsghdr *message(char *buffer, const char *prefix) {
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
        struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);

        h->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
        g->nfgen_family = AF_INET;
        mnl_attr_put_u32(h, NFULA_PACKET_HDR, 0);
        if (prefix)
                mnl_attr_put_strz(h, NFULA_PREFIX, prefix);
        mnl_attr_put_u32(h, NFULA_IFINDEX_INDEV, htonl(2));
        mnl_attr_put_u32(h, NFULA_SEQ, htonl(0xfffffffe));
        mnl_attr_put(h, NFULA_PAYLOAD, sizeof ipv4_syn, ipv4_syn);
        return h;
}

static void reads_messages(void **state) {
        char buffer[512];
        struct nlmsghdr *h = message(buffer, NULL);
        struct nflog_message m;

        assert_true(nflog_parse_is_packet(h));
        assert_int_equal(nflog_parse_message(h, &m), 0);
        assert_true(m.has_sequence);
        assert_int_equal(m.sequence, 0xfffffffe);
        assert_int_equal(m.sample, SOURCE_BOTH);
        assert_int_equal(m.one_in, 1);
        assert_int_equal(m.packet_length, sizeof ipv4_syn);
        assert_memory_equal(m.packet, ipv4_syn, sizeof ipv4_syn);

        h->nlmsg_type = NLMSG_DONE;
        assert_false(nflog_parse_is_packet(h));
}

static void reads_prefixes(void **state) {
        static const struct {
                const char *prefix;
                enum source_sample sample;
                uint32_t one_in;
        } cases[] = {
                { "p8", SOURCE_BY_PACKET, 8 }, { "s512", SOURCE_BY_SOURCE, 512 }, { "p9999", SOURCE_BY_PACKET, 9999 },
                { "p10000", SOURCE_BOTH, 1 },  { "p0", SOURCE_BOTH, 1 },          { "p", SOURCE_BOTH, 1 },
                { "p-1", SOURCE_BOTH, 1 },     { "x8", SOURCE_BOTH, 1 },          { "synward: ", SOURCE_BOTH, 1 },
                { "", SOURCE_BOTH, 1 },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char buffer[512];
                struct nflog_message m;

                assert_int_equal(nflog_parse_message(message(buffer, cases[i].prefix), &m), 0);
                assert_int_equal(m.sample, cases[i].sample);
                assert_int_equal(m.one_in, cases[i].one_in);
        }
}

static void messages_cut_short(void **state) {
        char buffer[512];
        uint32_t whole = message(buffer, "x")->nlmsg_len;

        for (uint32_t n = NLMSG_HDRLEN; n < whole; n++) {
                struct nlmsghdr *h = malloc(n);
                struct nflog_message m;

                assert_non_null(h);
                memcpy(h, buffer, n);
                h->nlmsg_len = n;
                assert_int_equal(nflog_parse_message(h, &m), -EBADMSG);
                free(h);
        }
}

static void attribute_lengths_lie(void **state) {
        char buffer[512];

        for (unsigned length = 0; length < 70000; length += 7) {
                struct nlmsghdr *h = message(buffer, NULL);
                struct nlattr *first = mnl_nlmsg_get_payload_offset(h, sizeof(struct nfgenmsg));
                struct nlmsghdr *copy = malloc(h->nlmsg_len);
                struct nflog_message m;

                assert_non_null(copy);
                first->nla_len = (uint16_t) length;
                memcpy(copy, h, h->nlmsg_len);
                if (nflog_parse_message(copy, &m) == 0) {
                        assert_true(m.packet >= (uint8_t *) copy);
                        assert_true(m.packet + m.packet_length <= (uint8_t *) copy + h->nlmsg_len);
                }
                free(copy);
        }
}

static void odd_options(void **state) {
        static const uint8_t lies[] = { 1, 2, 60, 0 }, zero[] = { 3, 0, 0, 0 };
        struct syn s = { .options = lies, .options_length = 4, .options_copied = 4 };

        assert_int_equal(syn_fingerprint(&s).options, SYN_OPT_CUT);
        s.options = zero;
        assert_int_equal(syn_fingerprint(&s).options, SYN_OPT_CUT);
        s.options = NULL;
        s.options_copied = 0;
        assert_int_equal(syn_fingerprint(&s).options, SYN_OPT_CUT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_ipv4),         cmocka_unit_test(reads_ipv6),
                cmocka_unit_test(reads_resets),       cmocka_unit_test(cut_short_everywhere),
                cmocka_unit_test(refuses_forgeries),  cmocka_unit_test(endless_extensions),
                cmocka_unit_test(reads_messages),     cmocka_unit_test(reads_prefixes),
                cmocka_unit_test(messages_cut_short), cmocka_unit_test(attribute_lengths_lie),
                cmocka_unit_test(odd_options),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
