/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

/*
 * The JSON Schema (draft-07) of a configuration file, for editors. It knows
 * every key, type, unit, word and default; ranges of values with a unit, and
 * conditions between keys, are only the loader's. 0, -ENOMEM, -EIO.
 */
int config_schema(FILE *f);
