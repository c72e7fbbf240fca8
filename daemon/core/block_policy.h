/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whom to block: sources or prefixes that are certainly heavy and never finish
 * a handshake. Pure; actions/block.h does it.
 *
 * A new entry needs all of these: block.enabled; a rule wants it at this moment;
 * the diagnosis is flood-concentrated or flood-distributed; at least
 * block.min_rate SYN/s that are certain (estimate less its error); completions
 * are known, and are none to speak of, also by the upper bound of what the
 * sample allows. Never: an address on the allow list, of this host, a gateway,
 * a resolver, one with an established connection, nor a prefix that such an
 * address is in. Where a few addresses of a prefix carry it, they are named
 * and the prefix is not.
 *
 * While the diagnosis is flood-spoofed the addresses are innocents': nothing is
 * blocked, and what is blocked is let go.
 *
 * A blocked source is dropped before its SYNs are counted with the others
 * (OBS_BLOCKED has them); it is let go after block.timeout, and taken again if
 * it goes on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"
#include "core/policy.h"
#include "core/settings.h"

enum {
        BLOCK_CANDIDATES_MAX = 16, /* new ones at a step */
        BLOCK_CHANGES_MAX = 64,
        BLOCK_PROTECTED_MAX = 1024,
        BLOCK_REASON_MAX = 160,
};

/* The named counter of what is dropped, in our table: there once an entry was made. */
#define BLOCK_COUNTER "blocked"

/* Addresses that are never blocked, besides the allow list. */
struct block_protected {
        bool known; /* false: they could not all be found out, so nothing is blocked */
        uint32_t count;
        struct address list[BLOCK_PROTECTED_MAX];
};

struct block_candidate {
        struct prefix prefix;
        double certain_per_s;
        uint32_t half_open;
        bool established; /* false; the caller sets it if there is an established connection */
};

struct block_entry {
        struct prefix prefix;
        uint64_t since_realtime_us;
        uint64_t until_us; /* CLOCK_BOOTTIME */
        char reason[BLOCK_REASON_MAX];
};

enum block_change_type {
        BLOCK_ADDED,
        BLOCK_EXPIRED, /* the kernel has let it go by itself */
        BLOCK_REMOVED, /* before its time */
};

struct block_change {
        enum block_change_type type;
        struct prefix prefix;
        double certain_per_s; /* of BLOCK_ADDED */
        char reason[BLOCK_REASON_MAX];
};

struct block_policy;

/* The settings must outlive it. NULL: no memory. */
struct block_policy *block_policy_new(const struct settings *settings);
struct block_policy *block_policy_free(struct block_policy *b);
/* -ENOMEM: as before, with room for as many entries as before. */
int block_policy_configure(struct block_policy *b, const struct settings *settings);

/* Who could be blocked now; fills at most BLOCK_CANDIDATES_MAX. Most often none. */
uint32_t block_policy_candidates(const struct block_policy *b, const struct observation *o,
                                 const struct decision *d, const struct block_protected *protect,
                                 struct block_candidate ret[static BLOCK_CANDIDATES_MAX]);
/* Takes the candidates in, lets go what is due. Returns how many changes; what does not fit
 * into them is left for the next step. Changes are to be done in their order. */
uint32_t block_policy_step(struct block_policy *b, const struct observation *o,
                           const struct decision *d, const struct block_protected *protect,
                           const struct block_candidate *candidates, uint32_t count,
                           struct block_change ret[static BLOCK_CHANGES_MAX]);
/* An addition that could not be done: it is not on the list any more, and not wanted before
 * retry_us (CLOCK_BOOTTIME). */
void block_policy_forget(struct block_policy *b, const struct prefix *p, uint64_t retry_us);
/* All entries have to go, by the next steps, before anybody is added. why: static text. */
void block_policy_let_go(struct block_policy *b, const char *why);

uint32_t block_policy_count(const struct block_policy *b);
/* index below the count, in no order. */
const struct block_entry *block_policy_entry(const struct block_policy *b, uint32_t index);
