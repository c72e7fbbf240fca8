/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What -v shows: the verdict of each look, in the log. */

#include <stdbool.h>

#include "core/engine.h"

/*
 * A line (LOG_DEBUG) for each listener that is not calm, by its state or by the finding of this
 * moment, and for the host likewise; of those that are calm as well at LOG_TRACE. replayed: the
 * look's own time goes with it, as the log's is another.
 */
void look_log(const struct engine_look *l, bool replayed);
