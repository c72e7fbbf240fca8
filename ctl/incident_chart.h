/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The timeline of an incident as SVG within its page. */

#include <stdio.h>

#include <jansson.h>

void incident_charts(FILE *f, const json_t *incident);
