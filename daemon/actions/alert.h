/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Delivers events to people: to the journal, to stderr when that is not the
 * journal, to syslog, to a file, as the settings say. Hooks are
 * hooks/hook.h.
 */

#include <stdbool.h>
#include <sys/uio.h>

#include "core/event.h"
#include "core/settings.h"

enum alert_sink { ALERT_STDERR, ALERT_JOURNAL, ALERT_SYSLOG, ALERT_FILE, ALERT_SINKS };

/* What the process is connected to. */
struct alert_outlets {
        bool stderr_is_journal;
        int (*journal_sendv)(const struct iovec *iov, int n);
};

/* A sink that began to fail or works again: to be logged by the caller. Not
 * repeated while nothing changes. */
struct alert_changes {
        unsigned count;
        struct {
                enum alert_sink sink;
                int error; /* -errno; 0: works again */
        } list[ALERT_SINKS];
};

/* Has a line appended to that file by another process, for a disk may be slow; how that went is told by
 * alert_appended(). -errno: it will not. */
typedef int alert_append_fn(void *userdata, const char *path, const char *line);

struct alert;

/* outlets NULL: the real ones. append NULL: files are written by this process; what is no file (a pipe,
 * /dev/stdout) always is, for nothing is waited for there. Copies what it needs of the settings; after a
 * reload make a new one and free the old. -ENOMEM, -ENAMETOOLONG. */
int alert_new(const struct settings *settings, const struct alert_outlets *outlets, alert_append_fn *append,
              void *userdata, struct alert **ret);
struct alert *alert_free(struct alert *a);

/* Never waits and never fails as a whole: one sink's trouble is not another's. A
 * muted event goes nowhere (it is kept in the event log and the incident's
 * record by others). */
void alert_deliver(struct alert *a, const struct event *e, bool muted, struct alert_changes *ret_changes);

void alert_appended(struct alert *a, int result, struct alert_changes *ret_changes);

const char *alert_sink_name(enum alert_sink sink); /* "stderr", "journal", "syslog", "file" */
