/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Netlink's framing on a kernel that means ill: answers of several messages and datagrams, cut, in
 * error, interrupted. The first byte says whether a dump is asked for; behind it the datagrams, as
 * hostile-kernel.h has them. */

#include <errno.h>
#include <stdlib.h>

#include "tests/fuzz/hostile-kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GIVES_UP = 0xee };

struct reading {
        struct hostile_kernel kernel;
        unsigned begun;
};

static volatile uint8_t seen;

static void on_begin(void *data) {
        ((struct reading *) data)->begun++;
}

static int on_message(const struct nlmsghdr *message, void *data) {
        const struct reading *r = data;
        const struct hostile_kernel *k = &r->kernel;
        size_t at = (size_t) ((const char *) message - k->datagram);
        const uint8_t *payload = mnl_nlmsg_get_payload(message);
        size_t length = mnl_nlmsg_get_payload_len(message);

        if (r->begun != k->sent || at > k->length || message->nlmsg_len < sizeof *message ||
            message->nlmsg_len > k->length - at)
                abort();
        if (message->nlmsg_type < NLMSG_MIN_TYPE || message->nlmsg_seq != k->sequence ||
            message->nlmsg_pid != HOSTILE_KERNEL_PORT || (message->nlmsg_flags & NLM_F_DUMP_INTR))
                abort();
        for (size_t i = 0; i < length; i++)
                seen ^= payload[i];
        return length > 0 && payload[0] == GIVES_UP ? -EBADMSG : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct reading reading;
        static struct netlink *n;
        const struct netlink_kernel kernel = hostile_kernel(&reading.kernel);
        const struct netlink_parser parser = { .begin = on_begin, .parse = on_message, .data = &reading };
        _Alignas(struct nlmsghdr) char buffer[64];
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        int r;

        if (size < 1 || (!n && netlink_new(&kernel, &n) < 0))
                return 0;
        request->nlmsg_type = NLMSG_MIN_TYPE;
        request->nlmsg_flags = (uint16_t) (NLM_F_REQUEST | (data[0] & 1 ? NLM_F_DUMP : NLM_F_ACK));
        reading = (struct reading) { .kernel = { .data = data + 1, .left = size - 1 } };
        r = netlink_transact(n, request, &parser);
        if (r > 0 || reading.kernel.sent > NETLINK_RESTARTS_MAX + 1 || reading.begun != reading.kernel.sent ||
            (r == 0 && !reading.kernel.ended))
                abort();
        return 0;
}
