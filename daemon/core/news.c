/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/news.h"

#include <math.h>
#include <stdio.h>

#include "core/explain.h"
#include "core/rules.h"

/* A peak this many times the last one told is worth telling. */
#define UPDATE_PEAK_FACTOR 4.0
/* Another diagnosis must stand for this long before it is told. */
#define DIAGNOSIS_SETTLE_US UINT64_C(3000000)

static const struct incident *incident_of(const struct news_scene *scene) {
        return &scene->watch->incident;
}

void news_stamp(struct event *e, const struct news_scene *scene) {
        e->time_us = scene->time_us;
        e->realtime_us = scene->realtime_us;
        e->state = scene->state;
        e->diagnosis = scene->diagnosis;
        e->incident = incident_of(scene)->id;
}

/* --- in which words ---------------------------------------------------------- */

/* The figures of the listener that the incident is about, where there is one. */
static struct evidence own_evidence(const struct incident *n, const struct verdicts *v) {
        struct evidence e = v->host.evidence;

        for (uint32_t i = 0; n->has_listener && i < v->listeners_count; i++)
                if (listener_key_equal(&v->listeners[i].key, &n->listener))
                        e = v->listeners[i].verdict.evidence;
        if (isnan(e.syn_per_s))
                e.syn_per_s = v->host.evidence.syn_per_s;
        return e;
}

static void begin(struct event *e, enum event_type type, const struct news_scene *scene) {
        const struct incident *n = incident_of(scene);

        *e = event_make(type);
        news_stamp(e, scene);
        e->diagnosis = n->diagnosis; /* a flood's, also in the calm after it */
        e->has_listener = n->has_listener;
        e->listener = n->listener;
        e->evidence = own_evidence(n, scene->verdicts);
        e->duration_s = (double) (scene->time_us - n->start_us) / 1e6;
        e->peak_syn_per_s = n->peak_syn_per_s;
        /* Forged addresses are nobody's: to name the heaviest would accuse innocents. */
        if (n->diagnosis != DIAGNOSIS_FLOOD_SPOOFED)
                e->top_count = top_sources_tell(&scene->watch->top, e->top);
}

static void say(struct event *e, const char *what) {
        char figures[EVENT_MESSAGE_MAX];

        snprintf(e->message, sizeof e->message, "%.100s; %.400s", what,
                 explain_evidence(&e->evidence, e->has_listener ? &e->listener : NULL, figures, sizeof figures));
}

static void note_told(struct news *n, const struct news_scene *scene) {
        n->told_diagnosis = incident_of(scene)->diagnosis;
        n->told_peak_syn_per_s = incident_of(scene)->peak_syn_per_s;
        n->told_us = scene->time_us;
}

static bool tell_start(struct news *n, const struct news_scene *scene, struct event *ret) {
        *n = (struct news) { .new_diagnosis = incident_of(scene)->diagnosis };
        begin(ret, EVENT_FLOOD_START, scene);
        say(ret, explain_diagnosis(ret->diagnosis));
        note_told(n, scene);
        return true;
}

static bool tell_update(struct news *n, const struct news_scene *scene, const char *what, struct event *ret) {
        begin(ret, EVENT_FLOOD_UPDATE, scene);
        say(ret, what);
        note_told(n, scene);
        return true;
}

/* What was done about it, for the last message. */
static const char *explain_done(const struct incident *n, char *text, size_t size) {
        char cookies[64] = "", block[128] = "", count[32];

        uint32_t taken = n->blocked_sources + n->limited_sources;

        if (n->syncookies >= 0)
                snprintf(cookies, sizeof cookies, "; tcp_syncookies was raised to %d", n->syncookies);
        explain_count(n->blocked_syns, count);
        if (n->blocked_sources && n->limited_sources)
                snprintf(block, sizeof block, "; up to %u sources blocked and %u limited, %s SYNs of theirs dropped",
                         n->blocked_sources, n->limited_sources, count);
        else if (n->blocked_sources || n->limited_sources)
                snprintf(block, sizeof block, "; up to %u source%s %s, %s SYNs of theirs dropped", taken,
                         taken == 1 ? "" : "s", n->blocked_sources ? "blocked" : "limited", count);
        else if (n->blocked_syns > 0)
                snprintf(block, sizeof block, "; %s SYNs of sources blocked before dropped", count);
        snprintf(text, size, "%s%s", cookies, block);
        return text;
}

static bool tell_end(const struct news_scene *scene, struct event *ret) {
        const struct incident *n = incident_of(scene);
        char peak[32], queue[32], total[32], name[ADDRESS_TEXT_MAX], done[192], top[128];

        begin(ret, EVENT_FLOOD_END, scene);
        top_sources_text(ret->top, ret->top_count, top, sizeof top);
        snprintf(ret->message, sizeof ret->message,
                 "SYN flood over%s%s: it was %s, lasted %.0f s, peak %s SYN/s, at most %s half-open, "
                 "about %s SYNs in all%s%s%s",
                 n->has_listener ? " at " : "", n->has_listener ? listener_key_format(&n->listener, name) : "",
                 explain_diagnosis(n->diagnosis), ret->duration_s, explain_count(n->peak_syn_per_s, peak),
                 explain_count(n->peak_half_open, queue), explain_count(round(n->total_syns), total),
                 ret->top_count ? ", most from " : "", top, explain_done(n, done, sizeof done));
        return true;
}

/* --- when --------------------------------------------------------------------- */

/* Whoever muted a time for work on the server wants to know what is there when it ends. */
static bool is_over_the_mute(const struct news *n, const struct settings *s, const struct news_scene *scene) {
        const struct incident *i = incident_of(scene);

        return n->silenced && !rules_mute(s, scene->realtime_us, i->has_listener ? &i->listener : NULL);
}

/* Changes during a flood that are worth waking for, not more often than set. */
static bool tell_changes(struct news *n, const struct settings *s, const struct news_scene *scene, struct event *ret) {
        const struct incident *i = incident_of(scene);
        char what[100], peak[32];

        if (i->diagnosis != n->new_diagnosis) {
                n->new_diagnosis = i->diagnosis;
                n->new_diagnosis_us = scene->time_us;
        }
        if (is_over_the_mute(n, s, scene))
                return tell_update(n, scene, "a flood that began in the muted time goes on", ret);
        if (scene->time_us - n->told_us < s->alerts.update_interval_us)
                return false;
        if (i->diagnosis != n->told_diagnosis && scene->time_us - n->new_diagnosis_us >= DIAGNOSIS_SETTLE_US) {
                snprintf(what, sizeof what, "now %s", explain_diagnosis(i->diagnosis));
                return tell_update(n, scene, what, ret);
        }
        if (i->peak_syn_per_s > UPDATE_PEAK_FACTOR * fmax(n->told_peak_syn_per_s, 1)) {
                snprintf(what, sizeof what, "the flood has grown, up to %s SYN/s",
                         explain_count(round(i->peak_syn_per_s), peak));
                return tell_update(n, scene, what, ret);
        }
        return false;
}

static bool tell_held_off(struct news *n, const struct news_scene *scene, struct event *ret) {
        char what[100], rate[32];

        snprintf(what, sizeof what, "held off: still sent, %s SYN/s of blocked sources are dropped",
                 explain_count(round(scene->watch->blocked.per_s), rate));
        n->no_news = n->told_held_off;
        n->told_held_off = true;
        return tell_update(n, scene, what, ret);
}

/* Of a flood that comes or goes away. */
static bool tell_turn(struct news *n, const struct news_scene *scene, struct event *ret) {
        if (scene->state == STATE_FLOOD) {
                char what[100];

                snprintf(what, sizeof what, "the flood is back: %s", explain_diagnosis(incident_of(scene)->diagnosis));
                n->no_news = incident_was_let_go(scene->watch, scene->time_us);
                return tell_update(n, scene, what, ret);
        }
        if (incident_is_held_off(scene->watch, scene->time_us))
                return tell_held_off(n, scene, ret);
        return tell_update(n, scene, "nothing of the flood arrives any more, watching", ret);
}

bool news_of_flood(struct news *n, const struct settings *s, const struct news_scene *scene, struct event *ret) {
        n->no_news = false;
        if (!incident_of(scene)->id)
                return false;
        if (scene->opened)
                return tell_start(n, scene, ret);
        if (scene->state == STATE_NORMAL)
                return tell_end(scene, ret);
        if (scene->state_changed)
                return tell_turn(n, scene, ret);
        return scene->state == STATE_FLOOD && tell_changes(n, s, scene, ret);
}

/* --- to whom ------------------------------------------------------------------- */

static bool is_muted(const struct settings *s, const struct event *e) {
        return rules_mute(s, e->realtime_us, e->has_listener ? &e->listener : NULL);
}

/* Of the updates of a flood that comes and goes not more than are set; the first after a mute. */
static bool is_due(const struct news *n, const struct settings *s, const struct event *e) {
        if (n->silenced)
                return true;
        return !n->no_news && (!n->updated_us || e->time_us - n->updated_us >= s->alerts.update_interval_us);
}

/* A mute keeps a flood from being told, but whoever was told of one is told of its end, and
 * nobody else is. */
static bool delivers_of_flood(struct news *n, const struct settings *s, const struct event *e) {
        if (e->type == EVENT_FLOOD_END)
                return n->delivered;
        if (is_muted(s, e)) {
                n->silenced = !n->delivered;
                return false;
        }
        if (e->type == EVENT_FLOOD_UPDATE) {
                if (!is_due(n, s, e))
                        return false;
                n->updated_us = e->time_us;
        }
        n->delivered = true;
        n->silenced = false;
        return true;
}

bool news_delivers(struct news *n, const struct settings *s, const struct event *e) {
        switch (e->type) {
        case EVENT_FLOOD_START:
        case EVENT_FLOOD_UPDATE:
        case EVENT_FLOOD_END:
                return delivers_of_flood(n, s, e);
        case EVENT_SYNCOOKIES_SET:
        case EVENT_SYNCOOKIES_RESTORED:
        case EVENT_SYNCOOKIES_FOREIGN:
        case EVENT_SOURCE_BLOCKED:
        case EVENT_SOURCE_UNBLOCKED:
        case EVENT_SOURCE_LIMITED:
        case EVENT_SOURCE_UNLIMITED:
        case EVENT_SENSOR_DEGRADED:
        case EVENT_SENSOR_RECOVERED:
        case EVENT_CONFIG_RELOADED:
        case EVENT_CONFIG_REJECTED:
        case EVENT_HOOK_FAILED:
        case EVENT_TYPES:
                break;
        }
        return !is_muted(s, e);
}
