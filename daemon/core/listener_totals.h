/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Counters of a listener that can be summed over listeners, hosts and time, so without the
 * caution of a verdict: that takes the least of what several noisy rates allow, which in the
 * sum over a fleet would hide a third of a thin flood. Here each is an unbiased count:
 *
 *   unanswered  entries that outlive their first SYN-ACK's second, by their ages; where cookies
 *               are sent or ages are not known, what the verdict says
 *   completed   the host's own count, shared out as the verdicts have it
 *
 * Slots are those of struct listener_verdict.
 */

#include "core/detector.h"
#include "core/observation.h"

/* Since the daemon saw the listener first. */
struct listener_total {
        double syns, completed, unanswered, refused;
};

/* All zeros: none is known. */
struct listener_totals {
        struct listener_totals_slot {
                struct listener_key key;
                struct listener_total total;
                double reached_per_s; /* outlived that second, at the last walk; NAN: not known */
        } slots[OBS_LISTENERS_MAX];
};

void listener_totals_count(struct listener_totals *t, const struct observation *o, const struct verdicts *v);
/* Of a slot that was counted. */
const struct listener_total *listener_totals_get(const struct listener_totals *t, uint32_t slot);
