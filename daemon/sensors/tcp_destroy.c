/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* recvmmsg */

#include "sensors/tcp_destroy.h"
#include "util/netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

enum {
        /* One datagram for each event: only many at a time are cheap. */
        EVENTS_AT_ONCE = 64,
        EVENT_BYTES = 1024,
};

struct tcp_destroy {
        int fd;
        struct source_table *table;
        struct tcp_destroy_counts counts;
        uint8_t ports[65536 / 8];
        struct mmsghdr headers[EVENTS_AT_ONCE];
        struct iovec vectors[EVENTS_AT_ONCE];
        uint8_t buffers[EVENTS_AT_ONCE][EVENT_BYTES];
};

int tcp_destroy_new(int fd, struct source_table *table, struct tcp_destroy **ret) {
        struct tcp_destroy *d = calloc(1, sizeof *d);

        if (!d)
                return -ENOMEM;
        d->table = table;
        d->fd = fd;
        for (unsigned i = 0; i < EVENTS_AT_ONCE; i++) {
                d->vectors[i] = (struct iovec) { d->buffers[i], EVENT_BYTES };
                d->headers[i].msg_hdr.msg_iov = &d->vectors[i];
                d->headers[i].msg_hdr.msg_iovlen = 1;
        }
        *ret = d;
        return 0;
}

struct tcp_destroy *tcp_destroy_free(struct tcp_destroy *d) {
        if (!d)
                return NULL;
        close(d->fd);
        free(d);
        return NULL;
}

int tcp_destroy_fd(const struct tcp_destroy *d) {
        return d->fd;
}

struct tcp_destroy_counts tcp_destroy_counts(const struct tcp_destroy *d) {
        return d->counts;
}

void tcp_destroy_set_listeners(struct tcp_destroy *d, const struct obs_listener *list, uint32_t count) {
        memset(d->ports, 0, sizeof d->ports);
        for (uint32_t i = 0; i < count; i++)
                d->ports[list[i].key.port / 8] |= (uint8_t) (1u << list[i].key.port % 8);
}

static struct address address_of(const struct inet_diag_msg *m, const uint32_t address[static 4]) {
        return m->idiag_family == AF_INET ? address_from_ipv4(address[0])
                                          : address_from_ipv6((const uint8_t *) address);
}

static void take_event(struct tcp_destroy *d, const struct inet_diag_msg *m) {
        const struct address remote = address_of(m, m->id.idiag_dst), local = address_of(m, m->id.idiag_src);
        uint16_t port = ntohs(m->id.idiag_sport);
        /* By its address, for an abort takes the peer's port (tcp_disconnect(), net/ipv4/tcp.c). */
        bool connected = !address_is_wildcard(&remote);

        d->counts.connections += connected;
        d->counts.listeners += !connected && port > 0;
        if (!connected || !(d->ports[port / 8] & (1u << port % 8))) {
                d->counts.others++;
                return;
        }
        d->counts.completed++;
        source_table_completed(d->table, &remote, &local, port);
}

void tcp_destroy_parse(struct tcp_destroy *d, const void *data, size_t length) {
        const struct nlmsghdr *h = data;
        int left = (int) length;

        for (; netlink_message_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
                const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);

                if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(h) < sizeof *m ||
                    (m->idiag_family != AF_INET && m->idiag_family != AF_INET6))
                        continue;
                take_event(d, m);
        }
}

int tcp_destroy_receive(struct tcp_destroy *d, unsigned max_events) {
        unsigned taken = 0;

        while (taken < max_events) {
                int n = recvmmsg(tcp_destroy_fd(d), d->headers, EVENTS_AT_ONCE, MSG_DONTWAIT, NULL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == ENOBUFS) {
                        d->counts.overruns++;
                        continue;
                }
                if (n < 0)
                        return errno == EAGAIN ? (int) taken : -errno;
                for (int i = 0; i < n; i++)
                        tcp_destroy_parse(d, d->buffers[i], d->headers[i].msg_len);
                taken += (unsigned) n;
                if (n < EVENTS_AT_ONCE)
                        break;
        }
        return (int) taken;
}
