/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What kind of traffic it is where it is no flood (those have their name from core/naming.h).
 */

#include "core/observation.h"
#include "core/verdict.h"

/* What the figures alone do not say. */
struct circumstances {
        double usual_completed_per_s; /* NAN: not learned yet */
        double alive, stuck;          /* clients that send their SYN again, of so many (survival.h) */
        double late_per_s;            /* handshakes that were late, though they may finish yet */
        double late_share;            /* 0..1, of those and of those that finish; NAN: not known */
        double aged_share;            /* 0..1: of late handshakes, those still there after 1 s; NAN */
        double embryonic_rsts_per_s;
        double refused_ports_per_s;   /* SYNs that came in for ports without a listener; without a
                                     * log the RSTs that were sent */
        double allowed_per_s;         /* handshakes that sources on the allow list finished */
        bool accept_full;             /* an accept queue is over its limit now */
        bool overflowing;             /* recent overflows explain the entries that stay */
        bool scanning;                /* most SYNs go to ports without a listener, to many */
        bool outage;                  /* nobody finishes, and no more arrive than usual */
};

/* Of all SYNs, the share that the few heaviest addresses are sure to send to listeners and do not
 * finish, and, where that is seen, answer by RST; NAN when not known. */
double few_sources_unfinished(const struct obs_sources *s);

/* finding: not FINDING_FLOOD. */
enum diagnosis diagnose(enum finding finding, const struct evidence *e, const struct circumstances *c);
