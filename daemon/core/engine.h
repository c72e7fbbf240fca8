/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The pipeline, once: an observation goes in; a verdict, a decision and the
 * picture of the present come out. The daemon's tick, --diagnose, --replay and
 * the scorecard run this and nothing else, so that what one of them finds the
 * others find as well. Pure; instances do not know of each other: two of them
 * on one recording compare two policies.
 *
 * It keeps the log of events, and every event goes through it: those of the
 * decision, and what others have to tell (engine_tell()).
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/detector.h"
#include "core/event.h"
#include "core/observation.h"
#include "core/policy.h"
#include "core/settings.h"
#include "core/snapshot.h"

/* What came of the last observation. */
struct engine_look {
        struct verdicts verdicts;
        struct decision decision; /* its events are in the log and have their sequence numbers */
        struct snapshot snapshot;
};

struct engine;

/* The settings must outlive the engine. NULL: no memory. */
struct engine *engine_new(const struct settings *settings);
struct engine *engine_free(struct engine *e);
/* Other settings from now on; what was learned stays. The old ones are read once more. */
void engine_configure(struct engine *e, const struct settings *settings);

/* One look, with everything up to and including this observation. Times of observations must
 * not go backwards. Owned by the engine and overwritten by the next step. */
const struct engine_look *engine_step(struct engine *e, const struct observation *o);
/* The last look; before the first step all in it is zero or unknown. */
const struct engine_look *engine_last(const struct engine *e);
/* Of the last look, for its owner to fill in what does not follow from the traffic: who the
 * daemon is, its sensors, its actions. The next step leaves that alone. */
struct snapshot *engine_snapshot(struct engine *e);

/* Whether something is going on that is worth looking at as often as can be afforded. */
bool engine_is_alarmed(const struct engine *e);

/* What somebody else has to tell: stamps the event with this time, the present state and the
 * incident, and adds it to the log. Whether it shall be delivered; else it is only recorded. */
bool engine_tell(struct engine *e, struct event *event, uint64_t now_us, uint64_t realtime_us);
const struct event_log *engine_events(const struct engine *e);
