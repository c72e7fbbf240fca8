/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's table of contents: sense, detect, decide, act, report. Holds
 * everything a running daemon consists of but its loop and its control socket.
 */

#include <stdbool.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "act.h"
#include "core/event.h"
#include "core/history.h"
#include "core/settings.h"
#include "core/snapshot.h"
#include "loop.h"
#include "replay/recording.h"

struct tick_options {
        struct act_options act;
        struct recording_writer *recording; /* of every observation; NULL: do not */
        /* Told after events were added to the log, and when records that were asked for are there; may
         * be NULL. */
        void (*news)(void *userdata);
        void *userdata;
};

struct tick;

/* Takes the settings over on success (and releases them in the end). The options must
 * outlive the tick. */
int tick_new(sd_event *event, struct settings *settings, const struct tick_options *options, struct tick **ret);
struct tick *tick_free(struct tick *t);

void tick_run(struct tick *t, const struct loop_time *time);
/* Undoes what was switched. */
void tick_stop(struct tick *t, const struct loop_time *time);

/* Other settings, taken over on success; on error the old ones stay. */
int tick_configure(struct tick *t, struct settings *settings, const struct loop_time *time);
/* A configuration that was refused, for the log of events. */
void tick_reject(struct tick *t, const char *errors, const struct loop_time *time);

/* How the control socket is doing, which only its owner knows; for the snapshot. */
void tick_note_clients(struct tick *t, const struct snapshot_clients *clients);

const struct settings *tick_settings(const struct tick *t);
const struct snapshot *tick_snapshot(const struct tick *t);
const struct event_log *tick_events(const struct tick *t);
const struct history *tick_history(const struct tick *t);
/* See struct api_ops. */
json_t *tick_blocked(const struct tick *t);
int tick_ask_incidents(struct tick *t, const char *id, uint64_t *ret_ticket);
int tick_incidents_answer(const struct tick *t, uint64_t ticket, const char **ret_text, size_t *ret_length);
void tick_end_incidents(struct tick *t, uint64_t ticket);
const struct fleet_sketch *tick_fleet(const struct tick *t);
bool tick_is_blind(const struct tick *t);
