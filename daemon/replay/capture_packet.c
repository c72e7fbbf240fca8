/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_packet.h"

#include <errno.h>
#include <netinet/in.h>

enum {
        ETHERNET_HEADER = 14,
        ETHERTYPE_V4 = 0x0800,
        ETHERTYPE_V6 = 0x86dd,
        ETHERTYPE_VLAN = 0x8100,
        ETHERTYPE_QINQ = 0x88a8,
        VLAN_TAGS_MAX = 3,
        SLL_HEADER = 16,
        SLL2_HEADER = 20,
        SLL_OUTGOING = 4,
        IPV4_HEADER = 20,
        IPV6_HEADER = 40,
        IPV6_EXTENSIONS_MAX = 8,
        TCP_HEADER = 20,
};

/* What is left of the frame. */
struct bytes {
        const uint8_t *at;
        size_t captured, original;
};

static uint16_t get16(const uint8_t *p) {
        return (uint16_t) (p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p) {
        return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

static bool skip(struct bytes *b, size_t n) {
        if (b->captured < n)
                return false;
        b->at += n;
        b->captured -= n;
        b->original = b->original > n ? b->original - n : 0;
        return true;
}

static int parse_tcp(struct bytes b, struct capture_segment *ret) {
        size_t header;

        if (b.captured < TCP_HEADER)
                return -EBADMSG;
        header = (size_t) (b.at[12] >> 4) * 4;
        if (header < TCP_HEADER || header > b.original)
                return -EBADMSG;
        ret->source_port = get16(b.at);
        ret->destination_port = get16(b.at + 2);
        ret->sequence = get32(b.at + 4);
        ret->acknowledged = get32(b.at + 8);
        ret->flags = b.at[13];
        ret->window = get16(b.at + 14);
        ret->data = b.original > header;
        return 0;
}

/* Padding of short Ethernet frames is no payload: the header's length counts.
 * Zero is what a capture shows of packets that the card was to cut (TSO). */
static void limit(struct bytes *b, size_t length) {
        if (length == 0)
                return;
        if (b->original > length)
                b->original = length;
        if (b->captured > length)
                b->captured = length;
}

static int parse_ipv4(struct bytes b, struct capture_segment *ret) {
        uint32_t source, destination;
        size_t header, total;

        if (b.captured < IPV4_HEADER)
                return -EBADMSG;
        header = (size_t) (b.at[0] & 0xf) * 4;
        total = get16(b.at + 2);
        if (b.at[0] >> 4 != 4 || header < IPV4_HEADER || (total && total < header))
                return -EBADMSG;
        if (b.at[9] != IPPROTO_TCP || (get16(b.at + 6) & 0x1fff))
                return -ENOMSG;
        source = htonl(get32(b.at + 12));
        destination = htonl(get32(b.at + 16));
        ret->source = address_from_ipv4(source);
        ret->destination = address_from_ipv4(destination);
        ret->ttl = b.at[8];
        limit(&b, total);
        return skip(&b, header) ? parse_tcp(b, ret) : -EBADMSG;
}

static int parse_ipv6(struct bytes b, struct capture_segment *ret) {
        uint8_t next;
        size_t payload;

        if (b.captured < IPV6_HEADER || b.at[0] >> 4 != 6)
                return -EBADMSG;
        next = b.at[6];
        ret->ttl = b.at[7];
        ret->source = address_from_ipv6(b.at + 8);
        ret->destination = address_from_ipv6(b.at + 24);
        payload = get16(b.at + 4);
        skip(&b, IPV6_HEADER);
        limit(&b, payload);
        for (unsigned i = 0; next != IPPROTO_TCP; i++) {
                size_t length = next == IPPROTO_FRAGMENT ? 8 : 0;

                if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
                    next != IPPROTO_FRAGMENT)
                        return -ENOMSG;
                if (i == IPV6_EXTENSIONS_MAX || b.captured < 8)
                        return -EBADMSG;
                if (next == IPPROTO_FRAGMENT && (get16(b.at + 2) & 0xfff8))
                        return -ENOMSG;
                if (length == 0)
                        length = ((size_t) b.at[1] + 1) * 8;
                next = b.at[0];
                if (!skip(&b, length))
                        return -EBADMSG;
        }
        return parse_tcp(b, ret);
}

static int parse_ip(struct bytes b, struct capture_segment *ret) {
        if (b.captured == 0)
                return -EBADMSG;
        if (b.at[0] >> 4 == 4)
                return parse_ipv4(b, ret);
        if (b.at[0] >> 4 == 6)
                return parse_ipv6(b, ret);
        return -ENOMSG;
}

static int parse_type(struct bytes b, uint16_t type, struct capture_segment *ret) {
        for (unsigned i = 0; type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ; i++) {
                if (i == VLAN_TAGS_MAX || b.captured < 4)
                        return -EBADMSG;
                type = get16(b.at + 2);
                skip(&b, 4);
        }
        if (type == ETHERTYPE_V4)
                return parse_ipv4(b, ret);
        if (type == ETHERTYPE_V6)
                return parse_ipv6(b, ret);
        return -ENOMSG;
}

/* "Cooked" headers: the type of packet, the protocol, and where these stand. */
static int parse_cooked(struct bytes b, size_t header, size_t protocol_at, uint8_t packet_type,
                        struct capture_segment *ret) {
        uint16_t type = get16(b.at + protocol_at);

        ret->way = packet_type == SLL_OUTGOING ? CAPTURE_OUT
                   : packet_type == 0          ? CAPTURE_IN
                                               : CAPTURE_WAY_UNKNOWN;
        skip(&b, header);
        return parse_type(b, type, ret);
}

bool capture_link_known(int link) {
        switch ((enum capture_link) link) {
        case CAPTURE_NULL:
        case CAPTURE_ETHERNET:
        case CAPTURE_RAW_OLD:
        case CAPTURE_RAW_OPENBSD:
        case CAPTURE_RAW:
        case CAPTURE_LOOP:
        case CAPTURE_SLL:
        case CAPTURE_IPV4:
        case CAPTURE_IPV6:
        case CAPTURE_SLL2:
                return true;
        }
        return false;
}

static int parse_link(int link, struct bytes b, struct capture_segment *ret) {
        uint16_t type;

        switch ((enum capture_link) link) {
        case CAPTURE_NULL:
        case CAPTURE_LOOP:
                return skip(&b, 4) ? parse_ip(b, ret) : -EBADMSG;
        case CAPTURE_ETHERNET:
                if (b.captured < ETHERNET_HEADER)
                        return -EBADMSG;
                type = get16(b.at + 12);
                skip(&b, ETHERNET_HEADER);
                return parse_type(b, type, ret);
        case CAPTURE_SLL:
                return b.captured < SLL_HEADER ? -EBADMSG : parse_cooked(b, SLL_HEADER, 14, b.at[1], ret);
        case CAPTURE_SLL2:
                return b.captured < SLL2_HEADER ? -EBADMSG : parse_cooked(b, SLL2_HEADER, 0, b.at[10], ret);
        case CAPTURE_RAW_OLD:
        case CAPTURE_RAW_OPENBSD:
        case CAPTURE_RAW:
        case CAPTURE_IPV4:
        case CAPTURE_IPV6:
                return parse_ip(b, ret);
        }
        return -ENOMSG;
}

int capture_packet_parse(int link, const uint8_t *frame, size_t captured, size_t original,
                         struct capture_segment *ret) {
        struct bytes b = { .at = frame, .captured = captured, .original = original };
        struct capture_segment s = { .way = CAPTURE_WAY_UNKNOWN };
        int r;

        if (b.original < captured)
                b.original = captured;
        r = parse_link(link, b, &s);
        if (r == 0)
                *ret = s;
        return r;
}
