/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * net.ipv4.tcp_syncookies: carries out what core/cookie_governor.h decides.
 *
 * The old value is in a file (actions/syncookies_record.h) before the sysctl is
 * touched. A record that cannot be understood is put aside and reported.
 *
 * Needs CAP_NET_ADMIN over the network namespace to write, nothing to read: the daemon has it
 * written (struct syncookies_kernel), --restore writes.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/cookie_governor.h"
#include "core/event.h"

/* The kernel; both return 0 or -errno, -ENOENT where there is no such setting. */
struct syncookies_kernel {
        int (*read)(void *userdata, uint8_t *ret_value);
        int (*write)(void *userdata, uint8_t value);
        void *userdata;
};

struct syncookies_config {
        const char *state_dir;   /* copied; need not exist */
        const char *runtime_dir; /* likewise; NULL: where a link in state_dir leads, or state_dir */
        const char *path;      /* of the sysctl, copied; NULL: SYSCTL_SYNCOOKIES_PATH (util/sysctl.h) */
        const char *epoch;     /* copied; NULL: of this boot and network namespace */
        const struct syncookies_kernel *kernel; /* NULL: path; otherwise copied, instead of path */
};

enum syncookies_report_type {
        SYNCOOKIES_REPORT_NONE,
        SYNCOOKIES_REPORT_SET, /* also on the way back, from 2 to 1 */
        SYNCOOKIES_REPORT_RESTORED,
        SYNCOOKIES_REPORT_FOREIGN,
        SYNCOOKIES_REPORT_NOTICE, /* for the log: what was found at the start */
        SYNCOOKIES_REPORT_FAILED, /* for the log; once until it works or fails otherwise */
};

/* What was done, for one event or one line of the log. */
struct syncookies_report {
        enum syncookies_report_type type;
        int error;                /* FAILED: -errno */
        int old_value, new_value; /* -1: not part of it */
        int original;             /* what will be there in the end; -1: not part of it */
        bool pretended;           /* dry run: nothing was touched */
        const char *why;          /* static, a few words */
        char undo[96];            /* the command that undoes it or, FOREIGN, hands it back */
        char message[EVENT_MESSAGE_MAX]; /* one sentence with all of the above */
};

struct syncookies_request {
        uint64_t now_us; /* CLOCK_BOOTTIME */
        enum cookie_want want;
        uint8_t flood_value;
        uint64_t hold_us;
        uint32_t max_changes_per_hour;
        bool release; /* the service stops, or the setting says off */
        bool reset;   /* the administrator hands it back: true once */
        bool dry_run; /* decide and report, touch nothing; what is held is put back first */
};

struct syncookies;

/* -ENOMEM only: whatever else is missing is reported by the first steps. */
int syncookies_new(const struct syncookies_config *config, struct syncookies **ret);
/* Puts nothing back: what is held stays, and the record with it. Returns NULL. */
struct syncookies *syncookies_free(struct syncookies *s);

/*
 * One action at most. Returns true if there may be more to do at once (call
 * again), false if only time or a change can bring more.
 */
bool syncookies_step(struct syncookies *s, const struct syncookies_request *request,
                     struct syncookies_report *ret_report);

/* After a step that returned false: when time alone brings more; 0: never. */
uint64_t syncookies_wait_until_us(const struct syncookies *s);
/* Nothing is held: the process may end. */
bool syncookies_settled(const struct syncookies *s);
/* Nothing happens in calm: it need not be stepped. */
bool syncookies_idle(const struct syncookies *s);
/* The value as of the last step, or -1; in a dry run, the pretended one. */
int syncookies_value(const struct syncookies *s);
/* What it was before synward changed it, or the present value; -1: not known. */
int syncookies_original(const struct syncookies *s);
/* Why what was wanted could not be done, as it was reported, until it can; NULL: all is well. */
const char *syncookies_trouble(const struct syncookies *s);
/* The present value is synward's. */
bool syncookies_managed(const struct syncookies *s);

/*
 * Puts back what an earlier process left, waiting a cookie's life where that is
 * needed; may be repeated. now_us reads CLOCK_BOOTTIME; wait_us returns at that
 * time or sooner, and with less than 0 to give up (which is then returned).
 * report is called for every report. Returns 0 if nothing is held any more,
 * -EBUSY if a daemon is at work on the same state directory, -EBADMSG if the
 * record made no sense, or the error that prevents it after three attempts; the
 * record stays then.
 */
struct syncookies_restore_ops {
        uint64_t (*now_us)(void *userdata);
        int (*wait_us)(void *userdata, uint64_t until_us);
        void (*report)(void *userdata, const struct syncookies_report *report);
        void *userdata;
};
int syncookies_restore(struct syncookies *s, const struct syncookies_restore_ops *ops);
/* Before that, to look around: from now on nobody else works on the record. -EBUSY: somebody does. */
int syncookies_lock(struct syncookies *s);

/* SET, RESTORED and FOREIGN as events, times not filled in. -EINVAL for the others. */
int syncookies_report_event(const struct syncookies_report *report, struct event *ret);

/* "BOOT-ID/NETNS-COOKIE" of the calling process; -errno if it cannot be known. */
int syncookies_epoch(char ret_epoch[static COOKIE_EPOCH_MAX]);
