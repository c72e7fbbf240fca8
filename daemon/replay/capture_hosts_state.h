/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What capture_hosts.c learns and capture_hosts_told.c is asked for; for these two. */

#include "core/distinct.h"
#include "replay/capture_hosts.h"

enum {
        ENDS_MAX = 1 << 13,
        GROUPS_MAX = 1 << 11,
};

/* An address and port that SYNs were sent to, or SYN-ACKs came from. */
struct end {
        struct address address;
        uint16_t port;
        bool used, several_askers, came_in, went_out;
        int16_t service;
        uint32_t group;
        struct address asker; /* the first that sent a SYN there */
        uint32_t syns, answers, refusals;
        bool unasked_several;
        struct address unasked_to; /* the first that was sent an answer it never asked for */
};

/* The ends of one network that share a port. */
struct group {
        struct prefix network, narrow; /* narrow: that has all of its ends */
        uint16_t port;
        bool used, several_askers;
        int16_t service;
        struct address asker;
        uint32_t ends;
        uint64_t syns, answers, refusals;
};

struct capture_hosts {
        const struct capture_given *given;
        struct end ends[ENDS_MAX];
        struct group groups[GROUPS_MAX];
        uint32_t count, listeners;
        uint64_t left_out;
        struct capture_service services[CAPTURE_SERVICES_MAX];
        struct distinct unasked_from, unasked_to;
        uint64_t unasked, estimated_at; /* SYN-ACKs; when these were estimated: */
        double unasked_from_estimate, unasked_to_estimate;
        bool live, answered; /* somebody answers at all */
        uint64_t most;       /* SYNs of the busiest end or group */
        bool has_client;
        struct address client; /* the captured host, where it only asks others */
        uint64_t ends_met;
        struct end *last;    /* found, which is likely to be asked for again */
        struct end *order[ENDS_MAX];
};
