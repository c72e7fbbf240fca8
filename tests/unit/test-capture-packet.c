/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "replay/capture_packet.h"

/* A SYN from 192.0.2.7:4660 to 198.51.100.1:443. */
static const uint8_t ipv4_syn[] = {
        0x45, 0,    0,    40,   0, 0, 0, 0, 61, 6, 0, 0, 192,  0,    2,    7, 198, 51, 100, 1,
        0x12, 0x34, 0x01, 0xbb, 0, 0, 0, 9, 0,  0, 0, 0, 0x50, 0x02, 0x20, 0, 0,   0,  0,   0,
};
/* The same from 2001:db8::7 to 2001:db8::1, behind a hop-by-hop header. */
static const uint8_t ipv6_syn[] = {
        0x60, 0,    0,    0,    0,    28,   0, 64, 0x20, 1, 0x0d, 0xb8, 0, 0, 0,    0,    0,    0, 0, 0, 0, 0, 0,
        7,    0x20, 1,    0x0d, 0xb8, 0,    0, 0,  0,    0, 0,    0,    0, 0, 0,    0,    1,    6, 0, 1, 4, 0, 0,
        0,    0,    0x12, 0x34, 0x01, 0xbb, 0, 0,  0,    9, 0,    0,    0, 0, 0x50, 0x02, 0x20, 0, 0, 0, 0, 0,
};

struct frame {
        uint8_t bytes[160];
        size_t length;
};

static struct frame join(const void *header, size_t header_length, const void *packet, size_t length) {
        struct frame f = { .length = header_length + length };

        if (header_length > 0)
                memcpy(f.bytes, header, header_length);
        if (length > 0)
                memcpy(f.bytes + header_length, packet, length);
        return f;
}

static void is_the_syn(const struct capture_segment *s, bool v6) {
        struct address source, destination;

        address_parse(v6 ? "2001:db8::7" : "192.0.2.7", &source);
        address_parse(v6 ? "2001:db8::1" : "198.51.100.1", &destination);
        assert_true(address_equal(&s->source, &source));
        assert_true(address_equal(&s->destination, &destination));
        assert_int_equal(s->source_port, 0x1234);
        assert_int_equal(s->destination_port, 443);
        assert_int_equal(s->flags, CAPTURE_SYN);
        assert_int_equal(s->sequence, 9);
        assert_int_equal(s->window, 0x2000);
        assert_int_equal(s->ttl, v6 ? 64 : 61);
        assert_false(s->data);
}

static const struct {
        int link;
        uint8_t header[24];
        size_t length;
        bool v6;
        enum capture_way way;
} links[] = {
        { CAPTURE_RAW, { 0 }, 0, false, CAPTURE_WAY_UNKNOWN },
        { CAPTURE_RAW_OLD, { 0 }, 0, true, CAPTURE_WAY_UNKNOWN },
        { CAPTURE_IPV6, { 0 }, 0, true, CAPTURE_WAY_UNKNOWN },
        { CAPTURE_LOOP, { 0, 0, 0, 2 }, 4, false, CAPTURE_WAY_UNKNOWN },
        { CAPTURE_ETHERNET, { [12] = 0x08, 0x00 }, 14, false, CAPTURE_WAY_UNKNOWN },
        { CAPTURE_ETHERNET, { [12] = 0x86, 0xdd }, 14, true, CAPTURE_WAY_UNKNOWN },
        { CAPTURE_ETHERNET, { [12] = 0x81, 0x00, 0, 5, 0x08, 0x00 }, 18, false, CAPTURE_WAY_UNKNOWN },
        { CAPTURE_ETHERNET, { [12] = 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x86, 0xdd }, 22, true, CAPTURE_WAY_UNKNOWN },
        { CAPTURE_SLL, { [14] = 0x08, 0x00 }, 16, false, CAPTURE_IN },
        { CAPTURE_SLL, { [1] = 4, [14] = 0x86, 0xdd }, 16, true, CAPTURE_OUT },
        { CAPTURE_SLL2, { 0x08, 0x00, [10] = 4 }, 20, false, CAPTURE_OUT },
        { CAPTURE_SLL2, { 0x86, 0xdd, [10] = 1 }, 20, true, CAPTURE_WAY_UNKNOWN },
};

/* Every link type, whole and cut at every byte: from heap memory of just that
 * size, so that a sanitizer sees a byte too far. */
static void link_types(void **state) {
        for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
                const void *packet = links[i].v6 ? ipv6_syn : ipv4_syn;
                size_t length = links[i].v6 ? sizeof ipv6_syn : sizeof ipv4_syn;
                struct frame f = join(links[i].header, links[i].length, packet, length);
                struct capture_segment s;

                assert_true(capture_link_known(links[i].link));
                assert_int_equal(capture_packet_parse(links[i].link, f.bytes, f.length, f.length, &s), CAPTURE_SEGMENT);
                is_the_syn(&s, links[i].v6);
                assert_int_equal(s.way, links[i].way);
                for (size_t n = 0; n < f.length - 6; n++) { /* the flags are not among the last six bytes */
                        uint8_t *cut = malloc(n + 1);

                        memcpy(cut, f.bytes, n);
                        cut = realloc(cut, n ? n : 1);
                        assert_int_equal(capture_packet_parse(links[i].link, cut, n, f.length, &s), CAPTURE_TRUNCATED);
                        free(cut);
                }
        }
        assert_false(capture_link_known(105));
}

static enum capture_kind parse_changed(const uint8_t *packet, size_t length, size_t at, uint8_t value,
                                       struct capture_segment *ret) {
        struct frame f = join(NULL, 0, packet, length);

        f.bytes[at] = value;
        return capture_packet_parse(CAPTURE_RAW, f.bytes, length, length, ret);
}

static void lies(void **state) {
        static const struct {
                bool v6;
                size_t at;
                uint8_t value;
                enum capture_kind kind;
        } cases[] = {
                { false, 0, 0x44, CAPTURE_BROKEN }, /* header of 16 bytes */
                { false, 0, 0x4f, CAPTURE_BROKEN }, /* of 60 */
                { false, 0, 0x95, CAPTURE_NO_TCP }, /* version 9 */
                { false, 3, 19, CAPTURE_BROKEN },   /* total length below the header */
                { false, 3, 33, CAPTURE_BROKEN },   /* cuts the TCP header before its flags */
                { false, 3, 39, CAPTURE_BROKEN },   /* and behind them */
                { false, 7, 1, CAPTURE_FRAGMENT },   { false, 9, 17, CAPTURE_NO_TCP },   /* UDP */
                { false, 9, 50, CAPTURE_ESP },       { false, 32, 0x40, CAPTURE_BROKEN }, /* data offset 16 */
                { false, 32, 0xf0, CAPTURE_BROKEN }, /* 60 */
                { true, 5, 21, CAPTURE_BROKEN },     { true, 6, 17, CAPTURE_NO_TCP },
                { true, 40, 59, CAPTURE_NO_TCP },   /* no next header */
                { true, 41, 9, CAPTURE_BROKEN },    /* extension longer than the packet */
        };
        struct capture_segment s = { .flags = 77 };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const uint8_t *packet = cases[i].v6 ? ipv6_syn : ipv4_syn;
                size_t length = cases[i].v6 ? sizeof ipv6_syn : sizeof ipv4_syn;

                assert_int_equal(parse_changed(packet, length, cases[i].at, cases[i].value, &s), cases[i].kind);
                assert_int_equal(s.flags, 77); /* changed only on success */
        }
}

/* What packets are wrapped in, outermost first; 4 and 6 stand for IP headers, to be filled. */
static const struct wrapper {
        const char *name;
        size_t length;
        uint8_t bytes[24];
} wrappers[] = {
        { "vlan", 18, { [12] = 0x81, 0, 0, 5, 0x08, 0 } },
        { "qinq", 22, { [12] = 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x08, 0 } },
        { "old-qinq", 22, { [12] = 0x91, 0, 0, 5, 0x92, 0, 0, 6, 0x08, 0 } },
        { "pppoe", 22, { [12] = 0x88, 0x64, 0x11, 0, 0, 5, 0, 42, 0, 0x21 } },
        { "pppoe-one-byte", 21, { [12] = 0x88, 0x64, 0x11, 0, 0, 5, 0, 41, 0x21 } },
        { "mpls", 18, { [12] = 0x88, 0x47, 0, 1, 1, 64 } },
        { "mpls-two-labels", 22, { [12] = 0x88, 0x48, 0, 1, 0, 64, 0, 2, 1, 64 } },
        { "snap", 22, { [12] = 0, 48, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0 } },
};

static void wrapped(void **state) {
        for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
                struct frame f = join(wrappers[i].bytes, wrappers[i].length, ipv4_syn, sizeof ipv4_syn);
                struct capture_segment s;

                assert_int_equal(capture_packet_parse(CAPTURE_ETHERNET, f.bytes, f.length, f.length, &s),
                                 CAPTURE_SEGMENT);
                is_the_syn(&s, false);
                for (size_t n = 0; n < f.length - 6; n++)
                        assert_int_equal(capture_packet_parse(CAPTURE_ETHERNET, f.bytes, n, f.length, &s),
                                         CAPTURE_TRUNCATED);
        }
}

/* An IPv4 header around what is there. */
static struct frame around(const struct frame *inner, uint8_t protocol) {
        uint8_t header[20] = {
                0x45, 0,   0, (uint8_t) (20 + inner->length), 0, 0, 0, 0, 9, protocol, 0, 0, 203, 0, 113, 1, 203,
                0,    113, 2
        };

        return join(header, sizeof header, inner->bytes, inner->length);
}

static enum capture_kind in_ipv4(const void *header, size_t header_length, const void *packet, size_t length,
                                 uint8_t protocol, struct capture_segment *ret) {
        struct frame f = join(header, header_length, packet, length);

        f = around(&f, protocol);
        return capture_packet_parse(CAPTURE_RAW, f.bytes, f.length, f.length, ret);
}

static void tunnels(void **state) {
        static const uint8_t gre[] = { 0, 0, 8, 0 }, gre_all[] = { 0xb0, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9 },
                             gre_v6[] = { 0x20, 0, 0x86, 0xdd, 0, 0, 0, 1 },
                             gre_bridge[] = { 0, 0, 0x65, 0x58, [16] = 0x08, 0 },
                             erspan[] = { 0x10, 0, 0x88, 0xbe, 0, 0, 0, 1 }, pptp[] = { 0x30, 1, 0x88, 0x0b },
                             vxlan[] = { 0x30, 0, 0x12, 0xb5, 0, 20, 0, 0, 8, 0, 0, 0 },
                             gtp[] = { 0x30, 0, 0x08, 0x68, 0, 20, 0, 0, 0x30, 255, 0, 0 },
                             dns[] = { 0x12, 0xb5, 0, 53, 0, 20, 0, 0, 8, 0, 0, 0 },
                             ah[] = { 6, 4, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5 };
        struct capture_segment s;
        struct frame f;

        assert_int_equal(in_ipv4(gre, sizeof gre, ipv4_syn, sizeof ipv4_syn, 47, &s), CAPTURE_SEGMENT);
        is_the_syn(&s, false);
        assert_int_equal(in_ipv4(gre_all, sizeof gre_all, ipv4_syn, sizeof ipv4_syn, 47, &s), CAPTURE_SEGMENT);
        is_the_syn(&s, false);
        assert_int_equal(in_ipv4(gre_v6, sizeof gre_v6, ipv6_syn, sizeof ipv6_syn, 47, &s), CAPTURE_SEGMENT);
        is_the_syn(&s, true);
        assert_int_equal(in_ipv4(gre_bridge, 18, ipv4_syn, sizeof ipv4_syn, 47, &s), CAPTURE_SEGMENT);
        is_the_syn(&s, false);
        assert_int_equal(in_ipv4(NULL, 0, ipv4_syn, sizeof ipv4_syn, 4, &s), CAPTURE_SEGMENT);
        is_the_syn(&s, false);
        assert_int_equal(in_ipv4(NULL, 0, ipv6_syn, sizeof ipv6_syn, 41, &s), CAPTURE_SEGMENT); /* 6in4 */
        is_the_syn(&s, true);
        assert_int_equal(in_ipv4(ah, sizeof ah, ipv4_syn + 20, 20, 51, &s), CAPTURE_SEGMENT);
        assert_int_equal(s.destination_port, 443);
        assert_int_equal(in_ipv4(erspan, sizeof erspan, ipv4_syn, sizeof ipv4_syn, 47, &s), CAPTURE_ERSPAN);
        assert_int_equal(in_ipv4(pptp, sizeof pptp, ipv4_syn, sizeof ipv4_syn, 47, &s), CAPTURE_PPTP);
        assert_int_equal(in_ipv4(vxlan, sizeof vxlan, ipv4_syn, sizeof ipv4_syn, 17, &s), CAPTURE_VXLAN);
        assert_int_equal(in_ipv4(gtp, sizeof gtp, ipv4_syn, sizeof ipv4_syn, 17, &s), CAPTURE_GTP);
        assert_int_equal(in_ipv4(dns, sizeof dns, NULL, 0, 17, &s), CAPTURE_NO_TCP); /* from that port */
        /* As deep as nobody builds them: told, and no recursion without end. */
        f = join(NULL, 0, ipv4_syn, sizeof ipv4_syn);
        for (unsigned i = 0; i < 3; i++)
                f = around(&f, 4);
        assert_int_equal(capture_packet_parse(CAPTURE_RAW, f.bytes, f.length, f.length, &s), CAPTURE_SEGMENT);
        memset(f.bytes, 0x10, sizeof f.bytes); /* MPLS labels, none the last */
        f.bytes[12] = 0x88;
        f.bytes[13] = 0x47;
        assert_int_equal(capture_packet_parse(CAPTURE_ETHERNET, f.bytes, sizeof f.bytes, sizeof f.bytes, &s),
                         CAPTURE_DEEP);
        assert_true(capture_kind_is_loss(CAPTURE_DEEP));
}

static void fragments(void **state) {
        struct capture_segment s;

        /* A first fragment with the whole header is a SYN; with eight bytes of it, none. */
        assert_int_equal(parse_changed(ipv4_syn, sizeof ipv4_syn, 6, 0x20, &s), CAPTURE_SEGMENT);
        is_the_syn(&s, false);
        {
                struct frame f = join(NULL, 0, ipv4_syn, sizeof ipv4_syn);

                f.bytes[3] = 28;
                f.bytes[6] = 0x20;
                assert_int_equal(capture_packet_parse(CAPTURE_RAW, f.bytes, 28, 28, &s), CAPTURE_TINY);
        }
}

static void payload(void **state) {
        static const uint8_t ethernet[14] = { [12] = 0x08, 0x00 };
        struct frame f = join(ethernet, sizeof ethernet, ipv4_syn, sizeof ipv4_syn);
        struct capture_segment s;

        f.length += 6; /* padding up to 60 bytes is no data */
        assert_int_equal(capture_packet_parse(CAPTURE_ETHERNET, f.bytes, f.length, f.length, &s), CAPTURE_SEGMENT);
        assert_false(s.data);
        f.bytes[14 + 3] = 46;
        assert_int_equal(capture_packet_parse(CAPTURE_ETHERNET, f.bytes, f.length, f.length, &s), CAPTURE_SEGMENT);
        assert_true(s.data);
        /* Captured without its data. */
        assert_int_equal(capture_packet_parse(CAPTURE_ETHERNET, f.bytes, 54, 60, &s), CAPTURE_SEGMENT);
        assert_true(s.data);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(link_types), cmocka_unit_test(lies),      cmocka_unit_test(wrapped),
                cmocka_unit_test(tunnels),    cmocka_unit_test(fragments), cmocka_unit_test(payload),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
