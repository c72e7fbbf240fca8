/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileged/nft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nftables/libnftables.h>

enum { COMMAND_MAX = 8192 };

struct nft_table {
        struct nft_ctx *nft; /* its socket owns the table; NULL: not yet needed */
        bool made;
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

static int failure(const struct nft_table *t, const char **ret_reason) {
        const char *text = nft_ctx_get_error_buffer(t->nft);

        for (size_t i = 0; text && i < sizeof failures / sizeof *failures; i++)
                if (strstr(text, failures[i].words)) {
                        *ret_reason = failures[i].reason;
                        return failures[i].error;
                }
        *ret_reason = "nftables refused the rules";
        return -EIO;
}

int nft_table_new(struct nft_table **ret) {
        struct nft_table *t = calloc(1, sizeof *t);

        if (!t)
                return -ENOMEM;
        *ret = t;
        return 0;
}

struct nft_table *nft_table_free(struct nft_table *t) {
        if (!t)
                return NULL;
        if (t->made)
                (void) nft_run_cmd_from_buffer(t->nft, "delete table inet synward");
        if (t->nft)
                nft_ctx_free(t->nft);
        free(t);
        return NULL;
}

/* libnftables keeps what it read of the ruleset until it reads it again, some 650 KiB
 * for every table of the host. It lets go of it after a dry run. */
static void forget_ruleset(struct nft_table *t) {
        nft_ctx_set_dry_run(t->nft, true);
        (void) nft_run_cmd_from_buffer(t->nft, "add table inet synward");
        nft_ctx_set_dry_run(t->nft, false);
}

int nft_table_run(struct nft_table *t, const char **ret_reason, const char *format, ...) {
        char command[COMMAND_MAX];
        va_list ap;
        int length;

        va_start(ap, format);
        length = vsnprintf(command, sizeof command, format, ap);
        va_end(ap);
        if (length < 0 || (size_t) length >= sizeof command) {
                *ret_reason = "too much for one command";
                return -ENOBUFS;
        }
        if (nft_run_cmd_from_buffer(t->nft, command) != 0)
                return failure(t, ret_reason);
        forget_ruleset(t);
        return 0;
}

int nft_table_open(struct nft_table *t, const char **ret_reason) {
        int r;

        if (t->made)
                return 0;
        *ret_reason = "out of memory";
        if (!t->nft) {
                t->nft = nft_ctx_new(NFT_CTX_DEFAULT);
                if (!t->nft)
                        return -ENOMEM;
                if (nft_ctx_buffer_output(t->nft) || nft_ctx_buffer_error(t->nft)) {
                        nft_ctx_free(t->nft);
                        t->nft = NULL;
                        return -ENOMEM;
                }
        }
        /* `create`, so that an equal table of somebody else is refused and not taken over. */
        r = nft_table_run(t, ret_reason, "create table inet synward { flags owner; }\n");
        if (r == -EIO || r == -EOPNOTSUPP) /* older kernels call the flag invalid */
                *ret_reason = "this kernel has no tables that go with their owner: it takes Linux 5.12 or later";
        t->made = r == 0;
        return r;
}
