/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The scribe (scribe.h) as the daemon uses it: orders are queued and carried out one after the
 * other, and nobody waits. While a disk stands still they pile up to a bound; what exceeds it is
 * dropped and counted. A scribe that ends is replaced, and the order that it had is given to the next.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "actions/scribe.h"

enum {
        SCRIBE_QUEUE_MAX = 4 * 1024 * 1024, /* bytes that wait */
        /* An observation, which comes every second, leaves room for what tells more. */
        SCRIBE_QUEUE_APPEND_MAX = 1024 * 1024,
};

/* How an order went; text: reply->length bytes, the callee's until it returns. */
typedef void scribe_done_fn(void *userdata, const struct scribe_order *order, const struct scribe_reply *reply,
                            const char *text);

struct scribe_client;

/* state_dir, a string, must outlive it. Forks. -errno. */
int scribe_client_new(sd_event *event, const char *state_dir, scribe_done_fn *done, void *userdata,
                      struct scribe_client **ret);
/* Waits for what is queued, 2 s at most in which nothing moves; what is left then is lost, and told. */
struct scribe_client *scribe_client_free(struct scribe_client *c);

/* Takes a copy of data, order->length bytes; one that would put the same file takes the place of what
 * waits. -ENOBUFS: too much waits; -ENOMEM. */
int scribe_client_submit(struct scribe_client *c, const struct scribe_order *order, const void *data);
/* Once a tick. */
void scribe_client_step(struct scribe_client *c, uint64_t now_us);

struct scribe_client_state {
        int error;        /* -ETIMEDOUT: the order at hand has taken for more than 2 s; -EPIPE: there is no
                    * scribe now; 0: neither */
        uint64_t waiting; /* bytes */
        uint64_t dropped; /* orders, since the start */
};

struct scribe_client_state scribe_client_state(const struct scribe_client *c);
