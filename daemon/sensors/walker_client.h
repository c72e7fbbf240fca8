/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Walks of the socket table by another process (walker.h), which is replaced when it ends or stands
 * still. One walk at a time is asked for; its rows are told as they come, in the event loop and when
 * it is asked whether the walk has ended.
 */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "sensors/sock_diag_ask.h"

/* A walk that takes longer is given up: a hundred times what a million sockets take. */
#define WALKER_STANDS_US UINT64_C(50000000)

struct walker_client;

/* rows is copied; what its row() returns is of no matter. Forks. -errno. */
int walker_client_new(sd_event *event, const struct sock_diag_rows *rows, struct walker_client **ret);
struct walker_client *walker_client_free(struct walker_client *c);

/* -EPIPE: there is no walker now; -EBUSY: one is under way. */
int walker_client_ask(struct walker_client *c, enum sock_diag_states states, uint64_t now_us);
/* Whether a walk that was asked for has not been collected. */
bool walker_client_is_walking(const struct walker_client *c);
/* Takes what there is, or else waits so long for more: rows come by and by, so that it takes several calls.
 * 0: it has ended well, all its rows are told; -EAGAIN: it has not ended; others: it has failed.
 * *ret_cost_us, when it has ended: CPU time, the walker's and ours. */
int walker_client_collect(struct walker_client *c, unsigned wait_ms, uint64_t now_us, uint64_t *ret_cost_us);
/* Once a tick: brings another when one has ended. */
void walker_client_step(struct walker_client *c, uint64_t now_us);
