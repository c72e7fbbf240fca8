/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reads named counters of nftables: the number of all SYNs, exact whatever
 * the packet log samples or loses.
 *
 * By its own netlink message rather than through libnftables, which takes
 * 0.3 ms for it (its cache of the whole rule set): this takes some 10 µs, so
 * that every tick can afford it. Needs CAP_NET_ADMIN, not the table's ownership.
 */

#include <stdint.h>

#include <linux/netlink.h>

struct nft_counters;

/* Counters of the inet family's table, whose name (static text) must be shorter than 32 bytes.
 * Errors as netlink_open(). */
int nft_counters_new(const char *table, struct nft_counters **ret);
struct nft_counters *nft_counters_free(struct nft_counters *c);
/* name: shorter than 32 bytes. -ENOENT: no such counter (any more), -EBADMSG: the answer has none
 * in it; others as netlink_transact(). */
int nft_counters_read(struct nft_counters *c, const char *name, uint64_t *ret_packets);

/* One answer of the kernel; for tests and fuzzers. -EBADMSG. */
int nft_counter_parse(const struct nlmsghdr *h, uint64_t *ret_packets);
