/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What honest clients felt, in fixed memory: how many handshakes of known clients finished, and how many of our
 * own (the probe's), second by second for about a minute, and over any stretch of time.
 *
 * Of known clients (core/source_table.h) no probe is needed. Whether the kernel answered a SYN is not seen, but a
 * client that gets no answer sends the same SYN again after a second (RFC 6298, 2.1), so a handshake whose first SYN
 * did not come again was finished by it. What that does not see: a client that gives up within the second counts as one
 * that finished; one that forges the address of a known client too; what a firewall drops before it is for TCP
 * (core/observation.h, OBS_SYNS) counts as nothing at all. Of a handshake whose SYN-ACK or ACK is lost it says the
 * truth: it took the client a second longer. Where the log is sampled under a flood, about one in a hundred is taken
 * for unfinished by chance.
 */

#include <stdint.h>

#include "core/observation.h"

enum { IMPACT_SECONDS = 64 };

/* Of a stretch of time. Begins zeroed. */
struct impact_tally {
        uint64_t known_begun, known_again; /* as in struct obs_sources */
        uint64_t ended[OBS_PROBE_RESULTS];
        uint64_t slowest_us;               /* of the probe's that connected; 0: none did */
};

/* Begins zeroed. */
struct impact {
        uint64_t second; /* the newest bin's, of observations' times */
        struct impact_tally bins[IMPACT_SECONDS];
};

void impact_tally_add(struct impact_tally *t, const struct observation *o);
/* 0..1; NAN: too few handshakes began to say (fewer than ten). */
double impact_tally_known_finished(const struct impact_tally *t);
/* 0..1, of the attempts that were made; NAN: none ended. */
double impact_tally_connected(const struct impact_tally *t);

/* Times of observations must not go backwards. */
void impact_add(struct impact *i, const struct observation *o);
/* All of the last IMPACT_SECONDS. */
struct impact_tally impact_sum(const struct impact *i);
/* Of the last ten seconds, those that were sent again with those that began a second before. now_us: of the last
 * observation. */
double impact_known_finished(const struct impact *i, uint64_t now_us);
/* What the probe met with in the last ten seconds; if nothing ended in them, in the last that did. */
struct impact_tally impact_probe_lately(const struct impact *i);
