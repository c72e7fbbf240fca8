/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Private to traffic.c and traffic_sensors.c. */

#include "core/source_table.h"
#include "sensors/dump_schedule.h"
#include "tests/scenarios/random.h"
#include "tests/scenarios/traffic.h"

enum {
        WHEEL_SLOTS = 1 << 16, /* of 1 ms: 65 s */
        FIN_SLOTS = 1 << 12,   /* of a tick: 819 s */
        RTTS = 1024,
        NONE = UINT32_MAX,
        CLIENT_BITS = 24,
        LISTED_SOURCES_MAX = 12,
};

#define SLOT_US UINT64_C(1000)
#define SECOND_US UINT64_C(1000000)
#define DAY_S 86400.0
#define WINDOW_S 4.0        /* over which the source table sums up */
#define WALK_COST_US 1000   /* some thousand sockets */
#define TABLE_COUNTERS 4096 /* of the source table: its error is the rate over this */

enum event_kind { EVENT_SYN, EVENT_ACK, EVENT_DATA, EVENT_RST };

struct event {
        uint64_t time_us;
        uint32_t next, client;
        uint16_t generation;
        uint8_t kind;
};

struct client {
        struct kernel_model_peer peer;
        uint64_t answered_us; /* when a SYN-ACK reached it; UINT64_MAX: not yet */
        uint32_t rtt_us, next_free;
        uint16_t generation;
        uint8_t population, attempts, data_tries;
        bool cookie;
};

struct population_state {
        uint64_t next_us;
        double per_s;   /* as next_us was drawn for */
        double recent;  /* SYNs/s, as the source table remembers */
        double completed;
        double repeated; /* of recent: SYNs sent again */
        uint64_t syns, repeats, completions; /* of this tick */
        uint64_t burst_end_us, burst_next_us;
        uint32_t rtt_us[RTTS];
};

struct traffic {
        const struct traffic_settings *settings;
        struct chance chance;
        struct kernel_model *kernel;
        uint64_t now_us; /* of the last tick */
        uint64_t ticks;
        struct dump_schedule schedule;
        struct dump_trigger trigger;
        double return_loss, forward_loss;
        int64_t clock_us;
        unsigned in_kernel[TRAFFIC_LISTENERS_MAX]; /* the number the model gave each */
        bool trouble_done[TRAFFIC_TROUBLES_MAX];

        struct population_state populations[TRAFFIC_POPULATIONS_MAX];

        uint32_t wheel[WHEEL_SLOTS];
        uint64_t wheel_used[WHEEL_SLOTS / 64];
        uint64_t wheel_ms, wheel_next_ms; /* looked at up to; none before */
        struct event *events;
        uint32_t events_max, free_event;
        struct client *clients;
        uint32_t clients_max, free_client;

        uint32_t fins[FIN_SLOTS];
        struct traffic_truth truth;
        struct obs_sources sources;
        struct source_table *table; /* NULL: reckoned */
        bool netstat_told, log_told; /* at the last tick */
};

/* Whether a trouble is there at that moment. */
static inline bool trouble_holds(const struct trouble *x, uint64_t now_us) {
        return (double) now_us >= x->from_s * 1e6 && (double) now_us < x->to_s * 1e6;
}

/* With nothing in it yet. */
struct source_table *traffic_source_table_new(struct traffic *t);
/* After each tick: what the log would remember of the populations. */
void traffic_sensors_remember(struct traffic *t);
/* What the kernel shows becomes what the sensors tell. */
void traffic_sensors_observe(struct traffic *t, bool alert, struct observation *o);
