/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who sends the SYNs, without what sources on the allow list have finished: a
 * load test from one of them makes it neither a heavy source nor a crowd. What
 * they leave unfinished counts as anybody's.
 */

#include "core/observation.h"
#include "core/settings.h"

/*
 * Fills ret from sources. Of a prefix that is not on the list itself, what the
 * listed addresses in it have finished is taken out. Returns the handshakes a
 * second that were; 0, and a plain copy, without an allow list. A source counts
 * as far as its connections are seen to complete (OBS_S_COMPLETED).
 */
double allowed_take_out(const struct settings *settings, const struct obs_sources *sources, struct obs_sources *ret);
