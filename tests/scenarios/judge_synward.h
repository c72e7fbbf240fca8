/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The engine as it runs in the daemon, with every default. */

#include <stdio.h>

#include "core/engine.h"
#include "tests/scenarios/baselines.h"

extern const struct judge judge_synward;

/* Puts a network on the allow list. */
void judge_synward_allow(void *j, const struct prefix *p);
/* All that came of the last observation. */
const struct engine_look *judge_synward_look(const void *j);
enum flood_state judge_synward_state(const void *j);
enum diagnosis judge_synward_diagnosis(const void *j);
/* Of a listener alone; normal, if it is not there. */
enum flood_state judge_synward_listener_state(const void *j, uint16_t port);
/* How many floods it has told the beginning of. */
uint32_t judge_synward_incidents(const void *j);
/* Whether the daemon would walk the socket table at every tick now. */
bool judge_synward_alert(const void *j);
/* The figures behind the last verdict, on one line. */
void judge_synward_explain(const void *j, FILE *to);
