/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What became of every handshake of a capture: whoever sees all packets needs no
 * statistics to know who finished. Here is what each segment is to its handshake;
 * the handshakes are kept in ledger_entries.h, what they add up to, per service and
 * per source, in ledger_totals.h and ledger_sources.h.
 *
 * A SYN sent again by the same client (address, port, sequence number) is the same
 * handshake; the same packet captured twice is one. Fixed memory, about 25 MB:
 * a million handshakes are known at a time, older ones make room, finished ones first.
 */

#include <stdbool.h>
#include <stdint.h>

#include "replay/capture_hosts.h"
#include "replay/capture_packet.h"

enum {
        LEDGER_ELSEWHERE = CAPTURE_SERVICES_MAX, /* handshakes with none of the services */
        LEDGER_SERVICES,
};

enum ledger_tally {
        LEDGER_SYNS,       /* with those sent again, without copies */
        LEDGER_HANDSHAKES,
        LEDGER_SYN_ACKED,  /* answered by SYN-ACK */
        LEDGER_DONE,       /* finished: by the client's ACK, or by what the server sent after it */
        LEDGER_ENDED,      /* answered, and ended by the client's RST */
        LEDGER_CLOSED,     /* answered by RST: a closed port */
        LEDGER_RETRIED,    /* unfinished, whose SYN was sent again: somebody is there */
        LEDGER_WAITING,    /* of these, the unanswered */
        LEDGER_RESENT,     /* unfinished, whose SYN-ACK was sent again */
        LEDGER_UNASKED,    /* known by their SYN-ACK alone */
        LEDGER_TALLIES
};

struct ledger_counts {
        uint64_t of[LEDGER_TALLIES];
};

/* Handshakes that nobody finished, refused or still tries. */
uint64_t ledger_bad(const struct ledger_counts *c);
void ledger_counts_add(struct ledger_counts *to, const struct ledger_counts *from);

/* Handshakes that nobody finishes, for as long as they go on. */
struct ledger_run {
        uint64_t begin_us, end_us;
        struct ledger_counts counts;
        double peak_bad_per_s; /* unfinished, of a second */
};

struct ledger_service {
        struct ledger_counts counts;
        double clients;            /* distinct, about */
        double peak_per_s;         /* handshakes in the busiest second */
        double first_per_s;        /* in the first ten */
        double finish_delay_s;     /* the median from SYN to the end of the handshake; NAN */
        uint64_t runs;
        struct ledger_run longest; /* the one with the most unfinished */
        double refusing_s;         /* the longest time in which it only refused */
        uint64_t refusing_us;      /* when that began */
        double blocks;             /* /8 networks (IPv4) that the clients are spread over */
};

struct ledger_source {
        struct prefix prefix; /* one address, or its network */
        uint64_t handshakes, finished, reset, refused;
        uint64_t reset_delay_us; /* sum, from the SYN */
        uint32_t ttl_differs;    /* RSTs that came from another distance than their SYN */
        uint32_t ports_in_order; /* source ports that went up by a few */
        int reset_at;            /* the service of all its RSTs; CAPTURE_NO_SERVICE: of several */
};

/* What a segment was to its handshake. */
enum ledger_news {
        LEDGER_NOTHING,
        LEDGER_BEGUN,    /* a new handshake */
        LEDGER_ANSWERED,
        LEDGER_REPEATED, /* its SYN again */
        LEDGER_FINISHED,
        LEDGER_RESET,
        LEDGER_REFUSED,
};

struct ledger_note {
        enum ledger_news news;
        bool by_answer; /* BEGUN: by a SYN-ACK, whose SYN was not captured; and it is answered */
        struct address client, server;
        uint16_t client_port, server_port;
        int service; /* CAPTURE_NO_SERVICE */
};

struct ledger_limits {
        double rate_per_s; /* fewer unfinished are noise */
        double share;      /* of all that begin */
};

struct ledger;

/* -ENOMEM. */
int ledger_new(const struct ledger_limits *limits, struct ledger **ret);
struct ledger *ledger_free(struct ledger *l);

/* Times never go back. */
void ledger_see(struct ledger *l, uint64_t now_us, struct capture_hosts *hosts, const struct capture_segment *s,
                struct ledger_note *ret);
/* One service turns out to be a part of another: what is known of it, and what comes, is the other's. */
void ledger_merge(struct ledger *l, unsigned service, unsigned into);
/* Fetches what a segment will be looked up in. */
void ledger_prefetch(const struct ledger *l, const struct capture_segment *s);
/* After the last segment: judges what had time to finish. */
void ledger_conclude(struct ledger *l, uint64_t now_us);

/* service: below LEDGER_SERVICES. */
struct ledger_service ledger_service(const struct ledger *l, unsigned service);
/* The at most max addresses, or networks, that began the most, heaviest first. */
unsigned ledger_sources(const struct ledger *l, bool networks, unsigned max, struct ledger_source *ret);
/* Finished handshakes whose SYN-ACK is not in the capture. */
uint64_t ledger_gaps(const struct ledger *l);
/* SYNs that came behind their SYN-ACK. */
uint64_t ledger_overtaken(const struct ledger *l);
/* Packets that were captured twice. */
uint64_t ledger_copies(const struct ledger *l);
/* Segments of clients that are no SYN: whether finishing would have been seen at all. */
uint64_t ledger_others(const struct ledger *l);
/* SYNs and what else clients sent; SYN-ACKs and what else servers sent. */
void ledger_directions(const struct ledger *l, uint64_t *ret_by_clients, uint64_t *ret_by_servers);
/* How long a handshake has time before it counts as unfinished. */
double ledger_patience_s(const struct ledger *l);
