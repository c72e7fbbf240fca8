/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "core/settings.h"

/*
 * The settings as YAML, every default filled in; config/load.h reads the same
 * settings back. Of a listener's thresholds only those that differ by name are
 * written, and a built-in policy is not. 0, -ENOMEM, -EIO: f took no more.
 */
int config_print(const struct settings *s, FILE *f);
