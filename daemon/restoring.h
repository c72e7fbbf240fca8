/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* synwardd --restore: what an earlier run changed and did not undo is put back. */

/* Returns an enum exit_status (options.h), and says what it did. */
struct options;
int restoring_run(const struct options *options);
