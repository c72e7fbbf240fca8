/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the detector remembers and sees at a step: private to core/detector.c, which takes the step,
 * core/sight.c, which builds the looks, and core/account.c, which tells what is behind a verdict.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/attribution.h"
#include "core/culprits.h"
#include "core/far.h"
#include "core/flood_rules.h"
#include "core/host_track.h"
#include "core/impact.h"
#include "core/later.h"
#include "core/naming.h"
#include "core/observation.h"
#include "core/outage.h"
#include "core/rate.h"
#include "core/settings.h"
#include "core/survival.h"
#include "core/verdict.h"

/* A finding needs a pattern in two of so many looks, unless it is overwhelming. */
enum { LOOKS_KEPT = 3 };

/* What is remembered of a listener, or of the host. */
struct subject {
        bool in_use;
        struct listener_key key;
        uint64_t seen_us;        /* last in a list */
        uint64_t looked_us;      /* last evaluated */
        uint64_t walked_us;      /* when survival was measured; 0: never */
        uint64_t accept_busy_us; /* when its accept queue last held something */
        uint64_t full_us;        /* when it last held more than its backlog; 0: never */
        struct survival_memory memory;
        struct survival survival; /* at the last walk */
        struct later later;
        double later_share;       /* later_share() at the last walk; 0: not known */
        struct rate syns;        /* SYNs a second, by the log */
        struct rate begun;       /* of these, handshakes */
        struct rate begun_lately; /* the most of the last seconds */
        struct rate begun_at_most, syns_at_most; /* the same, of single ticks */
        struct rate finished;    /* handshakes that finish, over as long as sources are weighed */
        struct rate ended;       /* connections that ended, a second */
        struct rate drops;       /* its own counter, a second */
        struct rate late;        /* handshakes a second that are late, for the figures */
        double half_open;        /* at the last walk */
        uint64_t flood_us;       /* since when there is a flood; 0: there is none */
        uint64_t pressed_us;     /* when SYNs were last refused, or answered by cookie; 0: never */
        uint64_t aging_us;       /* when a handshake last grew older than a second; 0: never */
        double choked_s;         /* see choke() */
        const char *pattern;     /* that fits best; NULL: none */
        struct rate usual_early; /* in calm: handshakes a second that are about to be late */
        uint64_t learned_us;     /* when it was last learned */
        double gathered;         /* see flood_rules_gather() */
        double strengths[LOOKS_KEPT]; /* of the last looks, the newest first */
        struct name name;
        struct verdict verdict;
};

/* A listener at this step: its memory, and what it looks like. */
struct sight {
        struct subject *subject;         /* NULL: no room to remember it */
        const struct obs_listener *obs;
        const struct settings_detect *detect;
        struct share_of_host share;
        struct look look;
        bool looked;                     /* something new is known */
};

struct detector {
        const struct settings *settings;
        struct host_track track;
        struct far far;
        struct impact impact;     /* decides nothing: what clients felt */
        struct subject host;
        struct subject listeners[OBS_LISTENERS_MAX];
        struct name host_name;
        uint64_t started_us;
        uint64_t walked_us; /* 0: never */
        struct outage outage;
        uint64_t crowd_us, crowd_seen_us; /* since when more finish than usual, and when last; 0: never */
        double crowd_peak_per_s;          /* handshakes, the most since then */
        struct rate maybe_reset;  /* SYNs of few sources, the most of the last seconds */
        struct rate usual_again; /* in calm: the chance that two strangers are one (core/naming.h); no rate */
        struct rate usual_killed; /* in calm: half-opens ended by RST, a second */
        /* At this step: */
        const struct obs_sources *sources; /* who sends; NULL: not known */
        struct obs_sources not_allowed;    /* the same, without what the allow list finished */
        double allowed_per_s;              /* handshakes that it finished */
        double unanswered_per_s;           /* of all listeners */
        struct sight sights[OBS_LISTENERS_MAX];
        struct culprits culprits;          /* of the listener at hand */
};

/* Seconds of the tick; 0 in the first. */
static inline double elapsed_s(const struct observation *o) {
        return (double) o->elapsed_us / 1e6;
}
