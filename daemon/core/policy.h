/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A verdict that lasts becomes an intention: states with their hysteresis, the
 * incident a flood is (core/incident.h), what the rules want done (core/rules.h)
 * and the events to tell (core/news.h). Pure; it wants, others do (and answer
 * through the next step's observations).
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/detector.h"
#include "core/event.h"
#include "core/incident.h"
#include "core/settings.h"

enum { POLICY_EVENTS_MAX = 4 };

struct policy_event {
        struct event event;
        bool alert;     /* the rules want it delivered, and no mute; else it is only recorded */
        uint32_t hooks; /* 1 << index of each rule whose hook shall run with it */
};

struct policy_listener {
        enum flood_state state;
        enum diagnosis diagnosis;   /* settled: it stands for a moment before it is shown */
        uint64_t since_realtime_us; /* when the state began (CLOCK_REALTIME) */
};

struct decision {
        enum flood_state state;     /* of the host */
        enum diagnosis diagnosis;   /* of the host, settled */
        uint64_t since_realtime_us; /* when the host's state began (CLOCK_REALTIME) */
        bool state_changed;         /* the host's, by this step */
        struct policy_listener listeners[OBS_LISTENERS_MAX]; /* of verdicts.listeners, in that order */

        struct incident incident;   /* the open one, up to and including the step that ends it */
        struct listener_accounts accounts; /* that one's, of each listener */
        double blocked_per_s;       /* SYNs of blocked sources, smoothed; NAN: not known */
        bool held_off;              /* the incident goes on for these alone */
        bool want_syncookies;       /* a rule wants it at this moment; holding on is the governor's */
        bool want_block;            /* a rule wants sources blocked at this moment */

        uint32_t events_count;      /* entries of events in use */
        struct policy_event events[POLICY_EVENTS_MAX];
};

struct policy;

/* The settings must outlive the policy. NULL: no memory. */
struct policy *policy_new(const struct settings *settings);
struct policy *policy_free(struct policy *p);
/* The old settings are read once more. */
void policy_configure(struct policy *p, const struct settings *settings);

void policy_step(struct policy *p, const struct observation *o, const struct verdicts *v, struct decision *ret);

/* What others have to tell: fills in this time and the state of things, and notes what was done
 * for the incident. Whether it is to be delivered; else it is only recorded. */
bool policy_tell(struct policy *p, struct event *e, uint64_t now_us, uint64_t realtime_us);
