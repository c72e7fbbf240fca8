/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a flood adds up to, from its first alert until it is over: when it began,
 * whom it is about, how high it went, and what was done about it.
 *
 * An incident begins when the host enters flood and ends when it is normal
 * again, so that a flapping flood is one incident. While blocked sources still
 * send as much as a flood it is held off, not over: nothing of it arrives, and
 * only what the block list drops tells that it goes on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/detector.h"
#include "core/event.h"
#include "core/impact.h"
#include "core/listener_accounts.h"
#include "core/observation.h"
#include "core/rate.h"
#include "core/settings.h"
#include "core/top_sources.h"

/* What became of the handshakes at the flooded listeners while a flood was found, and how many of the
 * unfinished each explanation accounts for at most: sums of rates. */
struct incident_account {
        double flood_s; /* for how long one was found */
        double finished, unfinished, refused;
        double explained[EXPLANATIONS];
};

struct incident {
        uint64_t id;                /* 0: none; else its start as YYYYMMDDhhmmss, UTC */
        uint64_t start_us;          /* CLOCK_BOOTTIME */
        uint64_t start_realtime_us; /* CLOCK_REALTIME */
        bool has_listener;          /* whether one listener can be named as the flooded one */
        struct listener_key listener; /* the worst of the last look that found a flood */
        enum diagnosis diagnosis;   /* the last flood-… that the host was given */
        double peak_syn_per_s;      /* the most SYNs a second, with those that were dropped */
        double peak_half_open;      /* the most half-opens of the host at one look */
        double total_syns;          /* SYNs since its start, with those that were dropped */
        struct incident_account account;
        struct impact_tally impact; /* what clients felt since its start … */
        struct impact_tally before; /* … and in the minute before */
        double blocked_syns;        /* of these the SYNs of blocked or limited sources that were dropped */
        uint32_t blocked_now;       /* sources that were blocked since its start and still are */
        uint32_t blocked_sources;   /* the most of them at a time */
        uint32_t limited_now;       /* the same of those that were limited to a rate */
        uint32_t limited_sources;
        int syncookies;             /* the highest that tcp_syncookies was raised to; -1: it was not */
        bool alerted;               /* a rule wanted it told: then all of it is, to its end */
        uint32_t hooks;             /* 1 << index of each rule whose hook is told of it */
};

/* The incident that is open, and what it takes to follow one. */
struct incident_watch {
        struct incident incident;  /* id 0: none is open */
        struct top_sources top;    /* who sent most of it */
        struct listener_accounts listeners; /* its account, of each flooded listener */
        struct impact lately;      /* what clients felt in the last minute, whether one is open or not */
        struct rate blocked;       /* SYNs of blocked sources a second, smoothed; NAN: not known */
        uint64_t held_off_us;      /* when blocked sources last sent as much as a flood
                               * (CLOCK_BOOTTIME); 0: never in this incident */
};

struct incident_watch incident_watch_begin(void);

/* At every look, in this order. First: takes leave of the incident that ended with the last one;
 * until now others' events could be told as part of it. state: the host's since then. */
void incident_close(struct incident_watch *w, enum flood_state state);
/* What the block list dropped, and whether that is a flood. */
void incident_follow_blocked(struct incident_watch *w, const struct settings *s, const struct observation *o);
/* Opens an incident if the host is in flood, and follows the one that is open. Whether it was
 * opened by this. state, diagnosis: the host's, by this look. */
bool incident_step(struct incident_watch *w, const struct observation *o, const struct verdicts *v,
                   enum flood_state state, enum diagnosis diagnosis);

/* What was done about it: to be called with the events of others. */
void incident_note_act(struct incident_watch *w, const struct event *e);

/* Whether it is about this listener (NULL: the host, always), and blocked sources had a part in it. */
bool incident_blocks_for(const struct incident_watch *w, const struct listener_key *listener);
/* Whether blocked sources send as much as a flood now. */
bool incident_is_held_off(const struct incident_watch *w, uint64_t now_us);
/* Whether they did until a moment ago: a flood that is back now is what we let go. */
bool incident_was_let_go(const struct incident_watch *w, uint64_t now_us);
