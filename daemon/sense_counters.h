/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the kernel counts by itself, cheap enough for every tick: the TCP
 * counters of the host, the two sysctls that decide how SYNs are answered, and
 * what the block list drops.
 */

#include "core/observation.h"
#include "core/settings.h"
#include "core/snapshot.h"
#include "privileged/client.h"

struct sense_counters;

/* Both must outlive it. -ENOMEM; a file that cannot be read is no error here. */
int sense_counters_new(const struct settings *settings, struct privileged *privileged, struct sense_counters **ret);
struct sense_counters *sense_counters_free(struct sense_counters *c);
void sense_counters_configure(struct sense_counters *c, const struct settings *settings);

/* Sets the counters but OBS_SYNS, syncookies and synack_retries, as far as they are known. */
void sense_counters_observe(struct sense_counters *c, struct observation *o);

/* Of SENSOR_NETSTAT; owned by c. */
const struct snapshot_sensor *sense_counters_state(const struct sense_counters *c);
