/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "records.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/trouble.h"

struct records {
        struct records_options options;
        struct scribe_client *scribe; /* NULL: stopped */
        struct incident_record *incident;
        struct incident_desk *desk;
        struct trouble trouble;
        uint64_t dropped; /* of which was told */
};

static void on_record_trouble(void *userdata, int error, const char *what) {
        const struct records *r = userdata;

        if (error)
                log_warning("Incident record in %s: %s: %s, ignoring", r->options.state_dir, what, strerror(-error));
        else
                log_notice("Incident records work again");
}

static void on_done(void *userdata, const struct scribe_order *order, const struct scribe_reply *reply,
                    const char *text) {
        struct records *r = userdata;

        switch ((enum scribe_operation) order->operation) {
        case SCRIBE_MAKE:
        case SCRIBE_APPEND:
        case SCRIBE_PUT:
        case SCRIBE_REMOVE:
        case SCRIBE_PRUNE:
                incident_record_done(r->incident, order, reply);
                break;
        case SCRIBE_LIST:
        case SCRIBE_READ:
                incident_desk_done(r->desk, reply, text);
                break;
        case SCRIBE_CLIENTS:
                r->options.clients_saved(r->options.userdata, reply->result);
                break;
        case SCRIBE_LINE:
                r->options.line_written(r->options.userdata, order->id, reply->result);
                break;
        case SCRIBE_OPERATIONS:
                break;
        }
}

static int submit(void *userdata, const struct scribe_order *order, const void *data) {
        struct records *r = userdata;

        return r->scribe ? scribe_client_submit(r->scribe, order, data) : -EPIPE;
}

static uint64_t present_id(void *userdata) {
        return incident_record_present_id(((struct records *) userdata)->incident);
}

static json_t *present(void *userdata, bool in_full) {
        return incident_record_present(((struct records *) userdata)->incident, in_full);
}

static void ready(void *userdata) {
        struct records *r = userdata;

        r->options.ready(r->options.userdata);
}

static char *policy_text(void *userdata) {
        struct records *r = userdata;

        return r->options.policy_text(r->options.userdata);
}

static int open_all(struct records *r, sd_event *event, const struct settings *settings) {
        const struct incident_record_config config = {
                .state_dir = r->options.state_dir,
                .version = r->options.version,
                .read_only = r->options.dry_run,
                .submit = submit,
                .report = on_record_trouble,
                .policy_text = policy_text,
                .userdata = r,
        };
        const struct incident_desk_ops ops = {
                .submit = submit,
                .present_id = present_id,
                .present = present,
                .ready = ready,
                .userdata = r,
        };
        int e = scribe_client_new(event, r->options.state_dir, on_done, r, &r->scribe);

        if (e >= 0)
                e = incident_record_new(&config, settings, &r->incident);
        return e >= 0 ? incident_desk_new(&ops, &r->desk) : e;
}

int records_new(sd_event *event, const struct settings *settings, const struct records_options *options,
                struct records **ret) {
        struct records *r = calloc(1, sizeof *r);
        int e;

        if (!r)
                return -ENOMEM;
        r->options = *options;
        e = open_all(r, event, settings);
        if (e < 0) {
                records_free(r);
                return e;
        }
        *ret = r;
        return 0;
}

struct records *records_free(struct records *r) {
        if (!r)
                return NULL;
        scribe_client_free(r->scribe);
        incident_desk_free(r->desk);
        incident_record_free(r->incident);
        free(r);
        return NULL;
}

/* --- how the scribe is ---------------------------------------------------------------- */

static void tell(struct records *r) {
        struct scribe_client_state s = scribe_client_state(r->scribe);

        switch (trouble_note(&r->trouble, s.error)) {
        case TROUBLE_NO_NEWS:
                break;
        case TROUBLE_BEGAN:
        case TROUBLE_CHANGED:
                log_warning("%s %s: what is to be kept waits, all else goes on",
                            s.error == -EPIPE ? "The process that writes has ended, for"
                                              : "The disk stands still under",
                            r->options.state_dir);
                break;
        case TROUBLE_OVER:
                log_notice("Records are written again, %" PRIu64 " writes were dropped", s.dropped - r->dropped);
                r->dropped = s.dropped;
                break;
        }
}

void records_step(struct records *r, uint64_t now_us) {
        scribe_client_step(r->scribe, now_us);
        incident_desk_step(r->desk, now_us);
        tell(r);
}

void records_stop(struct records *r) {
        incident_record_stop(r->incident);
        r->scribe = scribe_client_free(r->scribe);
}

struct incident_record *records_incident(struct records *r) {
        return r->incident;
}

struct incident_desk *records_desk(struct records *r) {
        return r->desk;
}

struct scribe_client *records_scribe(struct records *r) {
        return r->scribe;
}

void records_describe(const struct records *r, struct snapshot *snapshot) {
        struct scribe_client_state s = scribe_client_state(r->scribe);

        snapshot->records_waiting_bytes = s.waiting;
        snapshot->totals.records_dropped = s.dropped;
}
