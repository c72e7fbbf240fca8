/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The picture of the present that status, metrics and monitoring are made
 * from. tick.c renews it once a tick; readers never change anything by
 * looking. NAN: not known.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet_sketch.h"
#include "core/listener_totals.h"
#include "core/observation.h"
#include "core/probe_course.h"
#include "core/verdict.h"

enum {
        SNAPSHOT_REASONS_MAX = 4,
        SNAPSHOT_REASON_TEXT = 256,
        SNAPSHOT_SENSOR_TEXT = 160,
        SNAPSHOT_POLL_BUCKETS = 10,
};

struct snapshot_listener {
        struct listener_key key;
        uint32_t sockets;
        enum flood_state state;
        enum diagnosis diagnosis;
        uint64_t since_realtime_us;
        struct evidence evidence;
        struct listener_total total;
};

struct snapshot_sensor {
        enum sensor_state state;
        char reason[SNAPSHOT_SENSOR_TEXT]; /* empty when ok */
};

struct snapshot_source {
        struct prefix prefix;
        double half_open, syn_per_s, completed_per_s;
        double completion_low, completion_high; /* 0..1: 95 % bounds of the share that finishes */
        double share, error; /* 0..1 of all SYNs */
};

struct snapshot_incident {
        uint64_t id; /* 0: none now */
        uint64_t start_realtime_us;
        bool has_listener;
        struct listener_key listener;
        enum diagnosis diagnosis;
        double peak_syn_per_s, peak_half_open, total_syns, blocked_syns;
};

/* Of the control socket. */
struct snapshot_clients {
        uint32_t now;
        uint64_t accepted;      /* since the start, as are the others */
        uint64_t refused;       /* too many at once */
        uint64_t dropped;       /* rubbish, too long, too slow */
        uint64_t accept_failed; /* out of descriptors or memory */
};

/* Since the daemon started; never reset. */
struct snapshot_totals {
        uint64_t syns, blocked_syns, handshakes_completed, cookies_sent, cookies_received;
        uint64_t queue_drops, accept_overflows, log_received, log_lost;
        uint64_t incidents[DIAGNOSES];
        uint64_t ticks, dumps;
        /* Walks of the socket table by duration: upper bounds snapshot_poll_bounds_us. */
        uint64_t poll_buckets[SNAPSHOT_POLL_BUCKETS + 1]; /* the last: longer; not cumulated */
        uint64_t poll_us_sum;
        uint64_t records_dropped; /* writes of records, because a disk was too slow for too long */
};

extern const uint64_t snapshot_poll_bounds_us[SNAPSHOT_POLL_BUCKETS];

struct snapshot {
        const char *version; /* static */
        int pid;
        uint64_t realtime_us, uptime_us;
        bool dry_run;

        enum flood_state state;
        enum diagnosis diagnosis;
        uint64_t since_realtime_us;
        uint32_t reasons_count;
        char reasons[SNAPSHOT_REASONS_MAX][SNAPSHOT_REASON_TEXT];

        struct evidence host;
        uint32_t listeners_count, listeners_left_out;
        struct snapshot_listener listeners[OBS_LISTENERS_MAX];
        struct listener_totals listener_totals;

        uint32_t sources_count, sources_tracked;
        double sources_distinct;
        struct snapshot_source sources[OBS_SOURCES_MAX];

        int syncookies_value;    /* -1: not known */
        int syncookies_original; /* -1: not known */
        bool syncookies_managed; /* the present value is ours */
        const char *syncookies_mode; /* "auto", "off"; static */
        const char *syncookies_trouble; /* why it could not be changed; NULL: no trouble */

        bool block_enabled;
        uint32_t blocked_entries;
        uint32_t limited_entries; /* of these */
        double blocked_per_s; /* SYNs of theirs */

        struct snapshot_incident incident;

        struct snapshot_sensor sensors[SENSORS];
        uint64_t dump_interval_us; /* between walks, at present */
        uint64_t dump_last_us;     /* duration of the last walk */
        double dump_cpu_share;     /* 0..1 of one CPU, smoothed */
        uint32_t dump_entries;     /* half-opens in the last walk */
        uint32_t log_sample_one_in;
        uint64_t records_waiting_bytes; /* for a disk that does not take them */

        struct snapshot_clients clients;
        struct snapshot_totals totals;
        struct fleet_told fleet;
        struct probe_told probe;
};
