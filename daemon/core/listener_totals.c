/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/listener_totals.h"

#include <math.h>

#include "core/rate.h"

/* With fewer there are no cookies to speak of: every half-open has an entry. */
#define COOKIES_PER_S 1.0

/* How many reach an age is how many are of it now, by the width of that age: over walks of any
 * pace that adds up to the entries there were. */
static double reached_per_s(const struct observation *o, const struct obs_listener *l) {
        double young = (double) l->age[OBS_AGE_FINE_BINS - 1] + l->age[OBS_AGE_FINE_BINS - 2];

        /* Without a second SYN-ACK none lives longer than the first one's second. */
        if ((o->known & OBS_K_SYNACK_RETRIES) && o->synack_retries == 0)
                return young / (2 * (double) OBS_AGE_FINE_US / 1e6);
        return (double) l->age[OBS_AGE_1S] + l->age[OBS_AGE_1500MS]; /* in one second */
}

static double unanswered_per_s(const struct listener_totals_slot *s, const struct evidence *e) {
        if (isnan(s->reached_per_s) || e->cookies_sent_per_s >= COOKIES_PER_S)
                return or_zero(e->unanswered_per_s);
        return s->reached_per_s + or_zero(e->embryonic_rsts_per_s);
}

static void count(struct listener_totals_slot *s, const struct observation *o, const struct listener_verdict *v) {
        const struct obs_listener *l = observation_find_listener(o, &v->key);
        const struct evidence *e = &v->verdict.evidence;
        double elapsed_s = (double) o->elapsed_us / 1e6;

        /* A slot that goes to another listener begins at zero. */
        if (!listener_key_equal(&s->key, &v->key))
                *s = (struct listener_totals_slot) { .key = v->key, .reached_per_s = NAN };
        if (l && (l->known & OBS_L_HALF_OPEN))
                s->reached_per_s = reached_per_s(o, l);
        s->total.syns += l && (l->known & OBS_L_SYNS) ? (double) l->syns : or_zero(e->syn_per_s) * elapsed_s;
        s->total.unanswered += unanswered_per_s(s, e) * elapsed_s;
        s->total.refused += or_zero(e->queue_drops_per_s) * elapsed_s;
}

/* What a listener completed of the host's count: its part of what the verdicts say of all. */
static double completed(const struct observation *o, const struct evidence *e, double all_per_s) {
        double own_per_s = or_zero(e->completed_per_s);

        if (!observation_knows(o, OBS_PASSIVE_OPENS))
                return own_per_s * (double) o->elapsed_us / 1e6;
        return all_per_s > 0 ? own_per_s / all_per_s * (double) o->counters[OBS_PASSIVE_OPENS] : 0;
}

void listener_totals_count(struct listener_totals *t, const struct observation *o, const struct verdicts *v) {
        double all_per_s = 0;

        for (uint32_t i = 0; i < v->listeners_count; i++)
                all_per_s += or_zero(v->listeners[i].verdict.evidence.completed_per_s);
        for (uint32_t i = 0; i < v->listeners_count; i++) {
                const struct listener_verdict *l = &v->listeners[i];
                struct listener_totals_slot *s = &t->slots[l->slot];

                count(s, o, l);
                s->total.completed += completed(o, &l->verdict.evidence, all_per_s);
        }
}

const struct listener_total *listener_totals_get(const struct listener_totals *t, uint32_t slot) {
        return &t->slots[slot].total;
}
