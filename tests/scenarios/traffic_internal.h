/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Private to traffic.c, traffic_clients.c and traffic_sensors.c. */

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
        RESETS_LOGGED_PER_S = 200, /* privileged/nft_rules.c */
};

#define SLOT_US UINT64_C(1000)
#define SECOND_US UINT64_C(1000000)
#define DAY_S 86400.0
#define LATE_LEAST_US UINT64_C(50000)
#define WINDOW_S 4.0        /* over which the source table sums up */
#define LOOK_US UINT64_C(1000000) /* as the daemon looks at open connections */
#define WALK_COST_US 1000   /* some thousand sockets */
#define TABLE_COUNTERS 4096 /* of the source table: its error is the rate over this */

/* Clients' packets, and ours. */
enum way { WAY_IN, WAY_OUT, WAYS };

/* Packets of a client, and the end of its connection. */
enum event_kind { EVENT_SYN, EVENT_ACK, EVENT_DATA, EVENT_RST, EVENT_END };

struct event {
        uint64_t time_us;
        uint32_t next, client;
        uint16_t generation;
        uint8_t kind;
        bool queued; /* it has been through the path's queue */
};

struct client {
        struct kernel_model_peer peer;
        uint64_t sent_us;     /* its last SYN, and … */
        uint64_t answered_us; /* … when its first SYN-ACK comes, UINT64_MAX: not yet; see now_us below */
        uint32_t rtt_us, next_free, handshake;
        uint16_t generation;
        uint8_t population, attempts, data_tries, data_lost;
        uint8_t armed; /* the attempt whose retry is on its way */
        bool cookie, taken; /* taken: some SYN of it was answered */
        bool data_begun, open;
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
        uint64_t ticks, elapsed_us; /* of the last one */
        struct dump_schedule schedule;
        struct dump_trigger trigger;
        double return_loss, forward_loss, ack_loss;
        uint64_t more_rtt_us, no_cpu_us;
        double path_free_us[WAYS]; /* when its queue will be empty */
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
        uint32_t handshakes; /* begun, in all: their number is what tells one from another */
        uint32_t clients_max, free_client;

        uint32_t fins[FIN_SLOTS];
        struct traffic_truth truth;
        uint64_t arrived, forwarded; /* SYNs of this tick */
        unsigned resets_logged;      /* in this second */
        struct obs_sources sources;
        struct source_table *table; /* NULL: reckoned */
        uint64_t look_due_us; /* at the open connections */
        bool netstat_told, log_told; /* at the last tick */
};

/* Whether a trouble is there at that moment. */
static inline bool trouble_holds(const struct trouble *x, uint64_t now_us) {
        return (double) now_us >= x->from_s * 1e6 && (double) now_us < x->to_s * 1e6;
}

/* Where the kernel model has them; KERNEL_MODEL_NO_LISTENER. */
static inline int listener_of(const struct traffic *t, const struct population *p) {
        return p->destination == DESTINATION_LISTENER ? (int) t->in_kernel[p->listener] : KERNEL_MODEL_NO_LISTENER;
}

static inline bool is_forwarded(const struct population *p) {
        return p->destination == DESTINATION_ROUTED || p->destination == DESTINATION_REDIRECTED;
}

/*
 * Clients. Their time is the server's, less the empty path: what a client sends
 * at now_us arrives at now_us, or as much later as the path's queue is long.
 */

/* A new one, from there, sends its first SYN. */
void traffic_clients_begin(struct traffic *t, uint64_t now_us, unsigned population,
                           const struct kernel_model_peer *peer);
void traffic_clients_event(struct traffic *t, const struct event *e);
/* A timer of the kernel's sent a SYN-ACK again. */
void traffic_clients_resent(void *userdata, uint64_t time_us, uint32_t tag);
/* How a SYN of a population was answered, for the ledger. */
void traffic_note_answer(struct traffic *t, const struct population *p, enum kernel_model_answer answer);
/* A SYN of that handshake reaches this host; a connection ends; a SYN-ACK is answered by an RST. */
void traffic_sensors_syn(struct traffic *t, unsigned population, const struct kernel_model_peer *peer,
                         uint32_t handshake);
void traffic_sensors_ended(struct traffic *t, unsigned population, const struct kernel_model_peer *peer);
void traffic_sensors_rst(struct traffic *t, const struct kernel_model_peer *peer);

/* With nothing in it yet. */
struct source_table *traffic_source_table_new(struct traffic *t);
/* After each tick: what the log would remember of the populations. */
void traffic_sensors_remember(struct traffic *t);
/* What the kernel shows becomes what the sensors tell. */
void traffic_sensors_observe(struct traffic *t, bool alert, struct observation *o);
