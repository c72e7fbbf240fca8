/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/said.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/explain.h"

enum {
        TICKS_MAX = 600, /* two minutes */
        TICKS_LEAST = 25,
        SUBJECTS = TRAFFIC_LISTENERS_MAX + 1, /* listeners, and the host */
        HOST = TRAFFIC_LISTENERS_MAX,
        BOTS_MAX = 1000, /* more are nobody in particular */
        SENTENCE = 512,
};

/* It is steady so long after its beginning: what was half-open before is judged by then, and in the
 * first seconds the queue fills. */
#define STEADY_AFTER_S 10.0
#define FLOOR_PER_S 1.0

struct said_sum {
        unsigned count; /* ticks in which it was known */
        double per_s;
};

struct listening {
        const struct scenario *scenario;
        bool steady;
        double last_s; /* of the tick before */
        uint32_t names; /* of this incident: bits, 1 << enum diagnosis */
        struct said said;
        unsigned ticks; /* of the steady part */
        double seconds;
        struct {
                struct said_sum said[FIGURES];
                double sent[FIGURES], checked;
        } subjects[SUBJECTS];
};

const char *said_figure_name(enum figure f) {
        static const char *const names[FIGURES] = { "unfinished", "refused", "finished" };

        return names[f];
}

/* --- whether there is something to ask --------------------------------------------------- */

static bool same(double a, double b) {
        return fabs(a - b) < 0.001;
}

/* From beginning to end the same, and nothing else happens to it. */
static bool is_steady(const struct scenario *s) {
        if (!s->attack || s->recording)
                return false;
        for (unsigned n = 0; n < s->traffic.populations_count; n++) {
                const struct population *p = &s->traffic.populations[n];
                const struct phase *f = &p->phases[0];

                if (p->attack && (p->pulse_every_s > 0 || !same(f->from_per_s, f->to_per_s) ||
                                  !same(f->from_s, s->from_s) || !same(f->to_s, s->to_s)))
                        return false;
        }
        for (unsigned i = 0; i < s->traffic.troubles_count; i++)
                if (s->traffic.troubles[i].kind != TROUBLE_NO_CPU && s->traffic.troubles[i].to_s > s->from_s)
                        return false;
        return true;
}

struct listening *said_begin(const struct scenario *s) {
        struct listening *l = calloc(1, sizeof *l);

        if (!l)
                abort();
        l->scenario = s;
        l->steady = is_steady(s);
        return l;
}

/* --- names --------------------------------------------------------------------------------- */

/* One more name of this incident. */
static void add_name(struct listening *l, enum diagnosis d) {
        uint32_t names;

        l->names |= UINT32_C(1) << d;
        names = (uint32_t) __builtin_popcount(l->names);
        if (names > l->said.names_at_once)
                l->said.names_at_once = names;
}

static void note_name(struct listening *l, enum diagnosis d) {
        uint32_t expected = l->scenario->expected;

        l->said.flood_ticks++;
        l->said.wrong_names += expected && !(expected & UINT32_C(1) << d);
        add_name(l, d);
}

static bool holds(const struct prefix *outer, const struct prefix *inner) {
        return outer->length <= inner->length && prefix_contains(outer, &inner->address);
}

/* Somebody of an attacking population, or a network that it fills or that has it. */
static bool is_attacker(const struct scenario *s, const struct prefix *named) {
        for (unsigned n = 0; n < s->traffic.populations_count; n++) {
                const struct population *p = &s->traffic.populations[n];
                struct prefix from = { .length = ADDRESS_BITS };

                if (!p->attack)
                        continue;
                for (uint32_t i = 0; i < p->sources && p->sources <= BOTS_MAX; i++) {
                        from.address = traffic_address(&s->traffic, n, i);
                        if (holds(named, &from))
                                return true;
                }
                if (!p->prefix_length)
                        continue;
                from.length = (uint8_t) (p->prefix_length + (p->ipv6 ? 0 : ADDRESS_IPV4_OFFSET_BITS));
                from.address = traffic_address(&s->traffic, n, 0);
                from.address = address_mask(&from.address, from.length);
                if (holds(named, &from) || holds(&from, named))
                        return true;
        }
        return false;
}

static void note_named(struct listening *l, const struct prefix *named) {
        if (is_attacker(l->scenario, named))
                return;
        if (l->said.honest_named++ == 0)
                l->said.named = *named;
}

/* What people would read. */
static void note_sentence(struct listening *l, const struct evidence *e) {
        char text[SENTENCE], name[ADDRESS_TEXT_MAX];

        if (e->top.length && strstr(explain_evidence(e, NULL, text, sizeof text), prefix_format(&e->top, name)))
                note_named(l, &e->top);
}

static void note_events(struct listening *l, const struct decision *d, bool in_flood) {
        for (uint32_t i = 0; i < d->events_count; i++) {
                const struct event *e = &d->events[i].event;

                if (e->type == EVENT_FLOOD_START)
                        l->names = 0;
                for (uint32_t k = 0; k < e->top_count; k++)
                        note_named(l, &e->top[k].prefix);
                if (in_flood && (e->type == EVENT_FLOOD_START || e->type == EVENT_FLOOD_UPDATE))
                        add_name(l, e->diagnosis);
        }
}

/* --- figures --------------------------------------------------------------------------------- */

static void add(struct said_sum *s, double per_s) {
        if (isnan(per_s))
                return;
        s->per_s += per_s;
        s->count++;
}

static void note_evidence(struct listening *l, unsigned subject, const struct evidence *e) {
        struct said_sum *said = l->subjects[subject].said;

        add(&said[FIGURE_UNFINISHED], e->unanswered_per_s);
        add(&said[FIGURE_REFUSED], e->queue_drops_per_s);
        add(&said[FIGURE_FINISHED], e->completed_per_s);
}

static void note_sent(struct listening *l, unsigned subject, const struct traffic_ledger *ledger) {
        double *sent = l->subjects[subject].sent;

        sent[FIGURE_UNFINISHED] += (double) ledger->unfinished;
        sent[FIGURE_REFUSED] += (double) ledger->refused;
        sent[FIGURE_FINISHED] += (double) ledger->finished;
        l->subjects[subject].checked += (double) ledger->checked;
}

static void note_figures(struct listening *l, const struct engine_look *look, const struct traffic_truth *truth) {
        const struct scenario *s = l->scenario;

        l->ticks++;
        l->seconds += truth->now_s - l->last_s;
        note_evidence(l, HOST, &look->verdicts.host.evidence);
        for (unsigned n = 0; n < s->traffic.listeners_count; n++) {
                note_sent(l, HOST, &truth->ledger[n]);
                note_sent(l, n, &truth->ledger[n]);
                for (uint32_t i = 0; i < look->verdicts.listeners_count; i++)
                        if (look->verdicts.listeners[i].key.port == s->traffic.listeners[n].port)
                                note_evidence(l, n, &look->verdicts.listeners[i].verdict.evidence);
        }
}

static bool sensors_work(const struct observation *o) {
        for (unsigned i = 0; i < SENSORS; i++)
                if (o->sensors[i] != SENSOR_OK)
                        return false;
        return true;
}

void said_note(struct listening *l, const struct engine_look *look, const struct observation *o,
               const struct traffic_truth *truth) {
        const struct scenario *s = l->scenario;
        const struct decision *d = &look->decision;
        unsigned flood;
        double time_s = scenario_time(s, truth->now_s, &flood);
        bool in_flood = s->attack && time_s > s->from_s && time_s <= s->to_s;

        if (s->recording)
                return; /* nobody knows who was who */
        note_events(l, d, in_flood);
        if (d->state == STATE_FLOOD) {
                note_sentence(l, &look->verdicts.host.evidence);
                if (in_flood)
                        note_name(l, d->diagnosis);
                if (in_flood && l->steady && flood == 0 && time_s > s->from_s + STEADY_AFTER_S &&
                    l->ticks < TICKS_MAX && sensors_work(o))
                        note_figures(l, look, truth);
        }
        l->last_s = truth->now_s;
}

/* --- what came out ------------------------------------------------------------------------------ */

static double margin(double per_s) {
        return fmax(FLOOR_PER_S, SAID_MARGIN * per_s);
}

static struct said_figure conclude(const struct listening *l, unsigned subject, enum figure f) {
        const struct said_sum *s = &l->subjects[subject].said[f];
        /* Whether a check that resets has finished is a matter of taste. */
        double checked = f == FIGURE_UNFINISHED ? l->subjects[subject].checked : 0, said;
        struct said_figure r = {
                .asked = l->ticks >= TICKS_LEAST,
                .said_per_s = 2 * s->count < l->ticks ? NAN : s->per_s / s->count,
                .sent_per_s = l->subjects[subject].sent[f] / l->seconds,
        };

        r.most_per_s = r.sent_per_s + checked / l->seconds;
        /* Who says nothing has not said that there is something. */
        said = isnan(r.said_per_s) ? 0 : r.said_per_s;
        r.wrong = r.asked && (said < r.sent_per_s - margin(r.sent_per_s) || said > r.most_per_s + margin(r.most_per_s));
        return r;
}

struct listening *said_end(struct listening *l, struct said *ret) {
        const struct scenario *s = l->scenario;

        for (unsigned f = 0; f < FIGURES; f++)
                l->said.host[f] = conclude(l, HOST, (enum figure) f);
        for (unsigned i = 0; i < s->attacked_count; i++) {
                unsigned n = s->attacked[i].listener;
                struct said_figure unfinished = conclude(l, n, FIGURE_UNFINISHED);
                struct said_figure refused = conclude(l, n, FIGURE_REFUSED);

                l->said.listeners_asked += unfinished.asked;
                l->said.listeners_wrong += unfinished.wrong || refused.wrong;
        }
        *ret = l->said;
        free(l);
        return NULL;
}
