/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What kind of flood it is. The name follows from the handshakes that are left unfinished, at the
 * listeners that are flooded: what others finish there, or send elsewhere, is no part of it. A name
 * is given where its bounds support it; otherwise it is flood-spoofed, the one name that accuses nobody.
 *
 *   reflected     most of our SYN-ACKs are answered by RST, and they go to few addresses
 *   concentrated  few addresses, or one prefix, are sure to carry half of it
 *   distributed   its addresses come again so soon that, over a window of four seconds, fewer
 *                 than half of its handshakes would be of addresses seen once
 *   spoofed       everything else: addresses that hardly ever come again, or disown it by RST
 *
 * How soon addresses come again is known long before a window is over, by how often one was seen twice
 * (capture and recapture: n handshakes by N addresses are of N (1 - exp(-n/N)) different ones; Seber,
 * "The estimation of animal abundance", 1982). A name once given stays, unless another holds for
 * long.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/culprits.h"
#include "core/observation.h"
#include "core/verdict.h"

/* Of the flooded listeners together. NAN: not known. */
struct naming_facts {
        double finished_per_s;      /* over the seconds that sources are weighed over */
        double begun_at_most_per_s; /* handshakes, the most of a tick */
        double reset_share;         /* 0..1, of the unfinished: ended by RST */
        double usual_addresses; /* that strangers come from in calm (naming_addresses()); NAN: not learned, HUGE_VAL:
                                   nobody came again */
        bool log_is_blind; /* what the kernel left unfinished is not in the log */
        struct obs_senders strangers;
        const struct culprits *culprits;
};

enum diagnosis naming_of_flood(const struct naming_facts *f);

/* So many addresses, coming at random, would repeat as these do; HUGE_VAL: none did, NAN: too few came. */
double naming_addresses(const struct obs_senders *s);

/* Adds up what two listeners' senders do; one_in of both must be the same. */
void naming_add_senders(struct obs_senders *sum, const struct obs_senders *s);

/* A name that stays. All zeros: none. */
struct name {
        enum diagnosis given, other; /* DIAGNOSIS_UNKNOWN: none */
        uint64_t other_since_us;
        uint64_t flood_us; /* when there was last a flood */
};

/* flood: there is one now. Returns the name to be used. */
enum diagnosis name_settle(struct name *n, bool flood, enum diagnosis supported, uint64_t now_us);
