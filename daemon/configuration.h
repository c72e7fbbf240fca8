/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The configuration that the command line means. */

#include <stdbool.h>
#include <stdio.h>

#include "core/settings.h"
#include "options.h"

/* Errors go to f; NULL: nowhere. *ret_found: whether there was a file at all. As config_load_file(). */
int configuration_load(const struct options *o, struct settings *ret, bool *ret_found, FILE *f);
/* For a command that needs it: errors go to standard error. An enum exit_status, how it ends if that is not
 * EXIT_STATUS_OK: too little memory is no error in the configuration. */
int configuration_load_or_end(const struct options *o, struct settings *ret, bool *ret_found);
/* Of the file that is named, or would be there. */
const char *configuration_name(const struct options *o);

/* --check-config, --print-config; an enum exit_status. */
int configuration_check(const struct options *o);
int configuration_print(const struct options *o);
