/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy.h"

#include <math.h>
#include <stdlib.h>

#include "core/episode.h"
#include "core/news.h"
#include "core/rules.h"
#include "core/share.h"

#define CALM_SETTLE_US UINT64_C(1000000)

/* The host, or a listener. */
struct subject {
        struct listener_key key;       /* of a listener; all zeros: none yet */
        struct episode episode;        /* its state */
        enum diagnosis diagnosis;      /* as it is shown */
        enum diagnosis next_diagnosis; /* the verdict's, which is to be shown if it stands, … */
        uint64_t next_since_us;        /* … and since when it has (CLOCK_BOOTTIME) */
        double peak_syn_per_s;         /* the most SYNs a second in this state */
        uint64_t since_realtime_us;    /* when the state began (CLOCK_REALTIME); 0: never seen */
};

struct policy {
        const struct settings *settings;
        struct subject host;
        struct subject listeners[OBS_LISTENERS_MAX]; /* by the detector's slot */
        struct incident_watch watch;
        struct news news;
};

struct policy *policy_new(const struct settings *settings) {
        struct policy *p = calloc(1, sizeof *p);

        if (p) {
                p->settings = settings;
                p->watch = incident_watch_begin();
        }
        return p;
}

struct policy *policy_free(struct policy *p) {
        free(p);
        return NULL;
}

void policy_configure(struct policy *p, const struct settings *settings) {
        p->watch.incident.hooks = settings_same_hooks(p->settings, settings, p->watch.incident.hooks);
        p->settings = settings;
}

/* --- states ------------------------------------------------------------------ */

static struct subject *subject_for(struct policy *p, const struct listener_verdict *l) {
        struct subject *s = &p->listeners[l->slot];

        if (!listener_key_equal(&s->key, &l->key))
                *s = (struct subject) { .key = l->key };
        return s;
}

/* A flood keeps its name when it fades: what comes then is mostly others' traffic. */
static bool fades(struct subject *s, double syn_per_s, bool changed) {
        if (changed)
                s->peak_syn_per_s = 0;
        s->peak_syn_per_s = fmax(s->peak_syn_per_s, syn_per_s); /* fmax ignores a NAN */
        return syn_per_s < MOST * s->peak_syn_per_s;
}

/* A flood keeps a flood's name while it lasts, also in a moment's silence. In calm a
 * name has to stand for a second, so that figures near a bound do not flicker. */
static void settle_diagnosis(struct subject *s, enum diagnosis d, double syn_per_s, bool changed, uint64_t now_us) {
        bool fading = fades(s, syn_per_s, changed);

        if (s->episode.state == STATE_FLOOD && (!diagnosis_is_flood(d) || (fading && diagnosis_is_flood(s->diagnosis))))
                return;
        if (d != s->next_diagnosis) {
                s->next_diagnosis = d;
                s->next_since_us = now_us;
        }
        if (changed || s->episode.state == STATE_FLOOD || now_us - s->next_since_us >= CALM_SETTLE_US ||
            s->diagnosis == DIAGNOSIS_UNKNOWN)
                s->diagnosis = d;
}

/* What blocked sources still send is no calm, and that we let them go no reason to watch longer. */
static bool episode_step_held(struct policy *p, struct subject *s, enum finding finding,
                              const struct settings_detect *d, uint64_t now_us) {
        bool concerned = incident_blocks_for(&p->watch, s == &p->host ? NULL : &s->key);
        uint64_t watch_us = s->episode.watch_us;
        bool changed;

        if (concerned && incident_is_held_off(&p->watch, now_us) && s->episode.state == STATE_RECOVERING &&
            finding == FINDING_NONE)
                finding = FINDING_SUSPECT;
        changed = episode_step(&s->episode, finding, now_us, d);
        if (changed && concerned && s->episode.state == STATE_FLOOD && incident_was_let_go(&p->watch, now_us))
                s->episode.watch_us = watch_us;
        return changed;
}

static void subject_step(struct policy *p, struct subject *s, const struct verdict *v, const struct settings_detect *d,
                         const struct observation *o) {
        bool changed = episode_step_held(p, s, v->finding, d, o->time_us);

        if (changed || !s->since_realtime_us)
                s->since_realtime_us = o->realtime_us;
        settle_diagnosis(s, v->diagnosis, v->evidence.syn_per_s, changed, o->time_us);
}

static void step_listeners(struct policy *p, const struct observation *o, const struct verdicts *v,
                           struct decision *ret) {
        for (uint32_t i = 0; i < v->listeners_count; i++) {
                const struct listener_verdict *l = &v->listeners[i];
                struct subject *s = subject_for(p, l);

                subject_step(p, s, &l->verdict, settings_detect_for(p->settings, &l->key.address, l->key.port), o);
                ret->listeners[i] = (struct policy_listener) {
                        .state = s->episode.state,
                        .diagnosis = s->diagnosis,
                        .since_realtime_us = s->since_realtime_us,
                };
        }
}

static void step_host(struct policy *p, const struct observation *o, const struct verdicts *v, struct decision *ret) {
        enum flood_state before = p->host.episode.state;

        subject_step(p, &p->host, &v->host, &p->settings->detect, o);
        ret->state = p->host.episode.state;
        ret->state_changed = ret->state != before;
        ret->diagnosis = p->host.diagnosis;
        ret->since_realtime_us = p->host.since_realtime_us;
        ret->blocked_per_s = p->watch.blocked.per_s;
        ret->held_off = ret->state == STATE_RECOVERING && incident_is_held_off(&p->watch, o->time_us);
}

/* --- what follows from them ------------------------------------------------------ */

static struct news_scene scene(const struct policy *p, uint64_t now_us, uint64_t realtime_us) {
        return (struct news_scene) {
                .time_us = now_us,
                .realtime_us = realtime_us,
                .state = p->host.episode.state,
                .diagnosis = p->host.diagnosis,
                .watch = &p->watch,
        };
}

static void step_rules(struct policy *p, const struct verdicts *v, struct decision *ret) {
        struct rules_wish wish = rules_apply(p->settings, ret->state, ret->diagnosis, v->host.pressure);
        struct incident *n = &p->watch.incident;

        ret->want_syncookies = wish.syncookies;
        ret->want_block = wish.block;
        if (n->id) {
                n->alerted |= wish.alert;
                n->hooks |= wish.hooks;
        }
}

/* What was told at the start is told to the end. */
static void step_news(struct policy *p, const struct news_scene *scene, struct decision *ret) {
        struct policy_event *e = &ret->events[0];
        bool delivers;

        ret->events_count = 0;
        if (!news_of_flood(&p->news, p->settings, scene, &e->event))
                return;
        delivers = news_delivers(&p->news, p->settings, &e->event);
        e->alert = delivers && p->watch.incident.alerted;
        e->hooks = delivers ? p->watch.incident.hooks : 0;
        ret->events_count = 1;
}

void policy_step(struct policy *p, const struct observation *o, const struct verdicts *v, struct decision *ret) {
        struct news_scene now;
        bool opened;

        incident_close(&p->watch, p->host.episode.state);
        incident_follow_blocked(&p->watch, p->settings, o);
        step_listeners(p, o, v, ret);
        step_host(p, o, v, ret);
        opened = incident_step(&p->watch, o, v, ret->state, ret->diagnosis);
        step_rules(p, v, ret);

        now = scene(p, o->time_us, o->realtime_us);
        now.verdicts = v;
        now.opened = opened;
        now.state_changed = ret->state_changed;
        step_news(p, &now, ret);

        ret->incident = p->watch.incident;
        ret->accounts = p->watch.listeners;
}

bool policy_tell(struct policy *p, struct event *e, uint64_t now_us, uint64_t realtime_us) {
        struct news_scene now = scene(p, now_us, realtime_us);

        incident_note_act(&p->watch, e);
        news_stamp(e, &now);
        return news_delivers(&p->news, p->settings, e);
}
