/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Findings of the moment become a state that lasts, for one listener or the
 * host: normal → suspect → flood → recovering → normal.
 *
 * A flood is over when nothing of it arrives any more for hold_us, whatever
 * old half-opens still stand in the queue (they live for a minute). Recovering
 * is the watch after it; a relapse doubles the next watch, up to an hour.
 */

#include <stdint.h>

#include "core/settings.h"
#include "core/verdict.h"

struct episode {
        enum flood_state state;
        uint64_t since_us;      /* of the state */
        uint64_t calm_since_us; /* the finding has been none since then; 0: it is not none */
        uint64_t watch_us;      /* how long recovering has to last; 0: as set */
};

/* Returns whether the state changed. */
int episode_step(struct episode *e, enum finding finding, uint64_t now_us, const struct settings_detect *s);
