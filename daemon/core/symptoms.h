/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What else a watch of some seconds shows beside floods: queues too short for the bursts
 * that come, a slow fill, SYNs that never reach a listener, closed ports, answers to SYNs
 * that this host never sent, traffic of a router or a checker. Sums of observations, and
 * rules over them, as advice. Pure; a plain record, begun by zeroing it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/advice.h"
#include "core/observation.h"

struct symptoms_listener {
        struct listener_key key;
        uint32_t backlog, looks, full_looks; /* full: accept queue over its limit */
        uint64_t drops;
        double most_at_once;                 /* SYNs of one tick */
        uint32_t half_open, old;             /* in the last walk; old: 3 s and more */
        uint32_t walks, held_walks;          /* held: nearly full, most of it a second old and more */
        uint64_t aging;                      /* sum over walks: entries from 1 to 3 s old */
        uint64_t syns, syns_again;           /* logged; again: of handshakes that had begun */
};

struct symptoms {
        uint64_t begin_us, end_us;
        uint32_t unknown;             /* counters that were unknown at a look after the first */
        uint32_t told;    /* the same, those that were told at least once */
        uint64_t looks, sums[OBS_COUNTERS];
        double most_at_once;          /* of the host: finished and dropped in one tick */
        double stray_syns;            /* to ports without a listener */
        bool strays_known;
        uint32_t listeners_count;
        struct symptoms_listener listeners[OBS_LISTENERS_MAX];
};

/* What observations do not tell. 0: none, or not known. */
struct symptoms_more {
        uint64_t active_opens; /* connections that this host began (Tcp: ActiveOpens) */
        uint64_t aborts;       /* connections that its applications ended by RST (TCPAbortOn…) */
        uint64_t proxied_syns; /* SYNs that SYNPROXY answered, */
        uint64_t passed_syns;  /* and whose cookies came back */
        uint16_t closed_port;  /* without a listener, that most SYNs were logged for */
        uint64_t closed_syns;  /* for it, of so many logged: */
        uint64_t logged_syns;
        bool flood, stalled, lossy; /* the verdict: what it explains is not told again */
};

/* The id of a symptom that is a flood: a trickle that keeps a queue full. */
#define SYMPTOM_SLOW_FLOOD "slow-flood"

void symptoms_add(struct symptoms *s, const struct observation *o);
/* Appends what is wrong, gravest first; `name` makes a listener's name, in static memory or
 * `userdata`'s. Returns how many. */
unsigned symptoms_advise(const struct symptoms *s, const struct symptoms_more *more, const struct advice_host *host,
                         const char *(*name)(void *userdata, const struct listener_key *key), void *userdata,
                         struct advice_list *ret);
