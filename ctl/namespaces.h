/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The other network namespaces of this machine, those of containers and pods, in which somebody
 * listens. Each has its own tcp_syncookies (net/ipv4/tcp_ipv4.c: tcp_sk_init() begins with 1), and
 * neither the host's setting nor synwardd protects them. Found by the processes in them; one that
 * no process is in has no listener that accepts.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/advice.h"

enum {
        NAMESPACES_MAX = 512,
        NAMESPACE_PORTS_MAX = 6,
        NAMESPACE_NAME_MAX = 32,
        NAMESPACES_TOLD = 8, /* with cookies off, each by its name */
};

struct namespace {
        uint64_t inode; /* of nsfs, which is its number */
        int pid;        /* of a process in it */
        char name[NAMESPACE_NAME_MAX]; /* the process', free of control characters */
        unsigned open;                 /* sockets that listen on more than loopback */
        unsigned ports_count;
        uint16_t ports[NAMESPACE_PORTS_MAX]; /* theirs, each once, as many as fit */
        int syncookies;                      /* -errno: not read; -ENODATA: not tried */
};

struct namespaces {
        unsigned count;   /* with listeners that are open to others */
        unsigned unseen;  /* processes whose namespace, or listeners, may not be known: it takes root */
        bool cut;         /* there are more than NAMESPACES_MAX */
        struct namespace list[NAMESPACES_MAX];
};

/* proc: "/proc", or a copy. -errno: it cannot be read, or what its own namespace is. */
int namespaces_read(const char *proc, struct namespaces *ret);
/* Fills in syncookies, by a child that enters one after the other (setns(2): CAP_SYS_ADMIN). */
void namespaces_read_syncookies(struct namespaces *n);
/* Pure: what is to be told of them. */
void namespaces_advise(const struct namespaces *n, struct advice_list *l);
/* A row of /proc/net/tcp or tcp6 (net/ipv4/tcp_ipv4.c: get_tcp4_sock(), net/ipv6/tcp_ipv6.c:
 * get_tcp6_sock()), of this machine's byte order. False: no listening socket's. */
bool namespaces_row(const char *line, uint16_t *ret_port, bool *ret_loopback);
