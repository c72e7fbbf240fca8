/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Renews the snapshot from a tick's records. */

#include "core/policy.h"
#include "core/snapshot.h"

/* Everything of the snapshot that follows from the traffic; who the daemon is, its
 * sensors and its actions are others' to fill in. Totals are added to. */
void picture_update(struct snapshot *s, const struct observation *o, const struct verdicts *v,
                    const struct decision *d);
