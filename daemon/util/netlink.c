/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <libmnl/libmnl.h>

struct netlink {
        struct netlink_kernel kernel;
        uint32_t sequence;
        _Alignas(struct nlmsghdr) char buffer[NETLINK_BUFFER_SIZE];
};

/* One run of a transaction, as the callbacks of libmnl see it. */
struct run {
        const struct netlink_parser *parser;
        int error; /* what the kernel or the parser said */
};

static ssize_t real_send(void *context, const void *message, size_t length) {
        ssize_t n = mnl_socket_sendto(context, message, length);

        return n < 0 ? -errno : n;
}

static ssize_t real_receive(void *context, void *buffer, size_t size) {
        ssize_t n;

        do
                n = mnl_socket_recvfrom(context, buffer, size);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

static void real_close(void *context) {
        mnl_socket_close(context);
}

int netlink_open(int bus, struct netlink **ret) {
        const struct timeval timeout = { .tv_sec = NETLINK_TIMEOUT_US / 1000000,
                                         .tv_usec = NETLINK_TIMEOUT_US % 1000000 };
        struct netlink_kernel kernel = {
                .send = real_send,
                .receive = real_receive,
                .close = real_close,
        };
        struct mnl_socket *s = mnl_socket_open2(bus, SOCK_CLOEXEC);
        int r;

        if (!s)
                return -errno;
        if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
            setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0) {
                r = -errno;
                mnl_socket_close(s);
                return r;
        }
        kernel.context = s;
        kernel.port = mnl_socket_get_portid(s);
        r = netlink_new(&kernel, ret);
        if (r < 0)
                mnl_socket_close(s);
        return r;
}

int netlink_new(const struct netlink_kernel *kernel, struct netlink **ret) {
        struct netlink *n = malloc(sizeof *n);

        if (!n)
                return -ENOMEM;
        n->kernel = *kernel;
        n->sequence = 0;
        *ret = n;
        return 0;
}

struct netlink *netlink_free(struct netlink *n) {
        if (n && n->kernel.close)
                n->kernel.close(n->kernel.context);
        free(n);
        return NULL;
}

static int on_message(const struct nlmsghdr *message, void *data) {
        struct run *run = data;

        if (run->parser->parse)
                run->error = run->parser->parse(message, run->parser->data);
        return run->error < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int on_error(const struct nlmsghdr *message, void *data) {
        struct run *run = data;
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(message);

        if (mnl_nlmsg_get_payload_len(message) < sizeof *e)
                run->error = -EPROTO;
        else
                run->error = e->error > 0 ? -e->error : e->error;
        return MNL_CB_STOP;
}

/* libmnl's own handler takes every end for a good one, but a dump that failed
 * in the middle says so in its NLMSG_DONE (netlink_dump_done()). */
static int on_done(const struct nlmsghdr *message, void *data) {
        struct run *run = data;
        const int32_t *error = mnl_nlmsg_get_payload(message);

        if (mnl_nlmsg_get_payload_len(message) >= sizeof *error && *error < 0)
                run->error = *error;
        return MNL_CB_STOP;
}

/* Whether the answers to a request end within this buffer. */
static bool buffer_ends(const void *buffer, size_t length, uint32_t sequence) {
        const struct nlmsghdr *m = buffer;
        int left = (int) length;

        for (; netlink_message_ok(m, left); m = mnl_nlmsg_next(m, &left))
                if (m->nlmsg_seq == sequence && (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR))
                        return true;
        return false;
}

static bool buffer_is_stale(const void *buffer, size_t length, uint32_t sequence) {
        const struct nlmsghdr *m = buffer;

        /* Sequences wrap: older is less than half the circle behind. */
        return netlink_message_ok(m, (int) length) && m->nlmsg_seq != sequence &&
               sequence - m->nlmsg_seq < UINT32_MAX / 2;
}

/* A request sent while an earlier dump still runs is refused with -EBUSY. */
static void drain(struct netlink *n, uint32_t sequence) {
        ssize_t length;

        do
                length = n->kernel.receive(n->kernel.context, n->buffer, sizeof n->buffer);
        while (length > 0 && !buffer_ends(n->buffer, (size_t) length, sequence));
}

static int run_buffer(struct netlink *n, size_t length, uint32_t sequence, struct run *run) {
        /* Not const, for libmnl's signature asks for that. */
        static mnl_cb_t control[] = { [NLMSG_ERROR] = on_error, [NLMSG_DONE] = on_done };
        int r = mnl_cb_run2(n->buffer, length, sequence, n->kernel.port, on_message, run, control,
                            sizeof control / sizeof *control);

        if (r == MNL_CB_ERROR && run->error == 0)
                run->error = -errno;
        return r;
}

static int receive_answers(struct netlink *n, uint32_t sequence, bool dump, const struct netlink_parser *parser) {
        struct run run = { .parser = parser };

        for (;;) {
                ssize_t length = n->kernel.receive(n->kernel.context, n->buffer, sizeof n->buffer);
                int r;

                if (length < 0)
                        return (int) length;
                if (!netlink_buffer_ok(n->buffer, (size_t) length))
                        run.error = -EPROTO;
                else if (buffer_is_stale(n->buffer, (size_t) length, sequence))
                        continue;

                r = run.error < 0 ? MNL_CB_ERROR : run_buffer(n, (size_t) length, sequence, &run);
                if (r == MNL_CB_STOP)
                        return run.error;
                if (r == MNL_CB_ERROR) {
                        if (dump && !buffer_ends(n->buffer, (size_t) length, sequence))
                                drain(n, sequence);
                        return run.error;
                }
        }
}

int netlink_transact(struct netlink *n, struct nlmsghdr *request, const struct netlink_parser *parser) {
        bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
        int r = -EINTR;

        for (int tries = 0; r == -EINTR && tries <= NETLINK_RESTARTS_MAX; tries++) {
                ssize_t sent;

                request->nlmsg_seq = ++n->sequence;
                request->nlmsg_pid = n->kernel.port;
                if (parser->begin)
                        parser->begin(parser->data);
                sent = n->kernel.send(n->kernel.context, request, request->nlmsg_len);
                if (sent < 0)
                        return (int) sent;
                r = receive_answers(n, request->nlmsg_seq, dump, parser);
        }
        return r;
}
