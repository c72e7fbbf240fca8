/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * All sensors as one: opens what can be opened, makes an observation a tick,
 * and knows of each how it is. A sensor that cannot run is a state with a
 * reason, never the end of the daemon.
 */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/known_clients.h"
#include "core/observation.h"
#include "core/settings.h"
#include "core/snapshot.h"
#include "privileged/client.h"
#include "sense_log.h"

struct peer_counter;
struct sense;

/* The settings and privileged must outlive it. -ENOMEM; no sensor's trouble is an error here. */
int sense_new(sd_event *event, const struct settings *settings, struct privileged *privileged, struct sense **ret);
struct sense *sense_free(struct sense *s);
void sense_configure(struct sense *s, const struct settings *settings);

/* Reads everything that is due. alarm: the last verdict's finding was not none.
 * ret is written whole. */
void sense_observe(struct sense *s, uint64_t now_us, uint64_t realtime_us, bool alarm, struct observation *ret);

/* Sees every SYN that is logged, from now on. */
void sense_set_tap(struct sense *s, sense_tap *tap, void *userdata);

/* Who counts the connections of peers; also for PEER_COUNTER_BLOCK. */
struct peer_counter *sense_peers(struct sense *s);

/* Who finishes a handshake is added there; NULL: no longer. */
void sense_set_clients(struct sense *s, struct known_clients *clients);

/* What the fleet is told; NULL: nothing (metrics.fleet_key). Good until the next call of any of these. */
const struct fleet_sketch *sense_fleet(const struct sense *s);

/* Fills the sensors' part of a snapshot. */
void sense_describe(const struct sense *s, struct snapshot *snapshot);

/* Whether anything at all can be seen. */
bool sense_is_blind(const struct sense *s);
