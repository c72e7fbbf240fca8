/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which process listens on a port: the inodes of /proc/net/tcp{,6} (listening
 * sockets come first there, so that nothing else is read) among everybody's
 * open files. For reports; costs a walk over all processes.
 */

#include <stdbool.h>
#include <stdint.h>

enum { LISTEN_OWNER_NAME_MAX = 32 };

struct listen_owner {
        int pid;            /* the one that began first, init last */
        unsigned processes; /* that share the sockets, at least 1 */
        char name[LISTEN_OWNER_NAME_MAX]; /* free of control characters */
};

/* proc: "/proc", or a copy. -ENOENT: nobody, or one whose files may not be read. */
int listen_owner_find(const char *proc, uint16_t port, struct listen_owner *ret);

/* A row of /proc/net/tcp or tcp6 (net/ipv4/tcp_ipv4.c: get_tcp4_sock()). False: no listening socket's. */
bool listen_owner_row(const char *line, uint16_t *ret_port, uint64_t *ret_inode);
