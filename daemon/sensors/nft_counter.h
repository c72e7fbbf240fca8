/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reads a named counter of nftables: the number of all SYNs, exact whatever
 * the packet log samples or loses.
 *
 * By its own netlink message rather than through libnftables, which takes
 * 0.3 ms for it (its cache of the whole rule set): this takes some 10 µs, so
 * that every tick can afford it. Needs CAP_NET_ADMIN, not the table's ownership.
 */

#include <stdint.h>

#include <linux/netlink.h>

struct nft_counter;

/* Of the inet family; the names (static text) must be shorter than 32 bytes.
 * Errors as netlink_open(). */
int nft_counter_new(const char *table, const char *name, struct nft_counter **ret);
struct nft_counter *nft_counter_free(struct nft_counter *c);
/* -ENOENT: no such counter (any more), -EBADMSG: the answer has none in it; others as
 * netlink_transact(). */
int nft_counter_read(struct nft_counter *c, uint64_t *ret_packets);

/* One answer of the kernel; for tests and fuzzers. -EBADMSG. */
int nft_counter_parse(const struct nlmsghdr *h, uint64_t *ret_packets);
