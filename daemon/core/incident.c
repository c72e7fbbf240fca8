/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/incident.h"

#include <math.h>
#include <time.h>

#include "core/host_track.h"

/* What is let go and still sent is a flood again by then. */
#define LET_GO_US UINT64_C(10000000)

struct incident_watch incident_watch_begin(void) {
        return (struct incident_watch) { .blocked = rate_unknown() };
}

void incident_close(struct incident_watch *w, enum flood_state state) {
        if (state == STATE_NORMAL)
                w->incident = (struct incident) { .id = 0 };
        if (!w->incident.id)
                w->held_off_us = 0;
}

/* A flood of blocked sources is as much of one as before: nothing else tells that it goes on. */
void incident_follow_blocked(struct incident_watch *w, const struct settings *s, const struct observation *o) {
        if (!observation_knows(o, OBS_BLOCKED))
                w->blocked = rate_unknown();
        else if (o->elapsed_us)
                rate_count(&w->blocked, (double) o->counters[OBS_BLOCKED], (double) o->elapsed_us / 1e6,
                           HOST_TRACK_FAST_TAU_S);
        if (w->incident.id && w->blocked.per_s >= s->detect.unanswered_per_s)
                w->held_off_us = o->time_us;
}

static uint64_t id_of(uint64_t realtime_us) {
        time_t seconds = (time_t) (realtime_us / 1000000);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        return ((((uint64_t) tm.tm_year + 1900) * 100 + (uint64_t) tm.tm_mon + 1) * 100 + (uint64_t) tm.tm_mday) *
                       1000000 +
               (uint64_t) tm.tm_hour * 10000 + (uint64_t) tm.tm_min * 100 + (uint64_t) tm.tm_sec;
}

static void open_now(struct incident_watch *w, const struct observation *o) {
        w->incident = (struct incident) {
                .id = id_of(o->realtime_us),
                .start_us = o->time_us,
                .start_realtime_us = o->realtime_us,
                .syncookies = -1,
                .before = impact_sum(&w->lately),
        };
        w->top = (struct top_sources) { .count = 0 };
        w->listeners = (struct listener_accounts) { .count = 0 };
        w->held_off_us = 0;
}

static void account_add(struct incident_account *a, const struct evidence *e, double elapsed_s) {
        a->finished += or_zero(e->completed_per_s) * elapsed_s;
        a->unfinished += or_zero(e->unanswered_per_s) * elapsed_s;
        a->refused += or_zero(e->queue_drops_per_s) * elapsed_s;
        for (unsigned i = 0; i < EXPLANATIONS; i++)
                a->explained[i] += or_zero(e->explained_per_s[i]) * elapsed_s;
}

/* Of the listeners that are flooded; of the host, where none can be told. */
static void account(struct incident_account *a, const struct verdicts *v, double elapsed_s) {
        bool any = false;

        a->flood_s += elapsed_s;
        for (uint32_t i = 0; i < v->listeners_count; i++) {
                const struct verdict *l = &v->listeners[i].verdict;

                if (l->finding != FINDING_FLOOD)
                        continue;
                account_add(a, &l->evidence, elapsed_s);
                any = true;
        }
        if (!any)
                account_add(a, &v->host.evidence, elapsed_s);
}

static void follow(struct incident_watch *w, const struct observation *o, const struct verdicts *v,
                   enum diagnosis diagnosis) {
        struct incident *n = &w->incident;
        const struct evidence *e = &v->host.evidence;

        if (v->host.finding == FINDING_FLOOD && v->has_worst) {
                n->has_listener = true;
                n->listener = v->worst;
        }
        if (diagnosis_is_flood(diagnosis))
                n->diagnosis = diagnosis;
        if (v->host.finding == FINDING_FLOOD) {
                top_sources_add(&w->top, &v->culprits, n->diagnosis == DIAGNOSIS_FLOOD_REFLECTED,
                                (double) o->elapsed_us / 1e6);
                account(&n->account, v, (double) o->elapsed_us / 1e6);
                listener_accounts_add(&w->listeners, v, (double) o->elapsed_us / 1e6);
        }
        impact_tally_add(&n->impact, o);
        n->peak_syn_per_s = fmax(n->peak_syn_per_s, or_zero(e->syn_per_s) + or_zero(w->blocked.per_s));
        n->peak_half_open = fmax(n->peak_half_open, or_zero(e->half_open));
        n->total_syns += or_zero(e->syn_per_s) * (double) o->elapsed_us / 1e6;
        if (observation_knows(o, OBS_BLOCKED)) {
                n->blocked_syns += (double) o->counters[OBS_BLOCKED];
                n->total_syns += (double) o->counters[OBS_BLOCKED];
        }
}

bool incident_step(struct incident_watch *w, const struct observation *o, const struct verdicts *v,
                   enum flood_state state, enum diagnosis diagnosis) {
        bool opens = !w->incident.id && state == STATE_FLOOD;

        if (opens)
                open_now(w, o);
        impact_add(&w->lately, o);
        if (w->incident.id)
                follow(w, o, v, diagnosis);
        return opens;
}

/* Some that go were there before. */
static void count_sources(uint32_t *now, uint32_t *most, uint32_t count, bool come) {
        if (come)
                *now += count;
        else
                *now -= count < *now ? count : *now;
        if (*now > *most)
                *most = *now;
}

void incident_note_act(struct incident_watch *w, const struct event *e) {
        struct incident *n = &w->incident;

        if (!n->id || e->pretended)
                return;
        if (e->type == EVENT_SOURCE_BLOCKED || e->type == EVENT_SOURCE_UNBLOCKED)
                count_sources(&n->blocked_now, &n->blocked_sources, e->sources_count, e->type == EVENT_SOURCE_BLOCKED);
        else if (e->type == EVENT_SOURCE_LIMITED || e->type == EVENT_SOURCE_UNLIMITED)
                count_sources(&n->limited_now, &n->limited_sources, e->sources_count, e->type == EVENT_SOURCE_LIMITED);
        else if (e->type == EVENT_SYNCOOKIES_SET && e->new_value > n->syncookies)
                n->syncookies = e->new_value;
}

bool incident_blocks_for(const struct incident_watch *w, const struct listener_key *listener) {
        if (!w->held_off_us)
                return false;
        return !listener || (w->incident.has_listener && listener_key_equal(listener, &w->incident.listener));
}

bool incident_is_held_off(const struct incident_watch *w, uint64_t now_us) {
        return w->held_off_us && w->held_off_us == now_us;
}

bool incident_was_let_go(const struct incident_watch *w, uint64_t now_us) {
        return w->held_off_us && now_us - w->held_off_us < LET_GO_US;
}
