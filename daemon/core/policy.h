/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A verdict that lasts becomes an intention: states with their hysteresis, the
 * incident a flood is, the events to tell, and what the rules want done. Pure;
 * it wants, others do (and answer through the next step's observations).
 *
 * An incident begins when the host enters flood and ends when it is normal
 * again, so that a flapping flood is one incident: one start, one end. While
 * blocked sources still send as much as a flood it is not over: it is held off,
 * state recovering. That they are let go and taken again is no news.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/detector.h"
#include "core/event.h"
#include "core/settings.h"

enum { POLICY_EVENTS_MAX = 4 };

struct policy_event {
        struct event event;
        bool alert;     /* the rules want it delivered, and no mute; else it is only recorded */
        uint32_t hooks; /* 1 << index of each rule whose hook shall run with it */
};

struct policy_listener {
        enum flood_state state;
        enum diagnosis diagnosis;
        uint64_t since_realtime_us;
};

struct incident {
        uint64_t id; /* 0: none; its start as YYYYMMDDhhmmss, UTC */
        uint64_t start_us, start_realtime_us;
        bool has_listener; /* the worst listener, if one can be named */
        struct listener_key listener;
        enum diagnosis diagnosis;
        double peak_syn_per_s, peak_half_open, total_syns; /* what was dropped is in them */
        double blocked_syns;      /* … and here: SYNs of blocked sources */
        uint32_t blocked_now, blocked_sources; /* since its start: now, and at most at a time */
        int syncookies;           /* what tcp_syncookies was raised to; -1: it was not */
        bool alerted;        /* someone was told of it */
        uint32_t hooks;      /* rules whose hook has run */
};

struct decision {
        enum flood_state state; /* of the host */
        enum diagnosis diagnosis;
        uint64_t since_realtime_us;
        bool state_changed;
        /* Of verdicts.listeners, in the same order. */
        struct policy_listener listeners[OBS_LISTENERS_MAX];

        struct incident incident;
        double blocked_per_s; /* SYNs of blocked sources, smoothed; NAN: not known */
        bool held_off; /* the incident goes on for these alone */
        bool want_syncookies; /* a rule wants it at this moment; holding on is the governor's */
        bool want_block;

        uint32_t events_count;
        struct policy_event events[POLICY_EVENTS_MAX];
};

struct policy;

/* The settings must outlive the policy. NULL: no memory. */
struct policy *policy_new(const struct settings *settings);
struct policy *policy_free(struct policy *p);
/* The old settings are read once more. */
void policy_configure(struct policy *p, const struct settings *settings);

void policy_step(struct policy *p, const struct observation *o, const struct verdicts *v,
                 struct decision *ret);

/* What others did for the incident, for its summary: to be called with each of their events. */
void policy_note_act(struct policy *p, const struct event *e);

/* Whether a muted time covers this event, so that it is recorded but not delivered. The events
 * of policy_step() have been through that; their `alert` says it. */
bool policy_mutes(const struct settings *s, const struct event *e);
