/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/detector.h"

#include <stdlib.h>
#include <string.h>

#include "core/allowed.h"
#include "core/diagnose.h"
#include "core/flood_rules.h"
#include "core/host_track.h"
#include "core/outage.h"
#include "core/survival.h"

#define RATE_TAU_S 0.7
/* A finding needs a pattern in two of so many looks, unless it is overwhelming. */
enum { LOOKS_KEPT = 3 };
/* How fast is learned how late the usual clients are, and how often seen. */
#define USUAL_TAU_S 60.0
/* Without a walk for this long, sock_diag counts as gone. */
#define WALK_STALE_US UINT64_C(15000000)
/* A listener that is not in the list any more is forgotten after this. */
#define FORGET_US UINT64_C(10000000)
/* For this long after its accept queue held something, overflows may be a listener's own. */
#define ACCEPT_BUSY_US UINT64_C(10000000)

/* So many times the usual SYNs are suspect where nothing tells whether anybody finishes. */
#define UNSEEN_FACTOR 3.0
#define UNSEEN_PER_S 100.0

/* A scan: most SYNs go to ports without a listener, and to many of them. */
#define SCAN_STRAY_SHARE 0.5
#define SCAN_PORTS 20
/* So long after the last one few sources' cookies may still be missed. */
#define RESET_TAU_S 5.0
/* Counts of cookies and of SYNs are not of quite the same moment. */
#define ELSEWHERE_MARGIN 1.1
#define ELSEWHERE_TAU_S 1.5
/* Fewer overflows than this, of what finishes, are no stall. */
#define OVERFLOWING_SHARE 0.05

/* Before this nothing is far above the usual. */
#define USUAL_LEARNED_US UINT64_C(5000000)

/* What is remembered of a listener, or of the host. */
struct subject {
        bool in_use;
        struct listener_key key;
        uint64_t seen_us;   /* last in a list */
        uint64_t looked_us; /* last evaluated */
        uint64_t accept_busy_us;
        struct survival_memory memory;
        struct survival survival; /* at the last walk */
        struct rate syns, drops;
        struct rate syns_elsewhere; /* that came for others, the most of the last seconds */
        double half_open;
        struct rate usual_early;  /* in calm */
        uint64_t learned_us;      /* when it was last learned */
        double gathered;
        double strengths[LOOKS_KEPT]; /* of the last looks, the newest first */
        struct verdict verdict;
};

struct detector {
        const struct settings *settings;
        struct host_track track;
        struct subject host;
        struct subject listeners[OBS_LISTENERS_MAX];
        uint64_t started_us;
        uint64_t walked_us; /* 0: never */
        struct outage outage;
        /* At this step: */
        const struct obs_sources *sources; /* who sends; NULL: not known */
        struct obs_sources not_allowed;    /* the same, without what the allow list finished */
        double allowed_per_s;              /* handshakes that it finished */
        struct rate maybe_reset;           /* SYNs of few sources, the most of the last seconds */
        struct rate usual_seen_once;       /* share, in calm */
        double unanswered_per_s; /* of all listeners */
        double cookies_told;     /* share of the unanswered cookies that listeners answer for */
        /* … and of those that do not take most, at this step and at the one before: */
        double cookies_elsewhere, cookies_elsewhere_before;
        bool attributed; /* some listener answers for the host's cookies and refusals */
};

static struct survival survival_unknown(void) {
        return (struct survival) { NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0 };
}

static void subject_init(struct subject *s) {
        *s = (struct subject) {
                .survival = survival_unknown(),
                .syns = rate_unknown(),
                .drops = rate_unknown(),
                .syns_elsewhere = rate_unknown(),
                .usual_early = rate_unknown(),
                .half_open = NAN,
                .verdict = { .evidence = evidence_unknown() },
        };
}

struct detector *detector_new(const struct settings *settings) {
        struct detector *d = calloc(1, sizeof *d);

        if (!d)
                return NULL;
        d->settings = settings;
        host_track_init(&d->track, settings->detect.survival_age_us);
        subject_init(&d->host);
        d->usual_seen_once = rate_unknown();
        d->maybe_reset = rate_unknown();
        return d;
}

struct detector *detector_free(struct detector *d) {
        free(d);
        return NULL;
}

void detector_configure(struct detector *d, const struct settings *settings) {
        d->settings = settings;
        d->track.survival_age_us = settings->detect.survival_age_us;
}

/* --- listeners and their memory ------------------------------------------- */

static struct subject *subject_for(struct detector *d, const struct listener_key *key, uint32_t hint) {
        struct subject *vacant = NULL;

        /* The kernel lists them in the same order from tick to tick. */
        if (d->listeners[hint].in_use && listener_key_equal(&d->listeners[hint].key, key))
                return &d->listeners[hint];
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++) {
                struct subject *s = &d->listeners[i];

                if (s->in_use && listener_key_equal(&s->key, key))
                        return s;
                if (!s->in_use && !vacant)
                        vacant = s;
        }
        if (!vacant)
                return NULL;
        subject_init(vacant);
        vacant->in_use = true;
        vacant->key = *key;
        return vacant;
}

static void forget_closed(struct detector *d, uint64_t now_us) {
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++)
                if (d->listeners[i].in_use && now_us - d->listeners[i].seen_us > FORGET_US)
                        d->listeners[i].in_use = false;
}

static void subject_update(struct subject *s, const struct obs_listener *l,
                           const struct settings_detect *detect, const struct observation *o) {
        s->seen_us = o->time_us;
        if ((l->known & OBS_L_LIMITS) && l->accept_queue > 0)
                s->accept_busy_us = o->time_us;
        if (!(l->known & OBS_L_SYNS))
                s->syns = rate_unknown();
        else if (o->elapsed_us)
                rate_count(&s->syns, (double) l->syns, (double) o->elapsed_us / 1e6, RATE_TAU_S);
        if ((l->known & OBS_L_DROPS) && o->elapsed_us)
                rate_count(&s->drops, (double) l->drops, (double) o->elapsed_us / 1e6, RATE_TAU_S);
        if (l->known & OBS_L_HALF_OPEN) {
                s->survival = survival_step(&s->memory, l, detect->survival_age_us, o->time_us);
                s->half_open = l->half_open;
        }
}

/* --- one look -------------------------------------------------------------- */

/* Takes out the entries that recent overflows of the accept queue explain: a
 * client's ACK was dropped, and its entry waits for the next one. */
static void discount_overflows(struct look *l, double credit) {
        double rest;

        if (!(credit > 0) || !(l->held > 0))
                return;
        rest = credit < l->held ? 1 - credit / l->held : 0;
        l->early_per_s *= rest;
        l->late_per_s *= rest;
        l->late_steady_per_s *= rest;
        l->aged_per_s *= rest;
        l->stale_per_s *= rest;
        l->held *= rest;
        l->stuck = fmax(0, l->stuck - credit);
}

/* Whether most SYNs come for this listener. */
static bool takes_most(const struct detector *d, const struct observation *o, const struct subject *s) {
        return o->listeners_count == 1 ||
               (!isnan(s->syns.per_s) && s->syns.per_s >= 0.5 * d->track.syns.per_s);
}

static void follow_syns_elsewhere(const struct detector *d, struct subject *s, double elapsed_s) {
        if (isnan(s->syns.per_s) || isnan(d->track.syns.per_s))
                s->syns_elsewhere = rate_unknown();
        else
                rate_peak(&s->syns_elsewhere, d->track.syns.per_s - s->syns.per_s, elapsed_s, ELSEWHERE_TAU_S);
}

/* With cookies only the host tells how many are not answered, but not where. More than there
 * are SYNs for all others must be this listener's; the rest goes to whom most SYNs come for. */
static double share_of_cookies(struct detector *d, const struct observation *o, const struct subject *s) {
        double all = d->track.cookies_in_vain.per_s, share = 0;

        if (all > 0 && !isnan(s->syns_elsewhere.per_s))
                share = fmax(0, 1 - ELSEWHERE_MARGIN * s->syns_elsewhere.per_s / all);
        if (takes_most(d, o, s))
                return fmax(share, 1 - d->cookies_elsewhere_before);
        d->cookies_elsewhere += share;
        return share;
}

/* Which part of the cookies and refusals that the host counts is this listener's. */
static double share_of_refusals(struct detector *d, const struct observation *o,
                                const struct obs_listener *l, const struct subject *s) {
        if (o->listeners_count == 1)
                return 1;
        if (d->track.syncookies == 2)
                return share_of_cookies(d, o, s);
        if (!isnan(s->half_open) && s->half_open > l->backlog)
                return 1;
        return d->track.syncookies == 0 && (l->known & OBS_L_DROPS) && l->drops > 0 &&
               l->accept_full == 0;
}

static struct look look_blank(const struct detector *d) {
        return (struct look) {
                .early_per_s = NAN, .late_per_s = NAN, .late_steady_per_s = NAN, .aged_per_s = NAN,
                .stale_per_s = NAN,
                .cookies_early_per_s = NAN, .cookies_unanswered_per_s = NAN,
                .cookies_in_vain_per_s = NAN, .cookies_stale_per_s = NAN,
                .usual_early_per_s = NAN,
                .usual_arrivals_per_s = d->track.learned_us >= USUAL_LEARNED_US
                                                ? d->track.usual_arrivals.per_s : NAN,
                .completed_per_s = d->track.completed_lately.per_s,
                .refused_per_s = NAN, .killed_per_s = NAN, .cookies_sent_per_s = NAN,
                .held = NAN, .stuck = NAN, .half_open = NAN, .backlog = NAN,
                .seen_once_share = d->sources && (d->sources->known & OBS_SS_SEEN_ONCE)
                                   ? d->sources->seen_once_share : NAN,
                .half_open_life_s = d->track.half_open_life_s,
                .syncookies = d->track.syncookies,
        };
}

static void look_add_refusals(struct look *l, const struct detector *d, double share) {
        const struct host_track *t = &d->track;
        /* A full accept queue drops the ACK with the cookie in it. */
        double lost = or_zero(t->overflowed_lately.per_s);

        /* As many as are a flood where their RSTs are seen are one here. */
        if (t->syncookies == 2 && d->maybe_reset.per_s < FLOOD_RULES_BOUNCING_PER_S)
                lost += d->maybe_reset.per_s;
        l->cookies_unanswered_per_s = share * fmax(0, t->cookies_unanswered_per_s - lost);
        l->cookies_stale_per_s = share * fmax(0, t->cookies_stale_per_s - lost);
        l->cookies_in_vain_per_s = share * fmax(0, or_zero(t->cookies_in_vain.per_s) - lost);
        l->cookies_early_per_s = isnan(t->cookies_early_per_s) ? NAN
                                                               : share * fmax(0, t->cookies_early_per_s - lost);
        if (isnan(t->cookies_unanswered_per_s))
                l->cookies_unanswered_per_s = l->cookies_stale_per_s = NAN;
        l->cookies_sent_per_s = share * t->cookies_sent.per_s;
        l->refused_per_s = t->queue_drops.per_s;
}

static struct look look_at_listener(struct detector *d, const struct observation *o,
                                    const struct obs_listener *obs, const struct subject *s) {
        struct look l = look_blank(d);
        double share;

        l.early_per_s = s->survival.early_per_s;
        l.usual_early_per_s = s->usual_early.per_s;
        l.late_per_s = s->survival.late_per_s;
        l.late_steady_per_s = s->survival.late_steady_per_s;
        l.aged_per_s = s->survival.aged_per_s;
        l.stale_per_s = s->survival.stale_per_s;
        l.held = s->survival.held;
        l.stuck = s->survival.stuck;
        l.half_open = s->half_open;
        if (obs->known & OBS_L_LIMITS)
                l.backlog = obs->backlog;
        if (takes_most(d, o, s))
                l.killed_per_s = d->track.embryonic_rsts.per_s;
        share = share_of_refusals(d, o, obs, s);
        d->cookies_told += share;
        if (share > 0) {
                look_add_refusals(&l, d, share);
                d->attributed = true;
                /* The listener's own count, should the host's be unreadable. */
                if (isnan(l.refused_per_s) && d->track.syncookies == 0 && obs->accept_full == 0)
                        l.refused_per_s = s->drops.per_s;
        }
        if (s->accept_busy_us && o->time_us - s->accept_busy_us < ACCEPT_BUSY_US)
                discount_overflows(&l, d->track.overflow_credit);
        /* No more finish here than arrive here: other listeners' clients do not
         * make this one's flood smaller. */
        if (!isnan(s->syns.per_s))
                l.completed_per_s = isnan(l.completed_per_s)
                                            ? fmax(0, s->syns.per_s - or_zero(l.late_per_s)) /* at most */
                                            : fmin(l.completed_per_s, s->syns.per_s);
        return l;
}

/* Without walks: SYNs that came in and neither finished nor found a closed port;
 * or else SYN-ACKs sent again, of which a half-open causes five in its life. */
static struct look look_at_host(const struct detector *d, bool blind) {
        const struct host_track *t = &d->track;
        struct look l = look_blank(d);

        if (blind || !d->attributed)
                look_add_refusals(&l, d, 1);
        if (!blind)
                return l;
        if (!isnan(t->syns.per_s))
                l.late_per_s = fmax(0, t->syns.per_s - fmax(or_zero(t->completed.per_s), d->allowed_per_s) -
                                       or_zero(t->rsts_sent.per_s) -
                                       or_zero(t->cookies_sent.per_s));
        else
                l.late_per_s = t->syn_retrans.per_s / 5;
        l.late_per_s = fmax(or_zero(l.late_per_s), or_zero(t->queue_drops.per_s));
        l.late_steady_per_s = l.aged_per_s = l.stale_per_s = l.late_per_s;
        return l;
}

static double unanswered_of(const struct look *l) {
        if (isnan(l->late_per_s) && isnan(l->cookies_unanswered_per_s))
                return NAN;
        return fmax(or_zero(l->late_per_s), or_zero(l->aged_per_s)) +
               or_zero(l->cookies_unanswered_per_s) + or_zero(l->killed_per_s);
}

static struct circumstances circumstances_of(const struct detector *d, const struct observation *o,
                                             const struct look *l, const struct survival *survival) {
        const struct host_track *t = &d->track;

        return (struct circumstances) {
                .usual_completed_per_s = t->usual_completed.per_s,
                .usual_arrivals_per_s = t->usual_arrivals.per_s,
                /* Without cookies honest clients are refused and send again: they are not as usual. */
                .usual_seen_once_share = t->syncookies > 0 && t->learned_us >= OUTAGE_LEARNED_US
                                                 ? d->usual_seen_once.per_s : NAN,
                .alive = survival->alive,
                .stuck = survival->stuck,
                .aged_share = survival->late_per_s > 0 ? survival->aged_per_s / survival->late_per_s : NAN,
                .unfinished_share = flood_rules_share(or_zero(unanswered_of(l)), t->completed.per_s),
                .embryonic_rsts_per_s = t->embryonic_rsts.per_s,
                .rsts_sent_per_s = t->rsts_sent.per_s,
                .overflowing = t->overflow_credit >= 1 && t->overflows.per_s >= 1 &&
                               t->overflows.per_s >= OVERFLOWING_SHARE * or_zero(t->completed.per_s),
                .outage = l->outage,
                .allowed_per_s = d->allowed_per_s,
                .scanning = (o->known & OBS_K_SOURCES) && (o->sources.known & OBS_SS_STRAY) &&
                            o->sources.stray_share >= SCAN_STRAY_SHARE &&
                            o->sources.stray_ports >= SCAN_PORTS,
                .sources = d->sources,
        };
}

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

/* Gathers and concludes from one look. */
static void conclude(struct subject *s, struct look *l, const struct settings_detect *detect,
                     uint64_t now_us) {
        double elapsed_s = s->looked_us ? (double) (now_us - s->looked_us) / 1e6 : 0;
        struct flood_strength strength;

        /* A look sees half a second's worth of aged entries: after a late tick it must
         * not stand for all the time since. */
        s->gathered = flood_rules_gather(s->gathered, l, fmin(elapsed_s, 1), detect);
        s->looked_us = now_us;
        l->gathered = s->gathered;

        strength = flood_rules_match(l, detect);
        s->verdict.strength = strength_of(s, &strength);
        if (s->verdict.strength >= 1)
                s->verdict.finding = FINDING_FLOOD;
        else if (s->strengths[0] >= 1 || flood_rules_suspect(l, detect))
                s->verdict.finding = FINDING_SUSPECT;
        else
                s->verdict.finding = FINDING_NONE;
        s->verdict.pressure = flood_rules_pressure(l, detect);
}

static struct evidence evidence_of(const struct detector *d, const struct look *l, enum finding finding) {
        struct evidence e = evidence_unknown();

        e.half_open = l->half_open;
        e.half_open_aged = l->stuck;
        e.backlog = l->backlog;
        e.fill = l->backlog > 0 ? l->half_open / l->backlog : NAN;
        e.completed_per_s = isnan(d->track.completed.per_s)
                                    ? NAN : fmin(l->completed_per_s, d->track.completed.per_s);
        e.unanswered_per_s = unanswered_of(l);
        /* What an overwhelming flood is told by has not had the time to be late. */
        if (finding == FINDING_FLOOD)
                e.unanswered_per_s = fmax(e.unanswered_per_s,
                                          or_zero(l->early_per_s) + or_zero(l->cookies_early_per_s));
        e.unanswered_share = flood_rules_share(or_zero(e.unanswered_per_s) + or_zero(l->refused_per_s),
                                               e.completed_per_s);
        e.cookies_sent_per_s = l->cookies_sent_per_s;
        e.queue_drops_per_s = l->refused_per_s;
        e.embryonic_rsts_per_s = l->killed_per_s;
        e.seen_once_share = l->seen_once_share;
        return e;
}

static double arrivals_of(const struct host_track *t, const struct look *l) {
        double refused = or_zero(l->refused_per_s);

        if (isnan(t->completed.per_s))
                return NAN;
        return t->completed.per_s + or_zero(unanswered_of(l)) + refused;
}

/* --- the step ---------------------------------------------------------------- */

static void step_listener(struct detector *d, const struct observation *o, uint32_t index,
                          struct verdicts *ret) {
        const struct obs_listener *obs = &o->listeners[index];
        const struct settings_detect *detect =
                settings_detect_for(d->settings, &obs->key.address, obs->key.port);
        struct subject *s = subject_for(d, &obs->key, index);
        struct circumstances c;
        struct look l;

        if (!s)
                return;
        subject_update(s, obs, detect, o);
        follow_syns_elsewhere(d, s, (double) o->elapsed_us / 1e6);

        l = look_at_listener(d, o, obs, s);
        l.outage = outage_step(&d->outage, &d->track, &l, s->survival.alive,
                               d->settings->detect.unanswered_per_s, o->time_us);
        if ((obs->known & OBS_L_HALF_OPEN) || l.refused_per_s >= 1 || l.cookies_unanswered_per_s >= 1 ||
            l.killed_per_s >= 1)
                conclude(s, &l, detect, o->time_us);

        s->verdict.evidence = evidence_of(d, &l, s->verdict.finding);
        if (obs->known & OBS_L_LIMITS)
                s->verdict.evidence.accept_queue = obs->accept_queue;
        s->verdict.evidence.syn_per_s = !isnan(s->syns.per_s) ? s->syns.per_s
                                        : o->listeners_count == 1 ? arrivals_of(&d->track, &l) : NAN;
        evidence_add_sources(&s->verdict.evidence, d->sources);
        c = circumstances_of(d, o, &l, &s->survival);
        c.accept_full = obs->accept_full > 0;
        c.overflowing &= s->accept_busy_us == o->time_us;
        s->verdict.diagnosis = diagnose(s->verdict.finding, &s->verdict.evidence, &c);

        d->unanswered_per_s += or_zero(s->verdict.evidence.unanswered_per_s);
        ret->listeners[ret->listeners_count++] = (struct listener_verdict) {
                .key = s->key,
                .slot = (uint32_t) (s - d->listeners),
                .verdict = s->verdict,
        };
}

/* The host's own figures: sums, and what only the host counts. */
static struct evidence host_evidence(const struct detector *d, const struct verdicts *v) {
        const struct host_track *t = &d->track;
        struct evidence e = evidence_unknown();

        e.half_open = d->host.half_open;
        e.half_open_aged = d->host.survival.stuck;
        e.completed_per_s = t->completed.per_s;
        e.cookies_sent_per_s = t->cookies_sent.per_s;
        e.cookies_received_per_s = t->cookies_received.per_s;
        e.queue_drops_per_s = t->queue_drops.per_s;
        e.accept_overflows_per_s = t->overflows.per_s;
        e.embryonic_rsts_per_s = t->embryonic_rsts.per_s;
        if (d->sources && (d->sources->known & OBS_SS_STRAY)) {
                e.stray_share = d->sources->stray_share;
                e.stray_ports = d->sources->stray_ports;
        }
        e.unanswered_per_s = d->unanswered_per_s;
        e.unanswered_share = flood_rules_share(d->unanswered_per_s + or_zero(t->queue_drops.per_s),
                                               t->completed.per_s);
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
        }
        evidence_add_sources(&e, d->sources);
        return e;
}

static int severity(const struct verdict *v) {
        /* Among equals a diagnosis that asks for attention comes first. */
        return (int) v->finding * DIAGNOSES +
               (v->diagnosis == DIAGNOSIS_UNKNOWN ? 0 : (int) v->diagnosis);
}

static void take_worst(struct verdicts *v) {
        for (uint32_t i = 0; i < v->listeners_count; i++) {
                const struct verdict *l = &v->listeners[i].verdict;

                v->host.pressure |= l->pressure;
                v->host.strength = fmax(v->host.strength, l->strength);
                if (severity(l) <= severity(&v->host))
                        continue;
                v->host.finding = l->finding;
                v->host.diagnosis = l->diagnosis;
                v->has_worst = true;
                v->worst = v->listeners[i].key;
        }
}

/* With tcp_syncookies=2 there are no half-opens, and without the counters neither cookies nor
 * completions: only the log is left. It knows a connection when that ends, so a crowd whose
 * connections last looks the same as a flood. */
static bool surges_unseen(const struct host_track *t) {
        return t->syncookies == 2 && isnan(t->completed.per_s) && isnan(t->cookies_sent.per_s) &&
               t->syns.per_s - t->usual_syns.per_s >= UNSEEN_PER_S &&
               t->syns.per_s >= UNSEEN_FACTOR * t->usual_syns.per_s;
}

static void step_host(struct detector *d, const struct observation *o, bool blind, struct verdicts *ret) {
        struct look l = look_at_host(d, blind);
        struct circumstances c;

        if (o->known & OBS_K_DUMP) {
                d->host.half_open = o->half_open;
                d->host.survival.stuck = o->aged;
        }
        d->unanswered_per_s += or_zero(unanswered_of(&l));
        if (d->attributed) /* some of them may be nobody's */
                d->unanswered_per_s += fmax(0, 1 - d->cookies_told) * or_zero(d->track.cookies_unanswered_per_s);
        l.outage = outage_step(&d->outage, &d->track, &l, 0, d->settings->detect.unanswered_per_s,
                               o->time_us);
        conclude(&d->host, &l, &d->settings->detect, o->time_us);
        if (d->host.verdict.finding == FINDING_NONE && surges_unseen(&d->track))
                d->host.verdict.finding = FINDING_SUSPECT;

        ret->host = d->host.verdict;
        ret->host.evidence = host_evidence(d, ret);
        c = circumstances_of(d, o, &l, &d->host.survival);
        ret->host.diagnosis = diagnose(ret->host.finding, &ret->host.evidence, &c);
        take_worst(ret);
}

static void set_sources(struct detector *d, const struct observation *o) {
        d->sources = (o->known & OBS_K_SOURCES) ? &o->sources : NULL;
        d->allowed_per_s = 0;
        if (!d->sources || d->settings->allow_count == 0)
                return;
        d->allowed_per_s = allowed_take_out(d->settings, d->sources, &d->not_allowed);
        d->sources = &d->not_allowed;
}

/* Where every SYN is answered by cookie an RST leaves no trace: what few sources leave unfinished
 * may be a check that opens and resets, or a scanner. Of all SYNs they have a share sooner than a rate. */
static void follow_few_sources(struct detector *d, const struct observation *o) {
        double share = d->sources ? few_sources_unfinished(d->sources) : NAN;

        if (isnan(share) || isnan(d->track.syns.per_s))
                d->maybe_reset = rate_unknown();
        else
                rate_peak(&d->maybe_reset, share * d->track.syns.per_s, (double) o->elapsed_us / 1e6, RESET_TAU_S);
}

static void learn_sources(struct detector *d, const struct observation *o) {
        if (d->sources && (d->sources->known & OBS_SS_SEEN_ONCE) && d->sources->syn_per_s > 0)
                rate_mix(&d->usual_seen_once, d->sources->seen_once_share, (double) o->elapsed_us / 1e6,
                         USUAL_TAU_S);
}

/* How many of a listener's handshakes are about to be late when all is well. */
static void learn_early(struct detector *d, const struct observation *o) {
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX && (o->known & OBS_K_DUMP); i++) {
                struct subject *s = &d->listeners[i];

                if (!s->in_use || s->seen_us != o->time_us || isnan(s->survival.early_per_s))
                        continue;
                if (s->learned_us)
                        rate_mix(&s->usual_early, s->survival.early_per_s,
                                 fmin((double) (o->time_us - s->learned_us) / 1e6, 10), USUAL_TAU_S);
                s->learned_us = o->time_us;
        }
}

void detector_step(struct detector *d, const struct observation *o, struct verdicts *ret) {
        bool blind;

        if (d->started_us == 0)
                d->started_us = o->time_us;
        if (o->known & OBS_K_DUMP)
                d->walked_us = o->time_us;
        blind = o->sensors[SENSOR_SOCK_DIAG] == SENSOR_OFF || o->sensors[SENSOR_SOCK_DIAG] == SENSOR_FAILED ||
                o->time_us - (d->walked_us ? d->walked_us : d->started_us) > WALK_STALE_US;

        host_track_step(&d->track, o);
        set_sources(d, o);
        follow_few_sources(d, o);
        d->unanswered_per_s = 0;
        d->attributed = false;
        d->cookies_elsewhere_before = d->cookies_elsewhere;
        d->cookies_elsewhere = d->cookies_told = 0;
        ret->has_worst = false;
        ret->listeners_count = 0;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                step_listener(d, o, i, ret);
        forget_closed(d, o->time_us);
        step_host(d, o, blind, ret);
        outage_follow_flood(&d->outage, ret->host.finding == FINDING_FLOOD,
                            host_track_arrivals(&d->track, d->unanswered_per_s), o->time_us,
                            (double) o->elapsed_us / 1e6);

        if (ret->host.finding == FINDING_NONE) {
                host_track_learn(&d->track, o, d->unanswered_per_s);
                learn_early(d, o);
                learn_sources(d, o);
        }
}
