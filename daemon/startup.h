/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's way from whoever started it to the user without rights that serves (service.h): parted
 * from its keeper, its privileges dropped, the process that runs hooks started, confined.
 */

struct options;

/* Returns an enum exit_status. argv: of main(), to be run again as where capset(2) is filtered. */
int startup_run(const struct options *options, char **argv);
