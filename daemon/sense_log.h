/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The packet log in the daemon: opened, waited for in the event loop, opened
 * again when it broke; and the open connections of sources it makes doubtful.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/observation.h"
#include "core/settings.h"
#include "core/snapshot.h"
#include "core/source_table.h"
#include "core/syn.h"
#include "privileged/client.h"

struct peer_counter;
struct sense_log;

/* All must outlive it. -ENOMEM; opens nothing yet. */
int sense_log_new(sd_event *event, const struct settings *settings, struct privileged *privileged,
                  struct peer_counter *peers, struct sense_log **ret);
struct sense_log *sense_log_free(struct sense_log *l);
void sense_log_configure(struct sense_log *l, const struct settings *settings);

/* Sees every SYN that is logged, from now on (sensors/nflog_reader.h). */
typedef void sense_tap(void *userdata, const struct syn *s, const uint8_t *packet, size_t length);
void sense_log_set_tap(struct sense_log *l, sense_tap *tap, void *userdata);

/* Who finishes a handshake is added there too; NULL: no longer. It must outlive l. */
void sense_log_set_clients(struct sense_log *l, struct known_clients *clients);

/* Takes in what has arrived, so that a tick speaks of now, and sets OBS_SYNS to the SYNs that
 * were logged: whether to walk is decided by them, before the log is told whole, which wants to
 * know the listeners. */
void sense_log_preview(struct sense_log *l, struct observation *o);
/* Tells the log whole, OBS_SYNS anew, and opens it if it is time. */
void sense_log_observe(struct sense_log *l, struct observation *o);

/* Where a walk's half-opens join the SYNs of the same sources; NULL: there is no log now. */
struct source_table *sense_log_sources(const struct sense_log *l);
/* Connections of our listeners that ended, since the start. False: some are not known of. */
bool sense_log_ended(const struct sense_log *l, uint64_t *ret);
/* Of SENSOR_NFLOG; owned by l. */
const struct snapshot_sensor *sense_log_state(const struct sense_log *l);
