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
#include "core/retries.h"

#define HOST_TRACK_FAST_TAU_S 0.7
/* Of a few a second, some ten. */
#define HOST_TRACK_SLOW_TAU_S 6.0
/* What is late now came when so many finished. */
#define HOST_TRACK_LATELY_TAU_S 1.5
/* An entry whose ACK found the accept queue full stays until the client's data
 * or our next SYN-ACK brings another ACK, some seconds. */
#define HOST_TRACK_OVERFLOW_US RETRY_THIRD_US
/* More than so many times the usual is a crowd, not a busy hour; a few more are chance, however few are
 * usual. */
#define HOST_TRACK_CROWD_FACTOR 3.0
#define HOST_TRACK_CROWD_PER_S 20.0
/* As many as this many times the usual may be the usual clients and their first repeat; what is seen to be the same
 * clients again may be SYN_RETRIES times the usual. */
#define HOST_TRACK_USUAL_FACTOR 1.5

struct host_track {
        uint64_t learned_us; /* how long usual has been learned */

        struct rate completed;       /* handshakes finished */
        struct rate completed_lately; /* the most of the last seconds: entries that are late now
                                       * came when that many finished */
        struct rate completed_steady; /* over as long as it takes for chance to even out */
        struct rate overflowed_lately;
        struct rate cookies_sent, cookies_received, cookies_received_at_most;
        struct rate cookies_in_vain; /* unanswered, smoothed */
        struct rate cookies_again;   /* sent to SYNs of handshakes that had begun */
        struct rate cookies_sent_slowly, cookies_received_slowly; /* where few come */
        bool cookies_known;
        struct rate queue_drops;     /* SYNs refused because the queue was full */
        struct rate overflows;       /* refused because the accept queue was full */
        struct rate syns;            /* counted by our rule */
        struct rate syns_at_most;    /* the most of a tick in the last seconds: what is unfinished began then */
        struct rate syn_retrans;
        struct rate rsts_sent;
        double elsewhere_s, elsewhere_syns; /* since it was told how many went elsewhere: time, SYNs for TCP */
        struct rate forwarded, dropped_before; /* SYNs */
        struct rate embryonic_rsts;

        double overflow_credit;      /* recent overflows, each explains one entry that stays */
        struct cookie_balance balance;

        struct rate usual_completed; /* over ten minutes, calm only */
        struct rate usual_arrivals;
        struct rate usual_syns;      /* over ten minutes, calm or not */
        int syncookies;              /* -1: not known */
        double half_open_life_s;     /* as tcp_synack_retries has it */
        unsigned synack_retries;
};

void host_track_init(struct host_track *t);

/* Takes the counters of a tick; cookies count as in vain after age_us. A first observation
 * (elapsed 0) sets nothing. */
void host_track_step(struct host_track *t, const struct observation *o, uint64_t age_us);

/* Cookies a second that nobody answered. NAN: not known, or not yet. */
struct cookies_in_vain {
        double early_per_s;      /* 100 ms before the age */
        double unanswered_per_s; /* within it */
        double stale_per_s;      /* within 1.5 s */
};
struct cookies_in_vain host_track_cookies(const struct host_track *t, uint64_t age_us);

/* What is more than this, a second, is a crowd. NAN: nothing is usual yet. */
static inline double host_track_crowd_per_s(double usual_per_s) {
        return HOST_TRACK_CROWD_FACTOR * usual_per_s + HOST_TRACK_CROWD_PER_S;
}

/* Handshakes that arrived, a second: finished, unanswered and refused together. */
double host_track_arrivals(const struct host_track *t, double unanswered_per_s);

/* The time constant of what is usual, s: at first a mean of all the calm there was, later of ten minutes. */
double host_track_usual_tau_s(const struct host_track *t);

/* Learns what is usual; to be called in calm only. For the first warmup_us of calm all there is, later
 * no crowd at once. */
void host_track_learn(struct host_track *t, const struct observation *o, double unanswered_per_s, uint64_t warmup_us);
