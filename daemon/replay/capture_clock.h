/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The stamps of a capture as one time that never goes back. Captures are joined
 * end to end, clocks are set, and now and then a single packet has a stamp of
 * its own: a step back is where time goes on from, not where it stands still.
 *
 * Interfaces whose clocks differ take turns: what was added to the stamps of each is
 * remembered for a while, so that only the first change from one to the other is a step.
 */

#include <stdbool.h>
#include <stdint.h>

/* Packets of several queues or interfaces overtake each other by less than this. */
#define CAPTURE_CLOCK_DISORDER_US UINT64_C(1000000)
/* A packet so far ahead is looked at twice. */
#define CAPTURE_CLOCK_JUMP_US UINT64_C(10000000)

/* Nothing for so long, and there may have been no capture either: joined files, or a clock that was set. */
#define CAPTURE_CLOCK_PAUSE_US UINT64_C(3600000000)

enum { CAPTURE_CLOCK_LINES = 4 };

struct capture_clock_line {
        uint64_t skew_us; /* our time less the stamp, modulo 2^64 */
        uint64_t used_us; /* our time; 0: never */
};

struct capture_clock {
        bool begun;
        uint64_t now_us;    /* our time; begins at 1 s: 0 means "never" to some */
        uint64_t stamp_us;  /* what is stamped at present */
        unsigned line;      /* the present one */
        struct capture_clock_line lines[CAPTURE_CLOCK_LINES];
        uint64_t steps_back, farthest_back_us;
        uint64_t pauses, paused_us;          /* of more than CAPTURE_CLOCK_PAUSE_US */
        uint64_t earliest_us, latest_us;     /* stamps; of no stray */
        uint64_t strays;    /* packets that alone were far ahead */
        uint64_t unstamped; /* without a time, or beyond the year 9999 */
};

/* Our time of a packet so stamped. stray: it is known to be ahead of those around it. */
uint64_t capture_clock_step(struct capture_clock *c, uint64_t stamp_us, bool stray);
/* Whether the stamp is so far ahead that the packet behind it should be asked. */
bool capture_clock_jumps(const struct capture_clock *c, uint64_t stamp_us);
/* Time passes without a packet. */
void capture_clock_idle(struct capture_clock *c, uint64_t until_us);
/* What was stamped when it was now_us, for people. */
uint64_t capture_clock_stamp(const struct capture_clock *c, uint64_t now_us);
