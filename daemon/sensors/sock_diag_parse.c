/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/sock_diag_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

enum {
        FIRST_TIMEOUT_MS = 1000,
        LONGEST_TIMEOUT_MS = 120000,
        /* A timer may be set a jiffy late, and a jiffy is at most 10 ms. */
        TIMER_SLACK_MS = 20,
};

#define CONNECTION_STATES                                                                      \
        (UINT32_C(1) << TCP_ESTABLISHED | UINT32_C(1) << TCP_FIN_WAIT1 |                       \
         UINT32_C(1) << TCP_CLOSE_WAIT | UINT32_C(1) << TCP_LAST_ACK | UINT32_C(1) << TCP_CLOSING)

static uint32_t states_mask(enum sock_diag_states states) {
        uint32_t mask = UINT32_C(1) << SOCK_DIAG_LISTEN;

        if (states != SOCK_DIAG_LISTENERS)
                mask |= UINT32_C(1) << SOCK_DIAG_SYN_RECV;
        if (states == SOCK_DIAG_CONNECTIONS_TOO)
                mask |= CONNECTION_STATES;
        return mask;
}

static struct nlmsghdr *build_dump(void *buffer, uint16_t type) {
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

        message->nlmsg_type = type;
        message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        return message;
}

struct nlmsghdr *sock_diag_build_compat(void *buffer, enum sock_diag_states states) {
        struct nlmsghdr *message = build_dump(buffer, TCPDIAG_GETSOCK);
        struct inet_diag_req *request = mnl_nlmsg_put_extra_header(message, sizeof *request);

        request->idiag_family = AF_INET; /* not looked at */
        request->idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1);
        request->idiag_states = states_mask(states);
        return message;
}

struct nlmsghdr *sock_diag_build_family(void *buffer, uint8_t family, enum sock_diag_states states) {
        struct nlmsghdr *message = build_dump(buffer, SOCK_DIAG_BY_FAMILY);
        struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(message, sizeof *request);

        request->sdiag_family = family;
        request->sdiag_protocol = IPPROTO_TCP;
        request->idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1);
        request->idiag_states = states_mask(states);
        return message;
}

static int parse_address(uint8_t family, const __be32 words[4], struct address *ret) {
        uint8_t bytes[16];

        switch (family) {
        case AF_INET:
                *ret = address_from_ipv4(words[0]);
                return 0;
        case AF_INET6:
                memcpy(bytes, words, sizeof bytes);
                *ret = address_from_ipv6(bytes);
                return 0;
        default:
                return -EPROTO;
        }
}

/* The kernel may append to its array of figures, and older ones end before the drops. */
static void parse_meminfo(const struct nlattr *a, struct sock_diag_row *row) {
        const char *figures = mnl_attr_get_payload(a);

        if (mnl_attr_get_payload_len(a) < (SK_MEMINFO_DROPS + 1) * sizeof(uint32_t))
                return;
        memcpy(&row->drops, figures + SK_MEMINFO_DROPS * sizeof(uint32_t), sizeof row->drops);
        row->drops_known = true;
}

static int parse_attributes(const struct nlmsghdr *message, struct sock_diag_row *row) {
        /* Not libmnl's tail, which is rounded up and may lie beyond the buffer. */
        const char *end = (const char *) message + message->nlmsg_len;
        const struct inet_diag_msg *m = mnl_nlmsg_get_payload(message);
        const struct nlattr *a = (const void *) (m + 1);

        for (; mnl_attr_ok(a, (int) (end - (const char *) a)); a = mnl_attr_next(a))
                if (mnl_attr_get_type(a) == INET_DIAG_SKMEMINFO)
                        parse_meminfo(a, row);
        /* Bytes that are no attribute are a length that lied. */
        return (const char *) a == end ? 0 : -EPROTO;
}

int sock_diag_parse(const struct nlmsghdr *message, struct sock_diag_row *ret) {
        const struct inet_diag_msg *m = mnl_nlmsg_get_payload(message);
        struct sock_diag_row row = { 0 };
        int r;

        /* TCPDIAG_GETSOCK answers carry its own type, all others SOCK_DIAG_BY_FAMILY. */
        if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY && message->nlmsg_type != TCPDIAG_GETSOCK)
                return -EPROTO;
        if (message->nlmsg_len < sizeof *message + sizeof *m)
                return -EPROTO;

        row.state = m->idiag_state;
        row.family = m->idiag_family;
        row.local_port = ntohs(m->id.idiag_sport);
        row.remote_port = ntohs(m->id.idiag_dport);
        row.ifindex = m->id.idiag_if;
        row.retrans = m->idiag_retrans;
        row.expires_ms = m->idiag_expires;
        row.accept_queue = m->idiag_rqueue;
        row.backlog = m->idiag_wqueue;
        row.cookie = (uint64_t) m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
        r = parse_address(row.family, m->id.idiag_src, &row.local);
        if (r == 0)
                r = parse_address(row.family, m->id.idiag_dst, &row.remote);
        if (r == 0)
                r = parse_attributes(message, &row);
        if (r == 0)
                *ret = row;
        return r;
}

static uint64_t timeout_ms(unsigned retrans) {
        return retrans < 7 ? (uint64_t) FIRST_TIMEOUT_MS << retrans : LONGEST_TIMEOUT_MS;
}

uint64_t sock_diag_age_us(const struct sock_diag_row *row) {
        uint64_t sum_ms = 0;

        for (unsigned i = 0; i <= row->retrans; i++)
                sum_ms += timeout_ms(i);
        return sum_ms > row->expires_ms ? (sum_ms - row->expires_ms) * 1000 : 0;
}

bool sock_diag_is_deferred(const struct sock_diag_row *row) {
        return row->expires_ms > timeout_ms(row->retrans) + TIMER_SLACK_MS;
}

bool sock_diag_is_connection(const struct sock_diag_row *row) {
        return row->state < 32 && (CONNECTION_STATES >> row->state & 1);
}
