/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the ages of a listener's half-opens say about how their handshakes end.
 *
 * An honest handshake is finished after one round trip, so its entry is gone
 * before it grows old; a spoofed one lives until the kernel gives up on it. The
 * number of entries of an age, divided by the width of that age, is the rate
 * at which handshakes reach that age unfinished, exact at every single walk.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"

struct survival {
        double early_per_s; /* are about to reach the survival age: 100 ms before it, or just past it;
                             * NAN where that says nothing */
        double late_per_s;  /* reached the survival age unfinished, in the last second */
        double late_steady_per_s; /* the same; later, but neither more nor fewer by chance */
        double aged_per_s;  /* reached their first timeout (1 s) unfinished, in the last half second */
        double stale_per_s; /* reached 1.5 s unfinished: a round trip after the second SYN-ACK */
        double held;        /* entries past the survival age */
        double stuck;       /* entries past their first timeout */
        double came_again;  /* of these, whose SYN came again as TCP sends it, in the last two seconds */
        double alive;       /* of the last seconds, see survival_step() */
        double leapt_soon_per_s, leapt_per_s; /* from younger ages to 2 s, and stayed; to anything from 2 s on */
        double repeated_per_s; /* to 2 s from below half a second, and stayed: no TCP sends its SYN again so soon */
};

enum { SURVIVAL_STAGES = 5 }; /* from 0.5, 1, 2, 3 and 5 s on */

/* What has to be remembered from walk to walk. */
struct survival_memory {
        uint64_t time_us;    /* of the walk before; 0: none */
        uint32_t older_2s;   /* entries that looked older than 2 s then */
        double alive;
        uint64_t deferred_us; /* when a deferred entry was last seen; 0: never */
        uint64_t half_us;     /* when this half of the last seconds began */
        double most_per_s[2][SURVIVAL_STAGES]; /* that reached each stage: in this half, in the one before */
};

/*
 * Measures a listener's half-opens at now_us.
 *
 * survival_age_us is rounded down to where an age bin begins: 100 ms below 1 s, then 1, 1.5, 2 and
 * 3 s. On a listener with
 * TCP_DEFER_ACCEPT entries that have finished look young again and again
 * (their timer runs without the SYN-ACK being sent again), so there only
 * retransmission counts.
 *
 * alive: a client that sends its SYN again raises the retransmission
 * count ahead of the timer, so its entry seems to leap over a second or more
 * (tcp_check_req() in net/ipv4/tcp_minisocks.c answers with another SYN-ACK).
 * More entries that seem older than 3 s than could have grown that old since
 * the last walk are clients that are really there and hear nothing; counted, and
 * forgotten again within some 15 s.
 *
 * By the same leap an entry whose SYN comes twice at once looks two seconds old from the first moment, and
 * one whose SYN comes again after a second, as TCP sends it, five: they are never seen at the ages between. So
 * what reaches one of the later ages, and reached none before it lately, counts as late as well, and where it
 * leapt to two seconds as aged and stale: not at once, for on a path that doubles packets every client's does, but
 * when it is still there as its timer fires a second later, and looks five seconds old.
 *
 * came_again: those that look 5 to 7 s old, were never seen at 3, and did not leap to 2 s before any TCP sends a SYN
 * again. Their clients were there within two seconds; who only repeats his SYNs is older than 7 s after them.
 * (The kernel answers a repeated SYN once in half a second, tcp_oow_rate_limited() in net/ipv4/tcp_input.c:
 * whatever is repeated, an entry is at one of these ages for so long.)
 */
struct survival survival_step(struct survival_memory *m, const struct obs_listener *l, uint64_t survival_age_us,
                              uint64_t now_us);
