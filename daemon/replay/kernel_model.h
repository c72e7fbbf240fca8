/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the kernel would count and report, for given listeners under given
 * packets: a model of the request queue, its timers, SYN cookies and the
 * accept queue, after tcp_conn_request() (net/ipv4/tcp_input.c),
 * tcp_check_req() (tcp_minisocks.c) and reqsk_timer_handler()
 * (inet_connection_sock.c) of Linux 6.12.
 *
 * Pure: time is an argument, the same calls give the same observations.
 * Memory is taken when a listener is added (about 80 bytes for each request
 * its queue can hold), never by a packet.
 *
 * What it leaves out: proven peers (tcp_metrics), Fast Open, memory pressure,
 * the coarseness of the timer wheel (up to 1/8 of a time-out), the limit on
 * answers to repeated SYNs (tcp_invalid_ratelimit), migration of requests in
 * SO_REUSEPORT groups.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/observation.h"

enum {
        KERNEL_MODEL_BACKLOG_MAX = 1 << 20,
        KERNEL_MODEL_NO_LISTENER = -1,
};

#define KERNEL_MODEL_AT_ONCE UINT32_MAX

struct kernel_model_settings {
        uint8_t syncookies;       /* net.ipv4.tcp_syncookies */
        uint32_t max_syn_backlog; /* tcp_max_syn_backlog; matters only without cookies */
        uint8_t synack_retries;   /* tcp_synack_retries */

        /* Called when a timer sends a SYN-ACK again, with the tag of its SYN.
         * May be NULL; must not call the model. */
        void (*resent)(void *userdata, uint64_t time_us, uint32_t tag);
        void *userdata;
};

struct kernel_model_listener {
        struct listener_key key;
        uint32_t backlog;       /* 1..KERNEL_MODEL_BACKLOG_MAX */
        uint32_t accepts_per_s; /* how fast the application accepts; 0: never */
        uint8_t defer_retries;  /* TCP_DEFER_ACCEPT in retransmissions (1 s: 1, 3 s: 2, …), 0: off */
};

struct kernel_model_peer {
        struct address address;
        uint16_t port;
};

enum kernel_model_answer {
        KERNEL_REFUSED, /* no listener: RST */
        KERNEL_QUEUED,
        KERNEL_REPEATED, /* the request is known: SYN-ACK sent again */
        KERNEL_COOKIE,   /* SYN-ACK with a cookie, nothing kept */
        KERNEL_DROPPED,
};

enum kernel_model_ack {
        KERNEL_ACK_COMPLETED,
        KERNEL_ACK_DEFERRED, /* waits for data (TCP_DEFER_ACCEPT) */
        KERNEL_ACK_OVERFLOW, /* the accept queue is full; a request stays, a cookie is lost */
        KERNEL_ACK_STRAY,    /* belongs to nothing: RST */
};

/* What an ACK carries. */
enum {
        KERNEL_ACK_DATA = 1 << 0,
        KERNEL_ACK_VALID_COOKIE = 1 << 1, /* it acknowledges a cookie that was sent */
};

struct kernel_model;

/* Linux's defaults: cookies 1, backlog 4096, 5 retries. */
struct kernel_model_settings kernel_model_defaults(void);

/* -ENOMEM, -EINVAL. */
int kernel_model_new(const struct kernel_model_settings *s, struct kernel_model **ret);
struct kernel_model *kernel_model_free(struct kernel_model *m);

/* Gives the number packets name it by. -EINVAL, -ENOMEM, -ENOSPC: OBS_LISTENERS_MAX. */
int kernel_model_add_listener(struct kernel_model *m, const struct kernel_model_listener *l, unsigned *ret_listener);
/* The listener for a destination, a bound address before a wildcard; or KERNEL_MODEL_NO_LISTENER. */
int kernel_model_find_listener(const struct kernel_model *m, const struct address *a, uint16_t port);
/* The listener closes; its requests stay as ghosts until their timers fire. */
void kernel_model_close_listener(struct kernel_model *m, unsigned listener);
void kernel_model_set_accepts(struct kernel_model *m, uint64_t time_us, unsigned listener, uint32_t accepts_per_s);
void kernel_model_set_syncookies(struct kernel_model *m, uint8_t value);
uint8_t kernel_model_syncookies(const struct kernel_model *m);

/* Packets, in order of time (an earlier time counts as the latest so far).
 * `listener` may be KERNEL_MODEL_NO_LISTENER. The tag is the caller's, see
 * `resent`; the first SYN of a request sets it. */
enum kernel_model_answer kernel_model_syn(struct kernel_model *m, uint64_t time_us, int listener,
                                          const struct kernel_model_peer *peer, uint32_t tag);
enum kernel_model_ack kernel_model_ack(struct kernel_model *m, uint64_t time_us, int listener,
                                       const struct kernel_model_peer *peer, unsigned flags);
/* Whether it ended a request. */
bool kernel_model_rst(struct kernel_model *m, uint64_t time_us, int listener, const struct kernel_model_peer *peer);
/* The host answered the peer's SYN by RST, which the model took for a SYN to a listener. */
void kernel_model_refuse(struct kernel_model *m, uint64_t time_us, int listener, const struct kernel_model_peer *peer);
/* Segments that only count as InSegs. */
void kernel_model_segments(struct kernel_model *m, uint64_t count);

/* Runs the timers due up to then. */
void kernel_model_advance(struct kernel_model *m, uint64_t time_us);

/* Whether the peer has a half-open there (as of the last time given). */
bool kernel_model_has(const struct kernel_model *m, int listener, const struct kernel_model_peer *peer);

/* Half-opens of a listener now. */
uint32_t kernel_model_half_open(const struct kernel_model *m, unsigned listener);

/* Each half-open there is now, those of closed listeners too. */
typedef void kernel_model_each(void *userdata, unsigned listener, const struct kernel_model_peer *peer);
void kernel_model_each_half_open(const struct kernel_model *m, kernel_model_each *each, void *userdata);

/*
 * What the sensors would have seen: counters since the call before, queues as
 * of time_us. Writes the whole record but the sources and the log's quality
 * (which it sets to unknown). realtime_us is set to time_us.
 */
void kernel_model_observe(struct kernel_model *m, uint64_t time_us, struct observation *ret);
