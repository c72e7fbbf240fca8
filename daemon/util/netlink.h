/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A netlink request and its answers, over libmnl.
 *
 * netlink_transact() sends one request and hands every answer to a parser
 * until the kernel says that it is done, acknowledges, or refuses. Port and
 * sequence are checked, a dump that the kernel calls interrupted
 * (NLM_F_DUMP_INTR) is read to its end and asked for again, a bounded number
 * of times. Answers that an earlier, failed transaction left behind are
 * skipped. Nothing waits for ever: the real kernel's receive has a time-out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

enum {
        /* inet_diag fills messages up to what the reader's buffer takes, 32 KiB at most
         * (netlink_recvmsg(), net/netlink/af_netlink.c). */
        NETLINK_BUFFER_SIZE = 65536,
        NETLINK_RESTARTS_MAX = 4,
        NETLINK_TIMEOUT_US = 2000000,
};

/* The kernel's side, so that tests can play it. close may be NULL. */
struct netlink_kernel {
        void *context;
        uint32_t port; /* our port, that the answers carry */
        /* Both return a number of bytes or -errno; receive returns -EAGAIN on time-out. */
        ssize_t (*send)(void *context, const void *message, size_t length);
        ssize_t (*receive)(void *context, void *buffer, size_t size);
        void (*close)(void *context);
};

/* mnl_nlmsg_ok(3) compares lengths as int, and takes one of 2 GiB and more for negative. */
static inline bool netlink_message_ok(const struct nlmsghdr *m, int left) {
        return mnl_nlmsg_ok(m, left) && m->nlmsg_len <= (uint32_t) left;
}

/* Whole messages, at least one, and nothing else: what mnl_cb_run(3) may be given, which compares so too. */
static inline bool netlink_buffer_ok(const void *buffer, size_t length) {
        const struct nlmsghdr *m = buffer;
        int left = (int) length;

        while (netlink_message_ok(m, left))
                m = mnl_nlmsg_next(m, &left);
        return left <= 0 && length > 0;
}

struct netlink;

/* What netlink_transact() does with the answers. A NULL begin or parse does nothing. */
struct netlink_parser {
        /* Called before the first answer, and again when a dump restarts: forget what came. */
        void (*begin)(void *data);
        /* One message, whose nlmsg_len lies within the buffer; its payload is unchecked.
         * 0, or -errno to give up: the dump is read to its end and the error returned. */
        int (*parse)(const struct nlmsghdr *message, void *data);
        void *data;
};

/* A socket of the given bus (NETLINK_SOCK_DIAG, …). Also -errno of socket(2), bind(2). */
int netlink_open(int bus, struct netlink **ret);
/* The same over a kernel of the caller's; takes over its context on success. -ENOMEM. */
int netlink_new(const struct netlink_kernel *kernel, struct netlink **ret);
struct netlink *netlink_free(struct netlink *n);

/*
 * Fills in the request's sequence and port, sends it, reads the answers.
 * 0: a dump that ended or an acknowledgement. Errors: what the kernel
 * answered; -EINTR: interrupted at every one of NETLINK_RESTARTS_MAX + 1
 * tries; -EAGAIN: time-out; -EPROTO: a message that is none; the parser's.
 */
int netlink_transact(struct netlink *n, struct nlmsghdr *request, const struct netlink_parser *parser);
