/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who is who in a capture: which addresses and ports are services that SYNs are
 * aimed at, in bounded memory whatever is scanned.
 *
 * A service is a listener that answers by SYN-ACK, one that a flood reaches
 * unanswered, or a closed port that is tried again and again. Many addresses of
 * a network that share a port are one listener on any address. What only our
 * host asks is not ours, nor is who answers SYNs that nobody sent.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"
#include "replay/capture_packet.h"

enum {
        CAPTURE_SERVICES_MAX = 256,
        CAPTURE_GIVEN_MAX = 32,
        CAPTURE_NO_SERVICE = -1,
};

/* A listener that the user names; a wildcard: any address of both families. */
struct capture_listen {
        bool any;
        struct address address;
        uint16_t port;
};

struct capture_given {
        uint32_t local_count;
        struct prefix local[CAPTURE_GIVEN_MAX]; /* 0: guess */
        uint32_t listen_count;
        struct capture_listen listen[CAPTURE_GIVEN_MAX]; /* 0: guess */
};

struct capture_service {
        struct listener_key key; /* a wildcard address for one of many addresses */
        struct prefix network;   /* that those are of; length 0: from everywhere */
        uint32_t addresses;      /* met so far */
        bool closed;             /* it answers by RST alone */
        int merged;              /* into which other one, since many addresses share its port; or
                     * CAPTURE_NO_SERVICE */
        int listener;            /* among those that the detector follows; -1: it does not */
};

struct capture_hosts;

/* -ENOMEM. `given` must outlive it. */
int capture_hosts_new(const struct capture_given *given, struct capture_hosts **ret);
struct capture_hosts *capture_hosts_free(struct capture_hosts *h);

/* Learns from one segment. live: services are found at once; else by
 * capture_hosts_conclude(), after the last segment, which knows more: what was taken for a service
 * and is only asked by the captured host is then merged into none (CAPTURE_SERVICES_MAX). */
void capture_hosts_see(struct capture_hosts *h, const struct capture_segment *s, bool live);
void capture_hosts_conclude(struct capture_hosts *h);

/* Which service stands there, or CAPTURE_NO_SERVICE. */
int capture_hosts_find(struct capture_hosts *h, const struct address *a, uint16_t port);
bool capture_hosts_is_local(const struct capture_hosts *h, const struct address *a);

uint32_t capture_hosts_count(const struct capture_hosts *h);
const struct capture_service *capture_hosts_service(const struct capture_hosts *h, uint32_t i);
uint32_t capture_hosts_listeners(const struct capture_hosts *h);
/* Listeners that the detector has no room for. */
uint64_t capture_hosts_left_out(const struct capture_hosts *h);

/* Whether listeners or addresses were given. */
bool capture_hosts_are_named(const struct capture_hosts *h);
/* Where most SYNs go that go to no service, and how many; out: the link says that they leave. False: none. */
bool capture_hosts_busiest_elsewhere(const struct capture_hosts *h, struct listener_key *ret, uint64_t *ret_syns,
                                     bool *ret_out);

/* The address of a service of many that most of its SYNs go to; false: none has half of them. */
bool capture_hosts_most_meant(const struct capture_hosts *h, unsigned service, struct address *ret);

/* SYN-ACKs from where no SYN was seen to go: from and to how many addresses. */
void capture_hosts_unasked(const struct capture_hosts *h, double *ret_from, double *ret_to);
/* The address that most of them go to; false: there were none. */
bool capture_hosts_unasked_to(const struct capture_hosts *h, struct address *ret);
/* Answers that nobody asked for come from far more hosts than they go to: nobody here is
 * the server, and SYNs with our address are sent elsewhere. */
bool capture_hosts_backscatter(const struct capture_hosts *h);
