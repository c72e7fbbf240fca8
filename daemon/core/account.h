/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is behind a verdict, for whoever is told: the figures, the circumstances that make a
 * diagnosis, and the name of a flood. Of the detector, see core/detector_state.h.
 */

#include "core/detector.h"
#include "core/detector_state.h"
#include "core/diagnose.h"

/* The figures of a listener that was looked at. */
struct evidence account_of_listener(const struct detector *d, const struct sight *at);
/* The host's own figures: sums of those in v, and what only the host counts. */
struct evidence account_of_host(const struct detector *d, const struct observation *o, const struct verdicts *v);
struct circumstances account_circumstances(const struct detector *d, const struct observation *o, const struct look *l,
                                           const struct survival *survival);
/* Names the flood at a listener, and in its evidence who is heaviest. */
void account_name_listener(struct detector *d, const struct observation *o, uint32_t index);
/* One name for all that is flooded; fills the culprits. */
void account_name_host(struct detector *d, const struct observation *o, struct verdicts *ret);
