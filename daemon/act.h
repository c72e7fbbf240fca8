/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What synward does to the world outside: tells people, runs hooks, switches
 * tcp_syncookies, blocks sources. The one place where a dry run stops before
 * the act.
 */

#include <stdbool.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "actions/scribe_client.h"
#include "core/event.h"
#include "core/engine.h"
#include "core/known_clients.h"
#include "core/settings.h"
#include "core/snapshot.h"
#include "privileged/client.h"
#include "util/peer_counter.h"

struct act_options {
        const char *state_dir;
        const char *runtime_dir; /* NULL: none of its own */
        struct privileged *privileged; /* for the block list and tcp_syncookies; must outlive act */
        int hooks; /* for those: of hook_starter_launch(); -1: there are none */
        bool dry_run; /* from the command line; mode: observe does the same */
};

/* Where acting leads to further events: they belong into the log too. hooks: as of act_tell(). */
typedef void act_event_fn(void *userdata, struct event *e, uint32_t hooks);

struct act;

/* settings and options must outlive it, scribe and peers its steps. */
int act_new(sd_event *event, const struct settings *settings, const struct act_options *options,
            struct scribe_client *scribe, struct peer_counter *peers, act_event_fn *on_event, void *userdata,
            struct act **ret);
struct act *act_free(struct act *a);
/* -errno: the old sinks stay. */
int act_configure(struct act *a, const struct settings *settings);

/* Delivers an event that is already in the log. hooks: rules whose hook shall run. */
void act_tell(struct act *a, const struct event *e, bool alert, uint32_t hooks);

/* Does what the decision wants, as far as the state of things allows now. */
void act_step(struct act *a, const struct observation *o, const struct engine_look *look);

/* Undoes what must not outlive the daemon. */
void act_stop(struct act *a, uint64_t now_us);

/* How SCRIBE_CLIENTS and SCRIBE_LINE went. */
void act_clients_saved(struct act *a, int result);
void act_line_written(struct act *a, uint64_t id, int result);
/* Who finishes handshakes is to be added here; NULL: that is not wanted, until the next reload. */
struct known_clients *act_known_clients(struct act *a);

/* What is blocked: an array of { address or prefix, limit_per_s, since, remaining_s, reason }. NULL: no
 * memory. */
json_t *act_blocked(const struct act *a);

void act_describe(const struct act *a, struct snapshot *snapshot);
