/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Events: what synward tells people and programs, each once, in order.
 * A plain record; format/event_json.h writes it, actions/alert.h delivers it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/observation.h"
#include "core/top_sources.h"
#include "core/verdict.h"

enum event_type {
        EVENT_FLOOD_START,
        EVENT_FLOOD_UPDATE,
        EVENT_FLOOD_END,
        EVENT_SYNCOOKIES_SET,
        EVENT_SYNCOOKIES_RESTORED,
        EVENT_SYNCOOKIES_FOREIGN,
        EVENT_SOURCE_BLOCKED,
        EVENT_SOURCE_UNBLOCKED,
        EVENT_SOURCE_LIMITED,
        EVENT_SOURCE_UNLIMITED,
        EVENT_SENSOR_DEGRADED,
        EVENT_SENSOR_RECOVERED,
        EVENT_CONFIG_RELOADED,
        EVENT_CONFIG_REJECTED,
        EVENT_HOOK_FAILED,
        EVENT_TYPES
};

/* RFC 5424, 6.2.1; the values of syslog(3). */
enum event_severity {
        SEVERITY_EMERG,
        SEVERITY_ALERT,
        SEVERITY_CRIT,
        SEVERITY_ERR,
        SEVERITY_WARNING,
        SEVERITY_NOTICE,
        SEVERITY_INFO,
        SEVERITY_DEBUG,
};

enum { EVENT_MESSAGE_MAX = 512, EVENT_SOURCES_MAX = 64 };

struct event {
        uint64_t sequence;    /* 1, 2, … since the daemon started; set by event_log_add() */
        enum event_type type;
        enum event_severity severity;
        uint64_t time_us;     /* CLOCK_BOOTTIME, of the observation it came from */
        uint64_t realtime_us; /* CLOCK_REALTIME */
        uint64_t incident;    /* 0: none */
        bool has_listener;    /* false: the host as a whole */
        struct listener_key listener;
        enum flood_state state;
        enum diagnosis diagnosis;
        struct evidence evidence; /* the figures that made it true; NAN: not part of this event */
        double duration_s;    /* of the incident so far; NAN: none */
        double peak_syn_per_s; /* of the incident so far; NAN: none */
        int old_value, new_value; /* tcp_syncookies; -1: not part of this event */
        bool pretended;       /* a dry run: told, not done */
        uint32_t top_count;   /* of flood-…: who sent most so far; nobody of a spoofed one */
        struct top_source top[TOP_SOURCES_TOLD];
        uint32_t sources_count; /* of source-(un)blocked and -(un)limited, else 0 */
        struct prefix sources[EVENT_SOURCES_MAX];
        char message[EVENT_MESSAGE_MAX]; /* one sentence with figures, UTF-8, no line breaks */
};

/* Zeroed, with every figure unknown and the type's usual severity. */
struct event event_make(enum event_type type);

const char *event_type_name(enum event_type t); /* "flood-start", … */
const char *event_severity_name(enum event_severity s); /* "warning", … the words of syslog */

/* The last events, for those who ask later: a ring that forgets the oldest. */
enum { EVENT_LOG_MAX = 256 };

struct event_log {
        uint64_t next; /* sequence of the next event, from 1 */
        struct event ring[EVENT_LOG_MAX];
};

/* Stamps the event's sequence and keeps a copy; returns the copy. */
const struct event *event_log_add(struct event_log *log, struct event *e);
/* The event with that sequence, NULL when it is forgotten or not yet there. */
const struct event *event_log_get(const struct event_log *log, uint64_t sequence);
/* The oldest sequence still kept; equals next when there is none. */
uint64_t event_log_oldest(const struct event_log *log);
