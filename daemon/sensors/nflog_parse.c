/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/nflog_parse.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>

enum {
        IPV4_HEADER = 20,
        IPV6_HEADER = 40,
        IPV6_EXTENSIONS_MAX = 8, /* more than any honest packet has */
        TCP_HEADER = 20,
        TCP_FIN = 0x01,
        TCP_SYN = 0x02,
        TCP_RST = 0x04,
        TCP_ACK = 0x10,
};

/* linux/netlink.h, which has these with signs that warn. */
#define ATTRIBUTE_HEADER sizeof(struct nlattr)
#define ATTRIBUTE_TYPE UINT16_C(0x3fff)
#define ATTRIBUTE_ALIGN(n) (((size_t) (n) + 3) & ~(size_t) 3)
#define PACKET_ATTRIBUTES ((size_t) NLMSG_HDRLEN + sizeof(struct nfgenmsg))

static uint16_t get16(const uint8_t *p) {
        return (uint16_t) (p[0] << 8 | p[1]);
}

bool nflog_parse_is_packet(const struct nlmsghdr *h) {
        return h->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
}

/* One letter, one to four digits, NUL. */
static void take_prefix(const uint8_t *text, size_t length, struct nflog_message *m) {
        uint32_t one_in = 0;

        if (length < 3 || length > 6 || (text[0] != 'p' && text[0] != 's' && text[0] != 'r') || text[length - 1])
                return;
        for (size_t i = 1; i < length - 1; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return;
                one_in = one_in * 10 + (uint32_t) (text[i] - '0');
        }
        if (one_in == 0)
                return;
        m->reset = text[0] == 'r';
        if (!m->reset)
                m->sample = text[0] == 'p' ? SOURCE_BY_PACKET : SOURCE_BY_SOURCE;
        m->one_in = one_in;
}

static void take_attribute(uint16_t type, const uint8_t *data, size_t length, struct nflog_message *m) {
        uint32_t sequence;

        if (type == NFULA_PAYLOAD) {
                m->packet = data;
                m->packet_length = length;
        } else if (type == NFULA_SEQ && length == sizeof sequence) {
                memcpy(&sequence, data, sizeof sequence);
                m->sequence = ntohl(sequence);
                m->has_sequence = true;
        } else if (type == NFULA_PREFIX) {
                take_prefix(data, length, m);
        }
}

int nflog_parse_message(const struct nlmsghdr *h, struct nflog_message *ret) {
        const uint8_t *p = (const uint8_t *) h + PACKET_ATTRIBUTES;
        const uint8_t *end = (const uint8_t *) h + h->nlmsg_len;
        struct nflog_message m = { .sample = SOURCE_BOTH, .one_in = 1 };

        if (h->nlmsg_len < PACKET_ATTRIBUTES)
                return -EBADMSG;

        while ((size_t) (end - p) >= ATTRIBUTE_HEADER) {
                struct nlattr a;
                size_t padded;

                memcpy(&a, p, sizeof a);
                if (a.nla_len < ATTRIBUTE_HEADER || a.nla_len > (size_t) (end - p))
                        return -EBADMSG;
                take_attribute((uint16_t) (a.nla_type & ATTRIBUTE_TYPE), p + ATTRIBUTE_HEADER,
                               (size_t) a.nla_len - ATTRIBUTE_HEADER, &m);
                padded = ATTRIBUTE_ALIGN(a.nla_len);
                if (padded >= (size_t) (end - p))
                        break;
                p += padded;
        }

        if (!m.packet)
                return -EBADMSG;
        *ret = m;
        return 0;
}

/* What is wrong with a packet that ends too early: it was not copied whole, or it lies. */
static int too_short(bool whole) {
        return whole ? -EBADMSG : -EMSGSIZE;
}

/* rest: bytes copied from the TCP header on; whole: the packet ends there. */
static int parse_tcp(const uint8_t *tcp, size_t rest, bool whole, struct syn *s) {
        size_t header;
        uint8_t flags;

        if (rest < TCP_HEADER)
                return too_short(whole);
        header = (size_t) (tcp[12] >> 4) * 4;
        if (header < TCP_HEADER)
                return -EBADMSG;
        flags = tcp[13] & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK);
        if (flags != TCP_SYN && flags != TCP_RST)
                return -EPROTO;
        s->reset = flags == TCP_RST;

        s->source_port = get16(tcp);
        s->destination_port = get16(tcp + 2);
        s->sequence = (uint32_t) get16(tcp + 4) << 16 | get16(tcp + 6);
        s->window = get16(tcp + 14);
        s->options_length = (uint8_t) (header - TCP_HEADER);
        s->options_copied = (uint8_t) ((rest < header ? rest : header) - TCP_HEADER);
        s->options = s->options_copied ? tcp + TCP_HEADER : NULL;
        return 0;
}

static int parse_ipv4(const uint8_t *ip, size_t length, struct syn *s) {
        size_t header, total;
        uint32_t word;

        if (length < IPV4_HEADER)
                return -EBADMSG;
        header = (size_t) (ip[0] & 0x0f) * 4;
        total = get16(ip + 2);
        if (header < IPV4_HEADER || total < header)
                return -EBADMSG;
        if (ip[9] != IPPROTO_TCP || (get16(ip + 6) & 0x1fff) != 0) /* a later fragment */
                return -EPROTO;

        memcpy(&word, ip + 12, sizeof word);
        s->source = address_from_ipv4(word);
        memcpy(&word, ip + 16, sizeof word);
        s->destination = address_from_ipv4(word);
        s->ttl = ip[8];
        if (header > length)
                return too_short(length >= total);
        return parse_tcp(ip + header, (total < length ? total : length) - header, length >= total, s);
}

/* The length of an extension header, 0: it is none that can be passed over. */
static size_t extension_length(uint8_t type, const uint8_t *p) {
        switch (type) {
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS:
                return (size_t) (p[1] + 1) * 8;
        case IPPROTO_AH:
                return (size_t) (p[1] + 2) * 4;
        case IPPROTO_FRAGMENT:
                return (get16(p + 2) & 0xfff8) == 0 ? 8 : 0;
        default:
                return 0;
        }
}

static int parse_ipv6(const uint8_t *ip, size_t length, struct syn *s) {
        size_t at = IPV6_HEADER, total;
        uint8_t next;
        bool whole;

        if (length < IPV6_HEADER)
                return -EBADMSG;
        total = IPV6_HEADER + (size_t) get16(ip + 4);
        whole = length >= total;
        if (whole)
                length = total;
        s->source = address_from_ipv6(ip + 8);
        s->destination = address_from_ipv6(ip + 24);
        s->ttl = ip[7];
        next = ip[6];
        for (unsigned i = 0; next != IPPROTO_TCP; i++) {
                size_t extension;

                if (i == IPV6_EXTENSIONS_MAX)
                        return -EMSGSIZE;
                if (length - at < 8)
                        return too_short(whole);
                extension = extension_length(next, ip + at);
                if (extension == 0)
                        return -EPROTO;
                if (extension > length - at)
                        return too_short(whole);
                next = ip[at];
                at += extension;
        }
        return parse_tcp(ip + at, length - at, whole, s);
}

int nflog_parse_packet(const uint8_t *packet, size_t length, struct syn *ret) {
        struct syn s;
        int r;

        if (length == 0)
                return -EBADMSG;
        memset(&s, 0, sizeof s);
        if (packet[0] >> 4 == 4)
                r = parse_ipv4(packet, length, &s);
        else if (packet[0] >> 4 == 6)
                r = parse_ipv6(packet, length, &s);
        else
                r = -EBADMSG;
        if (r == 0 || r == -EMSGSIZE)
                *ret = s;
        return r;
}
