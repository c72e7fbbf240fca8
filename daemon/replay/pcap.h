/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A capture (pcap or pcapng) as a sensor: what the kernel would have counted
 * and reported, by replay/kernel_model.h, in observations a tick of capture
 * time apart.
 *
 * The listeners are guessed: addresses that answer SYNs with SYN-ACKs are ours,
 * and the ports they answer from are open; where the capture has no SYN-ACK at
 * all, the destinations of the most SYNs. A capture does not tell backlog,
 * cookie mode or the application: these are given, and the application is
 * taken to accept at once. Any ACK of a client finishes its handshake.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"

enum {
        PCAP_REPLAY_ERROR_MAX = 512,
        PCAP_REPLAY_LOCAL_MAX = 32,
};

struct pcap_replay_options {
        uint32_t backlog;         /* of every listener */
        uint32_t max_syn_backlog;
        uint8_t syncookies;
        uint64_t tick_us;
        uint32_t local_count;     /* 0: guess */
        struct prefix local[PCAP_REPLAY_LOCAL_MAX];
};

struct pcap_replay_counts {
        uint64_t packets, segments;
        uint64_t other;    /* no TCP */
        uint64_t broken;   /* cut short, or lengths that lie */
        uint64_t syns;
        uint32_t listeners, listeners_left_out;
};

struct pcap_replay;

/* Backlog 4096, cookies 1, ticks of 200 ms. */
struct pcap_replay_options pcap_replay_defaults(void);

/*
 * Reads the file once to find the listeners. -ENOTSUP: built without libpcap;
 * -EBADMSG: no capture, or a damaged one; -ENODATA: no SYN in it; others from
 * reading. ret_error then says what, with the file's name and the place.
 */
int pcap_replay_new(const char *path, const struct pcap_replay_options *o, struct pcap_replay **ret,
                    char ret_error[static PCAP_REPLAY_ERROR_MAX]);
struct pcap_replay *pcap_replay_free(struct pcap_replay *p);

/* 1: the next observation; 0: the capture is over; else as above. */
int pcap_replay_next(struct pcap_replay *p, struct observation *ret,
                     char ret_error[static PCAP_REPLAY_ERROR_MAX]);

/* How much of the file has been read, 0..1. */
double pcap_replay_progress(const struct pcap_replay *p);
struct pcap_replay_counts pcap_replay_counts(const struct pcap_replay *p);
