/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Settings from YAML.
 *
 * Each of these starts from the defaults. *ret is written only on success; it
 * then owns the hooks' arguments, and whatever it held before is not released.
 * Everything that is wrong is added to errors (begin with a zeroed one).
 * 0, -EINVAL: errors were added, -ENOENT: the file itself is not there (an
 * error was added too), another -errno: out of memory, cannot read.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config/errors.h"
#include "config/keys.h"
#include "core/settings.h"

enum { CONFIG_DROPINS_MAX = 128 };

/* One file and no drop-ins. */
int config_load_file(const char *path, struct settings *ret, struct config_errors *errors);
/*
 * SYSCONFDIR/synward/synward.yaml and then SYSCONFDIR/synward/synward.d/NAME.yaml
 * by name (bytewise; hidden ones are passed over). Scalars: the last one named
 * wins; a list replaces the one before whole. Neither needs to exist;
 * *ret_found says whether synward.yaml did.
 */
int config_load_default(const char *sysconfdir, struct settings *ret, bool *ret_found, struct config_errors *errors);
/* name: what errors call it. */
int config_load_text(const char *name, const char *text, size_t size, struct settings *ret,
                     struct config_errors *errors);
