/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Ranges as monitoring plugins write them: [@][start:][end], "~" is minus infinity; a value
 * outside alerts, with "@" one inside (Monitoring Plugins Development Guidelines, 2.5). */

#include <stdbool.h>

struct range {
        double start, end;
        bool inside;
};

/* -EINVAL */
int range_parse(const char *text, struct range *ret);
/* NAN never alerts. */
bool range_alerts(const struct range *r, double value);
