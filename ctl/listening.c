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
#include <time.h>

#include <libmnl/libmnl.h>

struct reading {
        struct listening *list;
        unsigned max, count;
};

static int take_socket(const struct nlmsghdr *nlh, void *userdata) {
        const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
        struct reading *r = userdata;
        struct listening *l = &r->list[r->count];
        const void *address = m->id.idiag_src;
        char text[INET6_ADDRSTRLEN];

        if (mnl_nlmsg_get_payload_len(nlh) < sizeof *m || r->count == r->max ||
            !inet_ntop(m->idiag_family, address, text, sizeof text))
                return MNL_CB_OK;
        snprintf(l->address, sizeof l->address, m->idiag_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
                 text, ntohs(m->id.idiag_sport));
        l->backlog = m->idiag_wqueue;
        l->queue = m->idiag_rqueue;
        l->loopback = m->idiag_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK((const struct in6_addr *) address)
                                                  : (ntohl(m->id.idiag_src[0]) >> 24) == 127;
        r->count++;
        return MNL_CB_OK;
}

static int read_family(struct mnl_socket *nl, uint8_t family, struct reading *r) {
        char buffer[32768];
        struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
        struct inet_diag_req_v2 *request;
        unsigned seq = (unsigned) time(NULL) + family;
        int result = MNL_CB_OK;

        nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        nlh->nlmsg_seq = seq;
        request = mnl_nlmsg_put_extra_header(nlh, sizeof *request);
        request->sdiag_family = family;
        request->sdiag_protocol = IPPROTO_TCP;
        request->idiag_states = 1U << TCP_LISTEN;
        if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
                return -errno;
        while (result > MNL_CB_STOP) {
                ssize_t n = mnl_socket_recvfrom(nl, buffer, sizeof buffer);

                if (n < 0)
                        return -errno;
                result = mnl_cb_run(buffer, (size_t) n, seq, mnl_socket_get_portid(nl), take_socket,
                                    r);
        }
        return result < 0 ? -errno : 0;
}

int listening_read(struct listening *list, unsigned max) {
        struct reading r = { list, max, 0 };
        struct mnl_socket *nl = mnl_socket_open(NETLINK_SOCK_DIAG);
        int error;

        if (!nl)
                return -errno;
        error = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
        if (error == 0)
                error = read_family(nl, AF_INET, &r);
        if (error == 0)
                error = read_family(nl, AF_INET6, &r);
        mnl_socket_close(nl);
        /* A kernel without IPv6 has no such dump; what there is counts. */
        return error < 0 && r.count == 0 ? error : (int) r.count;
}
