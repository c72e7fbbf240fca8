/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileged/nft_block.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/block_policy.h"

#define SYN "tcp dport @blocked_ports tcp flags & (fin | syn | rst | ack) == syn "
#define COUNT_DROP "counter name " BLOCK_COUNTER " drop"
#define DROP SYN COUNT_DROP
/* 8,000 dropped SYNs a second are known when they are sent again, after 1 s or, by older systems, 3 s.
 * Full it takes 6.4 MB of the kernel's memory; what is over is taken for a first one each time. */
#define SYNS_MAX "32768"
#define SYNS_TIMEOUT "4s"
/* Sooner than after 0.75 s none is sent again. */
#define AGAIN_RATE "80/minute burst 1 packets"

/* An entry of IPv6 in two sets. */
enum { LINE_MAX_BYTES = 240 };

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

#define LIMIT_SET "{ type %s; flags interval, timeout; limit rate over %u/minute burst %u packets; }\n"

static const char first_limits[] =
        "add set inet synward limited_syns { typeof tcp sport . tcp sequence; "
        "size " SYNS_MAX "; flags dynamic, timeout; timeout " SYNS_TIMEOUT "; }\n"
        "add chain inet synward limit_first\n"
        "add rule inet synward limit_first add @limited_syns { tcp sport . tcp sequence limit rate " AGAIN_RATE " }\n"
        "add rule inet synward limit_first " COUNT_DROP "\n"
        "add chain inet synward limit_again\n"
        "add chain inet synward limited\n"
        "add rule inet synward block " SYN "jump limited\n";

static const char other_limits[] = "flush chain inet synward limited\n"
                                   "flush chain inet synward limit_again\n"
                                   "delete set inet synward limited4\n"
                                   "delete set inet synward limited6\n"
                                   "delete set inet synward again4\n"
                                   "delete set inet synward again6\n";

/* Half of the limit for each kind of SYN. A rate in nftables is whole, so by the minute. */
static int make_limits(struct nft_block *b, uint32_t limit_per_s, const char **ret_reason) {
        uint32_t per_minute = limit_per_s * 60 / 2, burst = limit_per_s > 1 ? limit_per_s / 2 : 1;
        int r;

        if (!limit_per_s || b->limit_per_s == limit_per_s)
                return 0;
        r = nft_table_run(b->table, ret_reason,
                          "%s"
                          "add set inet synward limited4 " LIMIT_SET "add set inet synward limited6 " LIMIT_SET
                          "add set inet synward again4 " LIMIT_SET "add set inet synward again6 " LIMIT_SET
                          "add rule inet synward limited tcp sport . tcp sequence @limited_syns goto limit_again\n"
                          "add rule inet synward limited ip saddr @limited4 goto limit_first\n"
                          "add rule inet synward limited ip6 saddr @limited6 goto limit_first\n"
                          "add rule inet synward limit_again ip saddr @again4 " COUNT_DROP "\n"
                          "add rule inet synward limit_again ip6 saddr @again6 " COUNT_DROP "\n",
                          b->limit_per_s ? other_limits : first_limits, "ipv4_addr", per_minute, burst, "ipv6_addr",
                          per_minute, burst, "ipv4_addr", per_minute, burst, "ipv6_addr", per_minute, burst);
        if (r == 0)
                b->limit_per_s = limit_per_s;
        return r;
}

/* The sets that an entry is in: one, or both of those that limit. */
static unsigned sets_of(const struct message_entry *e, const char *ret[static 2]) {
        static const char *const names[][2] = { { "blocked4", "blocked6" },
                                                { "limited4", "limited6" },
                                                { "again4", "again6" } };
        struct address a;
        unsigned v6;

        memcpy(a.bytes, e->address, sizeof a.bytes);
        v6 = !address_is_ipv4(&a);
        ret[0] = names[e->limit_per_s ? 1 : 0][v6];
        ret[1] = names[2][v6];
        return e->limit_per_s ? 2 : 1;
}

static const char *format(const struct message_entry *e, char text[static ADDRESS_TEXT_MAX]) {
        struct prefix p = { .length = (uint8_t) e->length };

        memcpy(p.address.bytes, e->address, sizeof p.address.bytes);
        return prefix_format(&p, text);
}

int nft_block_add(struct nft_block *b, const struct message_entry *list, uint32_t count, const char **ret_reason) {
        char commands[MESSAGE_ENTRIES_MAX * LINE_MAX_BYTES], text[ADDRESS_TEXT_MAX];
        const char *sets[2];
        size_t used = 0;
        int r = make(b, ret_reason);

        for (uint32_t i = 0; r >= 0 && i < count; i++)
                r = make_limits(b, list[i].limit_per_s, ret_reason);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < count; i++)
                for (unsigned k = 0, n = sets_of(&list[i], sets); k < n; k++) {
                        used += (size_t) snprintf(commands + used, sizeof commands - used,
                                                  "add element inet synward %s { %s timeout %ums }\n", sets[k],
                                                  format(&list[i], text), list[i].timeout_ms);
                        if (used >= sizeof commands)
                                return -ENOBUFS;
                }
        return nft_table_run(b->table, ret_reason, "%s", commands);
}

static int delete_element(struct nft_block *b, const char *set, const char *name, const char **ret_reason) {
        int r = nft_table_run(b->table, ret_reason, "delete element inet synward %s { %s }", set, name);

        /* "No such file or directory": its time was over. */
        return r == -EOPNOTSUPP || r == -EIO ? 0 : r;
}

int nft_block_remove(struct nft_block *b, const struct message_entry *list, uint32_t count, const char **ret_reason) {
        char text[ADDRESS_TEXT_MAX];
        const char *sets[2];

        for (uint32_t i = 0; i < count && b->made; i++)
                for (unsigned k = 0, n = sets_of(&list[i], sets); k < n; k++) {
                        int r = delete_element(b, sets[k], format(&list[i], text), ret_reason);

                        if (r < 0)
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
