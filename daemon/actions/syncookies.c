/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/syncookies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/syncookies_record.h"
#include "util/sysctl.h"
#include "util/trouble.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

enum { RESTORE_ATTEMPTS = 3 };

struct syncookies {
        char *path;
        struct syncookies_kernel kernel;
        char epoch[COOKIE_EPOCH_MAX]; /* empty: not known */
        int epoch_error;
        struct syncookies_record *record;

        struct cookie_governor governor;
        uint64_t wait_until_us;
        int value;
        bool reset; /* was asked for, and has not been seen by the governor */

        bool pretending;     /* dry run */
        int pretended;       /* the value that would be there; -1: none */
        int pretended_over;  /* the real value at that time */

        /* By action: the error that was reported, until it works. COOKIE_NOTHING: reading. */
        struct trouble failed[COOKIE_FOREIGN + 1];
        int last_error;
        struct trouble limit; /* of changes an hour */
        char trouble[EVENT_MESSAGE_MAX]; /* the last that was reported as failed */
};

/* --- the sysctl --- */

static int path_read(void *userdata, uint8_t *ret_value) {
        return sysctl_read_once(((const struct syncookies *) userdata)->path, ret_value);
}

static int path_write(void *userdata, uint8_t value) {
        return sysctl_write(((const struct syncookies *) userdata)->path, value);
}

static int read_value(struct syncookies *s, int *ret_value) {
        uint8_t value;
        int r = s->kernel.read(s->kernel.userdata, &value);

        if (r < 0)
                return r;
        *ret_value = value;
        /* A real change under a pretended value is as foreign as any. */
        if (s->pretended >= 0 && value == s->pretended_over)
                *ret_value = s->pretended;
        return 0;
}

/* --- one action --- */

/* Without the epoch a record would say nothing: none is written or believed. */
static int load_record(struct syncookies *s, struct cookie_record *ret) {
        return s->epoch_error < 0 ? s->epoch_error : syncookies_record_load(s->record, ret);
}

static int save_record(struct syncookies *s, const struct cookie_record *record) {
        return s->epoch_error < 0 ? s->epoch_error : syncookies_record_save(s->record, record);
}

static int write_if(struct syncookies *s, const struct cookie_action *a, uint8_t *ret_found) {
        int value = -1, r = read_value(s, &value);

        if (r < 0)
                return r;
        if (value != a->expected) {
                *ret_found = (uint8_t) value;
                return -ESTALE;
        }
        if (s->pretending) {
                s->pretended_over = s->pretended >= 0 ? s->pretended_over : value;
                s->pretended = a->value == s->pretended_over ? -1 : a->value;
        } else
                r = s->kernel.write(s->kernel.userdata, a->value);
        if (r == 0)
                s->value = a->value;
        return r;
}

/* The one place that touches anything, and so the one that a dry run stays out of. */
static struct cookie_result carry_out(struct syncookies *s, const struct cookie_action *a) {
        struct cookie_result result = { 0 };

        switch (a->kind) {
        case COOKIE_NOTHING:
        case COOKIE_FOREIGN:
                if (a->kind == COOKIE_FOREIGN)
                        s->pretended = -1;
                break;
        case COOKIE_LOAD:
                /* What an earlier run left is not a dry run's business. */
                result.error = s->pretending ? -ENOENT : load_record(s, &result.loaded);
                break;
        case COOKIE_SAVE:
                result.error = s->pretending ? 0 : save_record(s, &a->record);
                break;
        case COOKIE_WRITE:
                result.error = write_if(s, a, &result.found);
                break;
        case COOKIE_FORGET:
                result.error = s->pretending ? 0 : syncookies_record_forget(s->record, &a->record);
                break;
        }
        return result;
}

/* --- reports --- */

static const char *why_text(enum cookie_why why) {
        switch (why) {
        case COOKIE_WHY_FLOOD:
                return "a flood is filling a listener";
        case COOKIE_WHY_CALM:
                return "the flood is over";
        case COOKIE_WHY_RELEASE:
                return "synward stops, or was told to leave it alone";
        case COOKIE_WHY_STEP_DOWN:
                return "the flood is over, and cookies that were sent are still honoured for 120 s";
        case COOKIE_WHY_FOREIGN:
                return "somebody else changed it";
        case COOKIE_WHY_LIMIT:
                return "too many changes within an hour";
        case COOKIE_WHY_NONE:
        case COOKIE_WHY_ABANDONED:
        case COOKIE_WHY_RESTORED:
        case COOKIE_WHY_REBOOT:
        case COOKIE_WHY_LIFE:
        case COOKIE_WHY_RETRY:
                break;
        }
        return "";
}

static const char *action_text(enum cookie_action_kind kind) {
        switch (kind) {
        case COOKIE_LOAD:
                return "cannot read the record of the old value of tcp_syncookies, "
                       "so it will not be changed";
        case COOKIE_SAVE:
                return "cannot save the old value of tcp_syncookies, so it is not changed";
        case COOKIE_WRITE:
                return "cannot change tcp_syncookies";
        case COOKIE_FORGET:
                return "cannot remove the record of the old value of tcp_syncookies";
        case COOKIE_NOTHING:
        case COOKIE_FOREIGN:
                break;
        }
        return "cannot read tcp_syncookies";
}

static struct syncookies_report report_make(const struct syncookies *s, enum syncookies_report_type type) {
        return (struct syncookies_report) {
                .type = type,
                .old_value = -1,
                .new_value = -1,
                .original = -1,
                .pretended = s->pretending,
                .why = "",
        };
}

static struct syncookies_report report_write(const struct syncookies *s, const struct cookie_action *a) {
        struct syncookies_report r = report_make(s, a->value == a->original ? SYNCOOKIES_REPORT_RESTORED
                                                                            : SYNCOOKIES_REPORT_SET);

        r.old_value = a->expected;
        r.new_value = a->value;
        r.original = a->original;
        r.why = why_text(a->why);
        if (s->pretending) { /* there is nothing to undo */
                snprintf(r.message, sizeof r.message, "tcp_syncookies would change from %u to %u: %s", a->expected,
                         a->value, r.why);
                return r;
        }
        snprintf(r.undo, sizeof r.undo, "sysctl -w net.ipv4.tcp_syncookies=%u", a->expected);
        snprintf(r.message, sizeof r.message, "tcp_syncookies changed from %u to %u: %s; to undo: %s", a->expected,
                 a->value, r.why, r.undo);
        return r;
}

static struct syncookies_report report_foreign(const struct syncookies *s, const struct cookie_action *a) {
        struct syncookies_report r = report_make(s, SYNCOOKIES_REPORT_FOREIGN);

        r.old_value = a->expected;
        r.new_value = a->value;
        r.original = a->original;
        r.why = why_text(a->why);
        snprintf(r.undo, sizeof r.undo, "sysctl -w net.ipv4.tcp_syncookies=%u && synwardctl reload", a->original);
        snprintf(r.message, sizeof r.message,
                 "tcp_syncookies is %u where synward had set %u: %s; left alone until this flood "
                 "is over; to hand it back: %s",
                 a->value, a->expected, r.why, r.undo);
        return r;
}

static struct syncookies_report report_failure(struct syncookies *s, enum cookie_action_kind kind, int error) {
        struct syncookies_report r = report_make(s, SYNCOOKIES_REPORT_FAILED);
        const char *directory = syncookies_record_directory(s->record);

        s->last_error = error;
        if (trouble_note(&s->failed[kind], error) == TROUBLE_NO_NEWS)
                return report_make(s, SYNCOOKIES_REPORT_NONE);
        r.error = error;
        if (kind == COOKIE_LOAD && error == -EBUSY)
                snprintf(r.message, sizeof r.message, "another synwardd uses %s, so tcp_syncookies will not be changed",
                         directory);
        else if (kind == COOKIE_LOAD && error == -EBADMSG)
                snprintf(r.message, sizeof r.message,
                         "%s/" SYNCOOKIES_RECORD_NAME " was not a record and is now " SYNCOOKIES_RECORD_BAD_NAME
                         "; if synward had changed "
                         "tcp_syncookies, the old value is not known any more",
                         directory);
        else
                snprintf(r.message, sizeof r.message, "%s (%s): %s", action_text(kind),
                         kind == COOKIE_WRITE || kind == COOKIE_NOTHING ? s->path : directory, strerror(-error));
        memcpy(s->trouble, r.message, sizeof s->trouble);
        return r;
}

static struct syncookies_report report_limit(struct syncookies *s) {
        struct syncookies_report r = report_make(s, SYNCOOKIES_REPORT_FAILED);

        if (trouble_note(&s->limit, -EAGAIN) == TROUBLE_NO_NEWS)
                return report_make(s, SYNCOOKIES_REPORT_NONE);
        r.error = -EAGAIN;
        r.why = why_text(COOKIE_WHY_LIMIT);
        snprintf(r.message, sizeof r.message, "tcp_syncookies is left at %d: %s", s->value, r.why);
        memcpy(s->trouble, r.message, sizeof s->trouble);
        return r;
}

static struct syncookies_report report_loaded(struct syncookies *s, const struct cookie_result *result) {
        struct syncookies_report r = report_make(s, SYNCOOKIES_REPORT_NOTICE);
        const struct cookie_record *l = &result->loaded;

        if (result->error != 0 || !l->owned)
                return report_make(s, SYNCOOKIES_REPORT_NONE);
        r.original = l->original;
        if (strcmp(l->epoch, s->epoch) != 0)
                snprintf(r.message, sizeof r.message,
                         "an earlier run had changed tcp_syncookies from %u to %u before this "
                         "boot, which has set it anew",
                         l->original, l->written);
        else
                snprintf(r.message, sizeof r.message,
                         "an earlier run changed tcp_syncookies from %u to %u and did not put it "
                         "back",
                         l->original, l->written);
        return r;
}

static struct syncookies_report report_on(struct syncookies *s, const struct cookie_action *a,
                                          const struct cookie_result *result) {
        bool failed = result->error != 0 && result->error != -ESTALE &&
                      !(a->kind == COOKIE_LOAD && result->error == -ENOENT);

        if (failed)
                return report_failure(s, a->kind, result->error);
        if (a->kind != COOKIE_NOTHING)
                trouble_note(&s->failed[a->kind], 0);
        if (a->kind == COOKIE_WRITE && result->error == 0)
                return report_write(s, a);
        if (a->kind == COOKIE_FOREIGN)
                return report_foreign(s, a);
        if (a->kind == COOKIE_LOAD)
                return report_loaded(s, result);
        if (a->kind == COOKIE_NOTHING && a->why == COOKIE_WHY_LIMIT)
                return report_limit(s);
        return report_make(s, SYNCOOKIES_REPORT_NONE);
}

int syncookies_report_event(const struct syncookies_report *report, struct event *ret) {
        static const enum event_type types[] = {
                [SYNCOOKIES_REPORT_SET] = EVENT_SYNCOOKIES_SET,
                [SYNCOOKIES_REPORT_RESTORED] = EVENT_SYNCOOKIES_RESTORED,
                [SYNCOOKIES_REPORT_FOREIGN] = EVENT_SYNCOOKIES_FOREIGN,
        };

        if (report->type < SYNCOOKIES_REPORT_SET || report->type > SYNCOOKIES_REPORT_FOREIGN)
                return -EINVAL;
        *ret = event_make(types[report->type]);
        ret->old_value = report->old_value;
        ret->new_value = report->new_value;
        ret->pretended = report->pretended;
        memcpy(ret->message, report->message, sizeof ret->message);
        return 0;
}

/* --- stepping --- */

/* Into and out of a dry run only with nothing held, in either of the two worlds. */
static bool switch_dry_run(struct syncookies *s, bool dry_run) {
        if (dry_run == s->pretending)
                return true;
        if (!s->pretending && s->governor.phase != COOKIE_PHASE_LOAD && !cookie_governor_settled(&s->governor))
                return false;
        s->pretending = dry_run;
        s->pretended = -1;
        cookie_governor_init(&s->governor, s->epoch);
        return true;
}

static void observe(struct syncookies *s, struct syncookies_report *ret_report) {
        int value, r = read_value(s, &value);

        s->value = r < 0 ? -1 : value;
        if (r < 0)
                *ret_report = report_failure(s, COOKIE_NOTHING, r);
        else
                trouble_note(&s->failed[COOKIE_NOTHING], 0);
}

/* An action has been carried out. */
static bool conclude(struct syncookies *s, const struct cookie_input *in, const struct cookie_action *a,
                     struct cookie_result *result, struct syncookies_report *ret_report) {
        if (a->kind != COOKIE_NOTHING || a->why == COOKIE_WHY_LIMIT) {
                const struct syncookies_report report = report_on(s, a, result);

                if (report.type != SYNCOOKIES_REPORT_NONE) {
                        if (ret_report->type != SYNCOOKIES_REPORT_NONE)
                                trouble_note(&s->failed[COOKIE_NOTHING], 0); /* next time, then */
                        *ret_report = report;
                }
        }
        /* What is out of the way does not block: the record is as good as none. */
        if (a->kind == COOKIE_LOAD && result->error == -EBADMSG) {
                trouble_note(&s->failed[COOKIE_LOAD], 0);
                result->error = -ENOENT;
        }
        cookie_governor_done(&s->governor, in, a, result);
        return a->kind != COOKIE_NOTHING;
}

bool syncookies_step(struct syncookies *s, const struct syncookies_request *request,
                     struct syncookies_report *ret_report) {
        struct cookie_input in = {
                .now_us = request->now_us,
                .want = request->want,
                .flood_value = request->flood_value,
                .hold_us = request->hold_us,
                .max_changes_per_hour = request->max_changes_per_hour,
        };
        struct cookie_action a;
        struct cookie_result result;

        *ret_report = report_make(s, SYNCOOKIES_REPORT_NONE);
        s->reset |= request->reset;
        in.reset = s->reset;
        s->reset = false;
        in.release = !switch_dry_run(s, request->dry_run) || request->release;
        s->last_error = 0;
        observe(s, ret_report);
        in.value = s->value;
        a = cookie_governor_step(&s->governor, &in);
        s->wait_until_us = a.wait_until_us;
        if (in.want == COOKIE_WANT_CALM && a.why != COOKIE_WHY_LIMIT)
                trouble_note(&s->limit, 0);
        result = carry_out(s, &a);
        return conclude(s, &in, &a, &result, ret_report);
}

int syncookies_lock(struct syncookies *s) {
        return syncookies_record_lock(s->record);
}

static int restore_once(struct syncookies *s, const struct syncookies_restore_ops *ops) {
        const struct syncookies_request request = {
                .now_us = ops->now_us(ops->userdata),
                .want = COOKIE_WANT_CALM,
                .flood_value = 1,
                .release = true,
        };
        struct syncookies_report report;
        bool more = syncookies_step(s, &request, &report);

        if (report.type != SYNCOOKIES_REPORT_NONE)
                ops->report(ops->userdata, &report);
        return more;
}

int syncookies_restore(struct syncookies *s, const struct syncookies_restore_ops *ops) {
        unsigned failures = 0;
        int r, lost = 0;

        for (;;) {
                bool more = restore_once(s, ops);

                if (s->last_error == -EBADMSG && s->value >= 0)
                        lost = -EBADMSG;
                if (syncookies_settled(s))
                        return lost;
                if (s->last_error < 0)
                        failures++;
                if (s->last_error == -EBUSY || failures == RESTORE_ATTEMPTS)
                        return s->last_error;
                if (more)
                        continue;
                /* Of a value that cannot be read nobody says when it can. */
                r = ops->wait_us(ops->userdata,
                                 s->wait_until_us ? s->wait_until_us : ops->now_us(ops->userdata) + COOKIE_RETRY_US);
                if (r < 0)
                        return r;
        }
}

/* --- life --- */

int syncookies_epoch(char ret_epoch[static COOKIE_EPOCH_MAX]) {
        char boot_id[37] = "";
        uint64_t cookie = 0;
        socklen_t length = sizeof cookie;
        struct stat st;
        ssize_t n;
        int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        n = read(fd, boot_id, sizeof boot_id - 1);
        close(fd);
        if (n != (ssize_t) sizeof boot_id - 1)
                return -EBADMSG;
        /* A number never used twice within a boot; older kernels have the inode only. */
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0)
                cookie = stat("/proc/self/ns/net", &st) < 0 ? 0 : st.st_ino;
        close(fd);
        snprintf(ret_epoch, COOKIE_EPOCH_MAX, "%s/%llu", boot_id, (unsigned long long) cookie);
        return 0;
}

int syncookies_new(const struct syncookies_config *config, struct syncookies **ret) {
        struct syncookies *s = calloc(1, sizeof *s);

        if (!s)
                return -ENOMEM;
        s->value = s->pretended = -1;
        s->path = strdup(config->path ? config->path : SYSCTL_SYNCOOKIES_PATH);
        if (!s->path || syncookies_record_new(config->state_dir, config->runtime_dir, &s->record) < 0) {
                syncookies_free(s);
                return -ENOMEM;
        }
        s->kernel = config->kernel ? *config->kernel : (struct syncookies_kernel) { path_read, path_write, s };
        if (config->epoch)
                snprintf(s->epoch, sizeof s->epoch, "%s", config->epoch);
        else
                s->epoch_error = syncookies_epoch(s->epoch);
        cookie_governor_init(&s->governor, s->epoch);
        *ret = s;
        return 0;
}

struct syncookies *syncookies_free(struct syncookies *s) {
        if (!s)
                return NULL;
        syncookies_record_free(s->record);
        free(s->path);
        free(s);
        return NULL;
}

uint64_t syncookies_wait_until_us(const struct syncookies *s) {
        return s->wait_until_us;
}

bool syncookies_settled(const struct syncookies *s) {
        return cookie_governor_settled(&s->governor);
}

bool syncookies_idle(const struct syncookies *s) {
        /* One more step takes the word of the limit back. */
        return cookie_governor_idle(&s->governor) && !s->limit.error;
}

int syncookies_value(const struct syncookies *s) {
        return s->value;
}

int syncookies_original(const struct syncookies *s) {
        int original = cookie_governor_original(&s->governor);

        return original >= 0 ? original : s->value;
}

const char *syncookies_trouble(const struct syncookies *s) {
        bool failed = s->limit.error != 0;

        for (size_t i = 0; i < sizeof s->failed / sizeof *s->failed; i++)
                failed |= s->failed[i].error != 0;
        return failed ? s->trouble : NULL;
}

bool syncookies_managed(const struct syncookies *s) {
        return cookie_governor_holds(&s->governor);
}
