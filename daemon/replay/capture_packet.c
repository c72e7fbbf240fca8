/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_packet.h"

#include <netinet/in.h>

enum {
        ETHERNET_HEADER = 14,
        ETHERNET_LENGTH_MAX = 1500, /* below, the field is a length (IEEE 802.3) */
        LLC_SNAP_HEADER = 8,
        ETHERTYPE_V4 = 0x0800,
        ETHERTYPE_V6 = 0x86dd,
        ETHERTYPE_VLAN = 0x8100,
        ETHERTYPE_QINQ = 0x88a8,
        ETHERTYPE_QINQ_OLD_1 = 0x9100,
        ETHERTYPE_QINQ_OLD_2 = 0x9200,
        ETHERTYPE_QINQ_OLD_3 = 0x9300,
        ETHERTYPE_MPLS = 0x8847,
        ETHERTYPE_MPLS_MULTICAST = 0x8848,
        ETHERTYPE_PPPOE = 0x8864,
        ETHERTYPE_BRIDGED = 0x6558, /* in GRE: an Ethernet frame */
        ETHERTYPE_ERSPAN_2 = 0x88be,
        ETHERTYPE_ERSPAN_3 = 0x22eb,
        ETHERTYPE_GRE_PPP = 0x880b,
        ETHERTYPE_MACSEC = 0x88e5,
        ETHERTYPE_ARP = 0x0806,
        PPP_V4 = 0x21,
        PPP_V6 = 0x57,
        PPP_MPLS = 0x281,
        SLL_HEADER = 16,
        SLL2_HEADER = 20,
        SLL_OUTGOING = 4,
        IPV4_HEADER = 20,
        IPV6_HEADER = 40,
        IPV6_EXTENSIONS_MAX = 8,
        TCP_HEADER = 20,
        TCP_FLAGS_END = 14, /* so many bytes of it are needed */
        UDP_HEADER = 8,
        ICMP_HEADER = 8,
        ICMP_UNREACHABLE = 3,
        ICMP_TOO_BIG_CODE = 4, /* of it: is no refusal */
        ICMPV6_UNREACHABLE = 1,
        ICMP_QUOTED = 8, /* so much of the segment is quoted by the thriftiest */
        PROTOCOL_ETHERIP = 97,
        PROTOCOL_MOBILITY = 135,
        PROTOCOL_HIP = 139,
        PROTOCOL_SHIM6 = 140,
        GRE_CHECKSUM = 0x8000,
        GRE_ROUTING = 0x4000,
        GRE_KEY = 0x2000,
        GRE_SEQUENCE = 0x1000,
        NFULA_PAYLOAD = 9,
        DEPTH_MAX = 12, /* headers in each other: tags, labels and tunnels together */
};

/* What is left of the frame. */
struct bytes {
        const uint8_t *at;
        size_t captured, original;
        unsigned depth;
        bool fragment; /* the first of several */
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

/* Why n bytes are not there. */
static enum capture_kind missing(const struct bytes *b, size_t n) {
        return b->original >= n ? CAPTURE_TRUNCATED : b->fragment ? CAPTURE_TINY : CAPTURE_BROKEN;
}

static enum capture_kind parse_type(struct bytes b, uint16_t type, struct capture_segment *ret);
static enum capture_kind parse_ethernet(struct bytes b, struct capture_segment *ret);
static enum capture_kind parse_ip(struct bytes b, struct capture_segment *ret);

static enum capture_kind parse_tcp(struct bytes b, struct capture_segment *ret) {
        size_t header;

        if (b.captured < TCP_FLAGS_END)
                return missing(&b, TCP_FLAGS_END);
        header = (size_t) (b.at[12] >> 4) * 4;
        if (header < TCP_HEADER || (header > b.original && !b.fragment))
                return CAPTURE_BROKEN;
        ret->source_port = get16(b.at);
        ret->destination_port = get16(b.at + 2);
        ret->sequence = get32(b.at + 4);
        ret->acknowledged = get32(b.at + 8);
        ret->flags = b.at[13];
        ret->window = b.captured >= 16 ? get16(b.at + 14) : 0;
        ret->data = b.original > header;
        return CAPTURE_SEGMENT;
}

/* --- tunnels -------------------------------------------------------------------------- */

/* RFC 2784, 2890. */
static enum capture_kind parse_gre(struct bytes b, struct capture_segment *ret) {
        uint16_t flags, type;
        size_t header = 4;

        if (b.captured < header)
                return missing(&b, header);
        flags = get16(b.at);
        type = get16(b.at + 2);
        if ((flags & 7) == 1 || type == ETHERTYPE_GRE_PPP)
                return CAPTURE_PPTP;
        if (type == ETHERTYPE_ERSPAN_2 || type == ETHERTYPE_ERSPAN_3)
                return CAPTURE_ERSPAN;
        if (flags & GRE_ROUTING)
                return CAPTURE_NO_TCP; /* RFC 1701's, which nobody sends any more */
        header += flags & GRE_CHECKSUM ? 4 : 0;
        header += flags & GRE_KEY ? 4 : 0;
        header += flags & GRE_SEQUENCE ? 4 : 0;
        if (!skip(&b, header))
                return missing(&b, header);
        return type == ETHERTYPE_BRIDGED ? parse_ethernet(b, ret) : parse_type(b, type, ret);
}

/* Tunnels by the port they are sent to, where their first bytes agree. */
static enum capture_kind parse_udp(struct bytes b) {
        const uint8_t *p = b.at + UDP_HEADER;

        if (b.captured < UDP_HEADER + 4)
                return CAPTURE_NO_TCP;
        switch (get16(b.at + 2)) {
        case 4789:
        case 8472:
                return p[0] & 0x08 ? CAPTURE_VXLAN : CAPTURE_NO_TCP;
        case 6081:
                return p[0] >> 6 == 0 ? CAPTURE_GENEVE : CAPTURE_NO_TCP;
        case 2152:
                return p[0] >> 5 == 1 && p[1] == 255 ? CAPTURE_GTP : CAPTURE_NO_TCP;
        case 1701:
                return (p[1] & 0xf) == 2 && !(p[0] & 0x80) ? CAPTURE_L2TP : CAPTURE_NO_TCP;
        }
        return CAPTURE_NO_TCP;
}

static bool is_tag(uint16_t type) {
        return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD_1 ||
               type == ETHERTYPE_QINQ_OLD_2 || type == ETHERTYPE_QINQ_OLD_3;
}

/* REJECT of iptables and nftables answers so. What it quotes is told as if the host that was not
 * reached had answered by RST. */
static enum capture_kind parse_unreachable(struct bytes b, bool v6, struct capture_segment *ret) {
        size_t header = v6 ? IPV6_HEADER : IPV4_HEADER;
        const uint8_t *ip = b.at + ICMP_HEADER, *tcp;

        if (b.captured < ICMP_HEADER + header || b.at[0] != (v6 ? ICMPV6_UNREACHABLE : ICMP_UNREACHABLE) ||
            (!v6 && b.at[1] == ICMP_TOO_BIG_CODE) || ip[0] >> 4 != (v6 ? 6 : 4) || ip[v6 ? 6 : 9] != IPPROTO_TCP ||
            (!v6 && (get16(ip + 6) & 0x1fff)))
                return CAPTURE_NO_TCP;
        if (!v6)
                header = (size_t) (ip[0] & 0xf) * 4;
        if (header < IPV4_HEADER || b.captured < ICMP_HEADER + header + ICMP_QUOTED)
                return CAPTURE_NO_TCP;
        tcp = ip + header;
        ret->source = v6 ? address_from_ipv6(ip + 24) : address_from_ipv4(htonl(get32(ip + 16)));
        ret->destination = v6 ? address_from_ipv6(ip + 8) : address_from_ipv4(htonl(get32(ip + 12)));
        ret->source_port = get16(tcp + 2);
        ret->destination_port = get16(tcp);
        ret->sequence = 0;
        ret->acknowledged = get32(tcp + 4) + 1;
        ret->flags = CAPTURE_RST | CAPTURE_ACK;
        ret->by_icmp = true;
        return CAPTURE_UNREACHABLE;
}

/* Whether what follows is an Ethernet header with something that we decode, or ARP. */
static bool is_ethernet_at(const struct bytes *b, size_t at) {
        uint16_t type = b->captured >= at + ETHERNET_HEADER ? get16(b->at + at + 12) : 0;

        return type == ETHERTYPE_V4 || type == ETHERTYPE_V6 || type == ETHERTYPE_ARP || type == ETHERTYPE_MPLS ||
               type == ETHERTYPE_PPPOE || is_tag(type);
}

static enum capture_kind parse_mpls(struct bytes b, struct capture_segment *ret) {
        bool last;

        do {
                if (b.captured < 4)
                        return missing(&b, 4);
                if (++b.depth > DEPTH_MAX)
                        return CAPTURE_DEEP;
                last = b.at[2] & 1;
                skip(&b, 4);
        } while (!last);
        if (b.captured < 1)
                return missing(&b, 1);
        if (b.at[0] >> 4 == 4 || b.at[0] >> 4 == 6)
                return parse_ip(b, ret);
        /* Ethernet over MPLS (RFC 4448), behind a control word or not: nothing tells but what follows. */
        if (b.at[0] >> 4 == 0 && !is_ethernet_at(&b, 0) && !skip(&b, 4))
                return missing(&b, 4);
        return parse_ethernet(b, ret);
}

static enum capture_kind parse_ppp(struct bytes b, struct capture_segment *ret) {
        uint16_t protocol;
        size_t length = 2;

        if (b.captured >= 2 && b.at[0] == 0xff && b.at[1] == 3)
                skip(&b, 2); /* address and control, as on a serial line */
        if (b.captured < 1)
                return missing(&b, 1);
        if (b.at[0] & 1) /* compressed to one byte */
                length = 1;
        if (b.captured < length)
                return missing(&b, length);
        protocol = length == 1 ? b.at[0] : get16(b.at);
        skip(&b, length);
        switch (protocol) {
        case PPP_V4:
                return parse_type(b, ETHERTYPE_V4, ret);
        case PPP_V6:
                return parse_type(b, ETHERTYPE_V6, ret);
        case PPP_MPLS:
                return parse_mpls(b, ret);
        }
        return CAPTURE_NO_TCP;
}

static enum capture_kind parse_pppoe(struct bytes b, struct capture_segment *ret) {
        return skip(&b, 6) ? parse_ppp(b, ret) : missing(&b, 6);
}

/* --- IP ------------------------------------------------------------------------------- */

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

static enum capture_kind parse_protocol(struct bytes b, uint8_t protocol, struct capture_segment *ret) {
        switch (protocol) {
        case IPPROTO_TCP:
                return parse_tcp(b, ret);
        case IPPROTO_UDP:
                return parse_udp(b);
        case IPPROTO_ICMP:
                return parse_unreachable(b, false, ret);
        case IPPROTO_ICMPV6:
                return parse_unreachable(b, true, ret);
        case IPPROTO_IPIP:
        case IPPROTO_IPV6:
                return parse_ip(b, ret);
        case IPPROTO_GRE:
                return parse_gre(b, ret);
        case IPPROTO_ESP:
                return CAPTURE_ESP;
        case IPPROTO_MPLS:
                return parse_mpls(b, ret);
        case PROTOCOL_ETHERIP:
                return skip(&b, 2) ? parse_ethernet(b, ret) : missing(&b, 2);
        }
        return CAPTURE_NO_TCP;
}

/* RFC 4302: a length in words of four, less two. */
static size_t authentication_length(const struct bytes *b) {
        return ((size_t) b->at[1] + 2) * 4;
}

static enum capture_kind parse_ipv4(struct bytes b, struct capture_segment *ret) {
        uint32_t source, destination;
        size_t header, total;
        uint8_t protocol;
        uint16_t fragment;

        if (b.captured < IPV4_HEADER)
                return missing(&b, IPV4_HEADER);
        header = (size_t) (b.at[0] & 0xf) * 4;
        total = get16(b.at + 2);
        if (b.at[0] >> 4 != 4 || header < IPV4_HEADER || (total && total < header))
                return CAPTURE_BROKEN;
        protocol = b.at[9];
        fragment = get16(b.at + 6);
        if (fragment & 0x1fff)
                return CAPTURE_FRAGMENT;
        b.fragment |= (fragment & 0x2000) != 0;
        source = htonl(get32(b.at + 12));
        destination = htonl(get32(b.at + 16));
        ret->source = address_from_ipv4(source);
        ret->destination = address_from_ipv4(destination);
        ret->ttl = b.at[8];
        limit(&b, total);
        if (!skip(&b, header))
                return missing(&b, header);
        if (protocol == IPPROTO_AH) {
                if (b.captured < 2)
                        return missing(&b, 2);
                protocol = b.at[0];
                header = authentication_length(&b);
                if (!skip(&b, header))
                        return missing(&b, header);
        }
        return parse_protocol(b, protocol, ret);
}

static bool is_extension(uint8_t next) {
        return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
               next == IPPROTO_FRAGMENT || next == IPPROTO_AH || next == PROTOCOL_MOBILITY || next == PROTOCOL_HIP ||
               next == PROTOCOL_SHIM6;
}

static enum capture_kind parse_ipv6(struct bytes b, struct capture_segment *ret) {
        uint8_t next;
        size_t payload;

        if (b.captured < IPV6_HEADER)
                return missing(&b, IPV6_HEADER);
        if (b.at[0] >> 4 != 6)
                return CAPTURE_BROKEN;
        next = b.at[6];
        ret->ttl = b.at[7];
        ret->source = address_from_ipv6(b.at + 8);
        ret->destination = address_from_ipv6(b.at + 24);
        payload = get16(b.at + 4);
        skip(&b, IPV6_HEADER);
        limit(&b, payload);
        for (unsigned i = 0; is_extension(next); i++) {
                size_t length;

                if (b.captured < 8)
                        return missing(&b, 8);
                if (i == IPV6_EXTENSIONS_MAX)
                        return CAPTURE_DEEP;
                if (next == IPPROTO_FRAGMENT) {
                        if (get16(b.at + 2) & 0xfff8)
                                return CAPTURE_FRAGMENT;
                        b.fragment |= (b.at[3] & 1) != 0;
                        length = 8;
                } else
                        length = next == IPPROTO_AH ? authentication_length(&b) : ((size_t) b.at[1] + 1) * 8;
                next = b.at[0];
                if (!skip(&b, length))
                        return missing(&b, length);
        }
        return parse_protocol(b, next, ret);
}

static enum capture_kind parse_ip(struct bytes b, struct capture_segment *ret) {
        if (b.captured == 0)
                return missing(&b, 1);
        if (++b.depth > DEPTH_MAX)
                return CAPTURE_DEEP;
        if (b.at[0] >> 4 == 4)
                return parse_ipv4(b, ret);
        if (b.at[0] >> 4 == 6)
                return parse_ipv6(b, ret);
        return CAPTURE_NO_TCP;
}

/* --- links ---------------------------------------------------------------------------- */

/* IEEE 802.2, of which only SNAP carries IP. */
static enum capture_kind parse_llc(struct bytes b, struct capture_segment *ret) {
        uint16_t type;

        if (b.captured >= 1 && b.at[0] != 0xaa)
                return CAPTURE_NO_TCP;
        if (b.captured < LLC_SNAP_HEADER)
                return missing(&b, LLC_SNAP_HEADER);
        type = get16(b.at + 6);
        skip(&b, LLC_SNAP_HEADER);
        return type > ETHERNET_LENGTH_MAX ? parse_type(b, type, ret) : CAPTURE_NO_TCP;
}

static enum capture_kind parse_type(struct bytes b, uint16_t type, struct capture_segment *ret) {
        while (is_tag(type)) {
                if (b.captured < 4)
                        return missing(&b, 4);
                if (++b.depth > DEPTH_MAX)
                        return CAPTURE_DEEP;
                type = get16(b.at + 2);
                skip(&b, 4);
        }
        if (++b.depth > DEPTH_MAX)
                return CAPTURE_DEEP;
        switch (type) {
        case ETHERTYPE_V4:
                return parse_ipv4(b, ret);
        case ETHERTYPE_V6:
                return parse_ipv6(b, ret);
        case ETHERTYPE_MPLS:
        case ETHERTYPE_MPLS_MULTICAST:
                return parse_mpls(b, ret);
        case ETHERTYPE_PPPOE:
                return parse_pppoe(b, ret);
        case ETHERTYPE_MACSEC:
                return CAPTURE_MACSEC;
        }
        return type <= ETHERNET_LENGTH_MAX ? parse_llc(b, ret) : CAPTURE_NO_TCP;
}

static enum capture_kind parse_ethernet(struct bytes b, struct capture_segment *ret) {
        uint16_t type;

        if (b.captured < ETHERNET_HEADER)
                return missing(&b, ETHERNET_HEADER);
        type = get16(b.at + 12);
        skip(&b, ETHERNET_HEADER);
        return parse_type(b, type, ret);
}

/* "Cooked" headers: the type of packet, the protocol, and where these stand. */
static enum capture_kind parse_cooked(struct bytes b, size_t header, size_t protocol_at, size_t packet_type_at,
                                      size_t packet_type_size, struct capture_segment *ret) {
        unsigned packet_type;
        uint16_t type;

        if (b.captured < header)
                return missing(&b, header);
        packet_type = packet_type_size == 2 ? get16(b.at + packet_type_at) : b.at[packet_type_at];
        type = get16(b.at + protocol_at);
        ret->way = packet_type == SLL_OUTGOING ? CAPTURE_OUT : packet_type == 0 ? CAPTURE_IN : CAPTURE_WAY_UNKNOWN;
        skip(&b, header);
        return parse_type(b, type, ret);
}

/* What "tcpdump -i nflog" writes: attributes as nfnetlink has them, in the host's byte order. */
static enum capture_kind parse_nflog(struct bytes b, struct capture_segment *ret) {
        if (!skip(&b, 4))
                return missing(&b, 4);
        while (b.captured >= 4) {
                uint16_t length = (uint16_t) (b.at[0] | b.at[1] << 8), type = (uint16_t) (b.at[2] | b.at[3] << 8);

                if (length < 4)
                        return CAPTURE_BROKEN;
                if ((type & 0x7fff) == NFULA_PAYLOAD) {
                        limit(&b, length);
                        skip(&b, 4);
                        return parse_ip(b, ret);
                }
                if (!skip(&b, ((size_t) length + 3) / 4 * 4))
                        break;
        }
        return CAPTURE_TRUNCATED;
}

static const struct {
        int link;
        const char *name; /* of those that are not decoded */
} link_names[] = {
        { 6, "token ring" },
        { 10, "FDDI" },
        { 105, "802.11" },
        { 109, "OpenBSD enc" },
        { 117, "OpenBSD pflog" },
        { 119, "802.11 with prism" },
        { 127, "802.11 with radiotap" },
        { 147, "private 0" },
        { 163, "802.11 with AVS" },
        { 192, "PPI" },
        { 195, "802.15.4" },
        { 187, "Bluetooth" },
        { 201, "Bluetooth" },
        { 220, "USB" },
        { 249, "USB" },
        { 189, "USB" },
        { 227, "CAN" },
        { 253, "netlink" },
        { 231, "D-Bus" },
        { 252, "Wireshark's upper PDU" },
        { 271, "vsock" },
};

const char *capture_link_name(int link) {
        for (size_t i = 0; i < sizeof link_names / sizeof *link_names; i++)
                if (link_names[i].link == link)
                        return link_names[i].name;
        return NULL;
}

bool capture_link_known(int link) {
        switch ((enum capture_link) link) {
        case CAPTURE_NULL:
        case CAPTURE_ETHERNET:
        case CAPTURE_PPP:
        case CAPTURE_RAW_OLD:
        case CAPTURE_RAW_OPENBSD:
        case CAPTURE_PPP_HDLC:
        case CAPTURE_PPP_ETHERNET:
        case CAPTURE_RAW:
        case CAPTURE_CISCO_HDLC:
        case CAPTURE_LOOP:
        case CAPTURE_SLL:
        case CAPTURE_IPV4:
        case CAPTURE_IPV6:
        case CAPTURE_NFLOG:
        case CAPTURE_SLL2:
                return true;
        }
        return false;
}

static enum capture_kind parse_link(int link, struct bytes b, struct capture_segment *ret) {
        uint16_t type;

        switch ((enum capture_link) link) {
        case CAPTURE_NULL:
        case CAPTURE_LOOP:
                return skip(&b, 4) ? parse_ip(b, ret) : missing(&b, 4);
        case CAPTURE_ETHERNET:
                return parse_ethernet(b, ret);
        case CAPTURE_PPP:
        case CAPTURE_PPP_HDLC:
                return parse_ppp(b, ret);
        case CAPTURE_PPP_ETHERNET:
                return parse_pppoe(b, ret);
        case CAPTURE_CISCO_HDLC:
                if (b.captured < 4)
                        return missing(&b, 4);
                type = get16(b.at + 2);
                skip(&b, 4);
                return parse_type(b, type, ret);
        case CAPTURE_SLL:
                return parse_cooked(b, SLL_HEADER, 14, 0, 2, ret);
        case CAPTURE_SLL2:
                return parse_cooked(b, SLL2_HEADER, 0, 10, 1, ret);
        case CAPTURE_NFLOG:
                return parse_nflog(b, ret);
        case CAPTURE_RAW_OLD:
        case CAPTURE_RAW_OPENBSD:
        case CAPTURE_RAW:
        case CAPTURE_IPV4:
        case CAPTURE_IPV6:
                return parse_ip(b, ret);
        }
        return CAPTURE_LINK;
}

enum capture_kind capture_packet_parse(int link, const uint8_t *frame, size_t captured, size_t original,
                                       struct capture_segment *ret) {
        struct bytes b = { .at = frame, .captured = captured, .original = original };
        struct capture_segment s = { .way = CAPTURE_WAY_UNKNOWN };
        enum capture_kind k;

        if (b.original < captured)
                b.original = captured;
        k = b.original == 0 && capture_link_known(link) ? CAPTURE_NO_TCP : parse_link(link, b, &s);
        if (capture_kind_has_segment(k))
                *ret = s;
        return k;
}

const char *capture_kind_name(enum capture_kind k) {
        static const char *const names[CAPTURE_KINDS] = {
                [CAPTURE_SEGMENT] = "tcp",         [CAPTURE_UNREACHABLE] = "icmp-unreachable",
                [CAPTURE_NO_TCP] = "no-tcp",       [CAPTURE_FRAGMENT] = "fragment",
                [CAPTURE_TRUNCATED] = "truncated", [CAPTURE_BROKEN] = "broken",
                [CAPTURE_TINY] = "tiny-fragment",  [CAPTURE_DEEP] = "nested-too-deep",
                [CAPTURE_LINK] = "link-type",      [CAPTURE_VXLAN] = "vxlan",
                [CAPTURE_GENEVE] = "geneve",       [CAPTURE_GTP] = "gtp",
                [CAPTURE_L2TP] = "l2tp",           [CAPTURE_ERSPAN] = "erspan",
                [CAPTURE_PPTP] = "pptp",           [CAPTURE_ESP] = "esp",
                [CAPTURE_MACSEC] = "macsec",
        };

        return names[k];
}

bool capture_kind_is_loss(enum capture_kind k) {
        return !capture_kind_has_segment(k) && k != CAPTURE_NO_TCP && k != CAPTURE_FRAGMENT;
}

bool capture_kind_has_segment(enum capture_kind k) {
        return k == CAPTURE_SEGMENT || k == CAPTURE_UNREACHABLE;
}
