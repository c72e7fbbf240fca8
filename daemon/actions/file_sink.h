/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Lines appended to a file, which is opened by its path. One that was renamed, removed or replaced since
 * the last line (logrotate) is opened anew; no signal is needed.
 */

#include <stdbool.h>

struct file_sink;

/* Opens with the first line. -ENOMEM, -ENAMETOOLONG. */
int file_sink_new(const char *path, struct file_sink **ret);
struct file_sink *file_sink_free(struct file_sink *f);

/* line: ends with a line break. again: if it is not what is there at the end already. -errno of open or
 * write when it was lost, in whole or in part; the next one begins on a line of its own. */
int file_sink_write(struct file_sink *f, const char *line, bool again);
const char *file_sink_path(const struct file_sink *f);
