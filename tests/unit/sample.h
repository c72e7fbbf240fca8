/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Made-up snapshots and events for the tests of what reports them. */

#include "core/event.h"
#include "core/snapshot.h"

/* Quiet, nothing known yet, no listener. */
void sample_quiet(struct snapshot *s);
/* A spoofed flood on 0.0.0.0:80; [2001:db8::1]:443 beside it in peace. */
void sample_flood(struct snapshot *s);
/* Of sample_flood(): as many listeners, ports 8000 and up, of which only one is flooded. */
void sample_many(struct snapshot *s, unsigned count, unsigned flooded);
/* Adds the heaviest source, which finishes what it begins: 203.0.113.9. */
void sample_add_honest(struct snapshot *s);
/* Adds an event, numbered in its message. */
void sample_add_event(struct event_log *log, enum event_type type);
/* Of a minute in which one handshake a second of 198.51.100.0/24 stayed unfinished. NULL: no memory. */
struct fleet_sketch *sample_sketch(void);
