/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whom to block, and whom to limit: sources or prefixes that are shown to leave handshakes of a
 * flooded listener unfinished. Pure; actions/block.h does it.
 *
 * A new entry needs all of these: block.enabled; a rule wants it at this moment;
 * the diagnosis is flood-concentrated or flood-distributed; at least
 * block.min_rate handshakes a second, at flooded listeners, that are certain (core/culprits.h)
 * and that TCP has taken (what it threw away for its checksum may be anybody's); completions
 * are known, and are none to speak of, also by the upper bound of what the
 * sample allows. And proof that the address is the sender's own, as far as there can be any: the
 * kernel answered it, and half-opens of its grow old; or, where every answer is a cookie,
 * RSTs are seen and none came from there. Never: an address on the allow list, of this host, a
 * gateway, a resolver, one with an established connection, one that has finished a handshake
 * within block.known_for, one that disowned a SYN-ACK by RST, nor a prefix that such an
 * address is in. Of a prefix and what is within it the smallest is taken: not where a few addresses
 * or one narrower prefix carry it.
 *
 * With block.limit, who floods by the same proof, and more of it, and is spared only for being
 * connected or known (or for such a one in the prefix), is limited to that many SYNs a second
 * instead; nobody new while an accept queue was full lately. A flood of known clients is never named
 * concentrated (core/naming.h), so that single addresses of theirs (of IPv6 a /64, one subscriber's)
 * are limited while it is called spoofed as well. A prefix that is limited may hold an address that
 * is blocked; otherwise no entry lies within another. Not told by that: the forged address of a
 * client that is silent.
 *
 * Not told by that: an enemy who forges the address of somebody who never was a client here and never
 * answers a SYN-ACK, not even by RST.
 *
 * While the diagnosis is flood-spoofed the addresses are innocents': nothing is
 * blocked, and what is blocked, and not only limited, is let go.
 *
 * A blocked source is dropped before its SYNs are counted with the others
 * (OBS_BLOCKED has them); it is let go after block.timeout, and taken again if
 * it goes on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/culprits.h"
#include "core/known_clients.h"
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
        bool client; /* known, or somebody in it is: limited at most */
        /* False and 0; the caller sets them: */
        bool established;        /* it has an established connection */
        uint32_t half_open_aged; /* half-opens whose SYN-ACK was sent again: never disowned */
};

/* What a step goes by. */
struct block_scene {
        const struct observation *observation;
        const struct decision *decision;
        const struct culprits *culprits;
        const struct block_protected *protect;
};

struct block_entry {
        struct prefix prefix;
        uint32_t limit_per_s; /* SYNs that it may send all the same; 0: none, it is cut off */
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
        uint32_t limit_per_s; /* of the entry */
        double certain_per_s; /* of BLOCK_ADDED */
        char reason[BLOCK_REASON_MAX];
};

struct block_policy;

/* The settings and clients (those of block.known_for; NULL: none are known) must outlive it. NULL: no
 * memory. */
struct block_policy *block_policy_new(const struct settings *settings, const struct known_clients *clients);
struct block_policy *block_policy_free(struct block_policy *b);
/* -ENOMEM: as before, with room for as many entries as before. */
int block_policy_configure(struct block_policy *b, const struct settings *settings);

/* Who could be blocked now; fills at most BLOCK_CANDIDATES_MAX. Most often none. */
uint32_t block_policy_candidates(struct block_policy *b, const struct block_scene *scene,
                                 struct block_candidate ret[static BLOCK_CANDIDATES_MAX]);
/* Takes the candidates in, lets go what is due. Returns how many changes; what does not fit
 * into them is left for the next step. Changes are to be done in their order. */
uint32_t block_policy_step(struct block_policy *b, const struct block_scene *scene,
                           const struct block_candidate *candidates, uint32_t count,
                           struct block_change ret[static BLOCK_CHANGES_MAX]);
/* An addition that could not be done: it is not on the list any more, and not wanted before
 * retry_us (CLOCK_BOOTTIME). */
void block_policy_forget(struct block_policy *b, const struct prefix *p, uint64_t retry_us);
/* All entries have to go, by the next steps, before anybody is added. why: static text. */
void block_policy_let_go(struct block_policy *b, const char *why);

uint32_t block_policy_count(const struct block_policy *b);
/* Those of them that are limited. */
uint32_t block_policy_limited(const struct block_policy *b);
/* index below the count, in no order. */
const struct block_entry *block_policy_entry(const struct block_policy *b, uint32_t index);
