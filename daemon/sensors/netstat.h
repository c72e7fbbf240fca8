/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The netstat sensor: the kernel's TCP counters as deltas, cheap enough for
 * every tick.
 *
 * The files belong to the network namespace of the thread that opens them
 * and stay with it, so they are opened once and read again from their start.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/observation.h"

/* Of the calling thread; /proc/net is of the thread group's leader. */
#define NETSTAT_DIRECTORY "/proc/thread-self/net"

struct netstat;

/* directory holds "netstat", "snmp" and, for observation.in_use, "sockstat" and "sockstat6"; NULL: NETSTAT_DIRECTORY.
 * Opens nothing yet: a file that is missing now may be there later. -ENOMEM. */
int netstat_new(const char *directory, struct netstat **ret);
struct netstat *netstat_free(struct netstat *n);

/*
 * Reads them and sets in o the counters that are known, in_use, and
 * o->sensors[SENSOR_NETSTAT]: ok; degraded when netstat, snmp or a counter is missing;
 * failed when nothing could be read. The first reading sets no counter: there is
 * nothing to take the difference from. The same holds for a counter that was
 * unknown in the reading before, since its delta would be of a longer time.
 *
 * Returns 0, or the -errno of the first file with trouble (-EFBIG: longer than
 * any kernel writes, -EBADMSG: not the format); the other file's counters are
 * set all the same, and the next call tries again.
 */
int netstat_read(struct netstat *n, struct observation *o);

/* The counters the last reading did not find, 1 << enum obs_counter. */
uint32_t netstat_missing(const struct netstat *n);
