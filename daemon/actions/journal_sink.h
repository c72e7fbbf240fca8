/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * An event as an entry of the journal: MESSAGE, MESSAGE_ID, PRIORITY, and each
 * field of format/event_fields.h as SYNWARD_NAME.
 */

#include <sys/uio.h>

#include "core/event.h"

/* Sends with sd_journal_sendv(3) or what a test puts in its place; returns what
 * that returns: 0 or -errno. */
int journal_sink_write(int (*sendv)(const struct iovec *iov, int n), const struct event *e);

/* MESSAGE_ID of a type, as in message_ids.h. */
const char *journal_sink_message_id(enum event_type type);
