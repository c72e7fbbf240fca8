/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The files of an incident's record: those that grow, and those that are written
 * whole. 0640, in the record's directory, links not followed. -errno.
 */

#include <stddef.h>
#include <stdint.h>

/* Behind the first offset bytes, all or nothing; what was there behind them goes. The same twice is
 * the same as once. -ESTALE: there are fewer. */
int incident_file_append(int directory, const char *name, uint64_t offset, const void *data, size_t length);
/* A whole file at once; an older one of that name stays until it is complete. */
int incident_file_put(int directory, const char *name, const void *data, size_t length);
