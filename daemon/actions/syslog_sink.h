/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Events to a syslog server on this host, over its Unix socket, in the form of
 * RFC 5424: TIMESTAMP of the event, APP-NAME synwardd, MSGID the event's name,
 * and its fields as one element of structured data.
 *
 * The socket may be of datagrams or a stream (then each message ends with a
 * line feed). Nothing ever waits: a server that does not read loses messages,
 * and one that comes back is found again with the next message.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"

#define SYSLOG_SINK_DEFAULT_PATH "/dev/log"
/* The name needs an enterprise's number (RFC 5424, 7.2.2); synward has none, and
 * 32473 is the one set aside for such use (RFC 5612). */
#define SYSLOG_SINK_SD_ID "synward@32473"

enum { SYSLOG_SINK_MESSAGE_MAX = 4096 };

struct syslog_sink;

/* path empty: SYSLOG_SINK_DEFAULT_PATH; facility 0..23. Connects with the first
 * event. -ENOMEM, -ENAMETOOLONG. */
int syslog_sink_new(const char *path, uint8_t facility, struct syslog_sink **ret);
struct syslog_sink *syslog_sink_free(struct syslog_sink *s);

/* -errno when the message was lost: -ENOENT and -ECONNREFUSED (no server),
 * -EAGAIN (it does not read), … */
int syslog_sink_write(struct syslog_sink *s, const struct event *e);

/* The message alone. Returns its length; text gets a NUL after it. */
size_t syslog_sink_format(const struct event *e, uint8_t facility, const char *host, int pid,
                          char text[static SYSLOG_SINK_MESSAGE_MAX]);
