/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/time_text.h"

#define DROP "tcp dport @blocked_ports tcp flags & (fin | syn | rst | ack) == syn " \
             "counter name " BLOCK_COUNTER " drop"

struct block {
        struct nft_table *table;
        bool made;
        uint8_t ports[65536 / 8]; /* in the kernel's set */
        bool any_port;
};

int block_new(struct nft_table *table, struct block **ret) {
        struct block *b = calloc(1, sizeof *b);

        if (!b)
                return -ENOMEM;
        b->table = table;
        *ret = b;
        return 0;
}

struct block *block_free(struct block *b) {
        free(b);
        return NULL;
}

static int make(struct block *b, const char **ret_reason) {
        int r;

        if (b->made)
                return 0;
        r = nft_table_open(b->table, ret_reason);
        if (r < 0)
                return r;
        r = nft_table_run(b->table, ret_reason,
                          "add counter inet synward " BLOCK_COUNTER "\n"
                          "add set inet synward blocked4 { type ipv4_addr; flags interval, timeout; }\n"
                          "add set inet synward blocked6 { type ipv6_addr; flags interval, timeout; }\n"
                          "add set inet synward blocked_ports { type inet_service; }\n"
                          "add chain inet synward block "
                          "{ type filter hook prerouting priority raw - 1; policy accept; }\n"
                          "add rule inet synward block ip saddr @blocked4 " DROP "\n"
                          "add rule inet synward block ip6 saddr @blocked6 " DROP "\n"
                          "add chain inet synward block_input "
                          "{ type filter hook input priority raw - 1; policy accept; }\n"
                          "add rule inet synward block_input ip saddr @blocked4 " DROP "\n"
                          "add rule inet synward block_input ip6 saddr @blocked6 " DROP "\n");
        b->made = r == 0;
        return r;
}

static const char *set_of(const struct prefix *p) {
        return address_is_ipv4(&p->address) ? "blocked4" : "blocked6";
}

int block_add(struct block *b, const struct prefix *p, uint64_t timeout_us, const char **ret_reason) {
        char text[ADDRESS_TEXT_MAX];
        int r = make(b, ret_reason);

        if (r < 0)
                return r;
        return nft_table_run(b->table, ret_reason,
                             "add element inet synward %s { %s timeout %" PRIu64 "ms }", set_of(p),
                             prefix_format(p, text), timeout_us / 1000);
}

int block_remove(struct block *b, const struct prefix *p, const char **ret_reason) {
        char text[ADDRESS_TEXT_MAX];
        int r;

        if (!b->made)
                return 0;
        r = nft_table_run(b->table, ret_reason, "delete element inet synward %s { %s }", set_of(p),
                          prefix_format(p, text));
        /* "No such file or directory": its time was over. */
        return r == -EOPNOTSUPP || r == -EIO ? 0 : r;
}

int block_add_ports(struct block *b, const uint16_t *ports, uint32_t count, const char **ret_reason) {
        for (uint32_t i = 0; i < count && b->made; i++) {
                uint8_t *byte = &b->ports[ports[i] / 8], bit = (uint8_t) (1u << ports[i] % 8);
                int r;

                if (*byte & bit)
                        continue;
                r = nft_table_run(b->table, ret_reason, "add element inet synward blocked_ports { %u }", ports[i]);
                if (r < 0)
                        return r;
                *byte |= bit;
                b->any_port = true;
        }
        return 0;
}

int block_clear_ports(struct block *b, const char **ret_reason) {
        int r;

        if (!b->any_port)
                return 0;
        r = nft_table_run(b->table, ret_reason, "flush set inet synward blocked_ports");
        if (r < 0)
                return r;
        memset(b->ports, 0, sizeof b->ports);
        b->any_port = false;
        return 0;
}

static json_t *entry_json(const struct block_entry *e, uint64_t now_us) {
        uint64_t left_us = e->until_us > now_us ? e->until_us - now_us : 0;
        char name[ADDRESS_TEXT_MAX], since[TIME_TEXT_MAX];
        bool one = e->prefix.length == ADDRESS_BITS;

        prefix_format(&e->prefix, name);
        return json_pack("{s:s?, s:s?, s:s, s:f, s:s}", "address", one ? name : NULL,
                         "prefix", one ? NULL : name,
                         "since", time_text_format(e->since_realtime_us, since),
                         "remaining_s", (double) (left_us / 100000) / 10,
                         "reason", e->reason);
}

json_t *block_list_json(const struct block_policy *p, uint64_t now_us) {
        json_t *array = json_array();

        for (uint32_t i = 0; array && i < block_policy_count(p) && i < BLOCK_LIST_MAX; i++)
                json_array_append_new(array, entry_json(block_policy_entry(p, i), now_us));
        return array;
}
