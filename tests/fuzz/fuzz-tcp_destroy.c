/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The bytes are what a socket gave: events of ended connections, or an answer of nftables. */

#include <stdlib.h>
#include <string.h>

#include "privileged/nft_counter.h"
#include "sensors/tcp_destroy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tcp_destroy *destroy;

static void start(void) {
        static const struct keyed_hash key = { { 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
                                                 0x082efa98ec4e6c89 } };
        static struct obs_listener web = { .key = { .port = 80 } };
        static struct source_table *table;

        if (source_table_new(&key, 0, &table) < 0 || tcp_destroy_new(-1, table, &destroy) < 0)
                abort();
        tcp_destroy_set_listeners(destroy, &web, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        /* A copy of the exact size: reading past it is seen. */
        uint8_t *copy = malloc(size ? size : 1);
        struct tcp_destroy_counts before, after;
        uint64_t packets;

        if (!copy)
                return 0;
        if (!destroy)
                start();
        memcpy(copy, data, size);
        before = tcp_destroy_counts(destroy);
        tcp_destroy_parse(destroy, copy, size);
        after = tcp_destroy_counts(destroy);
        /* No more events than fit. */
        if (after.completed + after.others - before.completed - before.others > size / sizeof(struct nlmsghdr))
                abort();
        if (size >= sizeof(struct nlmsghdr) && ((const struct nlmsghdr *) copy)->nlmsg_len <= size)
                (void) nft_counter_parse((const struct nlmsghdr *) copy, &packets);
        free(copy);
        return 0;
}
