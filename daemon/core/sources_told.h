/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is told of a source table: rates and completions with bounds, the heaviest sources of each class,
 * the last window. Changes nothing in it. What is pending must have been counted, and time have passed, before
 * (core/source_table.c).
 */

#include <stdint.h>

#include "core/observation.h"
#include "core/source_table_state.h"

/* All of ret. */
void sources_told(const struct source_table *t, uint64_t now_us, struct obs_sources *ret);
/* The completions of s, whose prefix is of class c. */
void sources_told_completed(const struct source_table *t, uint64_t now_us, enum class c, struct obs_source *s);
/* The senders of each listener, in the order of the table's own list; count: all of them. */
void sources_told_senders(const struct source_table *t, uint64_t now_us, struct obs_listener *list, uint32_t count);
