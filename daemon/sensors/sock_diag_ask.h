/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel asked for rows of its socket table: both families in one walk, or one after the other
 * where it knows no other way.
 */

#include <stdbool.h>

#include "sensors/sock_diag_parse.h"
#include "util/netlink.h"

struct sock_diag_asker;

/* Who hears the rows. */
struct sock_diag_rows {
        void (*begin)(void *data); /* before the first, and when a walk begins again: forget what came */
        /* 0, or -errno to give up. */
        int (*row)(void *data, const struct sock_diag_row *row);
        void *data;
};

/* kernel NULL: the running kernel, in the network namespace of the caller; else see
 * netlink.h. -ENOMEM and the errors of netlink_open(). */
int sock_diag_asker_new(const struct netlink_kernel *kernel, struct sock_diag_asker **ret);
struct sock_diag_asker *sock_diag_asker_free(struct sock_diag_asker *a);

/* Errors: those of netlink_transact(), -EPROTO for a row that makes no sense, those of rows->row(). A walk
 * that fails has been heard in part. */
int sock_diag_ask(struct sock_diag_asker *a, enum sock_diag_states states, const struct sock_diag_rows *rows);
/* Whether the kernel had to be asked once for each family. */
bool sock_diag_asker_is_split(const struct sock_diag_asker *a);
