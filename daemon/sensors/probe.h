/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Handshakes of the daemon's own: a connection to a listener is begun, and ended as soon as it is made or
 * refused, or when its time is up. Nothing is sent on it and nothing read. Never waits; allocates nothing but at
 * its making.
 *
 * It is ended by FIN, and by RST as soon as that is acknowledged, which on one host is at once (TCP_LINGER2 below
 * 0, tcp_close() and tcp_rcv_state_process(), net/ipv4): to the server it is a client that connected and went, the
 * end of a file at its first read. Nothing of it stays on this host: a FIN alone would leave a TIME_WAIT for a
 * minute, or, of a server that hangs, an orphan in FIN_WAIT2. Not by SO_LINGER of 0 s, which is an RST alone: that
 * a server may log as a client's fault.
 * An end that nobody acknowledges is given up after PROBE_GIVE_UP_MS (TCP_USER_TIMEOUT).
 *
 * How long it took is the kernel's own measure, from the SYN to its SYN-ACK (tcp_info's tcpi_rtt, in microseconds),
 * unless a SYN was sent again: then the time from the beginning until it was noticed, some milliseconds too much
 * in a second and more. A SYN-ACK with a cookie is a SYN-ACK: the client cannot tell.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"
#include "core/settings.h"

enum { PROBE_GIVE_UP_MS = 10000 };
enum { PROBE_FLIGHTS_MAX = 64 }; /* under way at a time: ten seconds of five a second, and some */

struct probe;

struct probe_end {
        int error;        /* 0: connected; -ETIMEDOUT; else refused: what connect(2) told, negative */
        uint64_t took_us; /* until then */
};

/* -errno: as epoll_create1(2); -ENOMEM. */
int probe_new(struct probe **ret);
/* Those under way are given up. */
struct probe *probe_free(struct probe *p);
/* Readable (poll(2)) when one has ended. Owned by p. */
int probe_fd(const struct probe *p);

/* Begins one; from: a wildcard for whatever the kernel chooses. now_us: CLOCK_BOOTTIME. 0: under way, and how it ends
 * is told by probe_ended(); -EBUSY: as many as there can be are; -errno of socket(2), bind(2) or connect(2): it could
 * not even be tried. */
int probe_begin(struct probe *p, const struct settings_address *listener, const struct address *from, uint64_t now_us);
/* One that has ended, or that takes longer than timeout_us by now. False: none (more). */
bool probe_ended(struct probe *p, uint64_t timeout_us, uint64_t now_us, struct probe_end *ret);
