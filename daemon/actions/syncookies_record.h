/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What tcp_syncookies was: STATE_DIR/syncookies.json, replaced by write and rename. It has to
 * outlive this process, however that ends, and no more than that: a loss of power takes the sysctl
 * along, and a record of another boot holds for nothing. So no disk is waited for by fsync(2). While a
 * directory is open it is locked (flock), so that a second daemon or a --restore cannot work on
 * the same record; the lock ends with the process, however it ends.
 *
 * The directory is opened when first needed, and again while that fails.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/cookie_governor.h"

#define SYNCOOKIES_RECORD_NAME "syncookies.json"
#define SYNCOOKIES_RECORD_BAD_NAME SYNCOOKIES_RECORD_NAME ".bad"

struct syncookies_record;

/* Touches nothing yet. state_dir is copied. -ENOMEM. */
int syncookies_record_new(const char *state_dir, struct syncookies_record **ret);
/* The file stays. */
struct syncookies_record *syncookies_record_free(struct syncookies_record *s);

/* The state_dir. */
const char *syncookies_record_directory(const struct syncookies_record *s);

/* All: -EBUSY: somebody else is at work on it; -errno. */

/* -ENOENT: there is none. -EBADMSG: it made no sense, and is out of the way
 * now (syncookies.json.bad). */
int syncookies_record_load(struct syncookies_record *s, struct cookie_record *ret);
/* When it returns 0, the record survives this process. */
int syncookies_record_save(struct syncookies_record *s, const struct cookie_record *record);
/* Saves a record that holds nothing; removes it where that fails, without its history rather
 * than not at all: removing works on a full disk. */
int syncookies_record_forget(struct syncookies_record *s, const struct cookie_record *record);

/* The two by another process, for a disk may be slow; this one claims the directory meanwhile. text: of
 * syncookies_record_format(). */
int syncookies_record_claim(struct syncookies_record *s);
int syncookies_record_put(const char *state_dir, const char *text, bool forgets);

/* The record as JSON and back; for the fuzzer and tests. Text is to be freed, NULL: no memory.
 * -EBADMSG: not a record; -ENOMEM. */
char *syncookies_record_format(const struct cookie_record *record);
int syncookies_record_parse(const char *text, size_t length, struct cookie_record *ret);
