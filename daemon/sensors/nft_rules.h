/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Our own `table inet synward`: a counter of every SYN that comes in, then the
 * packet log.
 *
 * The table has `flags owner`: it belongs to the netlink socket that made it,
 * the kernel removes it when that socket closes, also after SIGKILL, and no
 * one else can change it meanwhile. The hook is prerouting at priority raw,
 * before connection tracking; what is forwarded and what arrives on lo counts
 * too. Counter and rules see a packet before any other table can drop it.
 */

#include <stdint.h>

struct nft_rules;

/* Logs every SYN to the group. On failure *ret_reason names the cause (static text):
 * -EEXIST: there is a table of that name that is not ours, -EPERM: no privilege,
 * -EOPNOTSUPP: the kernel's nf_tables lacks something, -ENOMEM. */
int nft_rules_new(uint16_t group, uint32_t copy_range, struct nft_rules **ret,
                  const char **ret_reason);
/* Removes the table. */
struct nft_rules *nft_rules_free(struct nft_rules *n);

/*
 * Replaces the rules in one transaction, the counter untouched (it is read by nft_counter.h).
 * by_packet 1: every SYN is logged; more: one SYN in by_packet at random, and every SYN of one
 * address in by_source, chosen by a hash with that seed; prefixes as in nflog_parse.h. An address
 * can carry any share of a flood, so the second sample is limited to max_per_s messages. */
int nft_rules_sample(struct nft_rules *n, uint32_t by_packet, uint32_t by_source, uint32_t seed,
                     uint32_t max_per_s);
