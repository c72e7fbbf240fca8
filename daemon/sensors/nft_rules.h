/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * In our `table inet synward` (util/nft.h): a counter of every SYN that comes
 * in, then the packet log.
 *
 * The hook is prerouting at priority raw, before connection tracking; what is
 * forwarded and what arrives on lo counts too. Counter and rules see a packet
 * before any other table can drop it, and do not see what our own block list
 * dropped (actions/block.h).
 */

#include <stdint.h>

#include "util/nft.h"

struct nft_rules;

/* Logs every SYN to the group. The table must outlive the rules. Errors as of
 * nft_table_open(). */
int nft_rules_new(struct nft_table *table, uint16_t group, uint32_t copy_range,
                  struct nft_rules **ret, const char **ret_reason);
/* Removes them from the table. */
struct nft_rules *nft_rules_free(struct nft_rules *n);

/*
 * Replaces the rules in one transaction, the counter untouched (it is read by nft_counter.h).
 * by_packet 1: every SYN is logged; more: one SYN in by_packet at random, and every SYN of one
 * address in by_source, chosen by a hash with that seed; prefixes as in nflog_parse.h. An address
 * can carry any share of a flood, so the second sample is limited to max_per_s messages. */
int nft_rules_sample(struct nft_rules *n, uint32_t by_packet, uint32_t by_source, uint32_t seed,
                     uint32_t max_per_s);
