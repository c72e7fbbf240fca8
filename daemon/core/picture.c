/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/explain.h"
#include "core/rate.h"

static uint64_t delta(const struct observation *o, enum obs_counter c) {
        return observation_knows(o, c) ? o->counters[c] : 0;
}

static void update_listeners(struct snapshot *s, const struct observation *o, const struct verdicts *v,
                             const struct decision *d) {
        listener_totals_count(&s->listener_totals, o, v);
        s->listeners_count = v->listeners_count;
        s->listeners_left_out = o->listeners_left_out;
        for (uint32_t i = 0; i < v->listeners_count; i++) {
                const struct obs_listener *l = observation_find_listener(o, &v->listeners[i].key);

                s->listeners[i] = (struct snapshot_listener) {
                        .key = v->listeners[i].key,
                        .sockets = l && (l->known & OBS_L_LIMITS) ? l->sockets : 1,
                        .state = d->listeners[i].state,
                        .diagnosis = d->listeners[i].diagnosis,
                        .since_realtime_us = d->listeners[i].since_realtime_us,
                        .evidence = v->listeners[i].verdict.evidence,
                        .total = *listener_totals_get(&s->listener_totals, v->listeners[i].slot),
                };
        }
}

static void add_reason(struct snapshot *s, const char *text) {
        if (s->reasons_count == SNAPSHOT_REASONS_MAX || text[0] == '\0')
                return;
        snprintf(s->reasons[s->reasons_count++], SNAPSHOT_REASON_TEXT, "%s", text);
}

/* First what it is, then the figures of the listener it is about, then the host's. */
static void update_reasons(struct snapshot *s, const struct verdicts *v, const struct decision *d) {
        char text[SNAPSHOT_REASON_TEXT], rate[32], *figures;

        s->reasons_count = 0;
        if (d->held_off) {
                snprintf(text, sizeof text, "a flood is held off: still sent, %s SYN/s of blocked sources are dropped",
                         explain_count(round(d->blocked_per_s), rate));
                add_reason(s, text);
        }
        add_reason(s, explain_diagnosis(s->diagnosis));
        for (uint32_t i = 0; v->has_worst && i < v->listeners_count; i++)
                if (listener_key_equal(&v->listeners[i].key, &v->worst))
                        add_reason(s,
                                   explain_evidence(&v->listeners[i].verdict.evidence, &v->worst, text, sizeof text));
        if (v->has_worst && v->listeners_count == 1)
                return;
        snprintf(text, sizeof text, "the whole host: ");
        figures = text + strlen(text);
        if (*explain_evidence(&v->host.evidence, NULL, figures, sizeof text - strlen(text)))
                add_reason(s, text);
}

static void update_sources(struct snapshot *s, const struct observation *o, double syn_per_s) {
        s->sources_count = s->sources_tracked = 0;
        s->sources_distinct = NAN;
        if (!(o->known & OBS_K_SOURCES)) /* what was known of them is not what they do now */
                return;
        s->sources_tracked = o->sources.tracked;
        s->sources_distinct = o->sources.known & OBS_SS_DISTINCT ? o->sources.distinct : NAN;
        s->sources_count = o->sources.count;
        for (uint32_t i = 0; i < o->sources.count; i++) {
                const struct obs_source *f = &o->sources.list[i];
                bool syns = f->known & OBS_S_SYNS, both = syns && (f->known & OBS_S_COMPLETED);

                s->sources[i] = (struct snapshot_source) {
                        .prefix = f->prefix,
                        .half_open = f->known & OBS_S_HALF_OPEN ? (double) f->half_open : NAN,
                        .syn_per_s = syns ? f->syn_per_s : NAN,
                        .completed_per_s = f->known & OBS_S_COMPLETED ? f->completed_per_s : NAN,
                        .completion_low = both ? f->completion_low : NAN,
                        .completion_high = both ? f->completion_high : NAN,
                        .share = syns && syn_per_s > 0 ? fmin(1, f->syn_per_s / syn_per_s) : NAN,
                        .error = syns && syn_per_s > 0 ? fmin(1, f->syn_error_per_s / syn_per_s) : NAN,
                };
        }
}

static void update_incident(struct snapshot *s, const struct incident *n) {
        s->incident = (struct snapshot_incident) {
                .id = n->id,
                .start_realtime_us = n->start_realtime_us,
                .has_listener = n->has_listener,
                .listener = n->listener,
                .diagnosis = n->diagnosis,
                .peak_syn_per_s = n->peak_syn_per_s,
                .peak_half_open = n->peak_half_open,
                .total_syns = n->total_syns,
                .blocked_syns = n->blocked_syns,
        };
}

static void update_totals(struct snapshot_totals *t, const struct observation *o, const struct verdicts *v,
                          const struct decision *d) {
        t->ticks++;
        t->handshakes_completed += delta(o, OBS_PASSIVE_OPENS);
        t->cookies_sent += delta(o, OBS_COOKIES_SENT);
        t->cookies_received += delta(o, OBS_COOKIES_RECEIVED);
        t->blocked_syns += delta(o, OBS_BLOCKED);
        t->queue_drops += delta(o, OBS_QUEUE_FULL_DROPS);
        t->accept_overflows += delta(o, OBS_LISTEN_OVERFLOWS);
        t->log_received += o->log_received;
        t->log_lost += o->log_lost;
        if (observation_knows(o, OBS_SYNS))
                t->syns += o->counters[OBS_SYNS];
        else
                t->syns += (uint64_t) llround(or_zero(v->host.evidence.syn_per_s) * (double) o->elapsed_us / 1e6);
        for (uint32_t i = 0; i < d->events_count; i++)
                if (d->events[i].event.type == EVENT_FLOOD_START)
                        t->incidents[d->events[i].event.diagnosis]++;
}

void picture_update(struct snapshot *s, const struct observation *o, const struct verdicts *v,
                    const struct decision *d) {
        s->realtime_us = o->realtime_us;
        s->uptime_us += o->elapsed_us;
        s->state = d->state;
        s->diagnosis = d->diagnosis;
        s->since_realtime_us = d->since_realtime_us;
        s->host = v->host.evidence;
        s->syncookies_value = o->known & OBS_K_SYNCOOKIES ? o->syncookies : -1;
        s->blocked_per_s = d->blocked_per_s;
        s->log_sample_one_in = o->sample_one_in;
        update_listeners(s, o, v, d);
        update_reasons(s, v, d);
        update_sources(s, o, v->host.evidence.syn_per_s);
        update_incident(s, &d->incident);
        update_totals(&s->totals, o, v, d);
}
