/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which keys were seen lately, in fixed memory.
 *
 * Two Bloom filters (Bloom, CACM 13, 1970), blocked so that a look touches one cache line of
 * each (Putze, Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters", 2007): keys
 * go into the newer one; every period the older one is emptied and they change places. A key
 * is remembered for one to two periods. Not forgotten too early, at times remembered wrongly:
 * with one key for every 16 bits about 1 in 1,000, for every 8 bits 1 in 40.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rotating_filter;

/* blocks: of 512 bits, each filter; a power of two up to 65,536. -EINVAL, -ENOMEM. */
int rotating_filter_new(uint32_t blocks, uint64_t period_us, uint64_t now_us, struct rotating_filter **ret);
struct rotating_filter *rotating_filter_free(struct rotating_filter *f);

/* From now on rotating_filter_pass() also lets an older key go before its time rather than have more
 * than one for every 10 bits: 1 in 100 is remembered wrongly, however many come. */
void rotating_filter_forget_when_full(struct rotating_filter *f);
void rotating_filter_set_period(struct rotating_filter *f, uint64_t period_us);
/* Whatever time has made due. */
void rotating_filter_pass(struct rotating_filter *f, uint64_t now_us);
/* hash: 64 keyed, uniform bits (core/keyed_hash.h). */
void rotating_filter_add(struct rotating_filter *f, uint64_t hash);
bool rotating_filter_has(const struct rotating_filter *f, uint64_t hash);
/* Adds it and returns whether it was there. */
bool rotating_filter_again(struct rotating_filter *f, uint64_t hash);
/* What it holds as bytes, for a file, and from one (of a filter of the same size; it counts as just
 * begun, so nothing is forgotten too early). */
size_t rotating_filter_size(const struct rotating_filter *f);
void rotating_filter_save(const struct rotating_filter *f, void *to);
void rotating_filter_load(struct rotating_filter *f, const void *from, uint64_t now_us);

/* Bytes allocated. */
size_t rotating_filter_memory(const struct rotating_filter *f);
/* Some hundred nanoseconds before one of the above. */
void rotating_filter_prefetch(const struct rotating_filter *f, uint64_t hash);
