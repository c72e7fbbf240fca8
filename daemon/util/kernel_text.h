/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Text that the kernel shows under /proc: a sysctl's number, and the pairs of lines of
 * /proc/net/netstat and /proc/net/snmp (net/ipv4/proc.c), "Group: Name Name …" and below it
 * "Group: value value …". For what is looked at once; what is read every tick has sensors/netstat.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal, behind blanks and before a blank, a line break or the end. False: none that fits. */
bool kernel_text_number(const char *text, size_t length, long *ret);
/* The sum of the counters of a group ("TcpExt:") whose names begin so; up to UINT64_MAX. False: there
 * is none, or a pair of lines is not one. */
bool kernel_text_counters(const char *text, size_t length, const char *group, const char *begin, uint64_t *ret);

/* The sum over CPUs of a column of /proc/net/stat/…: names on the first line, hexadecimal below. False: there is
 * none, or a line ends before it. */
bool kernel_text_column(const char *text, size_t length, const char *name, uint64_t *ret);

/* The same of a file. -1, false: also if it cannot be read. */
long kernel_text_read_number(const char *path);
bool kernel_text_read_column(const char *path, const char *name, uint64_t *ret);
bool kernel_text_read_counters(const char *path, const char *group, const char *begin, uint64_t *ret);
