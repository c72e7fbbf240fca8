/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Netlink's framing on a kernel that means ill: answers of several messages and datagrams, cut, in
 * error, interrupted. The first byte says whether a dump is asked for; behind it the datagrams, each
 * behind two bytes of its length, low one first. A sequence of 0 is the request's, 0xffffffff the
 * one's before; a port of 0 is ours. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/netlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PORT = 4711, GIVES_UP = 0xee };

struct kernel {
        const uint8_t *data;
        size_t left;
        uint32_t sequence;
        unsigned sent, begun;
        const char *datagram; /* the last one, as it was received */
        size_t length;
        bool ended; /* there was an end, or an error, of this request */
};

static volatile uint8_t seen;

static ssize_t on_send(void *context, const void *message, size_t length) {
        struct kernel *k = context;
        const struct nlmsghdr *m = message;

        if (length != m->nlmsg_len || ++k->sent > NETLINK_RESTARTS_MAX + 1)
                abort();
        k->sequence = m->nlmsg_seq;
        k->ended = false;
        return (ssize_t) length;
}

/* What a sequence and a port cannot be known to be before. */
static void address_messages(struct kernel *k, char *buffer, size_t length) {
        size_t at = 0;

        while (length - at >= sizeof(struct nlmsghdr)) {
                struct nlmsghdr m;

                memcpy(&m, buffer + at, sizeof m);
                m.nlmsg_seq += k->sequence;
                if (m.nlmsg_pid == 0)
                        m.nlmsg_pid = PORT;
                memcpy(buffer + at, &m, sizeof m);
                if (m.nlmsg_len < sizeof m || m.nlmsg_len > length - at)
                        break;
                if (m.nlmsg_seq == k->sequence && (m.nlmsg_type == NLMSG_DONE || m.nlmsg_type == NLMSG_ERROR))
                        k->ended = true;
                at += NLMSG_ALIGN(m.nlmsg_len) < length - at ? NLMSG_ALIGN(m.nlmsg_len) : length - at;
        }
}

static ssize_t on_receive(void *context, void *buffer, size_t size) {
        struct kernel *k = context;
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

static void on_begin(void *data) {
        ((struct kernel *) data)->begun++;
}

static int on_message(const struct nlmsghdr *message, void *data) {
        struct kernel *k = data;
        size_t at = (size_t) ((const char *) message - k->datagram);
        const uint8_t *payload = mnl_nlmsg_get_payload(message);
        size_t length = mnl_nlmsg_get_payload_len(message);

        if (k->begun != k->sent || at > k->length || message->nlmsg_len < sizeof *message ||
            message->nlmsg_len > k->length - at)
                abort();
        if (message->nlmsg_type < NLMSG_MIN_TYPE || message->nlmsg_seq != k->sequence ||
            message->nlmsg_pid != PORT || (message->nlmsg_flags & NLM_F_DUMP_INTR))
                abort();
        for (size_t i = 0; i < length; i++)
                seen ^= payload[i];
        return length > 0 && payload[0] == GIVES_UP ? -EBADMSG : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct kernel k;
        static struct netlink *n;
        const struct netlink_kernel kernel = { .context = &k, .port = PORT, .send = on_send, .receive = on_receive };
        const struct netlink_parser parser = { .begin = on_begin, .parse = on_message, .data = &k };
        _Alignas(struct nlmsghdr) char buffer[64];
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        int r;

        if (size < 1 || (!n && netlink_new(&kernel, &n) < 0))
                return 0;
        request->nlmsg_type = NLMSG_MIN_TYPE;
        request->nlmsg_flags = (uint16_t) (NLM_F_REQUEST | (data[0] & 1 ? NLM_F_DUMP : NLM_F_ACK));
        k = (struct kernel) { .data = data + 1, .left = size - 1 };
        r = netlink_transact(n, request, &parser);
        if (r > 0 || k.begun != k.sent || (r == 0 && !k.ended))
                abort();
        return 0;
}
