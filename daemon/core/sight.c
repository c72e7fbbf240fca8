/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sight.h"

#include <math.h>

#include "core/retries.h"
#include "core/share.h"

/* A listener that is not in the list any more is forgotten after this, when its last entries are gone. */
#define FORGET_US HALF_OPEN_LIFE_US
/* A queue at its limit falls below it from moment to moment, and fills again. */
#define FULL_US RETRY_FIRST_US
/* What is said to be unfinished evens out over this; at a flood's beginning it has not the time. */
#define FIGURES_TAU_S 1.0

static struct survival survival_unknown(void) {
        return (struct survival) { NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0, 0, 0, 0, 0 };
}

void sight_begin(struct subject *s) {
        *s = (struct subject) {
                .survival = survival_unknown(),
                .syns = rate_unknown(),
                .begun = rate_unknown(),
                .begun_lately = rate_unknown(),
                .syns_at_most = rate_unknown(),
                .begun_at_most = rate_unknown(),
                .finished = rate_unknown(),
                .ended = rate_unknown(),
                .drops = rate_unknown(),
                .late = rate_unknown(),
                .usual_early = rate_unknown(),
                .half_open = NAN,
                .verdict = { .evidence = evidence_unknown() },
        };
}

static struct subject *find_subject(struct detector *d, const struct listener_key *key, uint32_t hint) {
        /* The kernel lists them in the same order from tick to tick. */
        if (d->listeners[hint].in_use && listener_key_equal(&d->listeners[hint].key, key))
                return &d->listeners[hint];
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++)
                if (d->listeners[i].in_use && listener_key_equal(&d->listeners[i].key, key))
                        return &d->listeners[i];
        return NULL;
}

/* A vacant one, or that of the listener that has not been listed for longest: there are as many as can
 * be listed, and those that are have been found before. */
static struct subject *new_subject(struct detector *d, const struct listener_key *key, uint64_t now_us) {
        struct subject *oldest = NULL;

        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++) {
                struct subject *s = &d->listeners[i];

                if (!s->in_use) {
                        oldest = s;
                        break;
                }
                if (s->seen_us < now_us && (!oldest || s->seen_us < oldest->seen_us))
                        oldest = s;
        }
        if (!oldest)
                return NULL;
        sight_begin(oldest);
        oldest->in_use = true;
        oldest->key = *key;
        oldest->seen_us = now_us;
        return oldest;
}

void sight_forget_closed(struct detector *d, uint64_t now_us) {
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++)
                if (d->listeners[i].in_use && now_us - d->listeners[i].seen_us > FORGET_US)
                        d->listeners[i].in_use = false;
}

static void count_log(struct subject *s, const struct obs_listener *l, double tick_s) {
        double begun;

        if (!(l->known & OBS_L_SYNS)) {
                s->syns = s->begun = s->begun_lately = s->syns_at_most = s->begun_at_most = rate_unknown();
                return;
        }
        begun = (double) (l->syns - (l->syns_again < l->syns ? l->syns_again : l->syns));
        rate_count(&s->syns, (double) l->syns, tick_s, HOST_TRACK_FAST_TAU_S);
        rate_count(&s->begun, begun, tick_s, HOST_TRACK_FAST_TAU_S);
        rate_peak(&s->begun_at_most, begun / tick_s, tick_s, HOST_TRACK_LATELY_TAU_S);
        rate_peak(&s->begun_lately, s->begun.per_s, tick_s, HOST_TRACK_LATELY_TAU_S);
        rate_peak(&s->syns_at_most, (double) l->syns / tick_s, tick_s, HOST_TRACK_LATELY_TAU_S);
}

/* What a walk said holds until the next one is due, and half as long. */
static uint64_t look_stale_us(const struct detector *d) {
        return d->settings->poll.interval_us * 3 / 2;
}

static void subject_update(const struct detector *d, struct subject *s, const struct obs_listener *l, uint64_t age_us,
                           const struct observation *o) {
        s->seen_us = o->time_us;
        if ((l->known & OBS_L_LIMITS) && l->accept_queue > 0)
                s->accept_busy_us = o->time_us;
        if (o->elapsed_us) {
                count_log(s, l, elapsed_s(o));
                if (l->known & OBS_L_ENDED)
                        rate_count(&s->ended, (double) l->ended, elapsed_s(o), HOST_TRACK_SLOW_TAU_S);
                if (l->known & OBS_L_DROPS)
                        rate_count(&s->drops, (double) l->drops, elapsed_s(o), HOST_TRACK_FAST_TAU_S);
        }
        if (l->known & OBS_L_HALF_OPEN) {
                s->survival = survival_step(&s->memory, l, age_us, o->time_us);
                rate_mix(&s->late, s->survival.late_steady_per_s, fmin((double) (o->time_us - s->walked_us) / 1e6, 1),
                         FIGURES_TAU_S);
                s->walked_us = o->time_us;
                s->half_open = l->half_open;
                if (l->known & OBS_L_LIMITS && l->half_open > l->backlog)
                        s->full_us = o->time_us;
                s->later_share = later_share(&s->later, l, o->time_us);
                /* In a full queue the young are as many as find a place. */
                if (s->full_us && o->time_us - s->full_us < obs_age_bin_start_us(OBS_AGE_7S))
                        s->later_share = 0;
        } else if (o->time_us - s->walked_us > look_stale_us(d) && s->half_open <= 0)
                s->survival = survival_unknown();
}

/* Every listener of the observation with its memory. */
void sight_see(struct detector *d, const struct observation *o) {
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct obs_listener *l = &o->listeners[i];

                d->sights[i] = (struct sight) {
                        .subject = find_subject(d, &l->key, i),
                        .obs = l,
                        .detect = settings_detect_for(d->settings, &l->key.address, l->key.port),
                };
                if (d->sights[i].subject)
                        d->sights[i].subject->seen_us = o->time_us;
        }
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                struct sight *at = &d->sights[i];

                if (!at->subject)
                        at->subject = new_subject(d, &at->obs->key, o->time_us);
                if (at->subject)
                        subject_update(d, at->subject, at->obs, far_age_us(&d->far, at->detect->survival_age_us), o);
        }
}

void sight_attribute(struct detector *d, const struct observation *o) {
        const struct host_figures host = { .refused_per_s = d->track.queue_drops.per_s,
                                           .in_vain_per_s = d->track.cookies_in_vain.per_s,
                                           .sent_per_s = d->track.cookies_sent.per_s,
                                           .received_at_most_per_s = d->track.cookies_received_at_most.per_s,
                                           .syncookies = d->track.syncookies };
        struct claim claims[OBS_LISTENERS_MAX];
        struct share_of_host shares[OBS_LISTENERS_MAX];

        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct subject *s = d->sights[i].subject;

                claims[i] = (struct claim) { .begun_per_s = NAN,
                                             .begun_lately_per_s = NAN,
                                             .ended_per_s = NAN,
                                             .late_per_s = NAN,
                                             .dropped_per_s = NAN };
                if (s)
                        claims[i] = (struct claim) {
                                .begun_per_s = s->begun.per_s,
                                .begun_lately_per_s = s->begun_lately.per_s,
                                .ended_per_s = s->ended.per_s,
                                .late_per_s = s->survival.late_per_s,
                                .dropped_per_s = s->drops.per_s,
                                .full = s->full_us && o->time_us - s->full_us < FULL_US,
                                .accept_full = d->sights[i].obs->accept_full > 0,
                        };
        }
        attribution(claims, o->listeners_count, &host, shares);
        for (uint32_t i = 0; i < o->listeners_count; i++)
                d->sights[i].share = shares[i];
}

/* Takes out the entries that recent overflows of the accept queue explain: a
 * client's ACK was dropped, and its entry waits for the next one. */
static void discount_overflows(struct look *l, double credit) {
        double rest;

        if (!(credit > 0) || !(l->held > 0))
                return;
        rest = credit < l->held ? 1 - credit / l->held : 0;
        l->overflowed_per_s = or_zero(l->late_per_s) * (1 - rest);
        l->early_per_s *= rest;
        l->late_per_s *= rest;
        l->late_steady_per_s *= rest;
        l->aged_per_s *= rest;
        l->stale_per_s *= rest;
        l->held *= rest;
        l->stuck = fmax(0, l->stuck - credit);
}

static struct look look_blank(const struct detector *d) {
        bool usual = d->track.learned_us >= OUTAGE_LEARNED_US;

        return (struct look) {
                .early_per_s = NAN,
                .late_per_s = NAN,
                .late_steady_per_s = NAN,
                .aged_per_s = NAN,
                .stale_per_s = NAN,
                .cookies_early_per_s = NAN,
                .cookies_unanswered_per_s = NAN,
                .cookies_in_vain_per_s = NAN,
                .cookies_stale_per_s = NAN,
                .usual_early_per_s = NAN,
                .usual_killed_per_s = NAN,
                .usual_arrivals_per_s = usual ? d->track.usual_arrivals.per_s : NAN,
                .begun_per_s = NAN,
                .usual_completed_per_s = usual ? d->track.usual_completed.per_s : NAN,
                .completed_per_s = d->track.completed_lately.per_s,
                .refused_per_s = NAN,
                .killed_per_s = NAN,
                .cookies_sent_per_s = NAN,
                .held = NAN,
                .stuck = NAN,
                .half_open = NAN,
                .backlog = NAN,
                .seen_once_share = d->sources && (d->sources->known & OBS_SS_SEEN_ONCE) ? d->sources->seen_once_share
                                                                                        : NAN,
                .half_open_life_s = d->track.half_open_life_s,
                .syncookies = d->track.syncookies,
        };
}

/* An RST to a cookie leaves no trace in the kernel; who answers so may be seen in the log. */
static double reset_bound_per_s(const struct detector *d) {
        return d->sources && (d->sources->known & OBS_SS_DISOWNED) ? FLOOD_RULES_REFLECTED_PER_S
                                                                   : FLOOD_RULES_BOUNCING_PER_S;
}

/* Cookies in share of the host's, unanswered after the age at which handshakes are late. */
static void look_add_cookies(struct look *l, const struct detector *d, double share, uint64_t age_us) {
        const struct host_track *t = &d->track;
        struct cookies_in_vain v = host_track_cookies(t, age_us);
        /* A full accept queue drops the ACK with the cookie in it. */
        double lost = or_zero(t->overflowed_lately.per_s);

        if (t->syncookies == 2 && d->maybe_reset.per_s < reset_bound_per_s(d)) {
                l->maybe_reset_per_s = share * fmin(d->maybe_reset.per_s, or_zero(v.unanswered_per_s));
                lost += d->maybe_reset.per_s;
        }
        l->cookies_sent_per_s = share * t->cookies_sent.per_s;
        l->cookies_again_per_s = share * or_zero(t->cookies_again.per_s);
        l->cookies_lost_share = 1 - t->cookies_received_slowly.per_s / t->cookies_sent_slowly.per_s;
        if (isnan(v.unanswered_per_s))
                return;
        l->cookies_unanswered_per_s = share * fmax(0, v.unanswered_per_s - lost);
        l->cookies_stale_per_s = share * fmax(0, v.stale_per_s - lost);
        l->cookies_in_vain_per_s = share * fmax(0, or_zero(t->cookies_in_vain.per_s) - lost);
        l->cookies_early_per_s = isnan(v.early_per_s) ? NAN : share * fmax(0, v.early_per_s - lost);
}

static void look_add_ages(struct look *l, const struct subject *s) {
        l->early_per_s = s->survival.early_per_s;
        l->usual_early_per_s = s->usual_early.per_s;
        l->late_per_s = s->survival.late_per_s;
        l->late_steady_per_s = s->survival.late_steady_per_s;
        l->aged_per_s = s->survival.aged_per_s;
        l->stale_per_s = s->survival.stale_per_s;
        l->later_share = s->later_share;
        l->repeated_per_s = s->survival.repeated_per_s;
        l->held = s->survival.held;
        l->stuck = s->survival.stuck;
        l->came_again = s->survival.came_again;
        l->half_open = s->half_open;
}

/* Handshakes that are open longer than detect.survival_age, but no longer than clients may be here. */
static double far_per_s(const struct obs_listener *l, uint64_t from_us, uint64_t until_us) {
        unsigned first = obs_age_bin(from_us), end = obs_age_bin(until_us);
        double n = 0;

        for (unsigned i = first; i < end; i++)
                n += l->age[i];
        return end > first ? n / ((double) (until_us - from_us) / 1e6) : 0;
}

/* No more finish here than SYNs came lately, or began: other listeners' clients do not make this one's flood smaller.
 * On a full path who finishes now began seconds ago, and has come again since. */
static double finished_of(const struct detector *d, const struct sight *at) {
        const struct subject *s = at->subject;
        double all = d->track.completed_lately.per_s;

        if (isnan(s->begun_lately.per_s))
                return all;
        if (isnan(all))
                return fmax(0, s->begun_lately.per_s - or_zero(s->survival.late_per_s)); /* at most */
        return fmin(at->share.finished * all, fmax(s->begun_lately.per_s, s->syns.per_s));
}

static void look_add_refusals(struct look *l, const struct detector *d, const struct sight *at) {
        if (at->share.refused > 0)
                l->refused_per_s = at->share.refused * d->track.queue_drops.per_s;
        /* The listener's own count, should the host's be unreadable. */
        if (at->share.refused > 0 && isnan(l->refused_per_s) && d->track.syncookies == 0 && at->obs->accept_full == 0)
                l->refused_per_s = at->subject->drops.per_s;
}

/* Whether few addresses have most of what this listener's queue lost by RST. */
static bool few_reset(struct detector *d, const struct observation *o, uint32_t index) {
        bool only[OBS_LISTENERS_MAX] = { false };

        only[index] = true;
        culprits_find(o, only, false, &d->culprits);
        return culprits_few_share(&d->culprits, true, d->culprits.unfinished_per_s) >= MOST;
}

static void look_at_listener(struct detector *d, const struct observation *o, uint32_t index) {
        struct sight *at = &d->sights[index];
        const struct subject *s = at->subject;
        uint64_t age_us = far_age_us(&d->far, at->detect->survival_age_us);
        struct look *l = &at->look;

        *l = look_blank(d);
        look_add_ages(l, s);
        if (at->obs->known & OBS_L_LIMITS)
                l->backlog = at->obs->backlog;
        if (at->obs->known & OBS_L_HALF_OPEN)
                l->far_per_s = far_per_s(at->obs, at->detect->survival_age_us, age_us);
        l->killed_per_s = at->share.reset * d->track.embryonic_rsts.per_s;
        l->usual_killed_per_s = d->usual_killed.per_s;
        l->few_reset = l->killed_per_s >= 1 && few_reset(d, o, index);
        if (at->share.cookies > 0)
                look_add_cookies(l, d, at->share.cookies, age_us);
        look_add_refusals(l, d, at);
        /* For as long overflows may be its own. */
        if (s->accept_busy_us && o->time_us - s->accept_busy_us < HOST_TRACK_OVERFLOW_US)
                discount_overflows(l, d->track.overflow_credit);
        l->completed_per_s = finished_of(d, at);
        if (!isnan(s->syns.per_s))
                l->again_per_s = fmax(0, s->syns.per_s - s->begun.per_s);
        at->looked = (at->obs->known & OBS_L_HALF_OPEN) || l->refused_per_s >= 1 || l->cookies_unanswered_per_s >= 1 ||
                     l->killed_per_s >= 1 || o->time_us - s->looked_us >= look_stale_us(d);
}

/* Without walks: SYNs that came in and neither finished nor found a closed port;
 * or else SYN-ACKs sent again, as often as tcp_synack_retries has it. */
struct look sight_look_at_host(const struct detector *d, bool blind, double cookies_told) {
        const struct host_track *t = &d->track;
        struct look l = look_blank(d);

        /* What no listener answers for. */
        if (blind || cookies_told < 1)
                look_add_cookies(&l, d, blind ? 1 : 1 - cookies_told,
                                 far_age_us(&d->far, d->settings->detect.survival_age_us));
        if (blind)
                l.refused_per_s = t->queue_drops.per_s;
        if (!blind)
                return l;
        if (!isnan(t->syns.per_s))
                l.late_per_s = fmax(0, t->syns.per_s - fmax(or_zero(t->completed.per_s), d->allowed_per_s) -
                                               or_zero(t->rsts_sent.per_s) - or_zero(t->cookies_sent.per_s));
        else
                l.late_per_s = t->synack_retries > 0 ? t->syn_retrans.per_s / t->synack_retries : NAN;
        l.late_per_s = fmax(or_zero(l.late_per_s), or_zero(t->queue_drops.per_s));
        l.late_steady_per_s = l.aged_per_s = l.stale_per_s = l.late_per_s;
        return l;
}

double sight_unanswered_per_s(const struct look *l) {
        if (isnan(l->late_per_s) && isnan(l->cookies_unanswered_per_s))
                return NAN;
        return fmax(or_zero(l->late_per_s), or_zero(l->aged_per_s)) + or_zero(l->cookies_unanswered_per_s) +
               or_zero(l->killed_per_s);
}

/* Looks at every listener; returns the share of the cookies that they answer for. */
double sight_look_at_listeners(struct detector *d, const struct observation *o) {
        double cookies_told = 0;

        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (d->sights[i].subject) {
                        look_at_listener(d, o, i);
                        cookies_told += d->sights[i].share.cookies;
                }
        return cookies_told;
}
