/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One observation as one line of JSON: the form of recordings, of incident
 * records, and of scenarios written by hand.
 *
 *   schema         "synward.observation.v1"
 *   time_us, realtime_us, elapsed_us
 *   sensors        { sock_diag, netstat, nflog: "off" "ok" "degraded" "failed" }; absent: off
 *   counters       { SyncookiesSent: delta, … } by the kernel's names; absent: unknown
 *   dump           { half_open, aged, deferred, ghosts }
 *   syncookies     0..255
 *   listeners      [ { address, port, ifindex (absent: 0),
 *                      limits: { sockets, backlog, accept_queue, accept_full },
 *                      half_open: { count, deferred, age: [ 18 counts, see enum obs_age ] },
 *                      drops, syns } ]
 *   listeners_whole     true: the list is the whole one (OBS_K_LISTENERS)
 *   listeners_left_out  absent: 0
 *   sources        { tracked, distinct, seen_once_share,
 *                    list: [ { prefix, syn_per_s, syn_error_per_s, half_open, completed_per_s } ] }
 *   log            { sample_one_in, received, lost }; absent: no log
 *
 * What is unknown is absent; nothing is ever null. All numbers are 0 or more.
 * A field that is not named here is refused, and so is one that is there
 * twice: a misspelt one would pass for unknown. Writing and parsing again gives
 * the same observation, bit for bit, if what is unknown in it is zero.
 */

#include <stddef.h>

#include "core/observation.h"

#define OBSERVATION_JSON_SCHEMA "synward.observation.v1"

enum { OBSERVATION_JSON_ERROR_MAX = 192 };

/* A line without its line break, to be freed by free(). -ENOMEM; -EDOM: a
 * figure that is known but no number from 0 to 2^63 - 1. */
int observation_json_write(const struct observation *o, char **ret_line);

/* -EBADMSG: error says what is wrong, beginning with the field ("listeners[2].port:
 * not a whole number from 0 to 65535"). -ENOMEM. */
int observation_json_parse(const char *line, size_t length, struct observation *ret,
                           char error[static OBSERVATION_JSON_ERROR_MAX]);
