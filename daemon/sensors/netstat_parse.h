/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The text of /proc/net/netstat and /proc/net/snmp (net/ipv4/proc.c): pairs of
 * lines, "Group: Name Name …" and below it "Group: value value …". Columns are
 * found by name, since kernels insert new ones anywhere. Beside them /proc/net/sockstat and sockstat6
 * ("TCP: inuse 7 orphan 0 …").
 *
 * Pure; the files are the kernel's, but nothing in them is trusted.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/observation.h"

/* A column that is a level, not a count; beside enum obs_counter. */
enum { NETSTAT_IN_USE = OBS_COUNTERS, NETSTAT_COLUMNS };

/* Totals since boot, or since the network namespace was made. */
struct netstat_totals {
        uint32_t known; /* 1 << enum obs_counter, or one of the above */
        uint64_t value[NETSTAT_COLUMNS];
};

/* The counters that come from these files: all but OBS_SYNS and OBS_BLOCKED. */
uint32_t netstat_counters(void);

/*
 * Adds what the text holds to totals. A counter is known when its column is
 * there, once, and holds a decimal number. A pair whose lines do not have as
 * many columns as each other, or a last line without its line break (cut off),
 * tells nothing: which value belongs to which name would be a guess. Returns 0,
 * or -EBADMSG if such a pair was met; the others count all the same.
 */
int netstat_parse(const char *text, size_t length, struct netstat_totals *totals);

/*
 * Adds the sockets of TCP that one of sockstat and sockstat6 tells to NETSTAT_IN_USE of totals, and makes it known.
 * Returns 0; -EBADMSG: it does not tell.
 */
int netstat_parse_in_use(const char *text, size_t length, struct netstat_totals *totals);

/* What was counted between two readings: known in both, and not gone back; levels as they are now. */
void netstat_delta(const struct netstat_totals *before, const struct netstat_totals *now, struct observation *o);
