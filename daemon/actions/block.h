/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The block list as the daemon has it done: the keeper drops the SYNs of blocked sources to the
 * flooded ports, and what limited ones send beyond their rate (privileged/nft_block.h); here it is kept which ports
 * these are, and made anew what went with a keeper.
 */

#include <stdint.h>

#include <jansson.h>

#include "core/block_policy.h"
#include "privileged/client.h"

enum { BLOCK_LIST_MAX = 2000 }; /* entries told */

struct block;

/* privileged must outlive it. -ENOMEM. */
int block_new(struct privileged *privileged, struct block **ret);
struct block *block_free(struct block *b);

/* Errors, *ret_reason and what an entry must be as of privileged_block(). */
int block_add(struct block *b, const struct privileged_entry *e, const char **ret_reason);
/* 0 also when the kernel has let it go already. */
int block_remove(struct block *b, const struct privileged_entry *e, const char **ret_reason);

/* Ports for which the drops hold, besides those before; and none any more. Nothing is dropped for
 * a port before the first entry is made. */
int block_add_ports(struct block *b, const uint16_t *ports, uint32_t count, const char **ret_reason);
int block_clear_ports(struct block *b, const char **ret_reason);

/* Before each step: where there is another keeper, what was made of ports and of the policy's
 * entries is made anew, in several steps if it is much. 1: now all of it is; 0: nothing is to be
 * done, or not all is. -EPIPE: there is no keeper any more, and nothing is blocked. */
int block_follow(struct block *b, const struct block_policy *p, uint64_t now_us, const char **ret_reason);

/* What is blocked: an array of { address or prefix, limit_per_s, since, remaining_s, reason }, at most
 * BLOCK_LIST_MAX. NULL: no memory. */
json_t *block_list_json(const struct block_policy *p, uint64_t now_us);
