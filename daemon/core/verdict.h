/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the detector concludes from the observations up to now, for one
 * listener or for the host: a finding, a diagnosis, and the figures that made
 * it so. A verdict is momentary; what lasts is the policy's business.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/observation.h"

/* A host sends about as much as its network. */
#define VERDICT_ABOUT_AS_MUCH 0.9

/* What the evidence of this moment says. */
enum finding {
        FINDING_NONE,
        FINDING_SUSPECT, /* unusual, but not (yet) able to hurt */
        FINDING_FLOOD,
};

/* What users see, mildest first: the finding with its hysteresis (core/policy.h). */
enum flood_state { STATE_NORMAL, STATE_RECOVERING, STATE_SUSPECT, STATE_FLOOD, STATES };

enum diagnosis {
        DIAGNOSIS_UNKNOWN,
        DIAGNOSIS_QUIET,
        DIAGNOSIS_BUSY,
        DIAGNOSIS_FLASH_CROWD,
        DIAGNOSIS_ACCEPT_STALL,
        DIAGNOSIS_PORT_SCAN,
        DIAGNOSIS_LOSSY_CLIENTS,
        DIAGNOSIS_FLOOD_SPOOFED,
        DIAGNOSIS_FLOOD_DISTRIBUTED,
        DIAGNOSIS_FLOOD_CONCENTRATED,
        DIAGNOSIS_FLOOD_REFLECTED,
        DIAGNOSES
};

/* What accounts for handshakes that nobody finishes, without a flood (core/explanations.h). */
enum explanation {
        EXPLAINED_NOISE,
        EXPLAINED_LOSS,
        EXPLAINED_FAR,
        EXPLAINED_ACCEPT,
        EXPLAINED_CHECKS,
        EXPLAINED_RETRIES,
        EXPLAINED_WAY_BACK,
        EXPLANATIONS
};

/* The figures behind a verdict. NAN: not known. Rates are smoothed over about a second. */
struct evidence {
        double half_open;         /* entries now */
        double half_open_aged;    /* entries whose SYN-ACK was sent again */
        double backlog;           /* limit of the listener; of the host: the sum */
        double fill;              /* half_open / backlog; of the host: the worst listener's */
        double accept_queue;
        double syn_per_s;         /* SYNs that came in: counted, or finished + unanswered */
        double completed_per_s;   /* handshakes that finished */
        double unanswered_per_s;  /* handshakes nobody finished (see detector.h) */
        double unanswered_share;  /* 0..1, of finished + unanswered */
        double cookies_sent_per_s;
        double cookies_received_per_s;
        double queue_drops_per_s; /* SYNs refused because the queue was full */
        double accept_overflows_per_s;
        double embryonic_rsts_per_s; /* half-opens that whoever got our SYN-ACK ended by an RST */
        double dropped_before_per_s; /* SYNs that came in and were neither forwarded nor handed to TCP; host only */
        double forwarded_per_s;   /* SYNs for other hosts; host only */
        double stray_share;       /* 0..1, of the SYNs: to ports without a listener; host only */
        double stray_ports;       /* how many different ones */
        double distinct_sources;
        double seen_once_share;   /* 0..1 */
        double known_finished_share;  /* 0..1, of known clients' handshakes; host only (core/impact.h) */
        double probe_connected_share; /* 0..1, of our own; host only */
        double probe_slowest_ms;      /* of those that connected; host only */
        double top_share;         /* 0..1, guaranteed share of the heaviest source or prefix */
        struct prefix top;        /* which one, the narrowest of those that send about as much;
                            * length 0: not known, or not to be named */
        double strength;          /* of the evidence: 1 and more is a flood (core/flood_rules.h) */
        const char *pattern;      /* that fits best (core/flood_rules.h); static text, NULL: none */
        double explained_per_s[EXPLANATIONS];
};

struct verdict {
        enum finding finding;
        double strength;         /* of the evidence: 1 and more is a flood (core/flood_rules.h) */
        enum diagnosis diagnosis;
        bool pressure; /* honest clients are at risk now: the queue fills, cookies, or drops */
        struct evidence evidence;
};

const char *explanation_name(enum explanation e); /* "loss", "half-open-checks", … */
const char *flood_state_name(enum flood_state s); /* "normal", "suspect", … */
const char *diagnosis_name(enum diagnosis d);     /* "flood-spoofed", … */
int diagnosis_from_name(const char *name, enum diagnosis *ret); /* -ENOENT */
bool diagnosis_is_flood(enum diagnosis d);

/* All figures unknown. */
struct evidence evidence_unknown(void);
/* How many sources there are, how many of their SYNs are seen once, and, if one is to be named, the heaviest
 * and its share.
 * NULL: nothing is known of them. */
void evidence_add_sources(struct evidence *e, const struct obs_sources *sources, bool name);
