/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/hostile-kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static ssize_t on_send(void *context, const void *message, size_t length) {
        struct hostile_kernel *k = context;
        const struct nlmsghdr *m = message;

        if (length != m->nlmsg_len)
                abort();
        k->sent++;
        k->sequence = m->nlmsg_seq;
        k->ended = false;
        return (ssize_t) length;
}

/* What a sequence and a port cannot be known to be before. */
static void address_messages(struct hostile_kernel *k, char *buffer, size_t length) {
        size_t at = 0;

        while (length - at >= sizeof(struct nlmsghdr)) {
                struct nlmsghdr m;

                memcpy(&m, buffer + at, sizeof m);
                m.nlmsg_seq += k->sequence;
                if (m.nlmsg_pid == 0)
                        m.nlmsg_pid = HOSTILE_KERNEL_PORT;
                memcpy(buffer + at, &m, sizeof m);
                if (m.nlmsg_len < sizeof m || m.nlmsg_len > length - at)
                        break;
                if (m.nlmsg_seq == k->sequence && (m.nlmsg_type == NLMSG_DONE || m.nlmsg_type == NLMSG_ERROR))
                        k->ended = true;
                at += NLMSG_ALIGN(m.nlmsg_len) < length - at ? NLMSG_ALIGN(m.nlmsg_len) : length - at;
        }
}

static ssize_t on_receive(void *context, void *buffer, size_t size) {
        struct hostile_kernel *k = context;
        size_t n;

        if (k->left < 2)
                return -EAGAIN;
        n = k->data[0] | (size_t) k->data[1] << 8;
        k->data += 2;
        k->left -= 2;
        if (n > k->left)
                n = k->left;
        if (n > size)
                abort();
        memcpy(buffer, k->data, n);
        k->data += n;
        k->left -= n;
        k->datagram = buffer;
        k->length = n;
        address_messages(k, buffer, n);
        return (ssize_t) n;
}

struct netlink_kernel hostile_kernel(struct hostile_kernel *k) {
        return (struct netlink_kernel) {
                .context = k,
                .port = HOSTILE_KERNEL_PORT,
                .send = on_send,
                .receive = on_receive,
        };
}
