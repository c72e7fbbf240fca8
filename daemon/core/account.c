/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/account.h"

#include <math.h>

#include "core/explanations.h"
#include "core/share.h"
#include "core/sight.h"

/* A scan: most SYNs go to ports without a listener, and to many of them. */
#define SCAN_PORTS 20
/* Fewer overflows than this, of what finishes, are no stall. */
#define OVERFLOWING_SHARE 0.05
/* A flood is new for so long: what grows old in it has not had the time. */
#define BEGINNING_US UINT64_C(1500000)

static double share_of(double unanswered_per_s, double refused_per_s, double completed_per_s) {
        return flood_rules_share(or_zero(unanswered_per_s) + or_zero(refused_per_s), completed_per_s);
}

/* Most of what is unfinished began unseen by the log: what it is does not go through it. */
static bool log_is_blind(const struct settings_detect *s, double unfinished_per_s, double seen_per_s) {
        return MOST * (unfinished_per_s - s->unanswered_per_s) > seen_per_s;
}

/* What is said to be unfinished began: ages and cookies speak of moments apart, and where both do
 * their sum would count some twice. seen_per_s: NAN or too little where the log does not see it. */
static double at_most_seen(const struct settings_detect *detect, double unanswered_per_s, double seen_per_s,
                           double completed_per_s) {
        double left = fmax(0, seen_per_s - or_zero(completed_per_s));

        if (isnan(unanswered_per_s) || isnan(seen_per_s) || log_is_blind(detect, unanswered_per_s, seen_per_s))
                return unanswered_per_s;
        return fmin(unanswered_per_s, left);
}

/* The same SYN again begins nothing, but where the queue is full each is answered by a cookie. */
static double at_most_begun(const struct settings_detect *detect, double unanswered_per_s, const struct subject *s,
                            double completed_per_s) {
        double begun = s->begun_lately.per_s;

        return at_most_seen(detect, unanswered_per_s,
                            log_is_blind(detect, unanswered_per_s, begun) ? s->syns_at_most.per_s : begun,
                            completed_per_s);
}

/* While a flood goes on, what was sent less what came back: no delay that may explain some has to be
 * looked for any more, and the least of several is too little. */
static double cookies_left_per_s(const struct detector *d, const struct sight *at) {
        double left = d->track.cookies_sent.per_s - d->track.cookies_received.per_s;

        if (!at->subject->flood_us || isnan(left))
                return or_zero(at->look.cookies_in_vain_per_s);
        return fmax(or_zero(at->look.cookies_in_vain_per_s),
                    at->share.cookies * fmax(0, left - at->look.maybe_reset_per_s));
}

struct evidence account_of_listener(const struct detector *d, const struct sight *at) {
        const struct look *l = &at->look;
        const struct subject *s = at->subject;
        struct evidence e = evidence_unknown();

        e.half_open = l->half_open;
        e.half_open_aged = l->stuck;
        e.backlog = l->backlog;
        e.fill = l->backlog > 0 ? l->half_open / l->backlog : NAN;
        if (at->obs->known & OBS_L_LIMITS)
                e.accept_queue = at->obs->accept_queue;
        e.completed_per_s = isnan(d->track.completed.per_s) ? NAN : fmin(l->completed_per_s, d->track.completed.per_s);
        e.unanswered_per_s = sight_unanswered_per_s(l);
        if (!isnan(e.unanswered_per_s))
                e.unanswered_per_s = or_zero(s->late.per_s) + cookies_left_per_s(d, at) + or_zero(l->killed_per_s);
        /* What an overwhelming flood is told by has not had the time to be late. */
        if (s->flood_us && s->looked_us - s->flood_us < BEGINNING_US) {
                e.unanswered_per_s = fmax(fmax(e.unanswered_per_s, sight_unanswered_per_s(l)),
                                          or_zero(l->early_per_s) + or_zero(l->cookies_early_per_s));
                /* What is refused now began later than what is late now: one of both at a time. */
                e.unanswered_per_s = at_most_begun(at->detect, e.unanswered_per_s, s,
                                                   or_zero(e.completed_per_s) + or_zero(l->refused_per_s));
        }
        e.unanswered_per_s = at_most_begun(at->detect, e.unanswered_per_s, s, e.completed_per_s);
        e.unanswered_share = share_of(e.unanswered_per_s, l->refused_per_s, e.completed_per_s);
        e.cookies_sent_per_s = l->cookies_sent_per_s;
        e.queue_drops_per_s = l->refused_per_s;
        e.embryonic_rsts_per_s = l->killed_per_s;
        e.seen_once_share = at->obs->known & OBS_L_SENDERS && at->obs->senders.begun > 0
                                    ? (double) at->obs->senders.once / (double) at->obs->senders.begun
                                    : l->seen_once_share;
        e.strength = s->verdict.strength;
        e.pattern = s->pattern;
        for (unsigned i = 0; i < EXPLANATIONS; i++)
                e.explained_per_s[i] = explanation_per_s((enum explanation) i, l, at->detect);
        return e;
}

/* Closed ports that are tried, many of them, by SYNs that came in: RSTs that answer something else, or
 * that this host sends of its own accord, are none. */
static double refused_ports_per_s(const struct detector *d) {
        if (isnan(d->track.syns.per_s))
                return d->track.rsts_sent.per_s;
        if (!d->sources || !(d->sources->known & OBS_SS_STRAY))
                return 0; /* no SYN came */
        return d->sources->stray_ports >= SCAN_PORTS ? d->sources->stray_share * d->track.syns.per_s : 0;
}

struct circumstances account_circumstances(const struct detector *d, const struct observation *o, const struct look *l,
                                           const struct survival *survival) {
        const struct host_track *t = &d->track;

        return (struct circumstances) {
                .usual_completed_per_s = t->usual_completed.per_s,
                .alive = survival->alive,
                .stuck = survival->stuck,
                .late_per_s = or_zero(sight_unanswered_per_s(l)),
                .late_share = flood_rules_share(or_zero(sight_unanswered_per_s(l)) + or_zero(l->refused_per_s),
                                                l->completed_per_s),
                .aged_share = survival->late_per_s > 0 ? survival->aged_per_s / survival->late_per_s : NAN,
                .embryonic_rsts_per_s = t->embryonic_rsts.per_s,
                .overflowing = t->overflow_credit >= 1 && t->overflows.per_s >= 1 &&
                               t->overflows.per_s >= OVERFLOWING_SHARE * or_zero(t->completed.per_s),
                .outage = l->outage,
                .allowed_per_s = d->allowed_per_s,
                .scanning = (o->known & OBS_K_SOURCES) && (o->sources.known & OBS_SS_STRAY) &&
                            o->sources.stray_share >= MOST && o->sources.stray_ports >= SCAN_PORTS,
                .refused_ports_per_s = refused_ports_per_s(d),
        };
}

static void account_of_impact(const struct detector *d, const struct observation *o, struct evidence *e) {
        struct impact_tally probe = impact_probe_lately(&d->impact);

        e->known_finished_share = impact_known_finished(&d->impact, o->time_us);
        if (!(o->known & OBS_K_PROBE))
                return;
        e->probe_connected_share = impact_tally_connected(&probe);
        if (probe.slowest_us > 0)
                e->probe_slowest_ms = (double) probe.slowest_us / 1e3;
}

/* The host's own figures: sums, and what only the host counts. */
struct evidence account_of_host(const struct detector *d, const struct observation *o, const struct verdicts *v) {
        const struct host_track *t = &d->track;
        struct evidence e = evidence_unknown();

        account_of_impact(d, o, &e);
        e.half_open = d->host.half_open;
        e.half_open_aged = d->host.survival.stuck;
        e.completed_per_s = t->completed.per_s;
        e.cookies_sent_per_s = t->cookies_sent.per_s;
        e.cookies_received_per_s = t->cookies_received.per_s;
        e.queue_drops_per_s = t->queue_drops.per_s;
        e.accept_overflows_per_s = t->overflows.per_s;
        e.embryonic_rsts_per_s = t->embryonic_rsts.per_s;
        e.dropped_before_per_s = t->dropped_before.per_s;
        e.forwarded_per_s = t->forwarded.per_s;
        if (d->sources && (d->sources->known & OBS_SS_STRAY)) {
                e.stray_share = d->sources->stray_share;
                e.stray_ports = d->sources->stray_ports;
        }
        e.unanswered_per_s = at_most_seen(&d->settings->detect, d->unanswered_per_s, t->syns_at_most.per_s,
                                          t->completed.per_s);
        e.unanswered_share = share_of(e.unanswered_per_s, t->queue_drops.per_s, t->completed.per_s);
        if (!isnan(t->syns.per_s))
                e.syn_per_s = t->syns.per_s;
        else if (!isnan(t->completed.per_s))
                e.syn_per_s = host_track_arrivals(t, d->unanswered_per_s);
        for (uint32_t i = 0; i < v->listeners_count; i++) {
                const struct evidence *l = &v->listeners[i].verdict.evidence;

                if (!isnan(l->backlog))
                        e.backlog = or_zero(e.backlog) + l->backlog;
                if (!isnan(l->accept_queue))
                        e.accept_queue = or_zero(e.accept_queue) + l->accept_queue;
                e.fill = fmax(e.fill, l->fill); /* fmax ignores a NAN */
                if (!(l->strength <= e.strength)) {
                        e.strength = l->strength;
                        e.pattern = l->pattern;
                }
                for (unsigned k = 0; k < EXPLANATIONS; k++)
                        e.explained_per_s[k] += k == EXPLAINED_NOISE ? 0 : l->explained_per_s[k];
        }
        return e;
}

/* Of one listener, or of all that are flooded together. */
static enum diagnosis name_of(struct detector *d, const struct observation *o,
                              const bool flooded[static OBS_LISTENERS_MAX], struct culprits *culprits) {
        struct naming_facts f = { .culprits = culprits, .usual_addresses = 1 / d->usual_again.per_s };
        double unfinished = 0, refused = 0, reset = 0, seen = 0;

        bool checks = true;

        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct evidence *e;

                if (!flooded[i] || !d->sights[i].subject)
                        continue;
                e = &d->sights[i].subject->verdict.evidence;
                checks &= e->explained_per_s[EXPLAINED_CHECKS] > 0;
                unfinished += or_zero(e->unanswered_per_s);
                refused += or_zero(e->queue_drops_per_s);
                reset += or_zero(e->embryonic_rsts_per_s);
                f.finished_per_s += or_zero(d->sights[i].subject->finished.per_s);
                f.begun_at_most_per_s += or_zero(d->sights[i].subject->begun_at_most.per_s);
                seen += d->sights[i].subject->syns_at_most.per_s;
                if (o->listeners[i].known & OBS_L_SENDERS)
                        naming_add_senders(&f.strangers, &o->listeners[i].senders);
        }
        if (checks) {
                unfinished = fmax(0, unfinished - reset);
                reset = 0;
        }
        culprits_find(o, flooded, checks, culprits);
        /* Without them nobody is left whose flood it could be: it is theirs. */
        if (checks && culprits->unfinished_per_s < flood_rules_tolerable_per_s(&d->settings->detect, unfinished))
                culprits_find(o, flooded, false, culprits);
        f.reset_share = unfinished > 0 ? reset / unfinished : 0;
        f.log_is_blind = log_is_blind(&d->settings->detect, unfinished + refused, seen);
        return naming_of_flood(&f);
}

static void add_name(struct evidence *e, const struct culprits *c, enum diagnosis name) {
        const struct culprit *k = culprits_heaviest(c);

        e->top_share = 0;
        e->top.length = 0;
        /* Forged addresses are nobody's: to name the heaviest would accuse innocents. */
        if (name == DIAGNOSIS_FLOOD_SPOOFED || !k || !(c->unfinished_per_s > 0))
                return;
        e->top_share = fmin(1, k->unfinished_per_s / c->unfinished_per_s);
        e->top = k->prefix;
}

void account_name_listener(struct detector *d, const struct observation *o, uint32_t index) {
        struct subject *s = d->sights[index].subject;
        bool only[OBS_LISTENERS_MAX] = { false };
        enum diagnosis supported;

        only[index] = true;
        supported = name_of(d, o, only, &d->culprits);
        s->verdict.diagnosis = name_settle(&s->name, true, supported, o->time_us);
        add_name(&s->verdict.evidence, &d->culprits, s->verdict.diagnosis);
}

/* One name for all that is flooded. */
void account_name_host(struct detector *d, const struct observation *o, struct verdicts *ret) {
        bool flooded[OBS_LISTENERS_MAX] = { false }, any = false;
        enum diagnosis supported;

        ret->culprits.count = 0;
        ret->culprits.unfinished_per_s = 0;
        if (ret->host.finding != FINDING_FLOOD) {
                (void) name_settle(&d->host_name, false, DIAGNOSIS_UNKNOWN, o->time_us);
                return;
        }
        for (uint32_t i = 0; i < ret->listeners_count; i++)
                any |= flooded[ret->listeners[i].index] = ret->listeners[i].verdict.finding == FINDING_FLOOD;
        for (uint32_t i = 0; i < o->listeners_count && !any; i++)
                flooded[i] = true;
        supported = name_of(d, o, flooded, &ret->culprits);
        ret->host.diagnosis = name_settle(&d->host_name, true, supported, o->time_us);
        add_name(&ret->host.evidence, &ret->culprits, ret->host.diagnosis);
}
