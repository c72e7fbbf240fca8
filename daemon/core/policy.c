/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/allowed.h"
#include "core/episode.h"
#include "core/explain.h"
#include "core/rate.h"

/* A peak this many times the last one told is worth telling. */
#define UPDATE_PEAK_FACTOR 4.0
/* A flood fades below this part of its peak. */
#define FADES_SHARE 0.6
#define CALM_SETTLE_US UINT64_C(1000000)
/* Another diagnosis must stand for this long before it is told. */
#define DIAGNOSIS_SETTLE_US UINT64_C(3000000)
#define BLOCKED_TAU_S 1.0
/* What is let go and still sent is a flood again by then. */
#define LET_GO_US UINT64_C(10000000)

struct subject {
        struct listener_key key;
        struct episode episode;
        enum diagnosis diagnosis, next_diagnosis;
        double peak_syn_per_s; /* of this flood */
        uint64_t next_since_us; /* how long the next one has stood */
        uint64_t since_realtime_us;
};

struct policy {
        const struct settings *settings;
        struct subject host;
        struct subject listeners[OBS_LISTENERS_MAX];
        struct incident incident;
        struct top_sources top;    /* of the incident */
        struct obs_sources others; /* than the allow list's: who sends now */
        enum diagnosis told_diagnosis, new_diagnosis;
        uint64_t new_diagnosis_us;
        double told_peak;
        uint64_t told_us;
        uint64_t updated_us; /* the last update that was delivered; 0: none */
        struct rate blocked; /* SYNs of blocked sources */
        uint64_t held_off_us; /* when there was last a flood of them; 0: never in this incident */
        bool told_held_off;
        bool no_news; /* what is told in this step was told before */
        bool delivered; /* something of this incident was, */
        bool silenced;  /* or would have been, but for a mute */
};

struct policy *policy_new(const struct settings *settings) {
        struct policy *p = calloc(1, sizeof *p);

        if (p) {
                p->settings = settings;
                p->blocked = rate_unknown();
        }
        return p;
}

struct policy *policy_free(struct policy *p) {
        free(p);
        return NULL;
}

void policy_configure(struct policy *p, const struct settings *settings) {
        p->incident.hooks = settings_same_hooks(p->settings, settings, p->incident.hooks);
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
        return syn_per_s < FADES_SHARE * s->peak_syn_per_s;
}

/* A flood keeps a flood's name while it lasts, also in a moment's silence. In calm a
 * name has to stand for a second, so that figures near a bound do not flicker. */
static void settle_diagnosis(struct subject *s, enum diagnosis d, double syn_per_s, bool changed,
                             uint64_t now_us) {
        bool fading = fades(s, syn_per_s, changed);

        if (s->episode.state == STATE_FLOOD &&
            (!diagnosis_is_flood(d) || (fading && diagnosis_is_flood(s->diagnosis))))
                return;
        if (d != s->next_diagnosis) {
                s->next_diagnosis = d;
                s->next_since_us = now_us;
        }
        if (changed || s->episode.state == STATE_FLOOD || now_us - s->next_since_us >= CALM_SETTLE_US ||
            s->diagnosis == DIAGNOSIS_UNKNOWN)
                s->diagnosis = d;
}

/* --- blocked sources ---------------------------------------------------------- */

/* A flood of blocked sources is as much of one as before: nothing else tells that it goes on. */
static void follow_blocked(struct policy *p, const struct observation *o) {
        if (!observation_knows(o, OBS_BLOCKED))
                p->blocked = rate_unknown();
        else if (o->elapsed_us)
                rate_count(&p->blocked, (double) o->counters[OBS_BLOCKED], (double) o->elapsed_us / 1e6,
                           BLOCKED_TAU_S);
        if (p->incident.id && p->blocked.per_s >= p->settings->detect.unanswered_per_s)
                p->held_off_us = o->time_us;
}

static bool is_held_off(const struct policy *p, const struct observation *o) {
        return p->held_off_us && p->held_off_us == o->time_us;
}

/* The incident's subjects: the host, and the listener it is about. */
static bool episode_step_held(struct policy *p, struct subject *s, enum finding finding,
                              const struct settings_detect *d, const struct observation *o) {
        bool concerned = p->held_off_us && (s == &p->host || (p->incident.has_listener &&
                         listener_key_equal(&s->key, &p->incident.listener)));
        uint64_t watch_us = s->episode.watch_us;
        bool changed;

        if (concerned && is_held_off(p, o) && s->episode.state == STATE_RECOVERING &&
            finding == FINDING_NONE)
                finding = FINDING_SUSPECT; /* no calm yet */
        changed = episode_step(&s->episode, finding, o->time_us, d);
        /* Nobody began again, we let go: that is no reason to watch longer. */
        if (changed && concerned && s->episode.state == STATE_FLOOD &&
            o->time_us - p->held_off_us < LET_GO_US)
                s->episode.watch_us = watch_us;
        return changed;
}

static void subject_step(struct policy *p, struct subject *s, const struct verdict *v,
                         const struct settings_detect *d, const struct observation *o) {
        bool changed = episode_step_held(p, s, v->finding, d, o);

        if (changed || !s->since_realtime_us)
                s->since_realtime_us = o->realtime_us;
        settle_diagnosis(s, v->diagnosis, v->evidence.syn_per_s, changed, o->time_us);
}

static void step_listeners(struct policy *p, const struct observation *o, const struct verdicts *v,
                           struct decision *ret) {
        for (uint32_t i = 0; i < v->listeners_count; i++) {
                const struct listener_verdict *l = &v->listeners[i];
                struct subject *s = subject_for(p, l);

                subject_step(p, s, &l->verdict,
                             settings_detect_for(p->settings, &l->key.address, l->key.port), o);
                ret->listeners[i] = (struct policy_listener) {
                        .state = s->episode.state,
                        .diagnosis = s->diagnosis,
                        .since_realtime_us = s->since_realtime_us,
                };
        }
}

/* --- rules ------------------------------------------------------------------- */

static bool rule_matches(const struct settings_rule *r, enum flood_state state, enum diagnosis diagnosis,
                         bool pressure) {
        if (r->states && !(r->states & (1u << state)))
                return false;
        if (r->diagnoses && !(r->diagnoses & (1u << diagnosis)))
                return false;
        return r->pressure == PRESSURE_ANY || (r->pressure == PRESSURE_YES) == pressure;
}

static void apply_rules(const struct policy *p, bool pressure, struct decision *ret, bool *ret_alert,
                        uint32_t *ret_hooks) {
        uint32_t count;
        const struct settings_rule *rules = settings_rules(p->settings, &count);

        *ret_alert = false;
        *ret_hooks = 0;
        ret->want_syncookies = ret->want_block = false;
        for (uint32_t i = 0; i < count; i++) {
                if (!rule_matches(&rules[i], p->host.episode.state, p->host.diagnosis, pressure))
                        continue;
                *ret_alert |= rules[i].alert;
                ret->want_syncookies |= rules[i].syncookies;
                ret->want_block |= rules[i].block;
                if (rules[i].hook.argc)
                        *ret_hooks |= UINT32_C(1) << i;
        }
}

static bool mutes(const struct settings *s, uint64_t realtime_us, const struct listener_key *listener) {
        for (uint32_t i = 0; i < s->mutes_count; i++) {
                const struct settings_mute *m = &s->mutes[i];

                if (realtime_us < m->from_us || realtime_us >= m->until_us)
                        continue;
                if (m->any_listener)
                        return true;
                if (listener && listener->port >= m->ports.first && listener->port <= m->ports.last)
                        return true;
        }
        return false;
}

bool policy_mutes(const struct settings *s, const struct event *e) {
        return mutes(s, e->realtime_us, e->has_listener ? &e->listener : NULL);
}

/* --- the incident ------------------------------------------------------------ */

static uint64_t incident_id(uint64_t realtime_us) {
        time_t seconds = (time_t) (realtime_us / 1000000);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        return ((((uint64_t) tm.tm_year + 1900) * 100 + (uint64_t) tm.tm_mon + 1) * 100 +
                (uint64_t) tm.tm_mday) * 1000000 +
               (uint64_t) tm.tm_hour * 10000 + (uint64_t) tm.tm_min * 100 + (uint64_t) tm.tm_sec;
}

static void incident_open(struct policy *p, const struct observation *o) {
        p->incident = (struct incident) {
                .id = incident_id(o->realtime_us),
                .start_us = o->time_us,
                .start_realtime_us = o->realtime_us,
                .syncookies = -1,
        };
        p->top = (struct top_sources) { .count = 0 };
        p->told_peak = 0;
        p->held_off_us = 0;
        p->told_held_off = false;
        p->delivered = p->silenced = false;
}

/* Whoever muted a time for work on the server wants to know what is there when it ends. */
static bool is_over_the_mute(const struct policy *p, const struct observation *o) {
        const struct incident *n = &p->incident;

        return p->silenced && !mutes(p->settings, o->realtime_us, n->has_listener ? &n->listener : NULL);
}

/* The figures of the listener that the incident is about, where there is one. */
static const struct evidence *own_evidence(const struct incident *n, const struct verdicts *v) {
        for (uint32_t i = 0; n->has_listener && i < v->listeners_count; i++)
                if (listener_key_equal(&v->listeners[i].key, &n->listener))
                        return &v->listeners[i].verdict.evidence;
        return &v->host.evidence;
}

static void incident_follow(struct policy *p, const struct observation *o, const struct verdicts *v) {
        struct incident *n = &p->incident;
        const struct evidence *e = &v->host.evidence;

        if (v->host.finding == FINDING_FLOOD && v->has_worst) {
                n->has_listener = true;
                n->listener = v->worst;
        }
        if (diagnosis_is_flood(p->host.diagnosis))
                n->diagnosis = p->host.diagnosis;
        if (v->host.finding == FINDING_FLOOD && (o->known & OBS_K_SOURCES)) {
                allowed_take_out(p->settings, &o->sources, &p->others);
                top_sources_add(&p->top, &p->others, (double) o->elapsed_us / 1e6);
        }
        n->peak_syn_per_s = fmax(n->peak_syn_per_s, or_zero(e->syn_per_s) + or_zero(p->blocked.per_s));
        n->peak_half_open = fmax(n->peak_half_open, or_zero(e->half_open));
        n->total_syns += or_zero(e->syn_per_s) * (double) o->elapsed_us / 1e6;
        if (observation_knows(o, OBS_BLOCKED)) {
                n->blocked_syns += (double) o->counters[OBS_BLOCKED];
                n->total_syns += (double) o->counters[OBS_BLOCKED];
        }
}

void policy_note_act(struct policy *p, const struct event *e) {
        struct incident *n = &p->incident;

        if (!n->id || e->pretended)
                return;
        if (e->type == EVENT_SOURCE_BLOCKED)
                n->blocked_now += e->sources_count;
        else if (e->type == EVENT_SOURCE_UNBLOCKED) /* some were there before */
                n->blocked_now -= e->sources_count < n->blocked_now ? e->sources_count : n->blocked_now;
        else if (e->type == EVENT_SYNCOOKIES_SET && e->new_value > n->syncookies)
                n->syncookies = e->new_value;
        if (n->blocked_now > n->blocked_sources)
                n->blocked_sources = n->blocked_now;
}

static struct policy_event *add_event(struct policy *p, struct decision *ret, enum event_type type,
                                      const struct observation *o, const struct verdicts *v) {
        struct policy_event *e = &ret->events[ret->events_count++];
        const struct evidence *evidence = own_evidence(&p->incident, v);

        *e = (struct policy_event) { .event = event_make(type) };
        e->event.time_us = o->time_us;
        e->event.realtime_us = o->realtime_us;
        e->event.incident = p->incident.id;
        e->event.has_listener = p->incident.has_listener;
        e->event.listener = p->incident.listener;
        e->event.state = p->host.episode.state;
        e->event.diagnosis = p->incident.diagnosis;
        e->event.evidence = *evidence;
        if (isnan(evidence->syn_per_s))
                e->event.evidence.syn_per_s = v->host.evidence.syn_per_s;
        e->event.duration_s = (double) (o->time_us - p->incident.start_us) / 1e6;
        e->event.peak_syn_per_s = p->incident.peak_syn_per_s;
        /* Forged addresses are nobody's: to name the heaviest would accuse innocents. */
        if (p->incident.diagnosis != DIAGNOSIS_FLOOD_SPOOFED)
                e->event.top_count = top_sources_tell(&p->top, e->event.top);
        return e;
}

static void tell_start(struct policy *p, struct decision *ret, const struct observation *o,
                       const struct verdicts *v) {
        struct policy_event *e = add_event(p, ret, EVENT_FLOOD_START, o, v);
        char figures[EVENT_MESSAGE_MAX];

        snprintf(e->event.message, sizeof e->event.message, "%s; %.400s",
                 explain_diagnosis(p->incident.diagnosis),
                 explain_evidence(&e->event.evidence, e->event.has_listener ? &e->event.listener : NULL,
                                  figures, sizeof figures));
        p->told_diagnosis = p->new_diagnosis = p->incident.diagnosis;
        p->told_peak = p->incident.peak_syn_per_s;
        p->told_us = o->time_us;
        p->updated_us = 0;
}

static void tell_update(struct policy *p, struct decision *ret, const struct observation *o,
                        const struct verdicts *v, const char *what) {
        struct policy_event *e = add_event(p, ret, EVENT_FLOOD_UPDATE, o, v);
        char figures[EVENT_MESSAGE_MAX];

        snprintf(e->event.message, sizeof e->event.message, "%.100s; %.380s", what,
                 explain_evidence(&e->event.evidence, e->event.has_listener ? &e->event.listener : NULL,
                                  figures, sizeof figures));
        p->told_diagnosis = p->incident.diagnosis;
        p->told_peak = p->incident.peak_syn_per_s;
        p->told_us = o->time_us;
}

/* What was done about it, for the last message. */
static const char *explain_done(const struct incident *n, char *text, size_t size) {
        char cookies[64] = "", block[96] = "", count[32];

        if (n->syncookies >= 0)
                snprintf(cookies, sizeof cookies, "; tcp_syncookies was raised to %d", n->syncookies);
        explain_count(n->blocked_syns, count);
        if (n->blocked_sources)
                snprintf(block, sizeof block, "; up to %u source%s blocked, %s SYNs of theirs dropped",
                         n->blocked_sources, n->blocked_sources == 1 ? "" : "s", count);
        else if (n->blocked_syns > 0)
                snprintf(block, sizeof block, "; %s SYNs of sources blocked before dropped", count);
        snprintf(text, size, "%s%s", cookies, block);
        return text;
}

static void tell_end(struct policy *p, struct decision *ret, const struct observation *o,
                     const struct verdicts *v) {
        struct policy_event *e = add_event(p, ret, EVENT_FLOOD_END, o, v);
        char peak[32], queue[32], total[32], name[ADDRESS_TEXT_MAX], done[160], top[128];

        top_sources_text(e->event.top, e->event.top_count, top, sizeof top);
        snprintf(e->event.message, sizeof e->event.message,
                 "SYN flood over%s%s: it was %s, lasted %.0f s, peak %s SYN/s, at most %s half-open, "
                 "about %s SYNs in all%s%s%s",
                 e->event.has_listener ? " at " : "",
                 e->event.has_listener ? listener_key_format(&e->event.listener, name) : "",
                 explain_diagnosis(p->incident.diagnosis), e->event.duration_s,
                 explain_count(p->incident.peak_syn_per_s, peak),
                 explain_count(p->incident.peak_half_open, queue),
                 explain_count(round(p->incident.total_syns), total),
                 e->event.top_count ? ", most from " : "", top,
                 explain_done(&p->incident, done, sizeof done));
}

/* Changes during a flood that are worth waking for, not more often than set. */
static void tell_changes(struct policy *p, struct decision *ret, const struct observation *o,
                         const struct verdicts *v) {
        char what[100], peak[32];

        if (p->incident.diagnosis != p->new_diagnosis) {
                p->new_diagnosis = p->incident.diagnosis;
                p->new_diagnosis_us = o->time_us;
        }
        if (is_over_the_mute(p, o)) {
                tell_update(p, ret, o, v, "a flood that began in the muted time goes on");
                return;
        }
        if (o->time_us - p->told_us < p->settings->alerts.update_interval_us)
                return;
        if (p->incident.diagnosis != p->told_diagnosis &&
            o->time_us - p->new_diagnosis_us >= DIAGNOSIS_SETTLE_US) {
                snprintf(what, sizeof what, "now %s", explain_diagnosis(p->incident.diagnosis));
                tell_update(p, ret, o, v, what);
        } else if (p->incident.peak_syn_per_s > UPDATE_PEAK_FACTOR * fmax(p->told_peak, 1)) {
                snprintf(what, sizeof what, "the flood has grown, up to %s SYN/s",
                         explain_count(round(p->incident.peak_syn_per_s), peak));
                tell_update(p, ret, o, v, what);
        }
}

static void tell_held_off(struct policy *p, struct decision *ret, const struct observation *o,
                          const struct verdicts *v) {
        char what[100], rate[32];

        snprintf(what, sizeof what, "held off: still sent, %s SYN/s of blocked sources are dropped",
                 explain_count(round(p->blocked.per_s), rate));
        tell_update(p, ret, o, v, what);
        p->no_news = p->told_held_off;
        p->told_held_off = true;
}

/* Of a flood that comes or goes away. */
static void tell_turn(struct policy *p, struct decision *ret, const struct observation *o,
                      const struct verdicts *v) {
        if (p->host.episode.state == STATE_FLOOD) {
                tell_update(p, ret, o, v, "the flood is back");
                p->no_news = p->held_off_us && o->time_us - p->held_off_us < LET_GO_US;
        } else if (is_held_off(p, o))
                tell_held_off(p, ret, o, v);
        else
                tell_update(p, ret, o, v, "nothing of the flood arrives any more, watching");
}

static void step_incident(struct policy *p, struct decision *ret, const struct observation *o,
                          const struct verdicts *v) {
        enum flood_state state = p->host.episode.state;

        if (!p->incident.id && state != STATE_FLOOD)
                return;
        if (!p->incident.id) {
                incident_open(p, o);
                incident_follow(p, o, v);
                tell_start(p, ret, o, v);
                return;
        }
        incident_follow(p, o, v);
        if (state == STATE_NORMAL)
                tell_end(p, ret, o, v);
        else if (ret->state_changed)
                tell_turn(p, ret, o, v);
        else if (state == STATE_FLOOD)
                tell_changes(p, ret, o, v);
}

/* Start and end; of the updates of a flood that comes and goes not more than are set.
 * The others are in the log of events. A mute keeps a flood from being told, but whoever
 * was told of one is told of its end, and nobody else is. */
static bool worth_delivering(struct policy *p, const struct event *e) {
        if (e->type == EVENT_FLOOD_END)
                return p->delivered;
        if (policy_mutes(p->settings, e)) {
                p->silenced = !p->delivered;
                return false;
        }
        if (e->type != EVENT_FLOOD_UPDATE)
                return true;
        if (!p->silenced && p->no_news)
                return false;
        if (!p->silenced && p->updated_us &&
            e->time_us - p->updated_us < p->settings->alerts.update_interval_us)
                return false;
        p->updated_us = e->time_us;
        return true;
}

/* What was told at the start is told to the end. */
static void step_actions(struct policy *p, struct decision *ret, const struct verdicts *v) {
        uint32_t hooks;
        bool alert;

        apply_rules(p, v->host.pressure, ret, &alert, &hooks);
        if (p->incident.id) {
                p->incident.alerted |= alert;
                p->incident.hooks |= hooks;
        }
        for (uint32_t i = 0; i < ret->events_count; i++)
                if (worth_delivering(p, &ret->events[i].event)) {
                        ret->events[i].alert = p->incident.alerted;
                        ret->events[i].hooks = p->incident.hooks;
                        p->delivered = true;
                        p->silenced = false;
                }
}

void policy_step(struct policy *p, const struct observation *o, const struct verdicts *v,
                 struct decision *ret) {
        enum flood_state before = p->host.episode.state;

        ret->events_count = 0;
        p->no_news = false;
        follow_blocked(p, o);
        step_listeners(p, o, v, ret);
        subject_step(p, &p->host, &v->host, &p->settings->detect, o);
        ret->state = p->host.episode.state;
        ret->state_changed = ret->state != before;
        ret->diagnosis = p->host.diagnosis;
        ret->since_realtime_us = p->host.since_realtime_us;
        ret->blocked_per_s = p->blocked.per_s;
        ret->held_off = ret->state == STATE_RECOVERING && is_held_off(p, o);

        step_incident(p, ret, o, v);
        step_actions(p, ret, v);
        ret->incident = p->incident;
        if (p->incident.id && ret->state == STATE_NORMAL)
                p->incident = (struct incident) { .id = 0 };
        if (!p->incident.id)
                p->held_off_us = 0;
}
