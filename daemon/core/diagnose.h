/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What kind of traffic it is: a name for a finding, from the figures and from
 * who sends. Never changes whether something is a flood.
 */

#include "core/observation.h"
#include "core/verdict.h"

/* What the figures alone do not say. */
struct circumstances {
        double usual_completed_per_s; /* NAN: not learned yet */
        double usual_arrivals_per_s;
        double alive, stuck;          /* clients that send their SYN again, of so many (survival.h) */
        double usual_seen_once_share; /* of the SYNs in calm; NAN: not learned yet */
        double aged_share;            /* 0..1: of late handshakes, those still there after 1 s; NAN */
        double unfinished_share;      /* 0..1, of the handshakes that got an answer */
        double embryonic_rsts_per_s;
        double rsts_sent_per_s;
        double allowed_per_s;         /* handshakes that sources on the allow list finished */
        bool accept_full;             /* an accept queue is over its limit now */
        bool overflowing;             /* recent overflows explain the entries that stay */
        bool scanning;                /* most SYNs go to ports without a listener, to many */
        bool outage;                  /* nobody finishes, and no more arrive than usual */
        const struct obs_sources *sources; /* NULL: not known */
};

/* Of all SYNs, the share that the few heaviest addresses are sure to send and do not finish;
 * NAN when not known. */
double few_sources_unfinished(const struct obs_sources *s);

enum diagnosis diagnose(enum finding finding, const struct evidence *e,
                        const struct circumstances *c);
