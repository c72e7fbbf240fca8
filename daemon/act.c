/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "act.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/alert.h"
#include "actions/syncookies.h"
#include "blocking.h"
#include "hooks/hook_client.h"
#include "util/log.h"
#include "util/sysctl.h"
#include "util/trouble.h"

/* Steps of the governor in one tick; each may write a small file. */
#define COOKIE_STEPS_MAX 8

struct act {
        const struct settings *settings;
        const struct act_options *options;
        act_event_fn *on_event;
        void *userdata;

        struct alert *alert;
        uint64_t alert_number; /* a new one with each */
        struct hook_client *hooks;
        struct syncookies *syncookies;
        bool syncookies_loaded; /* the record of an earlier run has been looked at */
        bool reset_syncookies; /* a reload hands a foreign value back */
        struct scribe_client *scribe;

        struct blocking *blocking;
};

static void on_hook_failed(const struct hook_failure *failure, void *userdata) {
        struct act *a = userdata;
        struct event e = hook_failed_event(failure);

        a->on_event(a->userdata, &e, 0);
}

/* --- the kernel's side of tcp_syncookies: read by anybody, written by the keeper -------- */

static int read_cookies(void *userdata, uint8_t *ret_value) {
        (void) userdata;
        return sysctl_read_once(SYSCTL_SYNCOOKIES_PATH, ret_value);
}

static int write_cookies(void *userdata, uint8_t value) {
        struct act *a = userdata;
        uint8_t found;
        int r = privileged_write_syncookies(a->options->privileged, value);

        if (r == -ESTALE) /* this one was started anew: it has the request now */
                r = privileged_write_syncookies(a->options->privileged, value);
        if (r >= 0)
                return 0;
        /* Done all the same, if only the answer was lost. */
        if (read_cookies(a, &found) == 0 && found == value)
                return 0;
        return r == -ESTALE ? -EAGAIN : r;
}

/* --- the file of alerts.file, written by the scribe ---------------------------------- */

static int append_line(void *userdata, const char *path, const char *line) {
        struct act *a = userdata;
        size_t path_size = strlen(path) + 1, length = strlen(line);
        struct scribe_order o = { .operation = SCRIBE_LINE,
                                  .id = a->alert_number,
                                  .length = (uint32_t) (path_size + length) };
        char *data = malloc(path_size + length);
        int r = -ENOMEM;

        if (data) {
                memcpy(data, path, path_size);
                memcpy(data + path_size, line, length);
                r = scribe_client_submit(a->scribe, &o, data);
        }
        free(data);
        return r;
}

int act_new(sd_event *event, const struct settings *settings, const struct act_options *options,
            struct scribe_client *scribe, struct peer_counter *peers, act_event_fn *on_event, void *userdata,
            struct act **ret) {
        struct act *a = calloc(1, sizeof *a);
        const struct syncookies_kernel kernel = { read_cookies, write_cookies, a };
        struct syncookies_config config = {
                .state_dir = options->state_dir,
                .runtime_dir = options->runtime_dir,
                .kernel = &kernel,
        };
        int r;

        if (!a)
                return -ENOMEM;
        a->settings = settings;
        a->options = options;
        a->on_event = on_event;
        a->userdata = userdata;
        a->scribe = scribe;
        r = alert_new(settings, NULL, append_line, a, &a->alert);
        if (r >= 0)
                r = hook_client_new(event, options->hooks, settings, on_hook_failed, a, &a->hooks);
        if (r >= 0)
                r = syncookies_new(&config, &a->syncookies);
        if (r >= 0)
                r = blocking_new(settings, options->privileged, scribe, peers, options->state_dir, on_event, userdata,
                                 &a->blocking);
        if (r < 0) {
                act_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

struct act *act_free(struct act *a) {
        if (!a)
                return NULL;
        blocking_free(a->blocking);
        syncookies_free(a->syncookies);
        hook_client_free(a->hooks);
        alert_free(a->alert);
        free(a);
        return NULL;
}

static bool dry_run(const struct act *a) {
        return a->options->dry_run || a->settings->mode == MODE_OBSERVE;
}

int act_configure(struct act *a, const struct settings *settings) {
        bool was_dry = dry_run(a), is_dry = a->options->dry_run || settings->mode == MODE_OBSERVE;
        struct alert *alert;
        int r = alert_new(settings, NULL, append_line, a, &alert);

        if (r < 0)
                return r;
        r = blocking_configure(a->blocking, settings, is_dry, was_dry);
        if (r < 0) {
                alert_free(alert);
                return r;
        }
        alert_free(a->alert);
        a->alert = alert;
        a->alert_number++;
        hook_client_configure(a->hooks, settings);
        a->reset_syncookies = true;
        a->settings = settings;
        return 0;
}

static void log_sink_changes(const struct alert_changes *changes) {
        for (unsigned i = 0; i < changes->count; i++) {
                const char *sink = alert_sink_name(changes->list[i].sink);

                if (changes->list[i].error)
                        log_warning("Alerts to %s fail: %s, ignoring", sink, strerror(-changes->list[i].error));
                else
                        log_notice("Alerts to %s work again", sink);
        }
}

static void run_hooks(struct act *a, const struct event *e, uint32_t rules) {
        for (uint32_t i = 0; i < a->settings->rules_count; i++) {
                if (!(rules & (UINT32_C(1) << i)) || !a->settings->rules[i].hook.argc)
                        continue;
                if (dry_run(a))
                        log_notice("Dry run: %s would run for %s", a->settings->rules[i].hook.argv[0],
                                   event_type_name(e->type));
                else
                        hook_client_run(a->hooks, i, e);
        }
}

void act_tell(struct act *a, const struct event *e, bool alert, uint32_t hooks) {
        struct alert_changes changes;

        alert_deliver(a->alert, e, !alert, &changes);
        log_sink_changes(&changes);
        /* A hook that fails must not be run for its own failure. */
        if (e->type != EVENT_HOOK_FAILED)
                run_hooks(a, e, hooks);
}

/* --- tcp_syncookies ------------------------------------------------------------- */

static void report_syncookies(struct act *a, const struct syncookies_report *report) {
        struct event e;

        switch (report->type) {
        case SYNCOOKIES_REPORT_NONE:
                break;
        case SYNCOOKIES_REPORT_SET:
        case SYNCOOKIES_REPORT_RESTORED:
        case SYNCOOKIES_REPORT_FOREIGN:
                if (syncookies_report_event(report, &e) >= 0)
                        a->on_event(a->userdata, &e, 0);
                break;
        case SYNCOOKIES_REPORT_NOTICE:
                log_notice("%s", report->message);
                break;
        case SYNCOOKIES_REPORT_FAILED:
                log_warning("%s", report->message);
                break;
        }
}

static void step_syncookies(struct act *a, uint64_t now_us, enum cookie_want want, bool release) {
        struct syncookies_request request = {
                .now_us = now_us,
                .want = want,
                .flood_value = a->settings->syncookies.flood_value,
                .hold_us = a->settings->syncookies.hold_us,
                .max_changes_per_hour = a->settings->syncookies.max_changes_per_hour,
                .release = release || a->settings->syncookies.mode == SYNCOOKIES_OFF,
                .reset = a->reset_syncookies,
                .dry_run = dry_run(a),
        };
        bool more = true;

        a->reset_syncookies = false;
        for (unsigned i = 0; more && i < COOKIE_STEPS_MAX; i++) {
                struct syncookies_report report = { .type = SYNCOOKIES_REPORT_NONE };

                more = syncookies_step(a->syncookies, &request, &report);
                report_syncookies(a, &report);
                request.reset = false;
        }
}

json_t *act_blocked(const struct act *a) {
        return blocking_json(a->blocking);
}

void act_line_written(struct act *a, uint64_t id, int result) {
        struct alert_changes changes;

        if (id != a->alert_number) /* for a file of before a reload */
                return;
        alert_appended(a->alert, result, &changes);
        log_sink_changes(&changes);
}

void act_clients_saved(struct act *a, int result) {
        blocking_clients_saved(a->blocking, result);
}

struct known_clients *act_known_clients(struct act *a) {
        return blocking_clients(a->blocking);
}

void act_step(struct act *a, const struct observation *o, const struct engine_look *look) {
        const struct decision *d = &look->decision;
        enum cookie_want want = d->want_syncookies        ? COOKIE_WANT_RAISE
                                : d->state == STATE_FLOOD ? COOKIE_WANT_KEEP
                                                          : COOKIE_WANT_CALM;

        /* Most of the time there is nothing of ours to look after. */
        if (want != COOKIE_WANT_CALM || !a->syncookies_loaded || a->reset_syncookies ||
            !syncookies_idle(a->syncookies)) {
                step_syncookies(a, o->time_us, want, false);
                a->syncookies_loaded = true;
        }
        blocking_step(a->blocking, o, look, dry_run(a));
}

void act_stop(struct act *a, uint64_t now_us) {
        blocking_stop(a->blocking, dry_run(a));
        step_syncookies(a, now_us, COOKIE_WANT_CALM, true);
        if (syncookies_managed(a->syncookies))
                log_notice("tcp_syncookies stays at %d for now; synwardd --restore puts %d back",
                           syncookies_value(a->syncookies), syncookies_original(a->syncookies));
}

void act_describe(const struct act *a, struct snapshot *snapshot) {
        snapshot->dry_run = dry_run(a);
        snapshot->syncookies_mode = a->settings->syncookies.mode == SYNCOOKIES_OFF ? "off" : "auto";
        snapshot->syncookies_managed = syncookies_managed(a->syncookies);
        /* In calm the value is looked at by the sensors alone. */
        snapshot->syncookies_original = snapshot->syncookies_managed ? syncookies_original(a->syncookies)
                                                                     : snapshot->syncookies_value;
        snapshot->syncookies_trouble = syncookies_trouble(a->syncookies);
        snapshot->block_enabled = a->settings->block.enabled;
        snapshot->blocked_entries = blocking_count(a->blocking);
        snapshot->limited_entries = blocking_limited(a->blocking);
}
