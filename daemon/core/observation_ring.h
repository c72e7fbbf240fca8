/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What was seen in the last minute, one observation a second: always running,
 * so that the record of an incident can begin before the incident does.
 *
 * Ticks come several times a second. Those of one second are joined: counters
 * add up, states are the last ones seen. A joined observation ends with a walk
 * of the socket table where there is one in that second, because the ages of
 * half-opens are as of the walk; so a walk after a long pause also ends one
 * early. Joined observations are in order and without gap: a recording.
 *
 * Memory is fixed: kept packed, about 60 bytes a listener or source. What does
 * not fit pushes out the oldest.
 */

#include <stdint.h>

#include "core/observation.h"

#define OBSERVATION_RING_US UINT64_C(60000000)
#define OBSERVATION_RING_STEP_US UINT64_C(1000000)

enum { OBSERVATION_RING_MAX = 128 }; /* observations kept */

struct observation_ring;

/* NULL: no memory. */
struct observation_ring *observation_ring_new(void);
struct observation_ring *observation_ring_free(struct observation_ring *r);

/* The observation of a tick. Never allocates. */
void observation_ring_add(struct observation_ring *r, const struct observation *o);

/* Joined observations are numbered 0, 1, …: those from _first() to before _next() are kept. */
uint64_t observation_ring_first(const struct observation_ring *r);
uint64_t observation_ring_next(const struct observation_ring *r);
/* Unpacks one; -ENOENT: not kept. */
int observation_ring_get(const struct observation_ring *r, uint64_t number, struct observation *ret);
