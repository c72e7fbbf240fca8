/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who is shown to leave handshakes of a flooded listener unfinished: addresses and prefixes,
 * with a lower bound of how many. What is not shown is nobody's: an address that sends to
 * another listener, or finishes, or whose SYNs are only estimated, is not in the list.
 *
 * A known client (OBS_S_CLIENT) is: it may have been forged. It carries no name and is never
 * blocked.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"

/* As many bots as one prefix, one rack or one person has. */
enum { CULPRITS_FEW = 16 };
/* Half-opens of one address that are more than loss leaves of hundreds of clients behind it. */
enum { CULPRITS_HALF_OPENS = 16 };

struct culprit {
        struct prefix prefix;
        double syn_per_s;        /* for sure, at flooded listeners */
        double unfinished_per_s; /* of these, at least */
        double completion_high;  /* 0..1, of its SYNs, at most */
        uint32_t half_open;
        uint8_t is;              /* of obs_source_is */
        bool completions_known;
};

struct culprits {
        uint32_t count; /* heaviest first */
        double syn_per_s; /* of everybody, at flooded listeners; weighed as theirs */
        double unfinished_per_s; /* of these, what did not end as a connection, at most */
        struct culprit list[OBS_SOURCES_MAX];
};

/* flooded: for each of the observation's listeners. checks: what is answered by RST there is a
 * checker's, which no culprit is, and no part of the whole. */
void culprits_find(const struct observation *o, const bool flooded[static OBS_LISTENERS_MAX], bool checks,
                   struct culprits *ret);

/* Of what the few heaviest addresses have, the share of those that answer by RST, 0..1. */
double culprits_few_disown(const struct culprits *c);
/* The share of the unfinished, 0..1, that the few heaviest addresses have for sure; with or
 * without known clients. */
double culprits_few_share(const struct culprits *c, bool clients, double unfinished_per_s);
/* The prefix, the narrowest of those that have about as much, with the largest sure share of the
 * unfinished; NULL: none that may be named. */
const struct culprit *culprits_heaviest(const struct culprits *c);
