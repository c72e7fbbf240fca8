/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether the kernel tells in time which connections ended.
 *
 * It tells from a work queue (sock_diag_broadcast_destroy(), net/core/sock_diag.c), and where the CPUs
 * have no time left that queue stands for seconds: who has finished a handshake then looks like
 * somebody who never did. How many have ended is known all the same, at once, from counters: those
 * opened (PassiveOpens, ActiveOpens; RFC 4022) less those that TCP has in its tables now ("inuse",
 * net/ipv4/proc.c: inet_hash() adds, inet_unhash() takes away). CurrEstab would not do: connections that
 * one side has closed, which a server lingers for or whose last bytes are on their way, have left it
 * seconds before they end. As many as had ended a second ago should have been told by now, but for
 * those that are always about to end: the fewest untold of the last minute. A listener opens without being
 * counted and is told of in the end, as if one more had been told from the beginning.
 */

#include <stdbool.h>
#include <stdint.h>

enum { ENDS_TOLD_MOMENTS = 16 };

struct ends_told {
        bool known;
        double ended, told;      /* since some moment: by the counters, and by the notices */
        double fewest[2];        /* ended and not told: the fewest of this half minute, of the one before */
        uint64_t half_minute_us; /* when this one began */
        struct {
                uint64_t time_us;
                double ended;
        } moments[ENDS_TOLD_MOMENTS]; /* the last seconds, the oldest overwritten */
        unsigned next;
};

/* Of one tick. Deltas: opened, told; in_use is a level. */
struct ends_tick {
        uint64_t time_us;
        uint64_t opened, told;
        uint64_t in_use, in_use_before;
};

/* tick NULL: something of it is not known. Returns whether who had ended a second ago has been told; true where
 * it cannot be known. All zeros: nothing seen yet. */
bool ends_told_step(struct ends_told *e, const struct ends_tick *tick);
