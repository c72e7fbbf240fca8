/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Drops the SYNs of blocked sources to the flooded ports: two sets with time-outs in our
 * `table inet synward`, a set of ports, and a chain that drops what they hold in prerouting, just
 * ahead of connection tracking; another at input does for ports that are flooded only after
 * a redirection, and for SYNs in fragments. Connections that are there go on.
 * What is dropped is counted by the named counter BLOCK_COUNTER.
 * Sets and chain are made with the first entry, and go with the table.
 */

#include <stdint.h>

#include <jansson.h>

#include "core/block_policy.h"
#include "util/nft.h"

enum { BLOCK_LIST_MAX = 2000 }; /* entries told */

struct block;

/* The table must outlive it. -ENOMEM. */
int block_new(struct nft_table *table, struct block **ret);
struct block *block_free(struct block *b);

/* No entry may lie within another. Errors and *ret_reason as nft_table_run(). */
int block_add(struct block *b, const struct prefix *p, uint64_t timeout_us, const char **ret_reason);
/* 0 also when the kernel has let it go already. */
int block_remove(struct block *b, const struct prefix *p, const char **ret_reason);

/* Ports for which the drops hold, besides those before; and none any more. Nothing is dropped for
 * a port before the first entry is made. */
int block_add_ports(struct block *b, const uint16_t *ports, uint32_t count, const char **ret_reason);
int block_clear_ports(struct block *b, const char **ret_reason);

/* What is blocked: an array of { address or prefix, since, remaining_s, reason }, at most
 * BLOCK_LIST_MAX. NULL: no memory. */
json_t *block_list_json(const struct block_policy *p, uint64_t now_us);
