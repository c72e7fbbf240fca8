/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The record of what tcp_syncookies was as JSON (schema synward.syncookies.v1), and back. */

#include <stddef.h>

#include "core/cookie_governor.h"

/* To be freed; NULL: no memory. */
char *syncookies_text_write(const struct cookie_record *record);
/* -EBADMSG: not a record; -ENOMEM. */
int syncookies_text_read(const char *text, size_t length, struct cookie_record *ret);
