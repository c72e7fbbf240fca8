/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Walks of the socket table: when one is due, what it found, what it cost, and,
 * where only connections tell who finished a handshake, how many did.
 *
 * Another process walks. A tick waits for a short walk, which is in its observation then; what
 * takes longer is in that of the first tick after its end.
 */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/fleet_sketch.h"
#include "core/observation.h"
#include "core/settings.h"
#include "core/snapshot.h"
#include "core/source_table.h"

struct sense_walks;

/* What the log knows that a walk needs. */
struct sense_walks_log {
        struct source_table *sources; /* where half-opens join the SYNs; NULL: there is no log */
        bool ended_known;
        uint64_t ended; /* connections of our listeners that ended, since any one moment */
};

/* Forks the walker (sensors/walker.h); opens nothing yet. -errno. */
int sense_walks_new(sd_event *event, const struct settings *settings, struct sense_walks **ret);
struct sense_walks *sense_walks_free(struct sense_walks *w);
void sense_walks_configure(struct sense_walks *w, const struct settings *settings);

/* Walks, if it is time by what o knows already (counters, OBS_SYNS), else lists the listeners
 * alone. alarm: look as often as can be afforded. */
void sense_walks_observe(struct sense_walks *w, struct observation *o, bool alarm, const struct sense_walks_log *log);
/* To be called when all else of o is known. Where only connections tell, the handshakes that were
 * finished (OBS_PASSIVE_OPENS), with the SYNs of the same time (core/finished.h). */
void sense_walks_tell_finished(struct sense_walks *w, struct observation *o);

/* Where the log has its sources now (NULL: nowhere), after whatever may have closed it: what a walk under
 * way finds goes nowhere else. */
void sense_walks_follow_log(struct sense_walks *w, const struct source_table *sources);

/* Where the ages of half-opens go, by their sources (NULL: nowhere). It must outlive w, or be taken
 * away; a walk under way says nothing to it. */
void sense_walks_set_fleet(struct sense_walks *w, struct fleet_sketch *fleet);

/* Of SENSOR_SOCK_DIAG; owned by w. */
const struct snapshot_sensor *sense_walks_state(const struct sense_walks *w);
/* Fills the walks' part of a snapshot: dump_… and totals. */
void sense_walks_describe(const struct sense_walks *w, struct snapshot *snapshot);
