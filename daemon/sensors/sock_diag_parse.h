/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The messages of sock_diag(7) for TCP: requests built, rows parsed. Pure.
 *
 * Source of the format: linux/inet_diag.h; of the meanings: net/ipv4/inet_diag.c
 * (inet_req_diag_fill() for half-opens) and net/ipv4/tcp_diag.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "core/address.h"

enum {
        SOCK_DIAG_REQUEST_MAX = 128, /* bytes; any request fits */
        SOCK_DIAG_SYN_RECV = 3,      /* TCP_SYN_RECV and TCP_LISTEN, include/net/tcp_states.h */
        SOCK_DIAG_LISTEN = 10,
};

/* Which sockets to ask for. */
enum sock_diag_states {
        SOCK_DIAG_LISTENERS,          /* answered without a walk of the table */
        SOCK_DIAG_LISTENERS_AND_HALF_OPENS,
        SOCK_DIAG_CONNECTIONS_TOO,    /* and those whose handshake is finished */
};

struct sock_diag_row {
        uint8_t state;        /* SOCK_DIAG_SYN_RECV, SOCK_DIAG_LISTEN; others are possible */
        uint8_t family;       /* AF_INET, AF_INET6: of the socket, not of the client */
        uint16_t local_port, remote_port; /* host byte order */
        struct address local, remote;     /* wildcard as the family has it */
        uint32_t ifindex;     /* the bound device; also a link-local peer's interface; 0: none */
        uint8_t retrans;      /* SYN-ACKs sent again */
        uint32_t expires_ms;  /* until the timer of a half-open fires */
        uint32_t accept_queue; /* of a listener: idiag_rqueue */
        uint32_t backlog;     /* of a listener: idiag_wqueue */
        uint64_t cookie;      /* no two sockets since boot have the same */
        bool drops_known;
        uint32_t drops;       /* SYNs and ACKs this listener dropped, wraps */
};

/*
 * A dump of both families in one walk, by the older TCPDIAG_GETSOCK
 * (inet_diag_dump_compat() asks for AF_UNSPEC, which SOCK_DIAG_BY_FAMILY
 * refuses). buffer is SOCK_DIAG_REQUEST_MAX bytes, aligned as a nlmsghdr.
 */
struct nlmsghdr *sock_diag_build_compat(void *buffer, enum sock_diag_states states);
/* A dump of one family. */
struct nlmsghdr *sock_diag_build_family(void *buffer, uint8_t family, enum sock_diag_states states);

/* -EPROTO: the message is not a row, is cut short, or a length in it lies. */
int sock_diag_parse(const struct nlmsghdr *message, struct sock_diag_row *ret);

/*
 * A connection that lives: not one in FIN_WAIT2 or TIME_WAIT, which a row may be
 * of although the socket itself has ended (inet_twsk_diag_fill()).
 */
bool sock_diag_is_connection(const struct sock_diag_row *row);
/*
 * How long ago the SYN of a half-open came: the timeouts of its SYN-ACKs so far
 * (1 s, doubled each time, 120 s at most: TCP_TIMEOUT_INIT, TCP_RTO_MAX) less
 * what remains of the last. A client that repeats its SYN makes the kernel send
 * the SYN-ACK again ahead of time, and the age comes out too high. Every time-out
 * fires late by up to an eighth (the timer wheel's granularity, kernel/time/timer.c)
 * and an entry that was sent again comes out too young by as much. 0 where the sum
 * would be negative. Never above 30,007 s.
 */
uint64_t sock_diag_age_us(const struct sock_diag_row *row);
/*
 * The timer has longer to run than its last SYN-ACK's time-out: the handshake
 * is finished and waits for data (TCP_DEFER_ACCEPT). A deferred entry in the
 * first second of each of its time-outs cannot be told from a half-open.
 */
bool sock_diag_is_deferred(const struct sock_diag_row *row);
