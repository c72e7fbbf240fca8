/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/alert.h"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <errno.h>
#include <stdlib.h>

#include "actions/file_sink.h"
#include "actions/journal_sink.h"
#include "actions/syslog_sink.h"
#include "util/log.h"
#include "util/trouble.h"

struct alert {
        struct alert_outlets outlets;
        bool journal;
        struct syslog_sink *syslog; /* NULL: none */
        struct file_sink *file;     /* NULL: none */
        struct trouble sinks[ALERT_SINKS];
};

static int open_sinks(struct alert *a, const struct settings *s) {
        int r;

        if (s->alerts.syslog.enabled) {
                r = syslog_sink_new(s->alerts.syslog.socket, s->alerts.syslog.facility,
                                    &a->syslog);
                if (r < 0)
                        return r;
        }
        if (*s->alerts.file)
                return file_sink_new(s->alerts.file, &a->file);
        return 0;
}

int alert_new(const struct settings *settings, const struct alert_outlets *outlets,
              struct alert **ret) {
        struct alert *a = calloc(1, sizeof *a);
        int r;

        if (!a)
                return -ENOMEM;
        if (outlets)
                a->outlets = *outlets;
        else
                a->outlets = (struct alert_outlets) { log_to_journal(), sd_journal_sendv };
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
                return file_sink_write(a->file, e);
        case ALERT_SINKS:
                break;
        }
        return -EINVAL;
}

void alert_deliver(struct alert *a, const struct event *e, bool muted,
                   struct alert_changes *ret_changes) {
        ret_changes->count = 0;
        if (muted)
                return;
        for (unsigned i = 0; i < ALERT_SINKS; i++) {
                enum alert_sink sink = (enum alert_sink) i;
                enum trouble_news news;
                int r;

                if (!wanted(a, sink))
                        continue;
                r = deliver_to(a, sink, e);
                news = trouble_note(&a->sinks[i], r < 0 ? r : 0);
                if (news != TROUBLE_BEGAN && news != TROUBLE_OVER)
                        continue;
                ret_changes->list[ret_changes->count].sink = sink;
                ret_changes->list[ret_changes->count++].error = r;
        }
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
