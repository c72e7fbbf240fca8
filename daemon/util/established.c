/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/established.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "util/netlink.h"

enum {
        IPV4_OFFSET = 12, /* of an IPv4 address in its 16-byte form */
        CONDITION_MAX = sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond) + 16,
        JUMP = sizeof(struct inet_diag_bc_op),
        CODE_MAX = ESTABLISHED_PEERS_MAX * (CONDITION_MAX + JUMP),
        REQUEST_MAX = CODE_MAX + 256,
};

struct search {
        struct established_peer *peers;
        uint32_t count;
};

static bool is_ipv4(const struct established_peer *p) {
        static const uint8_t mapped[IPV4_OFFSET] = { [10] = 0xff, [11] = 0xff };

        return p->length >= IPV4_OFFSET * 8 && memcmp(p->bytes, mapped, sizeof mapped) == 0;
}

static uint32_t condition_length(const struct established_peer *p) {
        return (uint32_t) (sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond)) + (is_ipv4(p) ? 4 : 16);
}

/*
 * "The peer is in this prefix, or in that one, …": each condition falls
 * through to a jump behind the end when it holds, and goes on with the next
 * one when it does not; the last leads past the end, which is a no. A
 * condition of IPv4 holds for the mapped peers of IPv6 sockets too.
 */
static uint32_t put_condition(uint8_t *at, const struct established_peer *p, uint32_t rest) {
        uint32_t length = condition_length(p), skip = is_ipv4(p) ? IPV4_OFFSET : 0;
        struct inet_diag_bc_op op = {
                .code = INET_DIAG_BC_D_COND,
                .yes = (unsigned char) length,
                .no = (unsigned short) (length + JUMP),
        };
        struct inet_diag_bc_op jump = { .code = INET_DIAG_BC_JMP, .yes = JUMP };
        struct inet_diag_hostcond host;

        memset(&host, 0, sizeof host); /* its padding goes to the kernel too */
        host.family = skip ? AF_INET : AF_INET6;
        host.prefix_len = (uint8_t) (p->length - skip * 8);
        host.port = -1;
        memcpy(at, &op, sizeof op);
        memcpy(at + sizeof op, &host, sizeof host);
        memcpy(at + sizeof op + sizeof host, p->bytes + skip, 16 - skip);
        if (rest == length)
                return length;
        jump.no = (unsigned short) (rest - length); /* a jump's distance counts from itself */
        memcpy(at + length, &jump, sizeof jump);
        return length + JUMP;
}

static uint32_t make_filter(const struct search *s, uint8_t code[static CODE_MAX]) {
        uint32_t total = 0, at = 0;

        for (uint32_t i = 0; i < s->count; i++)
                total += condition_length(&s->peers[i]) + (i ? JUMP : 0);
        for (uint32_t i = 0; i < s->count; i++)
                at += put_condition(code + at, &s->peers[i], total - at);
        return total;
}

static bool contains(const struct established_peer *p, const uint8_t address[16]) {
        unsigned bytes = p->length / 8, bits = p->length % 8;

        return memcmp(p->bytes, address, bytes) == 0 &&
               (bits == 0 || ((p->bytes[bytes] ^ address[bytes]) & 0xff00u >> bits & 0xff) == 0);
}

static void begin(void *data) {
        struct search *s = data;

        for (uint32_t i = 0; i < s->count; i++)
                s->peers[i].count = s->peers[i].half_open_aged = 0;
}

static int on_socket(const struct nlmsghdr *message, void *data) {
        const struct inet_diag_msg *m = mnl_nlmsg_get_payload(message);
        uint8_t address[16] = { [10] = 0xff, [11] = 0xff };
        struct search *s = data;

        if (mnl_nlmsg_get_payload_len(message) < sizeof *m)
                return -EBADMSG;
        if (m->idiag_family == AF_INET)
                memcpy(address + IPV4_OFFSET, m->id.idiag_dst, 4);
        else
                memcpy(address, m->id.idiag_dst, 16);
        for (uint32_t i = 0; i < s->count; i++)
                if (contains(&s->peers[i], address)) {
                        s->peers[i].count += m->idiag_state == TCP_ESTABLISHED;
                        s->peers[i].half_open_aged += m->idiag_state == TCP_SYN_RECV && m->idiag_retrans > 0;
                }
        return 0;
}

/* Both families at once, by the older request (see sensors/sock_diag_parse.h). */
int established_count(struct established_peer *peers, uint32_t count) {
        struct search s = { peers, count };
        const struct netlink_parser parser = { .begin = begin, .parse = on_socket, .data = &s };
        _Alignas(struct nlmsghdr) char buffer[REQUEST_MAX];
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
        struct inet_diag_req *request = mnl_nlmsg_put_extra_header(h, sizeof *request);
        uint8_t code[CODE_MAX];
        struct netlink *n;
        int r;

        if (count > ESTABLISHED_PEERS_MAX)
                return -EINVAL;
        begin(&s);
        if (count == 0)
                return 0;
        h->nlmsg_type = TCPDIAG_GETSOCK;
        h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        request->idiag_states = 1u << TCP_ESTABLISHED | 1u << TCP_SYN_RECV;
        mnl_attr_put(h, INET_DIAG_REQ_BYTECODE, make_filter(&s, code), code);
        r = netlink_open(NETLINK_SOCK_DIAG, &n);
        if (r < 0)
                return r;
        r = netlink_transact(n, h, &parser);
        netlink_free(n);
        return r;
}
