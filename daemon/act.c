/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "act.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actions/alert.h"
#include "util/log.h"

struct act {
        sd_event *event;
        const struct settings *settings;
        const struct act_options *options;
        act_event_fn *on_event;
        void *userdata;
        struct alert *alert;
};

int act_new(sd_event *event, const struct settings *settings, const struct act_options *options,
            act_event_fn *on_event, void *userdata, struct act **ret) {
        struct act *a = calloc(1, sizeof *a);
        int r;

        if (!a)
                return -ENOMEM;
        a->event = event;
        a->settings = settings;
        a->options = options;
        a->on_event = on_event;
        a->userdata = userdata;
        r = alert_new(settings, NULL, &a->alert);
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
        alert_free(a->alert);
        free(a);
        return NULL;
}

int act_configure(struct act *a, const struct settings *settings) {
        struct alert *alert;
        int r = alert_new(settings, NULL, &alert);

        if (r < 0)
                return r;
        alert_free(a->alert);
        a->alert = alert;
        a->settings = settings;
        return 0;
}

static void log_sink_changes(const struct alert_changes *changes) {
        for (unsigned i = 0; i < changes->count; i++) {
                const char *sink = alert_sink_name(changes->list[i].sink);

                if (changes->list[i].error)
                        log_warning("Alerts to %s fail: %s, ignoring", sink,
                                    strerror(-changes->list[i].error));
                else
                        log_notice("Alerts to %s work again", sink);
        }
}

void act_tell(struct act *a, const struct event *e, bool alert, uint32_t hooks) {
        struct alert_changes changes;
        bool muted = !alert || policy_mutes(a->settings, e);

        (void) hooks;
        alert_deliver(a->alert, e, muted, &changes);
        log_sink_changes(&changes);
}

void act_step(struct act *a, const struct observation *o, const struct decision *d) {
        (void) a;
        (void) o;
        (void) d;
}

void act_stop(struct act *a, uint64_t now_us, uint64_t realtime_us) {
        (void) a;
        (void) now_us;
        (void) realtime_us;
}

void act_describe(const struct act *a, struct snapshot *snapshot) {
        snapshot->dry_run = a->options->dry_run || a->settings->mode == MODE_OBSERVE;
        snapshot->syncookies_mode = a->settings->syncookies.mode == SYNCOOKIES_OFF ? "off" : "auto";
        snapshot->syncookies_original = snapshot->syncookies_value;
        snapshot->syncookies_managed = false;
}
