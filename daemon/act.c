/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "act.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/alert.h"
#include "actions/block.h"
#include "actions/block_guard.h"
#include "actions/hook.h"
#include "actions/syncookies.h"
#include "core/block_news.h"
#include "core/block_policy.h"
#include "util/log.h"
#include "util/trouble.h"

/* Steps of the governor in one tick; each may write a small file. */
#define COOKIE_STEPS_MAX 8
/* An entry that could not be made is tried again after this. */
#define BLOCK_RETRY_US UINT64_C(10000000)
/* Who is never blocked is looked up anew after this. */
#define GATHER_US UINT64_C(60000000)

struct act {
        const struct settings *settings;
        const struct act_options *options;
        act_event_fn *on_event;
        void *userdata;

        struct alert *alert;
        struct hook_runner *hooks;
        struct syncookies *syncookies;
        bool syncookies_loaded; /* the record of an earlier run has been looked at */
        bool reset_syncookies; /* a reload hands a foreign value back */

        struct block *block;
        struct block_policy *block_policy;
        struct block_protected protect;
        uint64_t gathered_us; /* 0: never */
        uint64_t now_us;
        struct trouble block_trouble;
        struct block_change changes[BLOCK_CHANGES_MAX];
        struct block_news news;
        uint32_t block_hooks; /* rules whose hook was told of someone blocked */
};

static void on_hook_failed(const struct hook_failure *failure, void *userdata) {
        struct act *a = userdata;
        struct event e = hook_failed_event(failure);

        a->on_event(a->userdata, &e, 0);
}

int act_new(sd_event *event, const struct settings *settings, const struct act_options *options,
            act_event_fn *on_event, void *userdata, struct act **ret) {
        struct syncookies_config config = { .state_dir = options->state_dir };
        struct act *a = calloc(1, sizeof *a);
        int r;

        if (!a)
                return -ENOMEM;
        a->settings = settings;
        a->options = options;
        a->on_event = on_event;
        a->userdata = userdata;
        r = alert_new(settings, NULL, &a->alert);
        if (r >= 0)
                r = hook_runner_new(event, settings->alerts.hook_timeout_us, settings->alerts.hooks_at_once,
                                    on_hook_failed, a, &a->hooks);
        if (r >= 0)
                r = syncookies_new(&config, &a->syncookies);
        if (r >= 0)
                r = block_new(options->table, &a->block);
        if (r >= 0) {
                a->block_policy = block_policy_new(settings);
                r = a->block_policy ? 0 : -ENOMEM;
        }
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
        block_policy_free(a->block_policy);
        block_free(a->block);
        syncookies_free(a->syncookies);
        hook_runner_free(a->hooks);
        alert_free(a->alert);
        free(a);
        return NULL;
}

/* Hooks beside a `block`: they keep somebody else's list. */
static uint32_t hooks_of_block(const struct settings *s, uint32_t rules) {
        for (uint32_t i = 0; i < SETTINGS_RULES_MAX; i++)
                if (i >= s->rules_count || !s->rules[i].block || !s->rules[i].hook.argc)
                        rules &= ~(UINT32_C(1) << i);
        return rules;
}

static bool dry_run(const struct act *a) {
        return a->options->dry_run || a->settings->mode == MODE_OBSERVE;
}

int act_configure(struct act *a, const struct settings *settings) {
        bool was_dry = dry_run(a);
        struct alert *alert;
        int r = alert_new(settings, NULL, &alert);

        if (r < 0)
                return r;
        r = block_policy_configure(a->block_policy, settings);
        if (r < 0) {
                alert_free(alert);
                return r;
        }
        alert_free(a->alert);
        a->alert = alert;
        hook_runner_configure(a->hooks, settings->alerts.hook_timeout_us, settings->alerts.hooks_at_once);
        a->reset_syncookies = true;
        a->block_hooks = hooks_of_block(settings, settings_same_hooks(a->settings, settings, a->block_hooks));
        a->settings = settings;
        /* What was only pretended is not in the kernel, and what is there is not pretended. */
        if (dry_run(a) != was_dry)
                block_policy_let_go(a->block_policy, "the mode was changed");
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

static void run_hooks(struct act *a, const struct event *e, uint32_t rules) {
        for (uint32_t i = 0; i < a->settings->rules_count; i++) {
                if (!(rules & (UINT32_C(1) << i)) || !a->settings->rules[i].hook.argc)
                        continue;
                if (dry_run(a))
                        log_notice("Dry run: %s would run for %s", a->settings->rules[i].hook.argv[0],
                                   event_type_name(e->type));
                else
                        hook_run(a->hooks, &a->settings->rules[i].hook, e);
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

/* --- the block list --------------------------------------------------------------- */

/* error: 0, or -errno for that reason. */
static void note_block(struct act *a, int error, const char *reason) {
        enum trouble_news news = trouble_note(&a->block_trouble, error);

        if (news == TROUBLE_BEGAN)
                log_warning("Cannot block: %s", reason);
        else if (news == TROUBLE_OVER)
                log_notice("Blocking works again");
}

static void tell_block(struct act *a, const struct decision *d) {
        struct event e;

        while (block_news_take(&a->news, a->now_us, a->settings->block.timeout_us, dry_run(a), &e)) {
                if (e.type == EVENT_SOURCE_BLOCKED)
                        a->block_hooks |= hooks_of_block(a->settings, d->incident.hooks);
                e.state = d->state;
                e.diagnosis = d->diagnosis;
                a->on_event(a->userdata, &e, a->block_hooks);
        }
        /* Whoever was told that someone is blocked is told when nobody is any more. */
        if (block_policy_count(a->block_policy) == 0)
                a->block_hooks = 0;
}

static int do_block(struct act *a, const struct block_change *c) {
        const char *reason = NULL;
        int r;

        if (c->type == BLOCK_EXPIRED || (dry_run(a) && c->type == BLOCK_ADDED))
                return 0;
        if (c->type == BLOCK_ADDED)
                r = block_add(a->block, &c->prefix, a->settings->block.timeout_us, &reason);
        else
                r = block_remove(a->block, &c->prefix, &reason);
        note_block(a, r < 0 ? r : 0, reason);
        return r;
}

/* Only when there is something to add: it walks the socket table. */
static uint32_t find_candidates(struct act *a, const struct observation *o, const struct decision *d,
                                struct block_candidate list[static BLOCK_CANDIDATES_MAX]) {
        uint32_t count = block_policy_candidates(a->block_policy, o, d, &a->protect, list);
        int r = count ? block_guard_established(list, count) : 0;

        if (r >= 0)
                return count;
        note_block(a, r, "the established connections cannot be listed");
        return 0;
}

static void step_block(struct act *a, const struct observation *o, const struct decision *d) {
        struct block_candidate candidates[BLOCK_CANDIDATES_MAX];
        uint32_t count;

        if (!a->settings->block.enabled && block_policy_count(a->block_policy) == 0 &&
            a->news.gone.count == 0)
                return;
        if (!a->gathered_us || o->time_us - a->gathered_us >= GATHER_US) {
                a->gathered_us = o->time_us;
                block_guard_gather(&a->protect);
                if (!a->protect.known)
                        note_block(a, -ENODATA, "this host's addresses, gateways and resolvers are not all known");
        }
        count = find_candidates(a, o, d, candidates);
        count = block_policy_step(a->block_policy, o, d, &a->protect, candidates, count, a->changes);
        for (uint32_t i = 0; i < count; i++) {
                if (do_block(a, &a->changes[i]) < 0 && a->changes[i].type == BLOCK_ADDED) {
                        block_policy_forget(a->block_policy, &a->changes[i].prefix,
                                            o->time_us + BLOCK_RETRY_US);
                        continue;
                }
                if (!block_news_has_room(&a->news))
                        tell_block(a, d);
                block_news_note(&a->news, &a->changes[i]);
        }
        if (block_news_due(&a->news, o->time_us))
                tell_block(a, d);
}

json_t *act_blocked(const struct act *a) {
        return block_list_json(a->block_policy, a->now_us);
}

void act_step(struct act *a, const struct observation *o, const struct decision *d) {
        enum cookie_want want = d->want_syncookies         ? COOKIE_WANT_RAISE
                                : d->state == STATE_FLOOD ? COOKIE_WANT_KEEP
                                                          : COOKIE_WANT_CALM;

        a->now_us = o->time_us;
        /* Most of the time there is nothing of ours to look after. */
        if (want != COOKIE_WANT_CALM || !a->syncookies_loaded || a->reset_syncookies ||
            !syncookies_idle(a->syncookies)) {
                step_syncookies(a, o->time_us, want, false);
                a->syncookies_loaded = true;
        }
        step_block(a, o, d);
}

void act_stop(struct act *a, uint64_t now_us) {
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
        snapshot->blocked_entries = block_policy_count(a->block_policy);
}
