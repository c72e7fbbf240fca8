/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/detector.h"

#include <stdlib.h>
#include <string.h>

#include "core/account.h"
#include "core/allowed.h"
#include "core/detector_state.h"
#include "core/diagnose.h"
#include "core/retries.h"
#include "core/share.h"
#include "core/sight.h"
#include "core/source_table.h"

/* Without a walk for this long, sock_diag counts as gone: what it saw is not lately any more. */
#define WALK_STALE_US RETRY_FOURTH_US

/* What a flood left is gone by then. */
#define CALM_AGAIN_US HALF_OPEN_LIFE_US
/* A queue that is refusing is choked by so many seconds of stale entries; honest clients of one
 * that answers by cookie can wait for more evidence. Who is turned away comes again by then. */
#define PRESSED_US RETRY_SECOND_US

/* A storm of reconnects is over in seconds; its last clients send their SYNs again after 1, 3 and 7 s. */
#define CROWD_NEW_US (RETRY_SECOND_US + RETRY_FIRST_US)
#define CROWD_WAKE_US (RETRY_THIRD_US + RETRY_SECOND_US)

struct detector *detector_new(const struct settings *settings) {
        struct detector *d = calloc(1, sizeof *d);

        if (!d)
                return NULL;
        d->settings = settings;
        host_track_init(&d->track);
        sight_begin(&d->host);
        d->maybe_reset = rate_unknown();
        d->usual_killed = rate_unknown();
        d->usual_again = rate_unknown();
        return d;
}

struct detector *detector_free(struct detector *d) {
        free(d);
        return NULL;
}

void detector_configure(struct detector *d, const struct settings *settings) {
        d->settings = settings;
}

/* --- what a look makes of it ------------------------------------------------ */

/* The second best of the last looks, or this one's if it is overwhelming. */
static double strength_of(struct subject *s, const struct flood_strength *now) {
        double best = 0, second = 0;

        memmove(s->strengths + 1, s->strengths, (LOOKS_KEPT - 1) * sizeof *s->strengths);
        s->strengths[0] = flood_rules_best(now);
        for (unsigned i = 0; i < LOOKS_KEPT; i++) {
                second = fmax(second, fmin(best, s->strengths[i]));
                best = fmax(best, s->strengths[i]);
        }
        return fmax(second, now->overwhelming);
}

/* How long the queue has been full of stale entries while SYNs are turned away; forgotten as fast. */
static void choke(struct subject *s, struct look *l, const struct settings_detect *detect, double since_s,
                  uint64_t now_us) {
        /* By cookie the honest are served: only where most of those are in vain. */
        if (l->refused_per_s >= 1 || (l->syncookies == 1 && l->cookies_sent_per_s >= 1 && l->cookies_lost_share > MOST))
                s->pressed_us = now_us;
        if (l->aged_per_s > 0 || l->stale_per_s > 0)
                s->aging_us = now_us;
        if (s->pressed_us && now_us - s->pressed_us < PRESSED_US && s->aging_us && now_us - s->aging_us < PRESSED_US &&
            flood_rules_is_stale(l, detect))
                s->choked_s = fmin(s->choked_s + since_s, flood_rules_choked_s(l) + (double) PRESSED_US / 1e6);
        else
                s->choked_s = fmax(0, s->choked_s - since_s);
        l->choked_s = s->choked_s;
}

/* Gathers and concludes from one look. */
static void conclude(struct subject *s, struct look *l, const struct settings_detect *detect, uint64_t now_us) {
        double since_s = s->looked_us ? (double) (now_us - s->looked_us) / 1e6 : 0;
        struct flood_strength strength;

        choke(s, l, detect, since_s, now_us);
        /* A look sees half a second's worth of aged entries: after a late tick it must
         * not stand for all the time since. */
        s->gathered = flood_rules_gather(s->gathered, l, fmin(since_s, 1), detect);
        s->looked_us = now_us;
        l->gathered = s->gathered;

        strength = flood_rules_match(l, detect);
        s->verdict.strength = strength_of(s, &strength);
        /* What made it a flood stays what it was told by, in a look that fits nothing. */
        if (flood_rules_best(&strength) >= 1 || s->verdict.strength < 1)
                s->pattern = flood_rules_strongest(&strength);
        if (s->verdict.strength < 1)
                s->flood_us = 0;
        else if (!s->flood_us)
                s->flood_us = now_us;
        if (s->verdict.strength >= 1)
                s->verdict.finding = FINDING_FLOOD;
        else if (s->strengths[0] >= 1 || flood_rules_suspect(l, detect))
                s->verdict.finding = FINDING_SUSPECT;
        else
                s->verdict.finding = FINDING_NONE;
        s->verdict.pressure = flood_rules_pressure(l, detect);
}

static double arrivals_of(const struct host_track *t, const struct look *l) {
        if (isnan(t->completed.per_s))
                return NAN;
        return t->completed.per_s + or_zero(sight_unanswered_per_s(l)) + or_zero(l->refused_per_s);
}

/* Whoever sends most in a flood, or just after one, is easily taken for who made it. */
static bool is_calm(const struct detector *d, const struct observation *o, enum finding finding) {
        return finding == FINDING_NONE &&
               (!d->host_name.flood_us || o->time_us - d->host_name.flood_us >= CALM_AGAIN_US);
}

/* As the source table weighs. */
static double sources_tau_s(void) {
        return (double) SOURCE_TABLE_HALVING_US / 1e6 / M_LN2;
}

/* --- the step ---------------------------------------------------------------- */

static void step_listener(struct detector *d, const struct observation *o, uint32_t index, struct verdicts *ret) {
        struct sight *at = &d->sights[index];
        struct subject *s = at->subject;
        struct circumstances c;

        if (at->looked)
                conclude(s, &at->look, at->detect, o->time_us);
        if (!isnan(at->look.completed_per_s) && o->elapsed_us)
                rate_mix(&s->finished,
                         fmin(at->share.finished * or_zero(d->track.completed.per_s), at->look.completed_per_s),
                         elapsed_s(o), sources_tau_s());
        s->verdict.evidence = account_of_listener(d, at);
        s->verdict.evidence.syn_per_s = !isnan(s->syns.per_s)     ? s->syns.per_s
                                        : o->listeners_count == 1 ? arrivals_of(&d->track, &at->look)
                                                                  : NAN;
        evidence_add_sources(&s->verdict.evidence, d->sources, is_calm(d, o, s->verdict.finding));
        c = account_circumstances(d, o, &at->look, &s->survival);
        c.accept_full = at->obs->accept_full > 0;
        c.overflowing &= s->accept_busy_us == o->time_us;
        if (s->verdict.finding == FINDING_FLOOD)
                account_name_listener(d, o, index);
        else {
                s->verdict.diagnosis = diagnose(s->verdict.finding, &s->verdict.evidence, &c);
                (void) name_settle(&s->name, false, DIAGNOSIS_UNKNOWN, o->time_us);
        }

        d->unanswered_per_s += or_zero(s->verdict.evidence.unanswered_per_s);
        ret->listeners[ret->listeners_count++] = (struct listener_verdict) {
                .key = s->key,
                .slot = (uint32_t) (s - d->listeners),
                .index = index,
                .verdict = s->verdict,
        };
}

/* Among equal findings what asks for attention comes first. */
static int attention(enum diagnosis d) {
        switch (d) {
        case DIAGNOSIS_UNKNOWN:
                return 0;
        case DIAGNOSIS_QUIET:
                return 1;
        case DIAGNOSIS_BUSY:
                return 2;
        case DIAGNOSIS_FLASH_CROWD:
                return 3;
        case DIAGNOSIS_PORT_SCAN:
                return 4;
        case DIAGNOSIS_LOSSY_CLIENTS:
                return 5;
        case DIAGNOSIS_ACCEPT_STALL:
                return 6;
        case DIAGNOSIS_FLOOD_SPOOFED:
        case DIAGNOSIS_FLOOD_DISTRIBUTED:
        case DIAGNOSIS_FLOOD_CONCENTRATED:
        case DIAGNOSIS_FLOOD_REFLECTED:
        case DIAGNOSES:
                return 7;
        }
        return 0;
}

static bool is_worse(const struct verdict *a, const struct verdict *b) {
        if (a->finding != b->finding)
                return a->finding > b->finding;
        if (attention(a->diagnosis) != attention(b->diagnosis))
                return attention(a->diagnosis) > attention(b->diagnosis);
        return a->finding == FINDING_FLOOD &&
               or_zero(a->evidence.unanswered_per_s) + or_zero(a->evidence.queue_drops_per_s) >
                       or_zero(b->evidence.unanswered_per_s) + or_zero(b->evidence.queue_drops_per_s);
}

static void take_worst(struct verdicts *v) {
        struct verdict worst = v->host;

        for (uint32_t i = 0; i < v->listeners_count; i++) {
                const struct verdict *l = &v->listeners[i].verdict;

                v->host.pressure |= l->pressure;
                v->host.strength = fmax(v->host.strength, l->strength);
                /* The host's own figures are sums: any listener that is as bad says more. */
                if (!is_worse(l, &worst) &&
                    (v->has_worst || l->finding != FINDING_FLOOD || worst.finding != FINDING_FLOOD))
                        continue;
                worst = *l;
                v->has_worst = true;
                v->worst = v->listeners[i].key;
        }
        v->host.finding = worst.finding;
        v->host.diagnosis = worst.diagnosis;
}

/* With tcp_syncookies=2 there are no half-opens, and without the counters neither cookies nor
 * completions: only the log is left. It knows a connection when that ends, so a crowd whose
 * connections last looks the same as a flood. */
static bool surges_unseen(const struct host_track *t) {
        return t->syncookies == 2 && isnan(t->completed.per_s) && isnan(t->cookies_sent.per_s) &&
               t->syns.per_s > host_track_crowd_per_s(t->usual_syns.per_s);
}

static void step_host(struct detector *d, const struct observation *o, struct look *l, struct verdicts *ret) {
        struct circumstances c;

        conclude(&d->host, l, &d->settings->detect, o->time_us);
        if (d->host.verdict.finding == FINDING_NONE && surges_unseen(&d->track))
                d->host.verdict.finding = FINDING_SUSPECT;

        ret->host = d->host.verdict;
        ret->host.evidence = account_of_host(d, o, ret);
        evidence_add_sources(&ret->host.evidence, d->sources, is_calm(d, o, d->host.verdict.finding));
        c = account_circumstances(d, o, l, &d->host.survival);
        if (ret->host.finding == FINDING_FLOOD)
                ret->host.diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        else
                ret->host.diagnosis = diagnose(ret->host.finding, &ret->host.evidence, &c);
        take_worst(ret);
        account_name_host(d, o, ret);
}

/* Whether a crowd has just begun, or has come and gone: on a path that it fills itself its handshakes take
 * seconds, and some are still under way when no more come. */
static bool crowd_is_new(struct detector *d, uint64_t now_us, bool crowd, double begun_per_s) {
        if (crowd) {
                if (!d->crowd_us || now_us - d->crowd_seen_us > CROWD_WAKE_US) {
                        d->crowd_us = now_us;
                        d->crowd_peak_per_s = 0;
                }
                d->crowd_seen_us = now_us;
        }
        if (!d->crowd_us || now_us - d->crowd_us > CROWD_WAKE_US)
                return false;
        d->crowd_peak_per_s = fmax(d->crowd_peak_per_s, or_zero(begun_per_s));
        return now_us - d->crowd_us < CROWD_NEW_US || begun_per_s < (1 - MOST) * d->crowd_peak_per_s;
}

static void follow_crowd(struct detector *d, const struct observation *o, struct look *host) {
        double begun = 0;

        for (uint32_t i = 0; i < o->listeners_count; i++)
                begun += d->sights[i].subject ? d->sights[i].subject->begun.per_s : 0;
        host->begun_per_s = o->listeners_count > 0 ? begun : NAN;
        host->crowd_is_new = crowd_is_new(d, o->time_us, flood_rules_is_crowd(host), begun);
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                d->sights[i].look.begun_per_s = host->begun_per_s;
                d->sights[i].look.crowd_is_new = host->crowd_is_new;
        }
}

/* One way back for the whole host: whether it is lost shows in all listeners together. */
static void follow_outage(struct detector *d, const struct observation *o, struct look *host) {
        struct outage_clients clients = { .begun_per_s = 0 };
        struct look all = *host;
        bool outage;

        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct look *l = &d->sights[i].look;

                if (!d->sights[i].subject)
                        continue;
                all.late_steady_per_s = or_zero(all.late_steady_per_s) + or_zero(l->late_steady_per_s);
                all.cookies_unanswered_per_s = or_zero(all.cookies_unanswered_per_s) +
                                               or_zero(l->cookies_unanswered_per_s);
                all.stuck = or_zero(all.stuck) + or_zero(l->stuck);
                clients.alive += d->sights[i].subject->survival.alive;
                /* Without a sample of whole addresses nobody knows which SYN is one sent again. */
                clients.begun_per_s += o->listeners[i].known & OBS_L_SENDERS ? d->sights[i].subject->begun.per_s : NAN;
                clients.again_per_s += or_zero(l->again_per_s);
        }
        /* Cookies that no listener answers for may be of any: so may who comes again. */
        host->again_per_s = clients.again_per_s;
        outage = outage_step(&d->outage, &d->track, &all, &clients, &d->settings->detect, o->time_us);
        host->outage = outage;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                d->sights[i].look.outage = outage;
}

static void set_sources(struct detector *d, const struct observation *o) {
        d->sources = (o->known & OBS_K_SOURCES) ? &o->sources : NULL;
        d->allowed_per_s = 0;
        if (!d->sources || d->settings->allow_count == 0)
                return;
        d->allowed_per_s = allowed_take_out(d->settings, d->sources, &d->not_allowed);
        d->sources = &d->not_allowed;
}

/* Where every SYN is answered by cookie an RST leaves no trace in the kernel: what few sources leave
 * unfinished may be a check that opens and resets, or a scanner. Of all SYNs they have a share
 * sooner than a rate. */
static void follow_few_sources(struct detector *d, const struct observation *o) {
        double share = d->sources ? few_sources_unfinished(d->sources) : NAN;

        if (isnan(share) || isnan(d->track.syns.per_s))
                d->maybe_reset = rate_unknown();
        else
                rate_peak(&d->maybe_reset, share * d->track.syns.per_s, elapsed_s(o), HOST_TRACK_SLOW_TAU_S);
}

/* How many of a listener's handshakes are about to be late when all is well. */
static void learn_early(struct detector *d, const struct observation *o) {
        for (uint32_t i = 0; i < o->listeners_count && (o->known & OBS_K_DUMP); i++) {
                struct subject *s = d->sights[i].subject;

                if (!s || isnan(s->survival.early_per_s))
                        continue;
                if (s->learned_us)
                        rate_mix(&s->usual_early, s->survival.early_per_s,
                                 fmin((double) (o->time_us - s->learned_us) / 1e6, 10),
                                 host_track_usual_tau_s(&d->track));
                s->learned_us = o->time_us;
        }
}

static void learn_addresses(struct detector *d, const struct observation *o) {
        struct obs_senders all = { .begun = 0 };
        double addresses;

        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (o->listeners[i].known & OBS_L_SENDERS)
                        naming_add_senders(&all, &o->listeners[i].senders);
        addresses = naming_addresses(&all);
        /* The mean of chances: one of addresses would be that of the samples in which nobody came again. */
        if (!isnan(addresses))
                rate_mix(&d->usual_again, 1 / addresses, elapsed_s(o), host_track_usual_tau_s(&d->track));
}

static void learn(struct detector *d, const struct observation *o) {
        learn_addresses(d, o);
        host_track_learn(&d->track, o, d->unanswered_per_s, d->settings->detect.warmup_us);
        learn_early(d, o);
        if (!isnan(d->track.embryonic_rsts.per_s))
                rate_mix(&d->usual_killed, d->track.embryonic_rsts.per_s, elapsed_s(o),
                         host_track_usual_tau_s(&d->track));
        far_learn(&d->far, o, or_zero(d->track.completed.per_s),
                  d->walked_us ? fmin((double) (o->time_us - d->walked_us) / 1e6, 1) : 0);
}

static bool is_blind(const struct detector *d, const struct observation *o) {
        return o->sensors[SENSOR_SOCK_DIAG] == SENSOR_OFF || o->sensors[SENSOR_SOCK_DIAG] == SENSOR_FAILED ||
               o->time_us - (d->walked_us ? d->walked_us : d->started_us) > WALK_STALE_US;
}

void detector_step(struct detector *d, const struct observation *o, struct verdicts *ret) {
        bool blind = is_blind(d, o);
        struct look host;

        if (d->started_us == 0)
                d->started_us = o->time_us;
        host_track_step(&d->track, o, far_age_us(&d->far, d->settings->detect.survival_age_us));
        impact_add(&d->impact, o);
        set_sources(d, o);
        follow_few_sources(d, o);
        if (o->known & OBS_K_DUMP) {
                d->host.half_open = o->half_open;
                d->host.survival.stuck = o->aged;
        }

        sight_see(d, o);
        sight_attribute(d, o);
        host = sight_look_at_host(d, blind, sight_look_at_listeners(d, o));
        follow_outage(d, o, &host);
        follow_crowd(d, o, &host);

        d->unanswered_per_s = or_zero(sight_unanswered_per_s(&host));
        ret->has_worst = false;
        ret->listeners_count = 0;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (d->sights[i].subject)
                        step_listener(d, o, i, ret);
        sight_forget_closed(d, o->time_us);
        step_host(d, o, &host, ret);
        outage_follow_flood(&d->outage, ret->host.finding == FINDING_FLOOD,
                            host_track_arrivals(&d->track, d->unanswered_per_s), o->time_us, elapsed_s(o));
        if (ret->host.finding == FINDING_NONE)
                learn(d, o);
        if (o->known & OBS_K_DUMP)
                d->walked_us = o->time_us;
}
