/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the lab's kernel really reported (tests/lab/record.sh), as scenarios:
 * NAME.jsonl.xz, the daemon's observations, and NAME.truth, what happened.
 */

#include <stdbool.h>

#include "core/observation.h"
#include "tests/scenarios/scenario.h"

struct recorded;

/* Aborts, with a word, when it cannot be read: this is a test. */
struct recorded *recorded_open(const char *path);
struct recorded *recorded_free(struct recorded *r);

/*
 * The next observation, false: there is none. Times of truth count from the first.
 * What no sensor sees is put in the baselines' favour: as FINs count the
 * handshakes that finish, and the half-opens of the last walk stand.
 */
bool recorded_step(struct recorded *r, struct observation *ret_observation, struct traffic_truth *ret_truth);

/* Adds every recording of a directory, by name. */
void recorded_add_all(struct catalogue *c, const char *directory);
