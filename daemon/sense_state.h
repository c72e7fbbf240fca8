/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How a sensor is, for people: its state and, unless that is ok, why. */

#include "core/snapshot.h"

/* error: 0, or -errno to be named after what. */
void sense_state_set(struct snapshot_sensor *s, enum sensor_state state, const char *what, int error);
/* When a sensor that could not be opened is tried again. */
uint64_t sense_state_retry_us(uint64_t now_us, int error);
