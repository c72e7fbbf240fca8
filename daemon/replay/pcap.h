/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A capture (pcap or pcapng) as a sensor, and what it is.
 *
 * Every packet goes into a ledger of handshakes (replay/ledger.h), which knows what
 * became of each: that is what the capture shows, and in the end what it is
 * (replay/capture_verdict.h). What the kernel would have counted and reported
 * meanwhile is reckoned from the same handshakes by replay/kernel_model.h, in
 * observations a tick of capture time apart: who finished, was reset or refused is
 * as captured; backlog, cookie mode and the application are not in a capture and
 * are given, and the application is taken to accept at once.
 *
 * A file is read twice, first to find the listeners; of a pipe they are found as
 * they show.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"
#include "replay/capture_hosts.h"
#include "replay/capture_verdict.h"

enum { PCAP_REPLAY_ERROR_MAX = 512 };

struct pcap_replay_options {
        uint32_t backlog;         /* of every listener */
        uint32_t max_syn_backlog;
        uint8_t syncookies;
        uint64_t tick_us;
        struct capture_given given;
        struct ledger_limits limits;
        uint64_t (*realtime_us)(void); /* of a pipe that is live, silence is time as well;
                                        * NULL: only packets tell the time */
        bool (*stopped)(void);         /* a pipe is to end: what comes within a second more is still
                                * played; NULL: never */
};

struct pcap_replay;

/* Backlog 4096, cookies 1, ticks of 200 ms. */
struct pcap_replay_options pcap_replay_defaults(void);

/*
 * Takes fd over, from which `count` bytes at `before` were read already if it is
 * no regular file. -EBADMSG: no capture; others from reading. ret_error then says
 * what, with the name.
 */
int pcap_replay_new(int fd, const char *name, const void *before, size_t count, const struct pcap_replay_options *o,
                    struct pcap_replay **ret, char ret_error[static PCAP_REPLAY_ERROR_MAX]);
struct pcap_replay *pcap_replay_free(struct pcap_replay *p);

/* 1: the next observation; 0: the capture is over, or cut: the verdict tells. */
int pcap_replay_next(struct pcap_replay *p, struct observation *ret);

/* How much of the file has been read, 0..1; NAN: not known. */
double pcap_replay_progress(const struct pcap_replay *p);

/* Whether it is read from a pipe, as it comes. */
bool pcap_replay_is_live(const struct pcap_replay *p);
/* After the last observation: what it is. -ENOMEM. */
int pcap_replay_conclude(struct pcap_replay *p, struct capture_verdict *ret);
/* Valid as long as p is. */
const struct capture_facts *pcap_replay_facts(const struct pcap_replay *p);
const struct capture_hosts *pcap_replay_hosts(const struct pcap_replay *p);
const struct ledger *pcap_replay_ledger(const struct pcap_replay *p);
