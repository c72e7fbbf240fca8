/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A kernel for netlink_new() that answers with datagrams made in memory. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/netlink.h"

enum { FAKE_BYTES_MAX = 1 << 22, FAKE_DATAGRAMS_MAX = 256, FAKE_REQUESTS_MAX = 16, FAKE_PORT = 4711 };

struct fake_netlink {
        char *bytes;
        size_t used;
        unsigned datagrams, delivered;
        struct {
                size_t start, length;
                uint32_t sequence_behind; /* the answer to a request this many before the last */
        } list[FAKE_DATAGRAMS_MAX];
        unsigned requests;
        uint16_t request_types[FAKE_REQUESTS_MAX];
        uint8_t request_families[FAKE_REQUESTS_MAX];
        uint32_t request_states[FAKE_REQUESTS_MAX];
        uint32_t sequence;
};

/* A row of sock_diag; addresses as text, "0.0.0.0" and "::" differ by family. */
struct fake_row {
        uint8_t state, family;
        const char *local, *remote; /* NULL: the wildcard */
        uint16_t local_port;
        uint32_t ifindex;
        uint8_t retrans;
        uint32_t expires_ms, rqueue, wqueue;
        uint64_t cookie;
        bool has_drops;
        uint32_t drops;
};

struct fake_netlink *fake_new(void);
void fake_free(struct fake_netlink *f);
struct netlink_kernel fake_kernel(struct fake_netlink *f);

/* Starts the next datagram; what follows goes into it. */
void fake_datagram(struct fake_netlink *f);
struct nlmsghdr *fake_message(struct fake_netlink *f, uint16_t type, uint16_t flags, const void *payload,
                              size_t length);
struct nlmsghdr *fake_add_row(struct fake_netlink *f, const struct fake_row *row);
void fake_done(struct fake_netlink *f, int32_t error);
/* NLMSG_ERROR; 0: an acknowledgement. */
void fake_error(struct fake_netlink *f, int32_t error);

/* A LISTEN row, and a half-open's; ready to be changed. */
struct fake_row fake_listener(uint8_t family, const char *local, uint16_t port, uint32_t backlog, uint64_t cookie);
struct fake_row fake_half_open(uint8_t family, const char *local, uint16_t port, const char *remote);
