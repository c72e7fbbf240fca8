/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The known clients (core/known_clients.h) over a restart: known-clients in the state directory, mode 0600.
 * Written to a new file that then takes its place. Nobody waits for the disk: what a crash of the
 * whole host loses is that some are not known any more.
 */

#include <stddef.h>

#include "core/known_clients.h"

/* -ENOENT: there is none; -EBADMSG: none of ours (another version's, or damaged); others as open(2). */
int known_clients_file_load(const char *state_dir, struct known_clients *k, uint64_t now_us);
/* What known_clients_save() made. -errno. */
int known_clients_file_put(const char *state_dir, const void *bytes, size_t length);
