/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/nflog_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_log/libnetfilter_log.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "sensors/nflog_parse.h"
#include "util/netlink.h"

enum {
        BATCH_SYNS = 512,           /* the kernel sends a batch when it holds so many, */
        BATCH_BYTES = 128 * 1024,   /* or so many bytes (its own limit; its default takes 22 SYNs), */
        /* or when it is so old. Below 5,000 SYN/s each batch is a wake-up: with 10 ms they would be
         * most of what a SYN costs. Who sends may be known so late; how many is counted. */
        BATCH_AGE_10MS = 10,
        RECEIVE_BUFFER = 8 * 1024 * 1024,
        ANSWER_TIMEOUT_S = 5,
};

struct nflog_reader {
        struct mnl_socket *socket;
        struct source_table *table;
        bool has_sequence;
        uint32_t next_sequence;
        struct nflog_reader_counts counts;
        nflog_reader_tap *tap;
        void *tap_userdata;
        uint8_t buffer[BATCH_BYTES];
};

static int transact(struct mnl_socket *socket, struct nlmsghdr *h) {
        char answer[1024];
        ssize_t n;

        h->nlmsg_flags |= NLM_F_ACK;
        h->nlmsg_seq = 1;
        if (mnl_socket_sendto(socket, h, h->nlmsg_len) < 0)
                return -errno;
        for (;;) {
                const struct nlmsghdr *a = (const void *) answer;

                n = mnl_socket_recvfrom(socket, answer, sizeof answer);
                /* Packets of the group may come before the answer; they are too long for it. */
                if (n < 0 && errno == ENOSPC)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                if (!netlink_message_ok(a, (int) n) || a->nlmsg_type != NLMSG_ERROR)
                        continue;
                return mnl_cb_run(answer, (size_t) n, 1, mnl_socket_get_portid(socket), NULL,
                                  NULL) < 0 ? -errno : 0;
        }
}

static int command(struct mnl_socket *socket, uint16_t group, uint8_t cmd) {
        char buffer[256];
        struct nlmsghdr *h = nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, group);

        if (nflog_attr_put_cfg_cmd(h, cmd) < 0)
                return -EINVAL;
        return transact(socket, h);
}

static int configure(struct mnl_socket *socket, uint16_t group, uint32_t copy_range) {
        char buffer[256];
        struct nlmsghdr *h = nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, group);

        if (nflog_attr_put_cfg_mode(h, NFULNL_COPY_PACKET, copy_range) < 0)
                return -EINVAL;
        mnl_attr_put_u32(h, NFULA_CFG_QTHRESH, htonl(BATCH_SYNS));
        mnl_attr_put_u32(h, NFULA_CFG_NLBUFSIZ, htonl(BATCH_BYTES));
        mnl_attr_put_u32(h, NFULA_CFG_TIMEOUT, htonl(BATCH_AGE_10MS));
        mnl_attr_put_u16(h, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
        return transact(socket, h);
}

/* The kernel says EPERM for both: no privilege, and a group with another owner. A group that
 * nobody will have tells them apart. */
static bool may_bind_another(struct mnl_socket *socket, uint16_t group) {
        uint16_t other = group ^ 0xa5a5;

        if (command(socket, other, NFULNL_CFG_CMD_BIND) < 0)
                return false;
        (void) command(socket, other, NFULNL_CFG_CMD_UNBIND);
        return true;
}

static int bind_group(struct mnl_socket *socket, uint16_t group, const char **ret_reason) {
        int r = command(socket, group, NFULNL_CFG_CMD_BIND);

        if (r >= 0)
                return 0;
        if (r == -EBUSY || (r == -EPERM && may_bind_another(socket, group))) {
                *ret_reason = "another program reads this NFLOG group";
                return -EBUSY;
        }
        if (r == -EPERM)
                *ret_reason = "reading NFLOG needs CAP_NET_ADMIN";
        else if (r == -EINVAL || r == -EOPNOTSUPP) {
                *ret_reason = "this kernel has no NFLOG (CONFIG_NETFILTER_NETLINK_LOG)";
                r = -EPROTONOSUPPORT;
        } else
                *ret_reason = "the NFLOG group could not be bound";
        return r;
}

static void set_socket_options(struct mnl_socket *socket) {
        struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
        int fd = mnl_socket_get_fd(socket), size = RECEIVE_BUFFER, on = 1;

        (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        /* FORCE passes net.core.rmem_max and needs CAP_NET_ADMIN in the first user namespace. */
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
                (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        /* Loss is told by the sequence; ENOBUFS would only cost a system call each time. */
        (void) mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, &on, sizeof on);
}

int nflog_reader_new(uint16_t group, uint32_t copy_range, struct source_table *table,
                     struct nflog_reader **ret, const char **ret_reason) {
        struct nflog_reader *r = calloc(1, sizeof *r);
        int e;

        *ret_reason = "out of memory";
        if (!r)
                return -ENOMEM;
        r->table = table;

        *ret_reason = "no netfilter netlink socket";
        r->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
        if (!r->socket || mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
                e = -errno;
                goto fail;
        }
        set_socket_options(r->socket);
        e = bind_group(r->socket, group, ret_reason);
        if (e < 0)
                goto fail;
        *ret_reason = "the NFLOG group could not be configured";
        e = configure(r->socket, group, copy_range);
        if (e < 0)
                goto fail;
        *ret_reason = NULL;
        *ret = r;
        return 0;
fail:
        nflog_reader_free(r);
        return e;
}

struct nflog_reader *nflog_reader_free(struct nflog_reader *r) {
        if (!r)
                return NULL;
        if (r->socket)
                (void) mnl_socket_close(r->socket);
        free(r);
        return NULL;
}

int nflog_reader_fd(const struct nflog_reader *r) {
        return mnl_socket_get_fd(r->socket);
}

void nflog_reader_set_tap(struct nflog_reader *r, nflog_reader_tap *tap, void *userdata) {
        r->tap = tap;
        r->tap_userdata = userdata;
}

struct nflog_reader_counts nflog_reader_counts(const struct nflog_reader *r) {
        return r->counts;
}

static void follow_sequence(struct nflog_reader *r, uint32_t sequence) {
        uint32_t gap = sequence - r->next_sequence;

        r->next_sequence = sequence + 1;
        if (!r->has_sequence) {
                r->has_sequence = true;
                gap = 0;
        }
        if (gap) {
                r->counts.lost += gap;
                source_table_lost(r->table, gap);
        }
}

static void take_packet(struct nflog_reader *r, const struct nflog_message *m) {
        struct syn s;
        int e = nflog_parse_packet(m->packet, m->packet_length, &s);

        if (e == -EMSGSIZE && !m->reset) {
                r->counts.unread++;
                r->counts.syns += m->sample & SOURCE_BY_PACKET ? m->one_in : 0;
                return;
        }
        if (e < 0 || s.reset != m->reset) {
                r->counts.malformed += e == -EBADMSG || e == -EMSGSIZE;
                r->counts.foreign += e >= 0 || e == -EPROTO;
                return;
        }
        if (s.reset) {
                r->counts.resets++;
                source_table_set_resets_known(r->table); /* the rules may be others' */
                source_table_disowned(r->table, &s.source);
                return;
        }
        r->counts.received++;
        if (m->sample & SOURCE_BY_PACKET) {
                r->counts.syns += m->one_in;
                r->counts.by_packet_one_in = m->one_in;
        } else
                r->counts.by_source++;
        if (m->sample & SOURCE_BY_SOURCE)
                r->counts.by_source_one_in = m->one_in;
        source_table_add(r->table, &s, m->sample, m->one_in);
        if (r->tap)
                r->tap(r->tap_userdata, &s, m->packet, m->packet_length);
}

/* Returns how many messages were in it. */
static unsigned take_batch(struct nflog_reader *r, size_t length) {
        const struct nlmsghdr *h = (const void *) r->buffer;
        unsigned n = 0;

        while (length >= sizeof *h && h->nlmsg_len >= sizeof *h && h->nlmsg_len <= length) {
                size_t step = NLMSG_ALIGN((size_t) h->nlmsg_len);
                struct nflog_message m;

                n++;
                if (!nflog_parse_is_packet(h)) {
                        r->counts.foreign += h->nlmsg_type >= NLMSG_MIN_TYPE;
                } else if (nflog_parse_message(h, &m) < 0) {
                        r->counts.malformed++;
                } else {
                        if (m.has_sequence)
                                follow_sequence(r, m.sequence);
                        take_packet(r, &m);
                }
                if (step >= length)
                        break;
                length -= step;
                h = (const void *) ((const uint8_t *) h + step);
        }
        return n;
}

/* A recvmmsg(2) would save a system call for every batch of 512: a thousandth of the cost. */
int nflog_reader_receive(struct nflog_reader *r, unsigned max_batches) {
        int fd = nflog_reader_fd(r);
        unsigned n = 0;

        while (n < max_batches) {
                struct sockaddr_nl from;
                socklen_t from_length = sizeof from;
                ssize_t length = recvfrom(fd, r->buffer, sizeof r->buffer, MSG_DONTWAIT | MSG_TRUNC,
                                          (struct sockaddr *) &from, &from_length);

                if (length < 0 && errno == EINTR)
                        continue;
                if (length < 0)
                        return errno == EAGAIN ? (int) n : -errno;
                n++;
                if (from.nl_pid != 0 || (size_t) length > sizeof r->buffer) {
                        r->counts.foreign++; /* not from the kernel */
                        continue;
                }
                /* One that is not full was sent for its age: there is no other yet. */
                if (take_batch(r, (size_t) length) < BATCH_SYNS)
                        break;
        }
        return (int) n;
}
