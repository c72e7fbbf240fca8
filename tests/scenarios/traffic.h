/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Traffic made by chance, packet for packet, through the model of the kernel
 * (replay/kernel_model.h), and what the sensors make of it: a stream of
 * observations, a fifth of a second apart.
 *
 * Populations send SYNs. The members of an honest one are TCP clients: they
 * have a round trip, lose packets, send again after 1, 3, 7 … s (RFC 6298) and
 * give up. Those of a flood never answer, or answer with an RST. Not all SYNs
 * are for a listener: some meet a closed port, some this host only forwards.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"
#include "replay/kernel_model.h"

enum {
        TRAFFIC_LISTENERS_MAX = 8,
        TRAFFIC_POPULATIONS_MAX = 20,
        TRAFFIC_PHASES_MAX = 6,
        TRAFFIC_TROUBLES_MAX = 6,
};

#define TRAFFIC_TICK_US UINT64_C(200000)

enum population_kind {
        POPULATION_HONEST,
        POPULATION_SILENT, /* nobody answers the SYN-ACK */
        POPULATION_RST,    /* a host that did not ask, a scanner or a check answers with an RST */
        POPULATION_BACKSCATTER, /* no SYNs: answers to nobody's, which this host resets */
};

/* Where SYNs go. What is routed or redirected never reaches this host's TCP. */
enum destination {
        DESTINATION_LISTENER,
        DESTINATION_CLOSED,     /* a port of ours where nobody listens */
        DESTINATION_ROUTED,     /* another host's address */
        DESTINATION_REDIRECTED, /* our address, rewritten for another (DNAT, a container) */
};

/* From one rate to another (equal: constant). */
struct phase {
        double from_s, to_s;
        double from_per_s, to_per_s;
};

struct population {
        enum population_kind kind;
        bool attack; /* what has to be found */
        enum destination destination;
        unsigned listener; /* of DESTINATION_LISTENER */
        uint16_t port;     /* of the others; 0: any */
        bool ipv6;
        uint32_t sources;       /* 0: a new random address each time */
        unsigned prefix_length; /* all sources lie in one prefix of this length (family's own), 0: anywhere */
        struct phase phases[TRAFFIC_PHASES_MAX]; /* the last that holds counts */
        double pulse_on_s, pulse_every_s;        /* 0: steadily */
        double burst_every_s;  /* rate is multiplied … */
        double burst_factor;   /* … by this, on average so often, for burst_s */
        double burst_s;
        bool daily;            /* rhythm of a day: 0.3 to 1.7 of the rate */
        bool regular;          /* evenly spaced, not Poisson */

        unsigned copies;       /* silent only: of each SYN, at once; 0: 1 */

        /* honest and RST only */
        double rtt_median_ms, rtt_sigma; /* log-normal */
        double rtt_most_ms;              /* none is longer; 0: 5 s */
        /* honest only */
        double loss;           /* of each packet, each way */
        bool on_path;          /* over the path with a capacity */
        double data_after_s;   /* mean wait before the first data (deferred accept) */
        unsigned attempts;     /* SYNs before a client gives up; 0: 4 */
        double lasts_s;        /* mean length of a connection; 0: 5 s */
        double again_s;        /* who is refused connects anew after about this; 0: never */
};

enum trouble_kind {
        TROUBLE_ACCEPTS,       /* listener accepts `value` connections/s */
        TROUBLE_RETURN_LOSS,   /* `value` of our SYN-ACKs are lost */
        TROUBLE_FORWARD_LOSS,  /* `value` of the clients' packets are lost */
        TROUBLE_ACK_LOSS,      /* the same, but their SYNs come through */
        TROUBLE_ROUND_TRIP,    /* every round trip is longer by `value` ms */
        TROUBLE_NO_CPU,        /* each tick is late by 50 … `value` ms, clients' answers by up to that */
        TROUBLE_NO_SOCK_DIAG,
        TROUBLE_NO_NETSTAT,
        TROUBLE_NO_NFLOG,
        TROUBLE_COUNTER_RESET, /* once, at from_s */
        TROUBLE_CLOCK_STEP,    /* CLOCK_REALTIME jumps by `value` s at from_s */
        TROUBLE_LISTENER_CLOSED, /* at to_s it opens again */
        TROUBLE_LATE_TICK,     /* the daemon was stopped from from_s to to_s */
};

struct trouble {
        enum trouble_kind kind;
        double from_s, to_s;
        double value;
        unsigned listener;
};

struct traffic_settings {
        uint64_t seed;
        uint8_t syncookies;
        uint32_t max_syn_backlog; /* 0: 4096 */
        unsigned listeners_count;
        struct {
                uint16_t port;
                uint32_t backlog;
                uint32_t accepts_per_s; /* 0: at once */
                uint8_t defer_retries;
                bool ipv6;
        } listeners[TRAFFIC_LISTENERS_MAX];
        unsigned populations_count;
        struct population populations[TRAFFIC_POPULATIONS_MAX];
        /* A path that carries so much, each way, and queues up to so long; what does not fit is lost.
         * A connection that was made loads it with so many packets more, and half as many ACKs. */
        struct {
                double packets_per_s, queue_s;
                unsigned connection_packets;
        } path;
        unsigned troubles_count;
        struct trouble troubles[TRAFFIC_TROUBLES_MAX];
        bool no_nflog, no_netstat, no_sock_diag;
        /* Every SYN goes through the daemon's source table; else its figures are
         * reckoned from the populations, which is far cheaper. */
        bool source_table;
};

/* How handshakes of a listener ended. */
struct traffic_ledger {
        uint64_t finished;
        uint64_t refused;    /* SYNs that the full queue dropped, each of those sent again too */
        uint64_t unfinished; /* answered, but nobody will finish it: known when answered or given up */
        uint64_t checked;    /* answered, and reset by somebody who means no harm */
};

/* What no sensor sees, for judging and for baselines. */
struct traffic_truth {
        double now_s;
        uint64_t syns, fins;    /* of this tick; FINs of clients that finished before */
        uint64_t attack_syns;   /* of syns, those that have to be found */
        struct traffic_ledger ledger[TRAFFIC_LISTENERS_MAX]; /* of this tick */
        uint32_t half_open;     /* of all listeners */
        double fill;            /* of the fullest */
        uint64_t honest_asked, honest_connected, honest_failed; /* since the beginning */
};

struct traffic;

/* Aborts without memory: this is a test. The settings must outlive it. */
struct traffic *traffic_new(const struct traffic_settings *s);
struct traffic *traffic_free(struct traffic *t);

/*
 * The next tick. `alert`: the judge found something. The socket table is walked
 * when the daemon's own schedule asks for it (sensors/dump_schedule.h).
 */
void traffic_step(struct traffic *t, bool alert, struct observation *ret_observation, struct traffic_truth *ret_truth);

/* The n-th address of a population. */
struct address traffic_address(const struct traffic_settings *s, unsigned population, uint32_t n);

void traffic_set_syncookies(struct traffic *t, uint8_t value);
