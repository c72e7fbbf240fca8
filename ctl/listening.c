/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "util/netlink.h"

struct reading {
        struct listening *list;
        unsigned max, count, before; /* before: of the families before this one */
};

static int take_socket(const struct nlmsghdr *nlh, void *userdata) {
        const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
        struct reading *r = userdata;
        struct listening *l = &r->list[r->count];
        const void *address = m->id.idiag_src;
        char text[INET6_ADDRSTRLEN];

        if (mnl_nlmsg_get_payload_len(nlh) < sizeof *m || r->count == r->max ||
            !inet_ntop(m->idiag_family, address, text, sizeof text))
                return 0;
        snprintf(l->address, sizeof l->address, m->idiag_family == AF_INET6 ? "[%s]:%u" : "%s:%u", text,
                 ntohs(m->id.idiag_sport));
        l->backlog = m->idiag_wqueue;
        l->queue = m->idiag_rqueue;
        l->loopback = m->idiag_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK((const struct in6_addr *) address)
                                                  : (ntohl(m->id.idiag_src[0]) >> 24) == 127;
        r->count++;
        return 0;
}

static void begin(void *userdata) {
        struct reading *r = userdata;

        r->count = r->before;
}

static int read_family(struct netlink *nl, uint8_t family, struct reading *r) {
        const struct netlink_parser parser = { .begin = begin, .parse = take_socket, .data = r };
        _Alignas(struct nlmsghdr) char buffer[256];
        struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
        struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(nlh, sizeof *request);

        nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        request->sdiag_family = family;
        request->sdiag_protocol = IPPROTO_TCP;
        request->idiag_states = 1U << TCP_LISTEN;
        r->before = r->count;
        return netlink_transact(nl, nlh, &parser);
}

int listening_read(struct listening *list, unsigned max) {
        struct reading r = { .list = list, .max = max };
        struct netlink *nl;
        int error = netlink_open(NETLINK_SOCK_DIAG, &nl);

        if (error < 0)
                return error;
        error = read_family(nl, AF_INET, &r);
        if (error == 0)
                error = read_family(nl, AF_INET6, &r);
        netlink_free(nl);
        /* A kernel without IPv6 has no such dump; what there is counts. */
        return error < 0 && r.count == 0 ? error : (int) r.count;
}
