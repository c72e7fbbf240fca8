/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hooks: commands of the administrator, run for events.
 *
 * A hook is run without a shell, by its absolute path, in a session of its own,
 * in "/", with all signals at their defaults and no file but these: its
 * standard input is the event as one line of JSON (format/event_json.h), its
 * output and error go to us. Its environment is the daemon's, without what
 * systemd gave the daemon for itself, and with SYNWARD_NAME for each field of
 * format/event_fields.h, SYNWARD_MESSAGE and SYNWARD_TIME.
 *
 * One that takes longer than the time limit gets SIGTERM, and HOOK_GRACE_US later
 * SIGKILL, with all of its process group; what it leaves running in that group
 * when it ends is killed too. It fails if it cannot be started, does not end
 * with status 0, is out of time, or would be one too many.
 *
 * Runs on the owner's sd-event loop, which must have SIGCHLD blocked. File
 * descriptors 0, 1 and 2 of the process must be open.
 */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/event.h"
#include "core/settings.h"

enum {
        HOOK_OUTPUT_MAX = 4096, /* the last bytes of its output that are kept */
        HOOK_WHY_MAX = 128,
};

#define HOOK_GRACE_US UINT64_C(2000000)

struct hook_failure {
        const char *command;   /* argv[0] */
        enum event_type event; /* that it was run for */
        uint64_t sequence;     /* of that event */
        const char *why;       /* "exit status 3", "took longer than 10 s", … */
        const char *output;    /* what it said last; printable, one line, may be empty */
};

/* Called for each failure, either from within hook_run() or from the loop. It
 * may call hook_run(), but a hook-failed event must not run hooks: one that always
 * fails would run for ever. */
typedef void (*hook_failed_fn)(const struct hook_failure *failure, void *userdata);

struct hook_runner;

/* Takes a reference to event. -ENOMEM. */
int hook_runner_new(sd_event *event, uint64_t timeout_us, unsigned at_once, hook_failed_fn failed, void *userdata,
                    struct hook_runner **ret);
/* Kills what still runs, and reports nothing of it. */
struct hook_runner *hook_runner_free(struct hook_runner *r);
/* For hooks started from now on; those that run go on as they are. */
void hook_runner_configure(struct hook_runner *r, uint64_t timeout_us, unsigned at_once);

/* Starts a hook that was set (argc > 0). */
void hook_run(struct hook_runner *r, const struct settings_hook *hook, const struct event *e);

unsigned hook_runner_running(const struct hook_runner *r);
/* How many were not started because too many ran. */
uint64_t hook_runner_dropped(const struct hook_runner *r);

/* The event to report a failure with; the caller sets its times. */
struct event hook_failed_event(const struct hook_failure *failure);
