/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The patterns that are a flood (see detector.h for what each means), as plain
 * conditions over one look at a listener or at the host.
 */

#include <stdbool.h>

#include "core/host_track.h"
#include "core/settings.h"

/* Half-opens ended by RST: scanners end their probes so, and whoever was forged. */
#define FLOOD_RULES_BOUNCING_PER_S 200.0
/* Of few addresses, what is a crowd even beside that: checks of load balancers are up to 500/s, and a victim
 * answers in thousands. */
#define FLOOD_RULES_REFLECTED_PER_S (HOST_TRACK_CROWD_FACTOR * FLOOD_RULES_BOUNCING_PER_S)

/* A look: everything the rules may know. NAN: not known. */
struct look {
        double early_per_s, late_per_s, late_steady_per_s;
        double aged_per_s, stale_per_s;
        double later_share;              /* 0..1, of those: finish all the same (core/later.h) */
        double cookies_early_per_s;      /* unanswered 100 ms before the survival age */
        double cookies_unanswered_per_s; /* of those this listener sent, within the survival age */
        double cookies_in_vain_per_s;    /* the same, smoothed */
        double cookies_stale_per_s;      /* within 1.5 s */
        double completed_per_s;
        double refused_per_s;            /* SYNs dropped because this queue was full */
        double killed_per_s;             /* half-opens ended by an RST of whoever got the SYN-ACK */
        double cookies_sent_per_s;
        double cookies_lost_share;       /* 0..1, of those of the last seconds that did not come back */
        double held, stuck;              /* entries past the survival age, past 1 s */
        double came_again;               /* of these, whose SYN came again just now, as TCP sends it */
        double half_open, backlog;
        double gathered;                 /* see flood_rules_gather() */
        double seen_once_share;          /* of the SYNs */
        double usual_early_per_s;        /* in calm; NAN: not learned yet */
        double usual_killed_per_s;       /* in calm, of the host; NAN: not learned yet */
        double usual_completed_per_s;    /* in calm, of the host; NAN: not learned yet */
        double maybe_reset_per_s;        /* of few addresses, where an RST leaves no trace (cookies only) */
        double again_per_s;              /* SYNs sent again: by clients that are really there */
        double cookies_again_per_s;      /* of these, answered by another cookie: it is in no figure of cookies */
        double repeated_per_s;           /* late, and their SYNs came again sooner than TCP sends them */
        double far_per_s;                /* older than survival_age, but not than clients here may be */
        double overflowed_per_s;         /* late, and explained by a full accept queue */
        double choked_s;                 /* for how long SYNs are turned away by a queue of stale entries */
        bool crowd_is_new;               /* more finish than usual, since a few seconds, or did until just now */
        bool few_reset;                  /* few addresses have most of what is killed */
        double usual_arrivals_per_s;     /* of the host; NAN: not learned yet */
        double begun_per_s;              /* handshakes, of the host, by the log; NAN: not known */
        double half_open_life_s;         /* how long an entry stays that nobody finishes */
        int syncookies;                  /* -1: not known */
        bool outage;
};

/* How well a look fits each pattern: 1 and more is a match, at 2 every figure is twice what it has
 * to be (odds for shares). 0: not at all, or not known. */
struct flood_strength {
        double overwhelming, surge, sustained, held, refusing, bouncing, choking;
};

/* Of all patterns, the one that fits best. */
double flood_rules_best(const struct flood_strength *s);

/* Its name, as doc/detector.md has it; static text. NULL: none fits at all. */
const char *flood_rules_strongest(const struct flood_strength *s);

/* The share of handshakes that nobody finishes, 0..1; NAN when not known. */
double flood_rules_share(double unanswered_per_s, double completed_per_s);

/* Whether more finish than usual: most of a crowd may be under way for long, on a path that it fills itself. */
bool flood_rules_is_crowd(const struct look *l);

/* Of so many unfinished, a second, what may be left of anybody's: detect.unanswered_rate, but at most half of
 * detect.unanswered_share of them. */
double flood_rules_tolerable_per_s(const struct settings_detect *s, double unfinished_per_s);

/* Seconds after which a queue is choked. */
double flood_rules_choked_s(const struct look *l);
/* Whether a queue is full, most of it older than its first SYN-ACK's time-out, and too little comes
 * for the other patterns. */
bool flood_rules_is_stale(const struct look *l, const struct settings_detect *s);

/* Whether what is ended by RST is a few checkers' work, and no flood. */
bool flood_rules_are_checks(const struct look *l);

/* Whether honest clients are at risk now, so that acting would help. */
bool flood_rules_pressure(const struct look *l, const struct settings_detect *s);

/* Unfinished handshakes above what is explained that chance does not bring within false_alarm_us. */
double flood_rules_chance(const struct settings_detect *s);

/*
 * gathered after elapsed_s more: a one-sided CUSUM over handshakes that outlived
 * a second SYN-ACK. Taken off is the noise (0.8 of unanswered_per_s), or what
 * lost packets explain if that is more. Those are sent again at 1 s: if a share
 * of all handshakes is late for loss, about that share of the late ones is late
 * again a round trip after 1 s, while a flood's are all still there. Where most
 * are late it is no loss, but a flood or an outage, which is judged elsewhere.
 * Once later tries are seen to be answered, those are known and no formula is needed.
 */
double flood_rules_gather(double gathered, const struct look *l, double elapsed_s, const struct settings_detect *s);

/* More stays unfinished than noise and loss explain, though no pattern fits. */
bool flood_rules_suspect(const struct look *l, const struct settings_detect *s);

/* How well this look fits the patterns. */
struct flood_strength flood_rules_match(const struct look *l, const struct settings_detect *s);
