/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The host's rates, from its counters: what finishes, what is refused, what is
 * explained by a full accept queue, and what is usual here.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/cookie_balance.h"
#include "core/observation.h"
#include "core/rate.h"

struct host_track {
        uint64_t learned_us; /* how long usual has been learned */

        struct rate completed;       /* handshakes finished */
        struct rate cookies_sent, cookies_received;
        struct rate cookies_unanswered; /* within the survival age */
        struct rate cookies_stale;      /* within 1.5 s, when an honest client has had two chances */
        struct rate queue_drops;     /* SYNs refused because the queue was full */
        struct rate overflows;       /* refused because the accept queue was full */
        struct rate syns;            /* counted by our rule */
        struct rate syn_retrans;
        struct rate rsts_sent;
        struct rate embryonic_rsts;

        double overflow_credit;      /* recent overflows, each explains one entry that stays */
        struct cookie_balance balance, stale_balance;

        struct rate usual_completed; /* over ten minutes, calm only */
        struct rate usual_arrivals;
        int syncookies;              /* -1: not known */
};

void host_track_init(struct host_track *t, uint64_t survival_age_us);

/* Takes the counters of a tick. A first observation (elapsed 0) sets nothing. */
void host_track_step(struct host_track *t, const struct observation *o);

/* Handshakes that arrived, a second: finished, unanswered and refused together. */
double host_track_arrivals(const struct host_track *t, double unanswered_per_s);

/* Learns what is usual; to be called in calm only. */
void host_track_learn(struct host_track *t, const struct observation *o, double unanswered_per_s);
