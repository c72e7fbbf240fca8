/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What honest clients felt of an incident, beside the minute before it: known clients, and the probe. In words. */

#include <stddef.h>

#include <jansson.h>

enum { IMPACT_ROWS_MAX = 5, IMPACT_TEXT_MAX = 64 };

struct impact_row {
        const char *name;
        char before[IMPACT_TEXT_MAX], during[IMPACT_TEXT_MAX];
};

/* Returns how many: none of a record that says nothing of it, as those of an older synward. */
size_t incident_impact_rows(const json_t *incident, struct impact_row rows[static IMPACT_ROWS_MAX]);
