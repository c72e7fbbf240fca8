/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The block list, done: who is to be blocked or limited goes into the kernel's sets and out again, the
 * proof is looked for, hooks beside a `block` and the log are told. Who it is decides
 * core/block_policy.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "actions/scribe_client.h"
#include "core/engine.h"
#include "core/event.h"
#include "core/known_clients.h"
#include "core/settings.h"
#include "privileged/client.h"
#include "util/peer_counter.h"

/* As of act.h. */
typedef void blocking_event_fn(void *userdata, struct event *e, uint32_t hooks);

struct blocking;

/* All must outlive it. -ENOMEM, -EIO: no random key. */
int blocking_new(const struct settings *settings, struct privileged *privileged, struct scribe_client *scribe,
                 struct peer_counter *peers, const char *state_dir, blocking_event_fn *on_event, void *userdata,
                 struct blocking **ret);
struct blocking *blocking_free(struct blocking *b);
/* -ENOMEM: nothing was changed. */
int blocking_configure(struct blocking *b, const struct settings *settings, bool dry_run, bool was_dry_run);

/* dry_run: only pretends. */
void blocking_step(struct blocking *b, const struct observation *o, const struct engine_look *look, bool dry_run);
/* Keeps who is known for the next run. */
void blocking_stop(struct blocking *b, bool dry_run);

/* How SCRIBE_CLIENTS went. */
void blocking_clients_saved(struct blocking *b, int result);

/* Who finishes handshakes is to be added here; NULL: that is not wanted. */
struct known_clients *blocking_clients(struct blocking *b);
uint32_t blocking_count(const struct blocking *b);
/* Those of them that are limited to a rate. */
uint32_t blocking_limited(const struct blocking *b);
/* An array of { address or prefix, limit_per_s, since, remaining_s, reason }. NULL: no memory. */
json_t *blocking_json(const struct blocking *b);
