/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/detector.h"

#include <stdlib.h>
#include <string.h>

#include "core/allowed.h"
#include "core/attribution.h"
#include "core/diagnose.h"
#include "core/explanations.h"
#include "core/far.h"
#include "core/flood_rules.h"
#include "core/host_track.h"
#include "core/naming.h"
#include "core/outage.h"
#include "core/survival.h"

#define RATE_TAU_S 0.7
/* A finding needs a pattern in two of so many looks, unless it is overwhelming. */
enum { LOOKS_KEPT = 3 };
/* How fast is learned how late the usual clients are. */
#define USUAL_TAU_S 60.0
/* More addresses than that are as good as endless. */
#define ADDRESSES_MAX 1e6
/* Without a walk for this long, sock_diag counts as gone. */
#define WALK_STALE_US UINT64_C(15000000)
/* What a walk said holds for so long. */
#define LOOK_STALE_US UINT64_C(1500000)
/* A listener that is not in the list any more is forgotten after this. */
#define FORGET_US UINT64_C(10000000)
/* For this long after its accept queue held something, overflows may be a listener's own. */
#define ACCEPT_BUSY_US UINT64_C(10000000)
/* A queue at its limit falls below it from moment to moment, and fills again. */
#define FULL_US UINT64_C(1000000)

/* So many times the usual SYNs are suspect where nothing tells whether anybody finishes. */
#define UNSEEN_FACTOR 3.0
#define UNSEEN_PER_S 100.0

/* A scan: most SYNs go to ports without a listener, and to many of them. */
#define SCAN_STRAY_SHARE 0.5
#define SCAN_PORTS 20
/* So long after the last one few sources' cookies may still be missed. */
#define RESET_TAU_S 5.0
/* Fewer overflows than this, of what finishes, are no stall. */
#define OVERFLOWING_SHARE 0.05
/* Counts of the log and of the kernel are not of quite the same moment. */
#define BLIND_FACTOR 2.0
#define LATELY_TAU_S 1.5
/* As the source table weighs: halved every two seconds. */
#define SOURCES_TAU_S (2 / M_LN2)
/* What is said to be unfinished evens out over this; at a flood's beginning it has not the time. */
#define FIGURES_TAU_S 1.0
#define CALM_AGAIN_US UINT64_C(60000000)
#define BEGINNING_US UINT64_C(1500000)
/* A queue that is refusing is choked by so many seconds of stale entries; honest clients of one
 * that answers by cookie can wait for more evidence. */
#define PRESSED_US UINT64_C(3000000)
#define TURNED_AWAY_PER_S 0.1

/* A storm of reconnects is over in seconds; its last clients send their SYNs again after 1, 3 and 7 s. */
#define CROWD_NEW_US UINT64_C(4000000)
#define CROWD_WAKE_US UINT64_C(10000000)
#define CROWD_GONE_SHARE 0.5

/* Before this nothing is far above the usual. */
#define USUAL_LEARNED_US UINT64_C(2000000)

/* What is remembered of a listener, or of the host. */
struct subject {
        bool in_use;
        struct listener_key key;
        uint64_t seen_us;        /* last in a list */
        uint64_t looked_us;      /* last evaluated */
        uint64_t walked_us;      /* when survival was measured; 0: never */
        uint64_t accept_busy_us; /* when its accept queue last held something */
        uint64_t full_us;        /* when it last held more than its backlog; 0: never */
        struct survival_memory memory;
        struct survival survival; /* at the last walk */
        struct rate syns;        /* SYNs a second, by the log */
        struct rate begun;       /* of these, handshakes */
        struct rate begun_lately; /* the most of the last seconds */
        struct rate begun_at_most; /* the same, of single ticks */
        struct rate finished;    /* handshakes that finish, over as long as sources are weighed */
        struct rate ended;       /* connections that ended, a second */
        struct rate drops;       /* its own counter, a second */
        struct rate late;        /* handshakes a second that are late, for the figures */
        double half_open;        /* at the last walk */
        uint64_t flood_us;       /* since when there is a flood; 0: there is none */
        uint64_t pressed_us;     /* when SYNs were last refused, or answered by cookie; 0: never */
        uint64_t aging_us;       /* when a handshake last grew older than a second; 0: never */
        double choked_s;         /* see choke() */
        const char *pattern;     /* that fits best; NULL: none */
        struct rate usual_early; /* in calm: handshakes a second that are about to be late */
        uint64_t learned_us;     /* when it was last learned */
        double gathered;         /* see flood_rules_gather() */
        double strengths[LOOKS_KEPT]; /* of the last looks, the newest first */
        struct name name;
        struct verdict verdict;
};

/* A listener at this step: its memory, and what it looks like. */
struct sight {
        struct subject *subject;         /* NULL: no room to remember it */
        const struct obs_listener *obs;
        const struct settings_detect *detect;
        struct share_of_host share;
        struct look look;
        bool looked;                     /* something new is known */
};

struct detector {
        const struct settings *settings;
        struct host_track track;
        struct far far;
        struct subject host;
        struct subject listeners[OBS_LISTENERS_MAX];
        struct name host_name;
        uint64_t started_us;
        uint64_t walked_us; /* 0: never */
        struct outage outage;
        uint64_t crowd_us, crowd_seen_us; /* since when more finish than usual, and when last; 0: never */
        double crowd_peak_per_s;          /* handshakes, the most since then */
        struct rate maybe_reset;  /* SYNs of few sources, the most of the last seconds */
        struct rate usual_addresses; /* in calm: that strangers come from (core/naming.h); no rate */
        struct rate usual_killed; /* in calm: half-opens ended by RST, a second */
        /* At this step: */
        const struct obs_sources *sources; /* who sends; NULL: not known */
        struct obs_sources not_allowed;    /* the same, without what the allow list finished */
        double allowed_per_s;              /* handshakes that it finished */
        double unanswered_per_s;           /* of all listeners */
        struct sight sights[OBS_LISTENERS_MAX];
        struct culprits culprits;          /* of the listener at hand */
};

static struct survival survival_unknown(void) {
        return (struct survival) { NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0 };
}

static void subject_init(struct subject *s) {
        *s = (struct subject) {
                .survival = survival_unknown(),
                .syns = rate_unknown(),
                .begun = rate_unknown(),
                .begun_lately = rate_unknown(),
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

struct detector *detector_new(const struct settings *settings) {
        struct detector *d = calloc(1, sizeof *d);

        if (!d)
                return NULL;
        d->settings = settings;
        host_track_init(&d->track);
        subject_init(&d->host);
        d->maybe_reset = rate_unknown();
        d->usual_killed = rate_unknown();
        d->usual_addresses = rate_unknown();
        return d;
}

struct detector *detector_free(struct detector *d) {
        free(d);
        return NULL;
}

void detector_configure(struct detector *d, const struct settings *settings) {
        d->settings = settings;
}

/* --- listeners and their memory ------------------------------------------- */

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
        subject_init(oldest);
        oldest->in_use = true;
        oldest->key = *key;
        oldest->seen_us = now_us;
        return oldest;
}

static void forget_closed(struct detector *d, uint64_t now_us) {
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++)
                if (d->listeners[i].in_use && now_us - d->listeners[i].seen_us > FORGET_US)
                        d->listeners[i].in_use = false;
}

/* Seconds of the tick; 0 in the first. */
static double elapsed_s(const struct observation *o) {
        return (double) o->elapsed_us / 1e6;
}

static void count_log(struct subject *s, const struct obs_listener *l, double tick_s) {
        double begun;

        if (!(l->known & OBS_L_SYNS)) {
                s->syns = s->begun = s->begun_lately = s->begun_at_most = rate_unknown();
                return;
        }
        begun = (double) (l->syns - (l->syns_again < l->syns ? l->syns_again : l->syns));
        rate_count(&s->syns, (double) l->syns, tick_s, RATE_TAU_S);
        rate_count(&s->begun, begun, tick_s, RATE_TAU_S);
        rate_peak(&s->begun_at_most, begun / tick_s, tick_s, LATELY_TAU_S);
        rate_peak(&s->begun_lately, s->begun.per_s, tick_s, LATELY_TAU_S);
}

static void subject_update(struct subject *s, const struct obs_listener *l, uint64_t age_us,
                           const struct observation *o) {
        s->seen_us = o->time_us;
        if ((l->known & OBS_L_LIMITS) && l->accept_queue > 0)
                s->accept_busy_us = o->time_us;
        if (o->elapsed_us) {
                count_log(s, l, elapsed_s(o));
                if (l->known & OBS_L_ENDED)
                        rate_count(&s->ended, (double) l->ended, elapsed_s(o), USUAL_TAU_S / 10);
                if (l->known & OBS_L_DROPS)
                        rate_count(&s->drops, (double) l->drops, elapsed_s(o), RATE_TAU_S);
        }
        if (l->known & OBS_L_HALF_OPEN) {
                s->survival = survival_step(&s->memory, l, age_us, o->time_us);
                rate_mix(&s->late, s->survival.late_steady_per_s,
                         fmin((double) (o->time_us - s->walked_us) / 1e6, 1), FIGURES_TAU_S);
                s->walked_us = o->time_us;
                s->half_open = l->half_open;
                if (l->known & OBS_L_LIMITS && l->half_open > l->backlog)
                        s->full_us = o->time_us;
        } else if (o->time_us - s->walked_us > LOOK_STALE_US && s->half_open <= 0)
                s->survival = survival_unknown();
}

/* Every listener of the observation with its memory. */
static void see_listeners(struct detector *d, const struct observation *o) {
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
                        subject_update(at->subject, at->obs, far_age_us(&d->far, at->detect->survival_age_us), o);
        }
}

static void attribute(struct detector *d, const struct observation *o) {
        const struct host_figures host = { .refused_per_s = d->track.queue_drops.per_s,
                                           .in_vain_per_s = d->track.cookies_in_vain.per_s,
                                           .syncookies = d->track.syncookies };
        struct claim claims[OBS_LISTENERS_MAX];
        struct share_of_host shares[OBS_LISTENERS_MAX];

        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct subject *s = d->sights[i].subject;

                claims[i] = (struct claim) { .begun_per_s = NAN, .begun_lately_per_s = NAN, .ended_per_s = NAN,
                                             .late_per_s = NAN, .dropped_per_s = NAN };
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

/* --- one look -------------------------------------------------------------- */

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
        bool usual = d->track.learned_us >= USUAL_LEARNED_US;

        return (struct look) {
                .early_per_s = NAN, .late_per_s = NAN, .late_steady_per_s = NAN, .aged_per_s = NAN,
                .stale_per_s = NAN,
                .cookies_early_per_s = NAN, .cookies_unanswered_per_s = NAN,
                .cookies_in_vain_per_s = NAN, .cookies_stale_per_s = NAN,
                .usual_early_per_s = NAN, .usual_killed_per_s = NAN,
                .usual_arrivals_per_s = usual ? d->track.usual_arrivals.per_s : NAN,
                .usual_completed_per_s = usual ? d->track.usual_completed.per_s : NAN,
                .completed_per_s = d->track.completed_lately.per_s,
                .refused_per_s = NAN, .killed_per_s = NAN, .cookies_sent_per_s = NAN,
                .held = NAN, .stuck = NAN, .half_open = NAN, .backlog = NAN,
                .seen_once_share = d->sources && (d->sources->known & OBS_SS_SEEN_ONCE)
                                   ? d->sources->seen_once_share : NAN,
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
        l->held = s->survival.held;
        l->stuck = s->survival.stuck;
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

/* No more finish here than began here: other listeners' clients do not make this one's flood smaller. */
static double finished_of(const struct detector *d, const struct sight *at) {
        const struct subject *s = at->subject;
        double all = d->track.completed_lately.per_s;

        if (isnan(s->begun_lately.per_s))
                return all;
        if (isnan(all))
                return fmax(0, s->begun_lately.per_s - or_zero(s->survival.late_per_s)); /* at most */
        return fmin(at->share.finished * all, s->begun_lately.per_s);
}

static void look_add_refusals(struct look *l, const struct detector *d, const struct sight *at) {
        if (at->share.refused > 0)
                l->refused_per_s = at->share.refused * d->track.queue_drops.per_s;
        /* The listener's own count, should the host's be unreadable. */
        if (at->share.refused > 0 && isnan(l->refused_per_s) && d->track.syncookies == 0 &&
            at->obs->accept_full == 0)
                l->refused_per_s = at->subject->drops.per_s;
}

/* Whether few addresses have most of what this listener's queue lost by RST. */
static bool few_reset(struct detector *d, const struct observation *o, uint32_t index) {
        bool only[OBS_LISTENERS_MAX] = { false };

        only[index] = true;
        culprits_find(o, only, false, &d->culprits);
        return culprits_few_share(&d->culprits, true, d->culprits.unfinished_per_s) >= 0.5;
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
        if (s->accept_busy_us && o->time_us - s->accept_busy_us < ACCEPT_BUSY_US)
                discount_overflows(l, d->track.overflow_credit);
        l->completed_per_s = finished_of(d, at);
        if (!isnan(s->syns.per_s))
                l->again_per_s = fmax(0, s->syns.per_s - s->begun.per_s);
        at->looked = (at->obs->known & OBS_L_HALF_OPEN) || l->refused_per_s >= 1 ||
                     l->cookies_unanswered_per_s >= 1 || l->killed_per_s >= 1 ||
                     o->time_us - s->looked_us >= LOOK_STALE_US;
}

/* Without walks: SYNs that came in and neither finished nor found a closed port;
 * or else SYN-ACKs sent again, as often as tcp_synack_retries has it. */
static struct look look_at_host(const struct detector *d, bool blind, double cookies_told) {
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
                                       or_zero(t->rsts_sent.per_s) -
                                       or_zero(t->cookies_sent.per_s));
        else
                l.late_per_s = t->synack_retries > 0 ? t->syn_retrans.per_s / t->synack_retries : NAN;
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
        if (l->refused_per_s > TURNED_AWAY_PER_S ||
            (l->syncookies == 1 && l->cookies_sent_per_s > TURNED_AWAY_PER_S && l->cookies_lost_share > 0.5))
                s->pressed_us = now_us;
        if (l->aged_per_s > 0 || l->stale_per_s > 0)
                s->aging_us = now_us;
        if (s->pressed_us && now_us - s->pressed_us < PRESSED_US && s->aging_us &&
            now_us - s->aging_us < PRESSED_US && flood_rules_is_stale(l, detect))
                s->choked_s = fmin(s->choked_s + since_s, 2 * FLOOD_RULES_CHOKED_S);
        else
                s->choked_s = fmax(0, s->choked_s - since_s);
        l->choked_s = s->choked_s;
}

/* Gathers and concludes from one look. */
static void conclude(struct subject *s, struct look *l, const struct settings_detect *detect,
                     uint64_t now_us) {
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

/* --- evidence ---------------------------------------------------------------- */

static double share_of(double unanswered_per_s, double refused_per_s, double completed_per_s) {
        return flood_rules_share(or_zero(unanswered_per_s) + or_zero(refused_per_s), completed_per_s);
}

/* What is said to be unfinished began: ages and cookies speak of moments apart, and where both do
 * their sum would count some twice. */
static double at_most_begun(double unanswered_per_s, const struct subject *s, double completed_per_s) {
        double left = s->begun_lately.per_s - or_zero(completed_per_s);

        return isnan(left) || isnan(unanswered_per_s) ? unanswered_per_s
                                                      : fmin(unanswered_per_s, fmax(left, 0));
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

static struct evidence evidence_of(const struct detector *d, const struct sight *at) {
        const struct look *l = &at->look;
        const struct subject *s = at->subject;
        struct evidence e = evidence_unknown();

        e.half_open = l->half_open;
        e.half_open_aged = l->stuck;
        e.backlog = l->backlog;
        e.fill = l->backlog > 0 ? l->half_open / l->backlog : NAN;
        if (at->obs->known & OBS_L_LIMITS)
                e.accept_queue = at->obs->accept_queue;
        e.completed_per_s = isnan(d->track.completed.per_s)
                                    ? NAN : fmin(l->completed_per_s, d->track.completed.per_s);
        e.unanswered_per_s = unanswered_of(l);
        if (!isnan(e.unanswered_per_s))
                e.unanswered_per_s = or_zero(s->late.per_s) + cookies_left_per_s(d, at) +
                                     or_zero(l->killed_per_s);
        /* What an overwhelming flood is told by has not had the time to be late. */
        if (s->flood_us && s->looked_us - s->flood_us < BEGINNING_US)
                e.unanswered_per_s = fmax(fmax(e.unanswered_per_s, unanswered_of(l)),
                                          or_zero(l->early_per_s) + or_zero(l->cookies_early_per_s));
        e.unanswered_per_s = at_most_begun(e.unanswered_per_s, s, e.completed_per_s);
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

static double arrivals_of(const struct host_track *t, const struct look *l) {
        if (isnan(t->completed.per_s))
                return NAN;
        return t->completed.per_s + or_zero(unanswered_of(l)) + or_zero(l->refused_per_s);
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

static struct circumstances circumstances_of(const struct detector *d, const struct observation *o,
                                             const struct look *l, const struct survival *survival) {
        const struct host_track *t = &d->track;

        return (struct circumstances) {
                .usual_completed_per_s = t->usual_completed.per_s,
                .alive = survival->alive,
                .stuck = survival->stuck,
                .late_per_s = or_zero(unanswered_of(l)),
                .late_share = flood_rules_share(or_zero(unanswered_of(l)) + or_zero(l->refused_per_s),
                                                l->completed_per_s),
                .aged_share = survival->late_per_s > 0 ? survival->aged_per_s / survival->late_per_s : NAN,
                .embryonic_rsts_per_s = t->embryonic_rsts.per_s,
                .overflowing = t->overflow_credit >= 1 && t->overflows.per_s >= 1 &&
                               t->overflows.per_s >= OVERFLOWING_SHARE * or_zero(t->completed.per_s),
                .outage = l->outage,
                .allowed_per_s = d->allowed_per_s,
                .scanning = (o->known & OBS_K_SOURCES) && (o->sources.known & OBS_SS_STRAY) &&
                            o->sources.stray_share >= SCAN_STRAY_SHARE &&
                            o->sources.stray_ports >= SCAN_PORTS,
                .refused_ports_per_s = refused_ports_per_s(d),
        };
}

/* --- names --------------------------------------------------------------------- */

/* Of one listener, or of all that are flooded together. */
static enum diagnosis name_of(struct detector *d, const struct observation *o,
                              const bool flooded[static OBS_LISTENERS_MAX], struct culprits *culprits) {
        struct naming_facts f = { .culprits = culprits, .usual_addresses = d->usual_addresses.per_s };
        double unfinished = 0, refused = 0, reset = 0, begun = 0;

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
                begun += d->sights[i].subject->begun_lately.per_s;
                if (o->listeners[i].known & OBS_L_SENDERS)
                        naming_add_senders(&f.strangers, &o->listeners[i].senders);
        }
        if (checks) {
                unfinished = fmax(0, unfinished - reset);
                reset = 0;
        }
        culprits_find(o, flooded, checks, culprits);
        f.reset_share = unfinished > 0 ? reset / unfinished : 0;
        f.log_is_blind = unfinished + refused > BLIND_FACTOR * begun + UNSEEN_PER_S / 10;
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

static void name_listener(struct detector *d, const struct observation *o, uint32_t index) {
        struct subject *s = d->sights[index].subject;
        bool only[OBS_LISTENERS_MAX] = { false };
        enum diagnosis supported;

        only[index] = true;
        supported = name_of(d, o, only, &d->culprits);
        s->verdict.diagnosis = name_settle(&s->name, true, supported, o->time_us);
        add_name(&s->verdict.evidence, &d->culprits, s->verdict.diagnosis);
}

/* Whoever sends most in a flood, or just after one, is easily taken for who made it. */
static bool is_calm(const struct detector *d, const struct observation *o, enum finding finding) {
        return finding == FINDING_NONE &&
               (!d->host_name.flood_us || o->time_us - d->host_name.flood_us >= CALM_AGAIN_US);
}

/* --- the step ---------------------------------------------------------------- */

static void step_listener(struct detector *d, const struct observation *o, uint32_t index,
                          struct verdicts *ret) {
        struct sight *at = &d->sights[index];
        struct subject *s = at->subject;
        struct circumstances c;

        if (at->looked)
                conclude(s, &at->look, at->detect, o->time_us);
        if (!isnan(at->look.completed_per_s) && o->elapsed_us)
                rate_mix(&s->finished, fmin(at->share.finished * or_zero(d->track.completed.per_s),
                                            at->look.completed_per_s), elapsed_s(o), SOURCES_TAU_S);
        s->verdict.evidence = evidence_of(d, at);
        s->verdict.evidence.syn_per_s = !isnan(s->syns.per_s) ? s->syns.per_s
                                        : o->listeners_count == 1 ? arrivals_of(&d->track, &at->look) : NAN;
        evidence_add_sources(&s->verdict.evidence, d->sources, is_calm(d, o, s->verdict.finding));
        c = circumstances_of(d, o, &at->look, &s->survival);
        c.accept_full = at->obs->accept_full > 0;
        c.overflowing &= s->accept_busy_us == o->time_us;
        if (s->verdict.finding == FINDING_FLOOD)
                name_listener(d, o, index);
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
        e.dropped_before_per_s = t->dropped_before.per_s;
        e.forwarded_per_s = t->forwarded.per_s;
        if (d->sources && (d->sources->known & OBS_SS_STRAY)) {
                e.stray_share = d->sources->stray_share;
                e.stray_ports = d->sources->stray_ports;
        }
        e.unanswered_per_s = d->unanswered_per_s;
        e.unanswered_share = share_of(d->unanswered_per_s, t->queue_drops.per_s, t->completed.per_s);
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
               t->syns.per_s - t->usual_syns.per_s >= UNSEEN_PER_S &&
               t->syns.per_s >= UNSEEN_FACTOR * t->usual_syns.per_s;
}

/* One name for all that is flooded. */
static void name_host(struct detector *d, const struct observation *o, struct verdicts *ret) {
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

static void step_host(struct detector *d, const struct observation *o, struct look *l, struct verdicts *ret) {
        struct circumstances c;

        conclude(&d->host, l, &d->settings->detect, o->time_us);
        if (d->host.verdict.finding == FINDING_NONE && surges_unseen(&d->track))
                d->host.verdict.finding = FINDING_SUSPECT;

        ret->host = d->host.verdict;
        ret->host.evidence = host_evidence(d, ret);
        evidence_add_sources(&ret->host.evidence, d->sources, is_calm(d, o, d->host.verdict.finding));
        c = circumstances_of(d, o, l, &d->host.survival);
        if (ret->host.finding == FINDING_FLOOD)
                ret->host.diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        else
                ret->host.diagnosis = diagnose(ret->host.finding, &ret->host.evidence, &c);
        take_worst(ret);
        name_host(d, o, ret);
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
        return now_us - d->crowd_us < CROWD_NEW_US || begun_per_s < CROWD_GONE_SHARE * d->crowd_peak_per_s;
}

static void follow_crowd(struct detector *d, const struct observation *o, struct look *host) {
        double begun = 0;

        for (uint32_t i = 0; i < o->listeners_count; i++)
                begun += d->sights[i].subject ? d->sights[i].subject->begun.per_s : 0;
        host->crowd_is_new = crowd_is_new(d, o->time_us, flood_rules_is_crowd(host), begun);
        for (uint32_t i = 0; i < o->listeners_count; i++)
                d->sights[i].look.crowd_is_new = host->crowd_is_new;
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
                clients.begun_per_s += o->listeners[i].known & OBS_L_SENDERS ? d->sights[i].subject->begun.per_s
                                                                            : NAN;
                clients.again_per_s += or_zero(l->again_per_s);
        }
        outage = outage_step(&d->outage, &d->track, &all, &clients, d->settings->detect.unanswered_per_s, o->time_us);
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
                rate_peak(&d->maybe_reset, share * d->track.syns.per_s, elapsed_s(o), RESET_TAU_S);
}

/* How many of a listener's handshakes are about to be late when all is well. */
static void learn_early(struct detector *d, const struct observation *o) {
        for (uint32_t i = 0; i < o->listeners_count && (o->known & OBS_K_DUMP); i++) {
                struct subject *s = d->sights[i].subject;

                if (!s || isnan(s->survival.early_per_s))
                        continue;
                if (s->learned_us)
                        rate_mix(&s->usual_early, s->survival.early_per_s,
                                 fmin((double) (o->time_us - s->learned_us) / 1e6, 10), USUAL_TAU_S);
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
        if (!isnan(addresses))
                rate_mix(&d->usual_addresses, fmin(addresses, ADDRESSES_MAX), elapsed_s(o), USUAL_TAU_S);
}

static void learn(struct detector *d, const struct observation *o) {
        learn_addresses(d, o);
        host_track_learn(&d->track, o, d->unanswered_per_s, d->settings->detect.warmup_us);
        learn_early(d, o);
        if (!isnan(d->track.embryonic_rsts.per_s))
                rate_mix(&d->usual_killed, d->track.embryonic_rsts.per_s, elapsed_s(o), USUAL_TAU_S);
        far_learn(&d->far, o, or_zero(d->track.completed.per_s),
                  d->walked_us ? fmin((double) (o->time_us - d->walked_us) / 1e6, 1) : 0);
}

static bool is_blind(const struct detector *d, const struct observation *o) {
        return o->sensors[SENSOR_SOCK_DIAG] == SENSOR_OFF || o->sensors[SENSOR_SOCK_DIAG] == SENSOR_FAILED ||
               o->time_us - (d->walked_us ? d->walked_us : d->started_us) > WALK_STALE_US;
}

/* Looks at every listener; returns the share of the cookies that they answer for. */
static double look_at_listeners(struct detector *d, const struct observation *o) {
        double cookies_told = 0;

        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (d->sights[i].subject) {
                        look_at_listener(d, o, i);
                        cookies_told += d->sights[i].share.cookies;
                }
        return cookies_told;
}

void detector_step(struct detector *d, const struct observation *o, struct verdicts *ret) {
        bool blind = is_blind(d, o);
        struct look host;

        if (d->started_us == 0)
                d->started_us = o->time_us;
        host_track_step(&d->track, o, far_age_us(&d->far, d->settings->detect.survival_age_us));
        set_sources(d, o);
        follow_few_sources(d, o);
        if (o->known & OBS_K_DUMP) {
                d->host.half_open = o->half_open;
                d->host.survival.stuck = o->aged;
        }

        see_listeners(d, o);
        attribute(d, o);
        host = look_at_host(d, blind, look_at_listeners(d, o));
        follow_outage(d, o, &host);
        follow_crowd(d, o, &host);

        d->unanswered_per_s = or_zero(unanswered_of(&host));
        ret->has_worst = false;
        ret->listeners_count = 0;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (d->sights[i].subject)
                        step_listener(d, o, i, ret);
        forget_closed(d, o->time_us);
        step_host(d, o, &host, ret);
        outage_follow_flood(&d->outage, ret->host.finding == FINDING_FLOOD,
                            host_track_arrivals(&d->track, d->unanswered_per_s), o->time_us, elapsed_s(o));
        if (ret->host.finding == FINDING_NONE)
                learn(d, o);
        if (o->known & OBS_K_DUMP)
                d->walked_us = o->time_us;
}
