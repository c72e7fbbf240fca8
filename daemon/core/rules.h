/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which rules of the policy match, what they want done, and what the mutes cover. */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"
#include "core/settings.h"
#include "core/verdict.h"

/* What the rules that match want at this moment, together. */
struct rules_wish {
        bool alert;      /* someone shall be told */
        bool syncookies; /* tcp_syncookies shall be raised */
        bool block;      /* whoever certainly sends the flood shall be blocked */
        uint32_t hooks;  /* 1 << index of each rule whose hook shall run */
};

struct rules_wish rules_apply(const struct settings *s, enum flood_state state, enum diagnosis diagnosis,
                              bool pressure);

/* Whether a mute covers what happens at that time (CLOCK_REALTIME) to that listener; NULL: to
 * the host as a whole, which only a mute without ports covers. */
bool rules_mute(const struct settings *s, uint64_t realtime_us, const struct listener_key *listener);
