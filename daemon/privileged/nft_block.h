/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The block list in the kernel: two sets with time-outs in our `table inet synward`, a set of
 * ports, and a chain that drops what they hold in prerouting, just ahead of connection tracking;
 * another at input does for ports that are flooded only after a redirection, and for SYNs in
 * fragments. Connections that are there go on. What is dropped is counted by the named counter
 * BLOCK_COUNTER (core/block_policy.h). Sets and chains are made with the first entry, and go with
 * the table.
 *
 * Of a limited entry's SYNs block.limit a second pass in prerouting, by a token bucket that all
 * addresses of its prefix share (`limit` as a set's statement: nft_lookup_eval() runs it for the
 * element that is found, net/netfilter/nft_lookup.c, Linux 5.7). A flood leaves no token to others
 * behind the same address. So one half of them is for first SYNs, and one for those sent again: which
 * they are tells a set of the sequence numbers that were dropped, SYNS_MAX for SYNS_TIMEOUT. A SYN
 * sent again at once is not one, for no TCP does that (RFC 6298: 1 s).
 */

#include <stdint.h>

#include "privileged/message.h"
#include "privileged/nft.h"

struct nft_block {
        struct nft_table *table; /* outlives it */
        bool made;
        uint32_t limit_per_s; /* of the sets of limited ones; 0: they are not made */
};

/* Entries and ports as message_request_check() lets them pass. Errors and *ret_reason as
 * nft_table_run(). Adding what is there is no error; of several entries all are added or none. With another
 * limit than before all that were limited are let go. */
int nft_block_add(struct nft_block *b, const struct message_entry *list, uint32_t count, const char **ret_reason);
/* 0 also when the kernel has let it go already. */
int nft_block_remove(struct nft_block *b, const struct message_entry *list, uint32_t count, const char **ret_reason);
int nft_block_add_ports(struct nft_block *b, const uint16_t *ports, uint32_t count, const char **ret_reason);
int nft_block_clear_ports(struct nft_block *b, const char **ret_reason);
