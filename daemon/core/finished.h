/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Handshakes finished, reckoned from connections: those that are open plus those
 * that have ended only ever grow by a new one. For where the kernel's own count
 * (PassiveOpens) cannot be read.
 *
 * Connections are counted by a walk of the socket table, and where that is dear
 * there is none in most ticks. What came between two counts is told after the
 * second one, over as long a time as it took to come: the finished handshakes,
 * and with them the SYNs of the same time, so that neither runs ahead of the
 * other (a crowd would be a flood for that long). Nothing is lost or told
 * twice; it is told late, by the time between two counts less a tick. With a
 * count at every tick that is at once.
 */

#include <stdbool.h>
#include <stdint.h>

/* One count. */
struct finished_count {
        uint64_t open;  /* connections there are now */
        uint64_t ended; /* that have ended since any one moment, read before open, so that one
                         * which ends between the two is told later, never twice */
};

/* All zeros: nothing counted yet. */
struct finished {
        uint32_t counts;        /* 0, 1, or 2 and more: what is told is known */
        uint64_t counted_us;    /* when the last was (CLOCK_BOOTTIME) */
        uint64_t sum;           /* open + ended, the highest so far */
        uint64_t syns;          /* that came since the last count */
        uint64_t finished_left; /* still to be told, … */
        uint64_t syns_left;
        uint64_t until_us;      /* … all of it by then (CLOCK_BOOTTIME) */
};

/*
 * A tick that ends at now_us and lasted elapsed_us; count NULL: none in it. *syns: that came in
 * it. Returns whether both are known that are to be told of this tick: *syns and *ret_finished.
 */
bool finished_step(struct finished *f, uint64_t now_us, uint64_t elapsed_us, const struct finished_count *count,
                   uint64_t *syns, uint64_t *ret_finished);
/* A count failed: what comes next is not to be told from what came before. */
void finished_forget(struct finished *f);
