/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where two policies differ on the same observations: times in which the host
 * or a listener is in another state, has another diagnosis, or something else
 * is wanted; and events that only one of them tells.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/engine.h"
#include "core/observation.h"

enum { COMPARE_FIRST, COMPARE_SECOND, COMPARE_SIDES };

struct compare_view {
        enum flood_state state;
        enum diagnosis diagnosis;
        bool want_syncookies, want_block; /* of the host only */
};

/* From `from` up to, but not including, `until`. */
struct compare_interval {
        bool has_listener; /* false: the host */
        struct listener_key listener;
        uint64_t from_realtime_us, until_realtime_us;
        double duration_s; /* by CLOCK_BOOTTIME */
        struct compare_view views[COMPARE_SIDES];
};

struct compare_ops {
        void (*interval)(void *userdata, const struct compare_interval *i);
        /* in_both: both have it, and only that side alerts of it. */
        void (*event)(void *userdata, unsigned side, const struct event *e, bool in_both);
};

struct compare;

/* ops and userdata must outlive it. NULL: no memory. */
struct compare *compare_new(const struct compare_ops *ops, void *userdata);
struct compare *compare_free(struct compare *c);

/* The looks of both sides for this observation. */
void compare_step(struct compare *c, const struct observation *o,
                  const struct engine_look *const looks[static COMPARE_SIDES]);
/* Tells the intervals that are still open; ends the comparison. */
void compare_end(struct compare *c);
