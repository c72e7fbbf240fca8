/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether the kernel tells in time which connections ended.
 *
 * It tells from a work queue (sock_diag_broadcast_destroy(), net/core/sock_diag.c), and where the CPUs
 * have no time left that queue stands for seconds: who has finished a handshake then looks like
 * somebody who never did. How many have ended is known all the same, at once, from counters: those
 * opened less those that are open now (PassiveOpens, ActiveOpens, CurrEstab; RFC 4022). As many as had
 * ended a second ago should have been told by now, but for those that are always about to end: the
 * fewest untold of the last minute.
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

/* Of one tick. Deltas: opened, told; established is a level. */
struct ends_tick {
        uint64_t time_us;
        uint64_t opened, told;
        uint64_t established, established_before;
};

/* tick NULL: something of it is not known. Returns whether who had ended a second ago has been told; true where
 * it cannot be known. All zeros: nothing seen yet. */
bool ends_told_step(struct ends_told *e, const struct ends_tick *tick);
