/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The secret that the hosts of a fleet share, from the file or the credential that metrics.fleet_key
 * names. 128 random bits are asked for, not a passphrase: whoever guesses the key can ask the metrics
 * for any address, and no derivation helps a weak one.
 */

#include <stddef.h>

#include "core/settings.h"

enum { FLEET_KEY_ERROR_SIZE = 640 };

/* Fills metrics.key, or leaves it unknown where none is named. On error -errno, with the place and
 * the remedy in error. */
int fleet_key_load(struct settings *settings, char *error, size_t size);
