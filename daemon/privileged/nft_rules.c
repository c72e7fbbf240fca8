/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileged/nft_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SYN "tcp flags & (fin | syn | rst | ack) == syn"
#define RST "tcp flags & (fin | syn | rst | ack) == rst"
/* A sample is enough: whoever is sent SYN-ACKs in numbers answers in numbers. */
#define RESETS_PER_S 200
/* The last but the confirmation of new connections (NF_IP_PRI_LAST): what other tables drop at
 * `input` has been dropped. */
#define LAST_AT_INPUT 2147483000

struct nft_rules {
        struct nft_table *table;
        uint16_t group;
        uint32_t copy_range;
};

static int make_rules(struct nft_rules *n, const char **ret_reason) {
        int r = nft_table_open(n->table, ret_reason);

        if (r < 0)
                return r;
        return nft_table_run(n->table, ret_reason,
                             "add counter inet synward arrived\n"
                             "add counter inet synward forwarded\n"
                             "add counter inet synward syns\n"
                             "add chain inet synward log_all\n"
                             "add chain inet synward prerouting "
                             "{ type filter hook prerouting priority raw; policy accept; }\n"
                             "add rule inet synward prerouting " SYN " counter name arrived\n"
                             "add chain inet synward forward "
                             "{ type filter hook forward priority raw; policy accept; }\n"
                             "add rule inet synward forward " SYN " counter name forwarded\n"
                             "add chain inet synward input "
                             "{ type filter hook input priority %d; policy accept; }\n"
                             "add rule inet synward input " SYN " counter name syns jump log_all\n"
                             "add rule inet synward input " RST " limit rate %d/second burst %d packets "
                             "log prefix \"r1\" group %u snaplen %u\n"
                             "add rule inet synward log_all log group %u snaplen %u\n",
                             LAST_AT_INPUT, RESETS_PER_S, RESETS_PER_S, n->group, n->copy_range, n->group,
                             n->copy_range);
}

int nft_rules_new(struct nft_table *table, uint16_t group, uint32_t copy_range, struct nft_rules **ret,
                  const char **ret_reason) {
        struct nft_rules *n = calloc(1, sizeof *n);
        int r;

        *ret_reason = "out of memory";
        if (!n)
                return -ENOMEM;
        n->table = table;
        n->group = group;
        n->copy_range = copy_range;
        r = make_rules(n, ret_reason);
        if (r < 0) {
                free(n);
                return r;
        }
        *ret_reason = NULL;
        *ret = n;
        return 0;
}

struct nft_rules *nft_rules_free(struct nft_rules *n) {
        const char *unused;

        if (!n)
                return NULL;
        (void) nft_table_run(n->table, &unused,
                             "flush chain inet synward prerouting\n"
                             "delete chain inet synward prerouting\n"
                             "flush chain inet synward forward\n"
                             "delete chain inet synward forward\n"
                             "flush chain inet synward input\n"
                             "delete chain inet synward input\n"
                             "flush chain inet synward log_all\n"
                             "delete chain inet synward log_all\n"
                             "delete counter inet synward arrived\n"
                             "delete counter inet synward forwarded\n"
                             "delete counter inet synward syns\n");
        free(n);
        return NULL;
}

int nft_rules_sample(struct nft_rules *n, uint32_t by_packet, uint32_t by_source, uint32_t seed, uint32_t max_per_s) {
        const char *unused;

        if (by_packet <= 1)
                return nft_table_run(n->table, &unused,
                                     "flush chain inet synward log_all\n"
                                     "add rule inet synward log_all log group %u snaplen %u\n",
                                     n->group, n->copy_range);
        return nft_table_run(n->table, &unused,
                             "flush chain inet synward log_all\n"
                             "add rule inet synward log_all numgen random mod %u == 0 "
                             "log prefix \"p%u\" group %u snaplen %u\n"
                             "add rule inet synward log_all meta nfproto ipv4 "
                             "jhash ip saddr mod %u seed 0x%x == 0 limit rate %u/second burst %u packets "
                             "log prefix \"s%u\" group %u snaplen %u\n"
                             "add rule inet synward log_all meta nfproto ipv6 "
                             "jhash ip6 saddr mod %u seed 0x%x == 0 limit rate %u/second burst %u packets "
                             "log prefix \"s%u\" group %u snaplen %u\n",
                             by_packet, by_packet, n->group, n->copy_range, by_source, seed, max_per_s, max_per_s,
                             by_source, n->group, n->copy_range, by_source, seed, max_per_s, max_per_s, by_source,
                             n->group, n->copy_range);
}
