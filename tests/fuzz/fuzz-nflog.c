/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The bytes are what a socket gave: netlink messages, one behind the other. */

#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "sensors/nflog_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        /* A copy of the exact size: reading past it is seen. */
        uint8_t *copy = malloc(size ? size : 1);
        const struct nlmsghdr *h = (const void *) copy;
        size_t left = size;

        if (!copy)
                return 0;
        memcpy(copy, data, size);
        while (left >= sizeof *h && h->nlmsg_len >= sizeof *h && h->nlmsg_len <= left) {
                struct nflog_message m;
                struct syn s;
                size_t step = NLMSG_ALIGN(h->nlmsg_len);

                if (nflog_parse_message(h, &m) == 0 && nflog_parse_packet(m.packet, m.packet_length, &s) == 0) {
                        struct syn_fingerprint f = syn_fingerprint(&s);

                        if (s.options_copied > s.options_length || f.ttl < s.ttl)
                                abort();
                }
                if (step >= left)
                        break;
                h = (const void *) ((const uint8_t *) h + step);
                left -= step;
        }
        free(copy);
        return 0;
}
