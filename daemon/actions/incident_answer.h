/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Incident records for those who ask, from their files. Of the one at hand its owner says more. */

#include <stdint.h>

#include <jansson.h>

/* An array of summaries, oldest first, of all records but the present one (present_id 0: there is
 * none), and that behind them. Takes over present, which may be NULL. NULL: no memory. */
json_t *incident_answer_list(const char *state_dir, uint64_t present_id, json_t *present);
/* One in full, as an array of one object: the summary, events, timeline, queues, fingerprints,
 * policy, files, directory; null what an older record has not. present: the first and those three, if
 * it is that one, taken over; else NULL. NULL: there is no such record, or no memory. */
json_t *incident_answer_read(const char *state_dir, uint64_t id, json_t *present);

/* Leaves of a summary only what a line can show. */
void incident_answer_shorten(json_t *summary);
