/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * When the probe's next attempt is due, and what became of all of them: totals, times in a histogram, the last.
 * Fixed memory. The attempts themselves are sensors/probe.h's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"
#include "core/settings.h"

enum { PROBE_COURSE_BUCKETS = 12, PROBE_COURSE_TEXT = 200 };

/* Upper bounds of the histogram, in microseconds. */
extern const uint64_t probe_course_bounds_us[PROBE_COURSE_BUCKETS];

/* As others are told it. Counts are since the daemon started, and never reset. */
struct probe_told {
        bool on; /* false: there is no probe, and nothing else means anything but the counts */
        struct settings_address listener;
        struct settings_address from; /* a wildcard: as the kernel chooses */
        uint64_t interval_us; /* at present */
        uint64_t ended[OBS_PROBE_RESULTS];
        uint64_t skipped; /* too many were under way */
        uint64_t buckets[PROBE_COURSE_BUCKETS +
                         1]; /* of those that connected, by time; the last: longer; not cumulated */
        uint64_t us_sum;
        bool any; /* one has ended */
        enum obs_probe_result last;
        uint64_t last_us; /* how long that took */
        char why[PROBE_COURSE_TEXT]; /* why the last did not connect, and what to do; empty: nothing to say */
};

/* Begins zeroed. */
struct probe_course {
        uint64_t due_us; /* the next attempt, 0: at once (CLOCK_BOOTTIME) */
        uint64_t begun_us; /* the last one */
        struct obs_probe fresh; /* not told to an observation yet */
        struct probe_told told;
};

/* Takes what is set: another probe, another interval. Counts stay. */
void probe_course_configure(struct probe_course *c, const struct settings *s);
/* Whether an attempt is to be begun; then the next one is due an interval later. pressing: something is up. Called
 * late, it does not catch up. */
bool probe_course_is_due(struct probe_course *c, const struct settings *s, bool pressing, uint64_t now_us);
/* One ended. why: what there is to say of it; NULL: nothing. */
void probe_course_end(struct probe_course *c, enum obs_probe_result result, uint64_t took_us, const char *why);
/* What ended since the last call. */
struct obs_probe probe_course_take(struct probe_course *c);
