/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A recording: a file of observations, one line each (format/observation_json.h),
 * in the order of their time.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/observation.h"

enum {
        RECORDING_LINE_MAX = 256 * 1024, /* the longest line that can be written takes 130 KiB */
        RECORDING_ERROR_MAX = 256,
};

struct recording_writer;

/* Appends to a file, made with mode 0640 if it is not there. -errno of open. */
int recording_writer_open(const char *path, struct recording_writer **ret);
/* Takes over the file descriptor, unless it fails: -ENOMEM. */
int recording_writer_new(int fd, struct recording_writer **ret);
struct recording_writer *recording_writer_free(struct recording_writer *w);

/*
 * Adds a line and hands it to the kernel at once. The first error ends the
 * recording and is returned, once (-ENOSPC, -EDQUOT, -EIO, …); from then on
 * nothing is written and 0 returned. What was written of a line in part is
 * taken back where the file allows it.
 */
int recording_write(struct recording_writer *w, const struct observation *o);
/* Whether it still records. */
bool recording_writer_active(const struct recording_writer *w);

struct recording_reader;

/* -errno of open. */
int recording_reader_open(const char *path, struct recording_reader **ret);
/* Takes over the file, unless it fails: -ENOMEM. */
int recording_reader_new(FILE *file, struct recording_reader **ret);
struct recording_reader *recording_reader_free(struct recording_reader *r);

/*
 * The next observation: 1 and *ret, or 0 at the end. An error ends the
 * reading: -EBADMSG (no observation, or its time lies before the one before),
 * -EFBIG (a line longer than RECORDING_LINE_MAX), -EIO and the like; error
 * says which line and what is wrong: "line 7: dump.aged: missing".
 */
int recording_read(struct recording_reader *r, struct observation *ret, char error[static RECORDING_ERROR_MAX]);
