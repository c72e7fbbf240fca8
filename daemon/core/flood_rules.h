/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The patterns that are a flood (see detector.h for what each means), as plain
 * conditions over one look at a listener or at the host.
 */

#include <stdbool.h>

#include "core/settings.h"

/* A look: everything the rules may know. NAN: not known. */
struct look {
        double late_per_s;
        double aged_per_s, stale_per_s;
        double cookies_unanswered_per_s; /* of those this listener sent, within the survival age */
        double cookies_stale_per_s;      /* within 1.5 s */
        double completed_per_s;
        double refused_per_s;            /* SYNs dropped because this queue was full */
        double killed_per_s;             /* half-opens ended by an RST of whoever got the SYN-ACK */
        double cookies_sent_per_s;
        double held, stuck;              /* entries past the survival age, past 1 s */
        double half_open, backlog;
        double gathered;                 /* see flood_rules_gather() */
        double seen_once_share;          /* of the SYNs */
        int syncookies;                  /* -1: not known */
        bool outage;
};

enum flood_pattern {
        PATTERN_SURGE = 1 << 0,
        PATTERN_SUSTAINED = 1 << 1,
        PATTERN_HELD = 1 << 2,
        PATTERN_REFUSING = 1 << 3,
        PATTERN_BOUNCING = 1 << 4,
};

/* The share of handshakes that nobody finishes, 0..1; NAN when not known. */
double flood_rules_share(double unanswered_per_s, double completed_per_s);

/* Whether this many unfinished handshakes can fill at least half of the queue,
 * or have, or the kernel already refuses or answers by cookie. */
bool flood_rules_hurts(const struct look *l, const struct settings_detect *s);

/* Whether honest clients are at risk now, so that acting would help. */
bool flood_rules_pressure(const struct look *l, const struct settings_detect *s);

/*
 * gathered after elapsed_s more: a one-sided CUSUM over handshakes that outlived
 * a second SYN-ACK. Taken off is the noise (0.8 of unanswered_per_s), or what
 * lost packets explain if that is more. Those are sent again at 1 s: if a share
 * of all handshakes is late for loss, about that share of the late ones is late
 * again a round trip after 1 s, while a flood's are all still there. Where most
 * are late it is no loss, but a flood or an outage, which is judged elsewhere.
 */
double flood_rules_gather(double gathered, const struct look *l, double elapsed_s,
                          const struct settings_detect *s);

/* More stays unfinished than noise and loss explain, though no pattern fits. */
bool flood_rules_suspect(const struct look *l, const struct settings_detect *s);

/* The patterns (enum flood_pattern) that this look fits. */
unsigned flood_rules_match(const struct look *l, const struct settings_detect *s);
