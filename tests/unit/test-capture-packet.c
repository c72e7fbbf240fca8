/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/capture_packet.h"

/* A SYN from 192.0.2.7:4660 to 198.51.100.1:443. */
static const uint8_t ipv4_syn[] = {
        0x45, 0, 0, 40, 0, 0, 0, 0, 61, 6, 0, 0, 192, 0, 2, 7, 198, 51, 100, 1,
        0x12, 0x34, 0x01, 0xbb, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x02, 0x20, 0, 0, 0, 0, 0,
};
/* The same from 2001:db8::7 to 2001:db8::1, behind a hop-by-hop header. */
static const uint8_t ipv6_syn[] = {
        0x60, 0, 0, 0, 0, 28, 0, 64, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
        0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        6, 0, 1, 4, 0, 0, 0, 0,
        0x12, 0x34, 0x01, 0xbb, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x02, 0x20, 0, 0, 0, 0, 0,
};

struct frame {
        uint8_t bytes[160];
        size_t length;
};

static struct frame join(const void *header, size_t header_length, const void *packet, size_t length) {
        struct frame f = { .length = header_length + length };

        if (header_length > 0)
                memcpy(f.bytes, header, header_length);
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
        { CAPTURE_ETHERNET, { [12] = 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x86, 0xdd }, 22, true,
          CAPTURE_WAY_UNKNOWN },
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
                assert_int_equal(capture_packet_parse(links[i].link, f.bytes, f.length, f.length, &s), 0);
                is_the_syn(&s, links[i].v6);
                assert_int_equal(s.way, links[i].way);
                for (size_t n = 0; n < f.length; n++) {
                        uint8_t *cut = malloc(n + 1);

                        memcpy(cut, f.bytes, n);
                        cut = realloc(cut, n ? n : 1);
                        assert_int_equal(capture_packet_parse(links[i].link, cut, n, f.length, &s), -EBADMSG);
                        free(cut);
                }
        }
        assert_false(capture_link_known(105));
}

static int parse_changed(const uint8_t *packet, size_t length, size_t at, uint8_t value,
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
                int error;
        } cases[] = {
                { false, 0, 0x44, -EBADMSG }, /* header of 16 bytes */
                { false, 0, 0x4f, -EBADMSG }, /* of 60 */
                { false, 0, 0x95, -ENOMSG },  /* version 9 */
                { false, 3, 19, -EBADMSG },   /* total length below the header */
                { false, 3, 39, -EBADMSG },   /* cuts the TCP header */
                { false, 7, 1, -ENOMSG },     /* a later fragment */
                { false, 9, 17, -ENOMSG },    /* UDP */
                { false, 32, 0x40, -EBADMSG }, /* data offset 16 */
                { false, 32, 0xf0, -EBADMSG }, /* 60 */
                { true, 5, 27, -EBADMSG },
                { true, 6, 17, -ENOMSG },
                { true, 40, 59, -ENOMSG },    /* no next header */
                { true, 41, 9, -EBADMSG },    /* extension longer than the packet */
        };
        struct capture_segment s = { .flags = 77 };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const uint8_t *packet = cases[i].v6 ? ipv6_syn : ipv4_syn;
                size_t length = cases[i].v6 ? sizeof ipv6_syn : sizeof ipv4_syn;

                assert_int_equal(parse_changed(packet, length, cases[i].at, cases[i].value, &s),
                                 cases[i].error);
                assert_int_equal(s.flags, 77); /* changed only on success */
        }
}

static void payload(void **state) {
        static const uint8_t ethernet[14] = { [12] = 0x08, 0x00 };
        struct frame f = join(ethernet, sizeof ethernet, ipv4_syn, sizeof ipv4_syn);
        struct capture_segment s;

        f.length += 6; /* padding up to 60 bytes is no data */
        assert_int_equal(capture_packet_parse(CAPTURE_ETHERNET, f.bytes, f.length, f.length, &s), 0);
        assert_false(s.data);
        f.bytes[14 + 3] = 46;
        assert_int_equal(capture_packet_parse(CAPTURE_ETHERNET, f.bytes, f.length, f.length, &s), 0);
        assert_true(s.data);
        /* Captured without its data. */
        assert_int_equal(capture_packet_parse(CAPTURE_ETHERNET, f.bytes, 54, 60, &s), 0);
        assert_true(s.data);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(link_types),
                cmocka_unit_test(lies),
                cmocka_unit_test(payload),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
