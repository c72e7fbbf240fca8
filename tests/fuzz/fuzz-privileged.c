/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The bytes are what came over the pair: a request to the keeper, an answer to the daemon. */

#include <stdlib.h>
#include <string.h>

#include "privileged/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_request(const struct message_request *m) {
        if (m->sequence == 0 || m->operation == MESSAGE_HELLO || m->operation >= MESSAGE_OPERATIONS)
                abort();
        if (m->operation == MESSAGE_BLOCK || m->operation == MESSAGE_UNBLOCK)
                for (uint32_t i = 0; i < m->entries.count; i++) {
                        struct prefix p = { .length = (uint8_t) m->entries.list[i].length }, again;
                        char text[ADDRESS_TEXT_MAX];

                        /* What nftables is told is this prefix and nothing else. */
                        if (i >= MESSAGE_ENTRIES_MAX || m->entries.list[i].limit_per_s > MESSAGE_LIMIT_MAX ||
                            m->entries.list[i].length > ADDRESS_BITS)
                                abort();
                        memcpy(p.address.bytes, m->entries.list[i].address, sizeof p.address.bytes);
                        if (prefix_parse(prefix_format(&p, text), &again) < 0 || again.length != p.length ||
                            !address_equal(&again.address, &p.address))
                                abort();
                }
        if (m->operation == MESSAGE_PORTS && m->ports.count > MESSAGE_PORTS_MAX)
                abort();
        if (m->operation == MESSAGE_SYNCOOKIES && m->syncookies > MESSAGE_COOKIES_MAX)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        /* A copy of the exact size: reading past it is seen. */
        uint8_t *copy = malloc(size ? size : 1);
        struct message_request request;
        struct message_reply reply;

        if (!copy)
                return 0;
        memcpy(copy, data, size);
        if (message_request_check(copy, size) == 0) {
                memcpy(&request, copy, sizeof request);
                look_at_request(&request);
        }
        if (message_reply_check(copy, size) == 0) {
                memcpy(&reply, copy, sizeof reply);
                if (strlen(reply.reason) >= sizeof reply.reason || reply.result > 0 || reply.generation == 0)
                        abort();
        }
        free(copy);
        return 0;
}
