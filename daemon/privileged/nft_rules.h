/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * In our `table inet synward` (privileged/nft.h): counters of SYNs, and the packet log.
 *
 *   arrived    prerouting, priority raw: all that came in, on lo too, before connection
 *              tracking and before any other table can drop it; not what our own block
 *              list dropped (nft_block.h)
 *   forwarded  forward, priority raw: on the way to another host, after DNAT
 *   syns       input, last of all: handed to this host's TCP, after DNAT and firewall,
 *              with the fragments of IPv4 put together (ip_local_deliver(),
 *              net/ipv4/ip_input.c). These are logged: of all others nobody can say that
 *              they were meant for a listener of ours.
 *
 * What arrived and is in neither of the others was dropped on the way, by a firewall, a
 * full conntrack table, or as a martian. Of the RSTs that come in a sample is logged too:
 * who answers a SYN-ACK so did not ask for it.
 */

#include <stdint.h>

#include "privileged/nft.h"

struct nft_rules;

/* Logs every SYN to the group. The table must outlive the rules. Errors as of
 * nft_table_open(). */
int nft_rules_new(struct nft_table *table, uint16_t group, uint32_t copy_range, struct nft_rules **ret,
                  const char **ret_reason);
/* Removes them from the table. */
struct nft_rules *nft_rules_free(struct nft_rules *n);

/*
 * Replaces the rules in one transaction, the counter untouched (it is read by nft_counter.h).
 * by_packet 1: every SYN is logged; more: one SYN in by_packet at random, and every SYN of one
 * address in by_source, chosen by a hash with that seed; prefixes as in nflog_parse.h. An address
 * can carry any share of a flood, so the second sample is limited to max_per_s messages. */
int nft_rules_sample(struct nft_rules *n, uint32_t by_packet, uint32_t by_source, uint32_t seed, uint32_t max_per_s);
