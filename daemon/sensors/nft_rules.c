/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/nft_rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nftables/libnftables.h>

#define SYN "tcp flags & (fin | syn | rst | ack) == syn"

enum { COMMAND_MAX = 2048 };

struct nft_rules {
        struct nft_ctx *nft; /* its socket owns the table */
        bool made;
        uint16_t group;
        uint32_t copy_range;
};

/* libnftables tells what went wrong only in words. */
static const struct {
        const char *words;
        int error;
        const char *reason;
} failures[] = {
        { "Operation not permitted", -EPERM, "nftables needs CAP_NET_ADMIN" },
        { "File exists", -EEXIST, "there is a table inet synward that is not ours" },
        { "Device or resource busy", -EEXIST, "there is a table inet synward that is not ours" },
        { "Operation not supported", -EOPNOTSUPP, "this kernel's nf_tables lacks what the rules need" },
        { "Protocol not supported", -EOPNOTSUPP, "this kernel has no nf_tables" },
        { "No such file or directory", -EOPNOTSUPP, "this kernel's nf_tables lacks what the rules need" },
};

static int failure(const struct nft_rules *n, const char **ret_reason) {
        const char *text = nft_ctx_get_error_buffer(n->nft);

        for (size_t i = 0; text && i < sizeof failures / sizeof *failures; i++)
                if (strstr(text, failures[i].words)) {
                        *ret_reason = failures[i].reason;
                        return failures[i].error;
                }
        *ret_reason = "nftables refused the rules";
        return -EIO;
}

__attribute__((format(printf, 3, 4)))
static int run(struct nft_rules *n, const char **ret_reason, const char *format, ...) {
        char command[COMMAND_MAX];
        va_list ap;
        int length;

        va_start(ap, format);
        length = vsnprintf(command, sizeof command, format, ap);
        va_end(ap);
        if (length < 0 || (size_t) length >= sizeof command)
                return -ENOBUFS;
        if (nft_run_cmd_from_buffer(n->nft, command) != 0)
                return failure(n, ret_reason);
        return 0;
}

static int make_table(struct nft_rules *n, const char **ret_reason) {
        /* `create`, so that an equal table of somebody else is refused and not taken over. */
        return run(n, ret_reason,
                   "create table inet synward { flags owner; }\n"
                   "add counter inet synward syns\n"
                   "add chain inet synward log_all\n"
                   "add chain inet synward prerouting "
                   "{ type filter hook prerouting priority raw; policy accept; }\n"
                   "add rule inet synward prerouting " SYN " counter name syns jump log_all\n"
                   "add rule inet synward log_all log group %u snaplen %u\n",
                   n->group, n->copy_range);
}

int nft_rules_new(uint16_t group, uint32_t copy_range, struct nft_rules **ret,
                  const char **ret_reason) {
        struct nft_rules *n = calloc(1, sizeof *n);
        int r;

        *ret_reason = "out of memory";
        if (!n)
                return -ENOMEM;
        n->group = group;
        n->copy_range = copy_range;
        n->nft = nft_ctx_new(NFT_CTX_DEFAULT);
        if (!n->nft || nft_ctx_buffer_output(n->nft) || nft_ctx_buffer_error(n->nft)) {
                nft_rules_free(n);
                return -ENOMEM;
        }
        r = make_table(n, ret_reason);
        if (r < 0) {
                nft_rules_free(n);
                return r;
        }
        n->made = true;
        *ret_reason = NULL;
        *ret = n;
        return 0;
}

struct nft_rules *nft_rules_free(struct nft_rules *n) {
        if (!n)
                return NULL;
        if (n->nft) {
                if (n->made)
                        (void) nft_run_cmd_from_buffer(n->nft, "delete table inet synward");
                nft_ctx_free(n->nft);
        }
        free(n);
        return NULL;
}

int nft_rules_sample(struct nft_rules *n, uint32_t by_packet, uint32_t by_source, uint32_t seed,
                     uint32_t max_per_s) {
        const char *unused;

        if (by_packet <= 1)
                return run(n, &unused,
                           "flush chain inet synward log_all\n"
                           "add rule inet synward log_all log group %u snaplen %u\n",
                           n->group, n->copy_range);
        return run(n, &unused,
                   "flush chain inet synward log_all\n"
                   "add rule inet synward log_all numgen random mod %u == 0 "
                   "log prefix \"p%u\" group %u snaplen %u\n"
                   "add rule inet synward log_all meta nfproto ipv4 "
                   "jhash ip saddr mod %u seed 0x%x == 0 limit rate %u/second burst %u packets "
                   "log prefix \"s%u\" group %u snaplen %u\n"
                   "add rule inet synward log_all meta nfproto ipv6 "
                   "jhash ip6 saddr mod %u seed 0x%x == 0 limit rate %u/second burst %u packets "
                   "log prefix \"s%u\" group %u snaplen %u\n",
                   by_packet, by_packet, n->group, n->copy_range,
                   by_source, seed, max_per_s, max_per_s, by_source, n->group, n->copy_range,
                   by_source, seed, max_per_s, max_per_s, by_source, n->group, n->copy_range);
}
