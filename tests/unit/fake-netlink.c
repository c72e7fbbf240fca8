/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/fake-netlink.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/address.h"

struct fake_netlink *fake_new(void) {
        struct fake_netlink *f = calloc(1, sizeof *f);

        assert(f);
        f->bytes = calloc(1, FAKE_BYTES_MAX);
        assert(f->bytes);
        return f;
}

void fake_free(struct fake_netlink *f) {
        free(f->bytes);
        free(f);
}

void fake_datagram(struct fake_netlink *f) {
        assert(f->datagrams < FAKE_DATAGRAMS_MAX);
        f->list[f->datagrams].start = f->used;
        f->list[f->datagrams].length = 0;
        f->list[f->datagrams++].sequence_behind = 0;
}

static void *append(struct fake_netlink *f, size_t length) {
        void *at = f->bytes + f->used;

        length = NLMSG_ALIGN(length);
        assert(f->datagrams > 0 && f->used + length <= FAKE_BYTES_MAX);
        f->used += length;
        f->list[f->datagrams - 1].length += length;
        return at;
}

struct nlmsghdr *fake_message(struct fake_netlink *f, uint16_t type, uint16_t flags, const void *payload,
                              size_t length) {
        struct nlmsghdr *m = append(f, sizeof *m + length);

        *m = (struct nlmsghdr) {
                .nlmsg_len = (uint32_t) (sizeof *m + length),
                .nlmsg_type = type,
                .nlmsg_flags = flags,
        };
        if (length)
                memcpy(m + 1, payload, length);
        return m;
}

static void put_address(uint8_t family, const char *text, __be32 words[4]) {
        struct address a;

        if (!text)
                return;
        if (address_parse(text, &a) < 0)
                abort();
        if (family == AF_INET)
                memcpy(words, a.bytes + 12, 4);
        else
                memcpy(words, a.bytes, sizeof a.bytes);
}

struct nlmsghdr *fake_add_row(struct fake_netlink *f, const struct fake_row *row) {
        struct {
                struct inet_diag_msg m;
                struct nlattr a;
                uint32_t meminfo[SK_MEMINFO_VARS];
        } p = {
                .m = { .idiag_family = row->family,
                       .idiag_state = row->state,
                       .idiag_retrans = row->retrans,
                       .idiag_expires = row->expires_ms,
                       .idiag_rqueue = row->rqueue,
                       .idiag_wqueue = row->wqueue },
                .a = { .nla_type = INET_DIAG_SKMEMINFO, .nla_len = sizeof p.a + sizeof p.meminfo },
        };

        put_address(row->family, row->local, p.m.id.idiag_src);
        put_address(row->family, row->remote, p.m.id.idiag_dst);
        p.m.id.idiag_sport = htons(row->local_port);
        p.m.id.idiag_dport = htons(40000);
        p.m.id.idiag_if = row->ifindex;
        p.m.id.idiag_cookie[0] = (uint32_t) row->cookie;
        p.m.id.idiag_cookie[1] = (uint32_t) (row->cookie >> 32);
        p.meminfo[SK_MEMINFO_DROPS] = row->drops;
        return fake_message(f, TCPDIAG_GETSOCK, NLM_F_MULTI, &p, row->has_drops ? sizeof p : sizeof p.m);
}

void fake_done(struct fake_netlink *f, int32_t error) {
        fake_message(f, NLMSG_DONE, NLM_F_MULTI, &error, sizeof error);
}

void fake_error(struct fake_netlink *f, int32_t error) {
        struct nlmsgerr e = { .error = error };

        fake_message(f, NLMSG_ERROR, 0, &e, sizeof e);
}

struct fake_row fake_listener(uint8_t family, const char *local, uint16_t port, uint32_t backlog, uint64_t cookie) {
        return (struct fake_row) { .state = 10,
                                   .family = family,
                                   .local = local,
                                   .local_port = port,
                                   .wqueue = backlog,
                                   .cookie = cookie,
                                   .has_drops = true };
}

struct fake_row fake_half_open(uint8_t family, const char *local, uint16_t port, const char *remote) {
        return (struct fake_row) {
                .state = 3, .family = family, .local = local, .remote = remote, .local_port = port, .expires_ms = 950
        };
}

static ssize_t fake_send(void *context, const void *message, size_t length) {
        struct fake_netlink *f = context;
        const struct nlmsghdr *m = message;
        const struct inet_diag_req_v2 *v2 = (const void *) (m + 1);
        const struct inet_diag_req *v1 = (const void *) (m + 1);

        f->sequence = m->nlmsg_seq;
        if (f->requests < FAKE_REQUESTS_MAX) {
                f->request_types[f->requests] = m->nlmsg_type;
                if (m->nlmsg_type == SOCK_DIAG_BY_FAMILY && length >= sizeof *m + sizeof *v2) {
                        f->request_families[f->requests] = v2->sdiag_family;
                        f->request_states[f->requests] = v2->idiag_states;
                } else if (m->nlmsg_type == TCPDIAG_GETSOCK && length >= sizeof *m + sizeof *v1) {
                        f->request_states[f->requests] = v1->idiag_states;
                }
                f->requests++;
        }
        return (ssize_t) length;
}

static ssize_t fake_receive(void *context, void *buffer, size_t size) {
        struct fake_netlink *f = context;
        size_t length, at = 0;
        unsigned i = f->delivered;

        if (i == f->datagrams)
                return -EAGAIN;
        f->delivered++;
        length = f->list[i].length;
        assert(length <= size);
        memcpy(buffer, f->bytes + f->list[i].start, length);
        /* The test cannot know the sequence of a request that is yet to come. */
        while (length - at >= sizeof(struct nlmsghdr)) {
                struct nlmsghdr *m = (void *) ((char *) buffer + at);

                m->nlmsg_seq += f->sequence - f->list[i].sequence_behind;
                if (m->nlmsg_pid == 0)
                        m->nlmsg_pid = FAKE_PORT;
                if (m->nlmsg_len < sizeof *m || NLMSG_ALIGN(m->nlmsg_len) > length - at)
                        break;
                at += NLMSG_ALIGN(m->nlmsg_len);
        }
        return (ssize_t) length;
}

struct netlink_kernel fake_kernel(struct fake_netlink *f) {
        return (struct netlink_kernel) {
                .context = f,
                .port = FAKE_PORT,
                .send = fake_send,
                .receive = fake_receive,
        };
}
