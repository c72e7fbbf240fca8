/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the daemon and its keeper, the small process that holds CAP_NET_ADMIN, say to each
 * other: one fixed record each way over a socket pair that keeps records apart
 * (SOCK_SEQPACKET). Both run the same program, so that the records are in its own layout.
 *
 * The keeper trusts nothing that is in a request, and the daemon nothing that is in a reply:
 * the checks here are pure, and what the fuzzer calls. Bounds are those of the settings
 * (config/keys.c), so that a daemon that was taken over can ask for no more than one that is
 * configured badly.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"

/* Who has written tcp_syncookies, and may be about to when who asked for it is killed, has this name
 * (util/claim.h). It ends within milliseconds of its daemon; a --restore and the next daemon wait until
 * nobody has it. */
#define MESSAGE_WRITER_NAME "io.synward.keeper"

enum {
        MESSAGE_WRITER_LIMIT_MS = 2000, /* for as long */
        MESSAGE_REASON_MAX = 96,
        MESSAGE_ENTRIES_MAX = 32, /* of the block list, in one request */
        MESSAGE_PORTS_MAX = 64,
        MESSAGE_COOKIES_MAX = 2, /* of tcp_syncookies */
        MESSAGE_TIMEOUT_MAX_MS = 24 * 3600 * 1000,
        MESSAGE_LIMIT_MAX = 10000, /* SYNs a second that a limited entry may send */
        /* Nothing wider is ever on the block list. */
        MESSAGE_IPV4_LENGTH_MIN = ADDRESS_IPV4_OFFSET_BITS + 16,
        MESSAGE_IPV6_LENGTH_MIN = 32,
};

enum message_operation {
        MESSAGE_HELLO,      /* no request: what a keeper says when it begins */
        MESSAGE_TABLE,      /* make the table, empty */
        MESSAGE_RULES,      /* count and log SYNs (nft_rules.h); as they are if they are there */
        MESSAGE_NO_RULES,
        MESSAGE_SAMPLE,     /* of those rules */
        MESSAGE_LOG,        /* the NFLOG socket, bound; it comes with the reply */
        MESSAGE_ENDS,       /* the socket of ended connections, likewise */
        MESSAGE_COUNTERS,   /* read some */
        MESSAGE_BLOCK,      /* add entries */
        MESSAGE_UNBLOCK,    /* remove them */
        MESSAGE_PORTS,      /* drops hold for these too */
        MESSAGE_NO_PORTS,   /* and for none any more */
        MESSAGE_SYNCOOKIES, /* write net.ipv4.tcp_syncookies */
        MESSAGE_OPERATIONS,
};

enum message_counter {
        MESSAGE_COUNTER_SYNS,
        MESSAGE_COUNTER_ARRIVED,
        MESSAGE_COUNTER_FORWARDED,
        MESSAGE_COUNTER_BLOCKED,
        MESSAGE_COUNTERS_COUNT,
};

struct message_log { /* MESSAGE_RULES, MESSAGE_LOG */
        uint32_t group; /* 0..65535 */
        uint32_t copy_range; /* bytes */
};

struct message_sample { /* see nft_rules_sample() */
        uint32_t by_packet, by_source, seed, max_per_s;
};

struct message_entry {
        uint8_t address[16];
        uint32_t length;     /* on these 16 bytes */
        uint32_t timeout_ms; /* 0 with MESSAGE_UNBLOCK */
        uint32_t limit_per_s; /* SYNs that pass; 0: none. All limited ones of a request have the same */
};

struct message_request {
        uint32_t magic;
        uint32_t operation;
        uint32_t sequence;   /* not 0 */
        uint32_t generation; /* of the keeper that is meant; 0: any */
        uint64_t until_us;   /* not carried out later (deadline.h); not 0 */
        union {
                struct message_log log;
                struct message_sample sample;
                uint32_t counters; /* a bit each */
                uint32_t syncookies;
                struct {
                        uint32_t count;
                        struct message_entry list[MESSAGE_ENTRIES_MAX];
                } entries;
                struct {
                        uint32_t count;
                        uint16_t list[MESSAGE_PORTS_MAX];
                } ports;
        };
};

struct message_reply {
        uint32_t magic;
        uint32_t operation;  /* that of the request */
        uint32_t sequence;   /* likewise; 0 with MESSAGE_HELLO */
        uint32_t generation; /* which keeper this is, from 1 on: another one has nothing of the one before */
        int32_t result;      /* 0 or -errno */
        uint32_t counters_known; /* a bit each */
        uint64_t counters[MESSAGE_COUNTERS_COUNT]; /* packets */
        char reason[MESSAGE_REASON_MAX]; /* of a failure; may be empty */
};

/* Zeroed but for what every one carries. */
void message_request_begin(struct message_request *m, enum message_operation operation);
void message_reply_begin(struct message_reply *m, const struct message_request *to, uint32_t generation);

/* 0, or -EPROTO: not of the one length or not ours; -EINVAL: a field is out of its range. The
 * keeper answers nothing but -EINVAL to either. */
int message_request_check(const void *data, size_t length);
int message_reply_check(const void *data, size_t length);

/* Whether an operation's good reply comes with a file descriptor. */
bool message_brings_socket(uint32_t operation);
