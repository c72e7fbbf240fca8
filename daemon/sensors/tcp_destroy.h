/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Completed handshakes by remote address: the kernel tells of every TCP
 * connection that ends (SKNLGRP_INET_TCP_DESTROY and its IPv6 twin); half-open
 * ones are not told of. Needs no privilege. A connection counts when its local
 * port is a listener's and so was not opened by us; one that was aborted (SO_LINGER of 0 s) is told of
 * with the peer's address and without its port. It counts at its end: whoever
 * keeps connections open for long looks less complete until they end. Flood
 * verdicts do not go by this but by the host's own count of handshakes
 * (PassiveOpens). The blocking of sources does: a peer that opens
 * many connections and keeps them all belongs on the allow list.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/source_table.h"

struct tcp_destroy_counts {
        uint64_t completed; /* told to the table */
        uint64_t others;    /* our own connections, listeners that closed */
        uint64_t connections; /* of all these, what had a peer, */
        uint64_t listeners;   /* and what had a port and none: a listener, or what only was bound */
        uint64_t overruns;  /* times that events were lost, each an unknown number */
};

struct tcp_destroy;

/* fd: of util/ends_socket.h, taken over on success. table: must outlive it. -ENOMEM. */
int tcp_destroy_new(int fd, struct source_table *table, struct tcp_destroy **ret);
struct tcp_destroy *tcp_destroy_free(struct tcp_destroy *d);
int tcp_destroy_fd(const struct tcp_destroy *d);
void tcp_destroy_set_listeners(struct tcp_destroy *d, const struct obs_listener *list, uint32_t count);
/* Takes at most max_events and returns at once when there are none. Returns how many, or
 * -errno. */
int tcp_destroy_receive(struct tcp_destroy *d, unsigned max_events);
struct tcp_destroy_counts tcp_destroy_counts(const struct tcp_destroy *d);
/* One datagram of the socket; for tests and fuzzers. */
void tcp_destroy_parse(struct tcp_destroy *d, const void *data, size_t length);
