/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * `table inet synward`, shared by what is put into it. Only the keeper has one.
 *
 * The table has `flags owner`: it belongs to the netlink socket that made it,
 * the kernel removes it when that socket closes, also after SIGKILL, and no
 * one else can change it meanwhile. So there is one socket, and this is it.
 */

struct nft_table;

/* Touches nothing in the kernel yet. -ENOMEM. */
int nft_table_new(struct nft_table **ret);
/* Removes the table, if it was made. */
struct nft_table *nft_table_free(struct nft_table *t);

/* Makes the table unless that is done. On failure *ret_reason names the cause (static text):
 * -EEXIST: there is a table of that name that is not ours, -EPERM: no privilege,
 * -EOPNOTSUPP: the kernel's nf_tables lacks something, -ENOMEM. */
int nft_table_open(struct nft_table *t, const char **ret_reason);

/* Commands as nft(8) takes them, in one transaction. Errors as above, and -ENOBUFS: too long;
 * -EIO: refused for another reason. */
__attribute__((format(printf, 3, 4))) int nft_table_run(struct nft_table *t, const char **ret_reason,
                                                        const char *format, ...);
