/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/alert.h"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "actions/file_sink.h"
#include "actions/journal_sink.h"
#include "actions/syslog_sink.h"
#include "format/event_json.h"
#include "util/log.h"
#include "util/trouble.h"

struct alert {
        struct alert_outlets outlets;
        bool journal;
        struct syslog_sink *syslog; /* NULL: none */
        struct file_sink *file;     /* NULL: none */
        bool hands_over;            /* what is for the file */
        alert_append_fn *append;
        void *userdata;
        struct trouble sinks[ALERT_SINKS];
};

/* A disk may be behind it, or will be. */
static bool is_file(const char *path) {
        struct stat st;

        return stat(path, &st) < 0 || S_ISREG(st.st_mode);
}

static int open_sinks(struct alert *a, const struct settings *s) {
        int r;

        if (s->alerts.syslog.enabled) {
                r = syslog_sink_new(s->alerts.syslog.socket, s->alerts.syslog.facility, &a->syslog);
                if (r < 0)
                        return r;
        }
        if (!*s->alerts.file)
                return 0;
        a->hands_over = a->append && is_file(s->alerts.file);
        return file_sink_new(s->alerts.file, &a->file);
}

int alert_new(const struct settings *settings, const struct alert_outlets *outlets, alert_append_fn *append,
              void *userdata, struct alert **ret) {
        struct alert *a = calloc(1, sizeof *a);
        int r;

        if (!a)
                return -ENOMEM;
        if (outlets)
                a->outlets = *outlets;
        else
                a->outlets = (struct alert_outlets) { log_to_journal(), sd_journal_sendv };
        a->append = append;
        a->userdata = userdata;
        a->journal = settings->alerts.journal;
        r = open_sinks(a, settings);
        if (r < 0) {
                alert_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

struct alert *alert_free(struct alert *a) {
        if (!a)
                return NULL;
        a->syslog = syslog_sink_free(a->syslog);
        a->file = file_sink_free(a->file);
        free(a);
        return NULL;
}

static bool wanted(const struct alert *a, enum alert_sink sink) {
        switch (sink) {
        case ALERT_STDERR:
                return !a->outlets.stderr_is_journal;
        case ALERT_JOURNAL:
                return a->journal && a->outlets.stderr_is_journal;
        case ALERT_SYSLOG:
                return a->syslog;
        case ALERT_FILE:
                return a->file;
        case ALERT_SINKS:
                break;
        }
        return false;
}

static int deliver_to_file(struct alert *a, const struct event *e) {
        char *line = event_json_line(e);
        int r = !line           ? -ENOMEM
                : a->hands_over ? a->append(a->userdata, file_sink_path(a->file), line)
                                : file_sink_write(a->file, line, false);

        free(line);
        return r == 0 && a->hands_over ? -EINPROGRESS : r;
}

static int deliver_to(struct alert *a, enum alert_sink sink, const struct event *e) {
        switch (sink) {
        case ALERT_STDERR:
                log_at((int) e->severity, "%s: %s", event_type_name(e->type), e->message);
                return 0;
        case ALERT_JOURNAL:
                return journal_sink_write(a->outlets.journal_sendv, e);
        case ALERT_SYSLOG:
                return syslog_sink_write(a->syslog, e);
        case ALERT_FILE:
                return deliver_to_file(a, e);
        case ALERT_SINKS:
                break;
        }
        return -EINVAL;
}

static void note(struct alert *a, enum alert_sink sink, int result, struct alert_changes *changes) {
        enum trouble_news news = trouble_note(&a->sinks[sink], result < 0 ? result : 0);

        if (news != TROUBLE_BEGAN && news != TROUBLE_OVER)
                return;
        changes->list[changes->count].sink = sink;
        changes->list[changes->count++].error = result;
}

void alert_deliver(struct alert *a, const struct event *e, bool muted, struct alert_changes *ret_changes) {
        ret_changes->count = 0;
        if (muted)
                return;
        for (unsigned i = 0; i < ALERT_SINKS; i++) {
                enum alert_sink sink = (enum alert_sink) i;
                int r;

                if (!wanted(a, sink))
                        continue;
                r = deliver_to(a, sink, e);
                if (r != -EINPROGRESS)
                        note(a, sink, r, ret_changes);
        }
}

void alert_appended(struct alert *a, int result, struct alert_changes *ret_changes) {
        ret_changes->count = 0;
        note(a, ALERT_FILE, result, ret_changes);
}

const char *alert_sink_name(enum alert_sink sink) {
        static const char *const names[ALERT_SINKS] = {
                [ALERT_STDERR] = "stderr",
                [ALERT_JOURNAL] = "journal",
                [ALERT_SYSLOG] = "syslog",
                [ALERT_FILE] = "file",
        };

        return names[sink];
}
