/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The snapshot in Prometheus' text exposition format (version 0.0.4). What is
 * not known is left out. Source addresses are never labels: an attacker would
 * choose how many time series there are.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/snapshot.h"

/* NUL-ended text to be freed, in the text format or in OpenMetrics. NULL: no memory. */
char *metrics_text(const struct snapshot *s, bool openmetrics);
