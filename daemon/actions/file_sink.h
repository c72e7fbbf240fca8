/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Events as JSON lines appended to a file. A file that was renamed, removed or
 * replaced since the last event (logrotate) is opened anew by its path; no
 * signal is needed.
 */

#include "core/event.h"

struct file_sink;

/* Opens with the first event. -ENOMEM, -ENAMETOOLONG. */
int file_sink_new(const char *path, struct file_sink **ret);
struct file_sink *file_sink_free(struct file_sink *f);

/* -errno of open or write when the event was lost, in whole or in part; the
 * next event begins on a line of its own. */
int file_sink_write(struct file_sink *f, const struct event *e);
