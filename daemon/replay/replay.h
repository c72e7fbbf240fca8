/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A recording through the same detector and policy as a running daemon's. */

#include <stdio.h>

#include "core/settings.h"

enum { REPLAY_ERROR_MAX = 512 };

/*
 * Prints the events as JSON lines to out, as fast as it goes; touches nothing.
 * -errno with a message in error that names the place.
 */
int replay_run(const char *path, const struct settings *settings, FILE *out,
               char error[static REPLAY_ERROR_MAX]);
