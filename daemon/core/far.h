/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How long honest handshakes stay open here: the share of them that is still open at an age, which
 * the round trips of the clients make. Learned in calm from the ages of the half-opens (Little's
 * law: so many of an age as begin a second, times the share that gets that old). What is rarer
 * than that is explained by nothing.
 *
 * Before enough has been seen, clients may be 0.8 s away: a satellite's round trip is 0.6 s
 * (RFC 2488, 2). Where they are found to be farther, it is a second, when the first SYN-ACK is sent again.
 */

#include <stdint.h>

#include "core/observation.h"

/* Nearly all have finished: the rest is what loss leaves late (RFC 6298 sends again after a second). */
#define FAR_OPEN_SHARE_MAX 0.05

struct far {
        double handshakes;              /* learned from */
        double open[OBS_AGE_FINE_BINS]; /* 0..1, of all */
};

/* All zeros: nothing learned. */
void far_learn(struct far *f, const struct observation *o, double finished_per_s, double elapsed_s);

/* The youngest age from which on nearly all honest handshakes are finished; not below at_least_us. */
uint64_t far_age_us(const struct far *f, uint64_t at_least_us);
