/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Observations through the same detector and policy as a running daemon's, one
 * by one. Instances do not know of each other: two of them on one recording
 * compare two policies.
 */

#include "core/detector.h"
#include "core/event.h"
#include "core/policy.h"
#include "core/settings.h"

struct replay_result {
        struct verdicts verdicts;
        struct decision decision; /* its events have their sequence numbers */
};

struct replay;

/* The settings must outlive it. NULL: no memory. */
struct replay *replay_new(const struct settings *settings);
struct replay *replay_free(struct replay *r);

/* Owned by r, until the next step. */
const struct replay_result *replay_step(struct replay *r, const struct observation *o);
