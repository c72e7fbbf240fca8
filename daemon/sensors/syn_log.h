/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The nflog sensor as the daemon sees it: rules, reader, sampling, ended
 * connections and the table of sources, together.
 *
 * It never fails as a whole: without rules, without privilege or without the
 * group it says so in its state, and tells what the rest can still see.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/keyed_hash.h"
#include "core/observation.h"
#include "core/settings.h"
#include "core/source_table.h"
#include "privileged/client.h"
#include "sensors/nflog_reader.h"

enum { SYN_LOG_REASON_MAX = 160, SYN_LOG_FDS = 2 };

struct syn_log;

/* settings: only `nflog` is read, and not kept. privileged: makes our rules, must outlive it. key,
 * seed: random. -ENOMEM. */
int syn_log_new(const struct settings *settings, struct privileged *privileged, const struct keyed_hash *key,
                uint32_t seed, uint64_t now_us, struct syn_log **ret);
struct syn_log *syn_log_free(struct syn_log *l);

/* Those to wait for (readable); -1: none. */
void syn_log_fds(const struct syn_log *l, int ret_fds[static SYN_LOG_FDS]);
/* Takes what has arrived, at most a few milliseconds' worth; call it again while its descriptors
 * are readable. Returns 0, or -errno of a socket that broke (its state says so). */
int syn_log_receive(struct syn_log *l);
/* Fills OBS_SYNS, sources, the listeners' syns (from o->listeners as they are), log_received,
 * log_lost, sample_one_in and the sensor's state; steps the sampling. The first call tells no
 * deltas. */
void syn_log_observe(struct syn_log *l, uint64_t now_us, struct observation *o);

enum sensor_state syn_log_state(const struct syn_log *l);
/* Empty when ok. */
const char *syn_log_reason(const struct syn_log *l);
/* For the walk of the half-opens (source_table_half_open…()); owned by l. */
struct source_table *syn_log_sources(struct syn_log *l);
/* See nflog_reader.h; nothing happens without a reader. */
void syn_log_set_tap(struct syn_log *l, nflog_reader_tap *tap, void *userdata);
/* Connections of our listeners that ended, since the start. False: some are not known of. */
bool syn_log_ended(const struct syn_log *l, uint64_t *ret);
/* Totals since the start; zeros without a reader. */
struct nflog_reader_counts syn_log_counts(const struct syn_log *l);
