/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What an administrator reads.
 *
 * Under systemd (stderr is the journal: JOURNAL_STREAM names its device and
 * inode) each line is a journal entry with PRIORITY and CODE_*. Otherwise it is
 * a line on stderr: on a terminal with the time of day, in colour from warnings
 * up unless NO_COLOR is set; in a file or pipe with the full local time. Control
 * characters are shown as '?', so that nothing quoted from outside can move a
 * cursor or forge a line.
 *
 * The only state of the process as a whole that synward keeps in a variable:
 * how much to say, and where. Before log_setup() it is stderr, info and above.
 * None of these functions changes errno.
 */

#include <stdbool.h>
#include <syslog.h>

enum { LOG_LINE_MAX = 2048 }; /* longer ones are cut */
/* Of what would be too much even for debugging, most of the time; the journal has it as debug. */
enum { LOG_TRACE = LOG_DEBUG + 1 };

/* 0: info and above, 1: debug too, 2 and more: all, -1: warnings and above, -2: errors only. */
void log_setup(int verbosity);
/* Whether stderr is the journal, as log_setup() found it. */
bool log_to_journal(void);
/* Whether a line of that priority (of syslog(3), or LOG_TRACE) would be written. */
bool log_wants(int priority);

void log_write(int priority, const char *file, int line, const char *function, const char *format, ...)
        __attribute__((format(printf, 5, 6)));

#define log_at(priority, ...) log_write((priority), __FILE__, __LINE__, __func__, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
