/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileged/nft_block.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/block_policy.h"

#define DROP "tcp dport @blocked_ports tcp flags & (fin | syn | rst | ack) == syn " \
             "counter name " BLOCK_COUNTER " drop"

enum { LINE_MAX_BYTES = 120 };

static int make(struct nft_block *b, const char **ret_reason) {
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

static const char *format(const struct message_entry *e, char text[static ADDRESS_TEXT_MAX], const char **ret_set) {
        struct prefix p = { .length = (uint8_t) e->length };

        memcpy(p.address.bytes, e->address, sizeof p.address.bytes);
        *ret_set = address_is_ipv4(&p.address) ? "blocked4" : "blocked6";
        return prefix_format(&p, text);
}

int nft_block_add(struct nft_block *b, const struct message_entry *list, uint32_t count, const char **ret_reason) {
        char commands[MESSAGE_ENTRIES_MAX * LINE_MAX_BYTES], text[ADDRESS_TEXT_MAX];
        size_t used = 0;
        int r = make(b, ret_reason);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < count; i++) {
                const char *set, *name = format(&list[i], text, &set);

                used += (size_t) snprintf(commands + used, sizeof commands - used,
                                          "add element inet synward %s { %s timeout %ums }\n", set, name,
                                          list[i].timeout_ms);
                if (used >= sizeof commands)
                        return -ENOBUFS;
        }
        return nft_table_run(b->table, ret_reason, "%s", commands);
}

int nft_block_remove(struct nft_block *b, const struct message_entry *list, uint32_t count,
                     const char **ret_reason) {
        char text[ADDRESS_TEXT_MAX];

        for (uint32_t i = 0; i < count && b->made; i++) {
                const char *set, *name = format(&list[i], text, &set);
                int r = nft_table_run(b->table, ret_reason, "delete element inet synward %s { %s }", set, name);

                /* "No such file or directory": its time was over. */
                if (r < 0 && r != -EOPNOTSUPP && r != -EIO)
                        return r;
        }
        return 0;
}

int nft_block_add_ports(struct nft_block *b, const uint16_t *ports, uint32_t count, const char **ret_reason) {
        char list[MESSAGE_PORTS_MAX * sizeof "65535,"] = "";
        size_t used = 0;
        int r = make(b, ret_reason);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < count && used < sizeof list; i++)
                used += (size_t) snprintf(list + used, sizeof list - used, "%s%u", i ? "," : "", ports[i]);
        return nft_table_run(b->table, ret_reason, "add element inet synward blocked_ports { %s }", list);
}

int nft_block_clear_ports(struct nft_block *b, const char **ret_reason) {
        return b->made ? nft_table_run(b->table, ret_reason, "flush set inet synward blocked_ports") : 0;
}
