/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reads one group of the kernel's packet log (NFLOG) into a source table.
 *
 * Binding the group needs CAP_NET_ADMIN over the network namespace, and is the keeper's; what it
 * logs goes on coming to whoever has the socket. What the kernel could not
 * hand over is told exactly, by the gaps in the group's sequence numbers.
 * Nothing is allocated after nflog_reader_new().
 */

#include <stddef.h>
#include <stdint.h>

#include "core/source_table.h"

/* Since the reader was made. */
struct nflog_reader_counts {
        uint64_t received;  /* SYNs that went into the table, of either sample */
        uint64_t syns;      /* that those sampled by packet stand for (see source_table.h) */
        uint64_t by_source; /* SYNs received that were sampled by source only */
        uint64_t lost;      /* messages */
        uint64_t malformed; /* cut too short or forged: dropped */
        uint64_t unread;    /* SYNs cut before their ports: who sent them is known, for whom is not */
        uint64_t resets;    /* RSTs, of the sample that the rules take */
        uint64_t foreign;   /* no SYN, or no log message: dropped; a rule logs too much */
        uint32_t by_packet_one_in, by_source_one_in; /* of the last of either sample; 0: none yet */
};

/* Sees every SYN; packet: as logged. For samples of the incident record. */
typedef void nflog_reader_tap(void *userdata, const struct syn *s, const uint8_t *packet, size_t length);

struct nflog_reader;

/* fd: bound to the group (privileged/client.h), taken over on success. table: must outlive the
 * reader. -ENOMEM. */
int nflog_reader_new(int fd, struct source_table *table, struct nflog_reader **ret);
struct nflog_reader *nflog_reader_free(struct nflog_reader *r);

/* Readable when there is something to receive. */
int nflog_reader_fd(const struct nflog_reader *r);
/* NULL: none. */
void nflog_reader_set_tap(struct nflog_reader *r, nflog_reader_tap *tap, void *userdata);

/* Receives at most max_batches batches (each at most 128 KiB, some 700 SYNs) and returns at
 * once when there are none. Returns how many it received, or -errno. */
int nflog_reader_receive(struct nflog_reader *r, unsigned max_batches);
struct nflog_reader_counts nflog_reader_counts(const struct nflog_reader *r);
