/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's side of the keeper (keeper.h): what needs CAP_NET_ADMIN, as functions.
 *
 * Each call waits for the answer, but not for long: -ETIMEDOUT. What the keeper has not begun by
 * then it will not do (deadline.h); what it has begun it may yet finish. No other request is sent
 * before the late answer has come, and calls fail at once meanwhile (-EAGAIN), so that a keeper
 * that hangs costs one wait and not one for every tick. -ESTALE: the keeper is another one than
 * at the last call, and has neither table, rules nor block list: make them anew. -EPIPE: there is
 * none any more, and will be none. Others are what the keeper found. *ret_reason, of a failure: words, good until
 * the next call.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"

struct privileged;

/* fd: of launcher_start(), taken over on success; -1: there is no keeper. -ENOMEM. */
int privileged_new(int fd, struct privileged **ret);
/* The keeper ends. */
struct privileged *privileged_free(struct privileged *p);

/* The number of the keeper, 0 before it said one. What was made under another number is gone. */
uint32_t privileged_generation(struct privileged *p);
bool privileged_is_gone(const struct privileged *p);
/* Our end of the pair, -1 without one; it stays p's. */
int privileged_fd(const struct privileged *p);

/* Makes `table inet synward`, if that is not done. -EEXIST: there is one that is not ours, -EPERM,
 * -EOPNOTSUPP: the kernel lacks something. */
int privileged_make_table(struct privileged *p, const char **ret_reason);

/* The rules that count and log SYNs; errors as of the table. See nft_rules.h. */
int privileged_make_rules(struct privileged *p, uint16_t group, uint32_t copy_range, const char **ret_reason);
void privileged_remove_rules(struct privileged *p);
int privileged_sample(struct privileged *p, uint32_t by_packet, uint32_t by_source, uint32_t seed, uint32_t max_per_s);

/* A socket bound to the NFLOG group. -EBUSY: the group has an owner, -EPERM, -EPROTONOSUPPORT. */
int privileged_open_log(struct privileged *p, uint16_t group, uint32_t copy_range, int *ret_fd,
                        const char **ret_reason);
/* The socket of ended connections, with a large buffer; see util/ends_socket.h. */
int privileged_open_ends(struct privileged *p, int *ret_fd);

/* What the rules have counted since they were made. */
struct privileged_counts {
        uint64_t syns;
        uint64_t arrived, forwarded; /* if they were asked for */
        bool elsewhere_known;        /* whether both are */
};
/* elsewhere: the last two as well. -ENOENT: no such counters. */
int privileged_read_counts(struct privileged *p, bool elsewhere, struct privileged_counts *ret);
/* SYNs that the block list, limits too, has dropped since it was made; 0 before it was. */
int privileged_read_blocked(struct privileged *p, uint64_t *ret);

struct privileged_entry {
        struct prefix prefix;
        uint64_t timeout_us;
        uint32_t limit_per_s; /* SYNs that pass; 0: none. Of all that are limited the same at a time */
};
/* No entry may lie within another one, but a blocked one in one that is limited. */
int privileged_block(struct privileged *p, const struct privileged_entry *list, uint32_t count,
                     const char **ret_reason);
/* As it was added, the timeout aside. 0 also when the kernel has let it go already. */
int privileged_unblock(struct privileged *p, const struct privileged_entry *entry, const char **ret_reason);
/* Ports for which the drops hold, besides those before; and none any more. */
int privileged_block_ports(struct privileged *p, const uint16_t *ports, uint32_t count, const char **ret_reason);
int privileged_clear_ports(struct privileged *p, const char **ret_reason);

/* net.ipv4.tcp_syncookies: 0, 1 or 2. */
int privileged_write_syncookies(struct privileged *p, uint8_t value);
