/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who sends the SYNs: what the log, the walks of the socket table and the ends
 * of connections say about the same sources, joined, in fixed memory (about
 * 2 MB, whatever is sent; nothing is allocated after source_table_new()).
 *
 * Sources are addresses and the prefixes they belong to: /24 of IPv4, /64 and
 * /48 of IPv6; each is counted for every listener apart, and for none together. SYNs and completed handshakes are
 * weighed over the last seconds: everything is halved every SOURCE_TABLE_HALVING_US, so a source that begins shows half
 * its rate after about a second, its whole rate after some six. Shares need no such time: the total is weighed alike.
 *
 * Known clients are those who have finished a handshake in the last five to ten minutes.
 * How soon addresses come again is told without them, without those that answer SYN-ACKs by RST,
 * and without SYNs that only repeat one (the same address, port and sequence number): what is
 * left are handshakes of strangers.
 *
 * Sampling. While every SYN is logged, one call with SOURCE_BOTH serves all.
 * Otherwise two samples are logged: SOURCE_BY_PACKET, one SYN in n at random,
 * weighs addresses, prefixes and ports fairly; SOURCE_BY_SOURCE, every SYN of
 * one address in m, is what "seen once" and the number of addresses need.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/keyed_hash.h"
#include "core/known_clients.h"
#include "core/observation.h"
#include "core/syn.h"

#define SOURCE_TABLE_HALVING_US UINT64_C(2000000)
enum { SOURCE_TABLE_BUSY_PORTS = 32 };

enum source_sample {
        SOURCE_BY_PACKET = 1 << 0,
        SOURCE_BY_SOURCE = 1 << 1,
        SOURCE_BOTH = SOURCE_BY_PACKET | SOURCE_BY_SOURCE,
};

struct source_table;

/* key: random words. -ENOMEM. */
int source_table_new(const struct keyed_hash *key, uint64_t now_us, struct source_table **ret);
struct source_table *source_table_free(struct source_table *t);

/* From now on one SYN in by_packet and every SYN of one address in by_source (0: none of that
 * sample) is logged; both 1: everything. Call it for another sample of the same size too: the addresses are others. */
void source_table_set_sampling(struct source_table *t, uint32_t by_packet, uint32_t by_source, uint64_t now_us);
/* Which sensors speak at all: without them their figures are unknown, not zero. */
void source_table_set_known(struct source_table *t, bool syns, bool completions);
/* RSTs are logged too: who is not heard to disown a SYN-ACK has not done so in numbers. */
void source_table_set_resets_known(struct source_table *t);
/* The listeners there are, for counting SYNs by listener. Returns whether they are others. */
bool source_table_set_listeners(struct source_table *t, const struct obs_listener *list, uint32_t count);

/* One SYN. one_in: what it stands for; one logged before the sampling changed keeps its weight.
 * Kept until many have come or somebody asks: counted together they cost half as much. */
void source_table_add(struct source_table *t, const struct syn *s, enum source_sample sample, uint32_t one_in);
/* SYNs that were logged and did not arrive. */
void source_table_lost(struct source_table *t, uint64_t messages);
/* A connection from that address to one of our listeners has ended. */
void source_table_completed(struct source_table *t, const struct address *remote, const struct address *local,
                            uint16_t port);
/* Who finishes is remembered there too; NULL: no longer. It must outlive the table. */
void source_table_set_clients(struct source_table *t, struct known_clients *clients);
/* Whose SYNs are the daemon's own probe, and no known client's; a wildcard: nobody's. Who sends to its own
 * address is none either. */
void source_table_set_probe(struct source_table *t, const struct address *from);
/* That address answered a SYN-ACK by RST: what came under its name was not its own, or a check. */
void source_table_disowned(struct source_table *t, const struct address *remote);

/* One walk of the half-opens: begin, one call each, end. The last whole walk is reported. */
void source_table_half_open_begin(struct source_table *t);
void source_table_half_open(struct source_table *t, const struct address *remote, const struct address *local,
                            uint16_t port);
void source_table_half_open_end(struct source_table *t);

/* Fills ret; halves and rotates what is due. Time must not go backwards. */
void source_table_observe(struct source_table *t, uint64_t now_us, struct obs_sources *ret);
/* Whether a source that was observed sends enough, and finishes so little as far as is known, that
 * its open connections should be counted before it is called one that never completes. */
bool source_table_doubts(const struct obs_source *s);
/* It has so many open connections; corrects s, and what later observations tell of it. */
void source_table_open(struct source_table *t, uint32_t connections, uint64_t now_us, struct obs_source *s);
/* Fills syns, syns_again and syns_known (since the last call) and senders in each listener; of
 * the list that was set. */
void source_table_listener_syns(struct source_table *t, uint64_t now_us, struct obs_listener *list, uint32_t count);
/* Ports on which somebody listens that is not in the list, a bit each … */
void source_table_set_ports(struct source_table *t, const uint8_t ports[static 65536 / 8]);
/* … and those of them that most SYNs come for, at most SOURCE_TABLE_BUSY_PORTS. Returns how many. */
uint32_t source_table_busy_ports(const struct source_table *t, uint32_t max, uint16_t *ret);

/* Bytes allocated. */
size_t source_table_memory(const struct source_table *t);
