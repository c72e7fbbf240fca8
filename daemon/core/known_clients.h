/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who has finished a handshake here within block.known_for: addresses, and the prefixes they are
 * in. Fixed memory (2 MiB), for 150,000 clients at one wrongly known in 1,000; with more, more are
 * wrongly known, and nobody is forgotten.
 *
 * Kept over restarts as plain bytes (actions/known_clients_file.h): the key of the hash goes with
 * them, so that file is as secret as the tables of this process.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/keyed_hash.h"

struct known_clients;

/* key: random words. Remembered for known_for_us at least, twice that at most. -ENOMEM. */
int known_clients_new(const struct keyed_hash *key, uint64_t known_for_us, uint64_t now_us, struct known_clients **ret);
struct known_clients *known_clients_free(struct known_clients *k);

/* Another time from now on. */
void known_clients_remember_for(struct known_clients *k, uint64_t known_for_us);
void known_clients_pass(struct known_clients *k, uint64_t now_us);
void known_clients_add(struct known_clients *k, const struct address *a);
/* Anybody in it: an address, or a prefix as the source table has them (/24 of IPv4, /64 and /48). */
bool known_clients_has(const struct known_clients *k, const struct prefix *p);

/* to: known_clients_size() bytes. Whether anything was added since it was saved last. */
size_t known_clients_size(const struct known_clients *k);
bool known_clients_save(struct known_clients *k, void *to);
/* -EINVAL: not of this size or kind, nothing is changed. */
int known_clients_load(struct known_clients *k, const void *from, size_t size, uint64_t now_us);
