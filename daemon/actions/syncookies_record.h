/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What tcp_syncookies was: RUNTIME_DIR/syncookies.json, replaced by write and rename. It has to outlive
 * this process, however that ends, and no more than that: a loss of power takes the sysctl along, and a
 * record of another boot holds for nothing. So it is where no disk is waited for, and not in the state
 * folder: there a link of the same name leads to it, for a --restore that was told that folder alone.
 * What is there instead of a link, of an earlier version or where there was no runtime folder, is
 * taken over; without a runtime folder it stays in the state folder.
 *
 * While the folders are open they are locked (flock), so that a second daemon or a --restore cannot work
 * on the same record; the lock ends with the process, however it ends. They are opened when first
 * needed, and again while that fails.
 *
 * A link is followed to a file of that name in a folder of the state folder's owner, and nowhere else.
 */

#include "core/cookie_governor.h"

#define SYNCOOKIES_RECORD_NAME "syncookies.json"
#define SYNCOOKIES_RECORD_BAD_NAME SYNCOOKIES_RECORD_NAME ".bad"

struct syncookies_record;

/* Touches nothing yet. Both are copied; NULL: none. -ENOMEM. */
int syncookies_record_new(const char *state_dir, const char *runtime_dir, struct syncookies_record **ret);
/* The file stays. */
struct syncookies_record *syncookies_record_free(struct syncookies_record *s);

/* The one that the last call was about. */
const char *syncookies_record_directory(const struct syncookies_record *s);

/* All: -EBUSY: somebody else is at work on it; -errno. */

/* As the first of the others does. */
int syncookies_record_lock(struct syncookies_record *s);

/* -ENOENT: there is none. -EBADMSG: it made no sense, and is out of the way
 * now (syncookies.json.bad). */
int syncookies_record_load(struct syncookies_record *s, struct cookie_record *ret);
/* When it returns 0, the record survives this process. */
int syncookies_record_save(struct syncookies_record *s, const struct cookie_record *record);
/* Saves a record that holds nothing; removes it where that fails, without its history rather
 * than not at all: removing works on a full disk. */
int syncookies_record_forget(struct syncookies_record *s, const struct cookie_record *record);
