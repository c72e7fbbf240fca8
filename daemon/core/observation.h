/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One observation: what the sensors saw between two ticks.
 *
 * A plain record without pointers: sensors fill it, the detector reads it, a
 * recording is a file of them (format/observation_json.h). Every part can be
 * unknown, and unknown is never zero: a figure may be read only if its bit in
 * `known` is set. Counters are deltas since the observation before; a counter
 * that went backwards was reset and is unknown for that observation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"

enum {
        OBS_LISTENERS_MAX = 128, /* more: the idlest are left out and counted */
        OBS_SOURCES_MAX = 96,
        OBS_LISTENER_NONE = OBS_LISTENERS_MAX, /* no listener that is followed */
};

/* Counters of the whole network namespace (SNMP and TcpExt names in observation.c,
 * from net/ipv4/proc.c), except OBS_SYNS and what follows it; arrived and forwarded are told about once a
 * second, for all of it. What arrived and was neither
 * forwarded nor handed to TCP was dropped on the way: firewall, full conntrack table, martian. */
enum obs_counter {
        OBS_COOKIES_SENT,       /* SyncookiesSent */
        OBS_COOKIES_RECEIVED,   /* SyncookiesRecv */
        OBS_COOKIES_FAILED,     /* SyncookiesFailed */
        OBS_QUEUE_FULL_COOKIES, /* TCPReqQFullDoCookies */
        OBS_QUEUE_FULL_DROPS,   /* TCPReqQFullDrop */
        OBS_LISTEN_OVERFLOWS,   /* ListenOverflows: the accept queue was full */
        OBS_LISTEN_DROPS,       /* ListenDrops: every SYN or ACK a listener dropped */
        OBS_PASSIVE_OPENS,      /* PassiveOpens: every handshake that completed */
        OBS_ACTIVE_OPENS,       /* ActiveOpens: every connection that this host began to open */
        OBS_EMBRYONIC_RSTS,     /* EmbryonicRsts: half-opens ended by an RST */
        OBS_ATTEMPT_FAILS,      /* AttemptFails */
        OBS_SYN_RETRANS,        /* TCPSynRetrans: SYNs and SYN-ACKs sent again */
        OBS_IN_SEGMENTS,        /* InSegs: every TCP segment that came in */
        OBS_OUT_RSTS,           /* OutRsts: among them the answers to SYNs without a listener */
        OBS_CSUM_ERRORS,        /* InCsumErrors: segments that TCP threw away for their checksum */
        OBS_SYNS,               /* SYNs handed to this host's TCP, by our nftables counter at the end of
                   * `input`: for a listener or a closed port; without: */
        OBS_ARRIVED,            /* SYNs at prerouting, whatever became of them */
        OBS_FORWARDED,          /* of these, those on their way to another host */
        OBS_BLOCKED,            /* SYNs of blocked sources, dropped before anything saw them */
        OBS_COUNTERS            /* how many */
};

/*
 * Ages of half-opens. The kernel does not report an age; it follows from the
 * retransmission timer: age = (2^(retrans+1) - 1) s - expires, with a first
 * timeout of 1 s (TCP_TIMEOUT_INIT, include/net/tcp.h). The first ten bins are
 * 100 ms wide and hold entries whose SYN-ACK was sent once.
 */
enum {
        OBS_AGE_FINE_BINS = 10,         /* [0,100) ms .. [900,1000) ms, never sent again */
        OBS_AGE_1S = OBS_AGE_FINE_BINS, /* [1,1.5) s */
        OBS_AGE_1500MS,                 /* [1.5,2) s */
        OBS_AGE_2S,                     /* [2,3) s */
        OBS_AGE_3S,                     /* [3,5) s: sent a third time */
        OBS_AGE_5S,                     /* [5,7) s */
        OBS_AGE_7S,                     /* [7,15) s */
        OBS_AGE_15S,                    /* [15,31) s */
        OBS_AGE_31S,                    /* 31 s and older */
        OBS_AGE_BINS
};

#define OBS_AGE_FINE_US UINT64_C(100000)
/* A fast tick, as poll.fast_interval has it at first: what comes between two walks fills two bins. */
#define OBS_TICK_US (2 * OBS_AGE_FINE_US)

struct listener_key {
        struct address address; /* may be a wildcard */
        uint16_t port;
        uint32_t ifindex; /* the bound device, 0: none */
};

enum obs_listener_known {
        OBS_L_LIMITS = 1 << 0,    /* backlog, accept_queue, accept_full, sockets */
        OBS_L_HALF_OPEN = 1 << 1, /* half_open, deferred, age */
        OBS_L_DROPS = 1 << 2,
        OBS_L_SYNS = 1 << 3,      /* syns */
        OBS_L_SENDERS = 1 << 4,   /* syns_again, syns_known, senders */
        OBS_L_ENDED = 1 << 5,     /* ended, senders.ended_per_s */
};

/*
 * Who begins handshakes with a listener, over the last seconds; without known clients, who
 * have finished one in the last minutes (core/source_table.h). A sample, one address in
 * one_in: how many addresses there are, and how soon they come again, tells forged ones,
 * which hardly ever do, from real ones.
 */
struct obs_senders {
        double syn_per_s;  /* of all, weighed as the sources' rates: what their shares are of */
        double ended_per_s; /* connections that ended, weighed alike; to be read with OBS_L_ENDED */
        uint64_t begun;    /* handshakes; a SYN sent again begins none */
        uint32_t addresses, once; /* that began them; of these, those that began one only */
        uint32_t one_in;
        double span_s;     /* the time in which they did */
};

struct obs_listener {
        struct listener_key key;
        uint32_t known;        /* of obs_listener_known */
        uint32_t sockets;      /* listening sockets: more than 1 in an SO_REUSEPORT group */
        uint32_t backlog;      /* sum of their limits: min(listen(2)'s backlog, somaxconn) */
        uint32_t accept_queue; /* finished handshakes that wait for accept(2) */
        uint32_t accept_full;  /* sockets of the group whose accept queue is over its limit */
        uint32_t half_open;    /* request sockets, deferred ones included */
        uint32_t deferred;     /* finished, but held back by TCP_DEFER_ACCEPT */
        uint32_t age[OBS_AGE_BINS]; /* the half-open that are not deferred */
        uint64_t drops;        /* delta of the listener's own drop counter (SKMEMINFO) */
        uint64_t syns;         /* delta, estimated from the sampled log */
        uint64_t syns_again;   /* delta, of syns: of handshakes that had begun (RFC 9293, 3.8.1) */
        uint64_t syns_known;   /* delta, of syns: from known clients */
        uint64_t ended;        /* delta: connections of its that ended */
        struct obs_senders senders;
};

enum obs_source_known {
        OBS_S_SYNS = 1 << 0,
        OBS_S_HALF_OPEN = 1 << 1,
        OBS_S_COMPLETED = 1 << 2,
};

/* A source of one listener's SYNs: one that sends to two is two. */
struct obs_source {
        struct prefix prefix;   /* full length: one address */
        uint16_t listener;      /* index into the observation's, or OBS_LISTENER_NONE */
        uint8_t known;          /* of obs_source_known */
        uint8_t is;             /* of obs_source_is */
        double syn_per_s;       /* estimate, an upper bound */
        double syn_error_per_s; /* the estimate may be too high by this much */
        double completed_per_s;
        uint32_t half_open;
        /* Of its SYNs, the share that became connections: 95 % bounds, 0..1. To be read
         * with OBS_S_SYNS and OBS_S_COMPLETED; 0 and 1 say that too few were seen. */
        double completion_low, completion_high;
};

enum obs_source_is {
        OBS_S_CLIENT = 1 << 0,  /* somebody in it has finished a handshake in the last minutes */
        OBS_S_DISOWNS = 1 << 1, /* somebody in it answered a SYN-ACK by RST lately */
};

enum obs_source_summary_known {
        OBS_SS_DISTINCT = 1 << 0,
        OBS_SS_SEEN_ONCE = 1 << 1,
        OBS_SS_STRAY = 1 << 2, /* stray_share, stray_ports */
        OBS_SS_DISOWNED = 1 << 3, /* RSTs are seen: OBS_S_DISOWNS means something */
        OBS_SS_KNOWN = 1 << 4, /* known_begun, known_again */
};

/* Who sends the SYNs, over the last seconds (see core/source_table.h). */
struct obs_sources {
        uint32_t count;   /* entries of list in use, heaviest first */
        uint32_t tracked; /* addresses in the table */
        uint32_t known;   /* of obs_source_summary_known */
        double distinct;  /* estimated number of addresses */
        double seen_once_share; /* 0..1, of the SYNs: their address was seen once */
        struct obs_source list[OBS_SOURCES_MAX];
        double stray_share;   /* 0..1, of the SYNs: to ports without a listener */
        uint32_t stray_ports; /* how many different ones */
        double syn_per_s;     /* of all sources, weighed as theirs: what their shares are of;
                           * to be read with OBS_SS_DISTINCT */
        uint32_t known_begun, known_again; /* deltas, of the sample of whole addresses: handshakes that known
                                            * clients began, and those whose first SYN one of them sent again;
                                            * without the probe's */
};

/* How an attempt of the probe ended (sensors/probe.h). */
enum obs_probe_result {
        OBS_PROBE_CONNECTED,
        OBS_PROBE_REFUSED,   /* by an RST, or by ICMP */
        OBS_PROBE_TIMED_OUT,
        OBS_PROBE_FAILED,    /* it could not be made: of no service does that say anything */
        OBS_PROBE_RESULTS
};

/* Handshakes of our own that ended. */
struct obs_probe {
        uint32_t ended[OBS_PROBE_RESULTS]; /* deltas */
        uint64_t slowest_us;               /* of those that connected; 0: none did */
};

enum sensor_id { SENSOR_SOCK_DIAG, SENSOR_NETSTAT, SENSOR_NFLOG, SENSORS };
enum sensor_state { SENSOR_OFF, SENSOR_OK, SENSOR_DEGRADED, SENSOR_FAILED };

enum obs_known {
        OBS_K_DUMP = 1 << 0,      /* half_open … ghosts, and the listeners' half-opens */
        OBS_K_LISTENERS = 1 << 1, /* listeners is the whole list (OBS_L_LIMITS) */
        OBS_K_SYNCOOKIES = 1 << 2,
        OBS_K_SOURCES = 1 << 3,
        OBS_K_SYNACK_RETRIES = 1 << 4,
        OBS_K_IN_USE = 1 << 5,
        OBS_K_PROBE = 1 << 6, /* there is one */
};

struct observation {
        uint64_t time_us;     /* CLOCK_BOOTTIME; never goes backwards */
        uint64_t realtime_us; /* CLOCK_REALTIME, for people; may jump */
        uint64_t elapsed_us;  /* since the observation before; 0 in the first */

        uint32_t known;          /* of obs_known */
        uint32_t counters_known; /* bit 1 << enum obs_counter */
        uint64_t counters[OBS_COUNTERS];

        uint32_t half_open;   /* every request socket of the namespace */
        uint32_t aged;        /* whose SYN-ACK was sent again */
        uint32_t deferred;
        uint32_t ghosts;      /* whose listener has closed */
        uint64_t in_use;      /* sockets that TCP has in its tables: listening, open, being closed */
        uint8_t syncookies;   /* net.ipv4.tcp_syncookies */
        uint8_t synack_retries; /* net.ipv4.tcp_synack_retries */

        uint32_t listeners_count;
        uint32_t listeners_left_out;
        struct obs_listener listeners[OBS_LISTENERS_MAX];

        struct obs_sources sources;
        struct obs_probe probe;

        uint8_t sensors[SENSORS]; /* enum sensor_state */
        uint32_t sample_one_in;   /* of the log, 0: no log */
        uint64_t log_received;    /* delta */
        uint64_t log_lost;        /* delta */
};

/* Sets a counter's delta and its known bit. */
void observation_set(struct observation *o, enum obs_counter c, uint64_t delta);
bool observation_knows(const struct observation *o, enum obs_counter c);

/* "SyncookiesSent" and so on; the names of the recording format too. */
const char *obs_counter_name(enum obs_counter c);
/* -ENOENT for a name that is none. */
int obs_counter_from_name(const char *name, enum obs_counter *ret);

const char *obs_probe_result_name(enum obs_probe_result r); /* "connected", "refused", "timed_out", "failed" */
const char *sensor_id_name(enum sensor_id id);          /* "sock_diag", "netstat", "nflog" */
const char *sensor_state_name(enum sensor_state state); /* "off", "ok", "degraded", "failed" */
int sensor_state_from_name(const char *name, enum sensor_state *ret);

/* The bin an age belongs to. */
unsigned obs_age_bin(uint64_t age_us);
/* Where a bin begins, for 0..OBS_AGE_BINS (the last one's end: UINT64_MAX). */
uint64_t obs_age_bin_start_us(unsigned bin);

bool listener_key_equal(const struct listener_key *a, const struct listener_key *b);
/* "0.0.0.0:80", "[::]:443", "[::]:443%3" (bound to device 3). */
char *listener_key_format(const struct listener_key *k, char text[static ADDRESS_TEXT_MAX]);
/* NULL if there is none. */
const struct obs_listener *observation_find_listener(const struct observation *o, const struct listener_key *k);
