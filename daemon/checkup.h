/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * synwardd --diagnose: the sensors, the detector and the policy of the service
 * for a few seconds, with nothing that acts; then the verdict in words, or as
 * the document of status.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/settings.h"

/* The exit status (options.h): 0 no flood, 10 flood, 77 nothing can be seen. A
 * signal ends it early, with what was seen so far. */
int checkup_run(const struct settings *settings, uint64_t duration_us, bool json);
