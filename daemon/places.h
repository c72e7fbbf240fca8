/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where the daemon writes, when it is started by root and then is another user: its directories
 * are made, or given to that user, before.
 */

#include "core/settings.h"
#include "privileges.h"

/* Makes the directory or, if it is root's, nobody else may write into it, and all in it is
 * ours, gives it to the user. Whatever else it is is left as it is. */
void places_give(const char *directory, const struct privileges_user *user);

/* After the drop: says, with the remedy, if we cannot write there. */
void places_check(const char *directory, const struct privileges_user *user);
/* The same of the file that alerts go to. */
void places_check_files(const struct settings *settings, const struct privileges_user *user);
