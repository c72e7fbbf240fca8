/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/flood_rules.h"

#include <math.h>

#include "core/explanations.h"
#include "core/far.h"
#include "core/host_track.h"
#include "core/rate.h"
#include "core/retries.h"
#include "core/share.h"

/* Before the round trip after 1 s is over, most are still under way. */
#define LOSS_SOON 0.85
/* Handshakes above what is explained before "sustained" and "held" count. Poisson noise of rate m below
 * the tolerated k makes an excursion to H as often as exp(-t H) / s, where exp(t) - 1 = t k / m
 * (Lundberg's exponent; Asmussen and Albrecher, Ruin Probabilities, 2010): so H = ln(interval / s) / t.
 * 1.153 is that of 4.25/s against 8/s; with ticks of 0.2 s there s is 1.1 s (test-flood-rules.c). */
#define NOISE_EXPONENT 1.153
#define NOISE_LOOK_S 1.0
/* Where it is not loud it takes more, if the queue has room for it: noise just below
 * the tolerated then needs minutes, not the seconds that a scanner is busy. */
#define GATHERED_PART (1 / 12.0)
#define GATHERED_MOST 3.0 /* times that */

/* More than usual finish: a crowd, of which most may still be under way. */
#define RUSH_FACTOR (1 / MOST)
/* "Full" but for what just left. */
#define FULL_SHARE 0.8
/* After which a queue is choked: who came in its first 3 s has been turned away three times. Honest
 * clients that a flood has left waiting need less, once it is over. */
#define CHOKED_US (2 * RETRY_SECOND_US)
/* By cookie the honest are served: no need to hurry. */
#define CHOKED_COOKIES_US RETRY_THIRD_US

double flood_rules_share(double unanswered_per_s, double completed_per_s) {
        double all = unanswered_per_s + completed_per_s;

        return all > 0 ? unanswered_per_s / all : NAN;
}

/* --- how far a figure is above its bound ------------------------------------- */

/* 1: just there. 0: unknown. */
static double against(double value, double bound) {
        if (!(value > 0) || isnan(bound))
                return 0;
        return bound > 0 ? value / bound : INFINITY;
}

/* Of a share by its odds, which have no upper end. */
static double odds_against(double unanswered_per_s, double completed_per_s, double share) {
        return against(unanswered_per_s * (1 - share), completed_per_s * share);
}

static double all_of(double a, double b) {
        return fmin(a, b);
}

static double any_of(double a, double b) {
        return fmax(a, b);
}

double flood_rules_chance(const struct settings_detect *s) {
        return log((double) s->false_alarm_us / 1e6 / NOISE_LOOK_S) / NOISE_EXPONENT;
}

/* So many a second are, in 100 ms, what chance does not bring in the wanted interval. Where no second look
 * is waited for, one has to hold what two would. */
static double at_once_per_s(const struct settings_detect *s) {
        return fmax(flood_rules_chance(s) / ((double) OBS_AGE_FINE_US / 1e6), s->unanswered_per_s);
}

/* And so many in two looks at the 200 ms past the survival age. */
static double loud_per_s(const struct settings_detect *s) {
        return fmax(flood_rules_chance(s) / (2 * 2 * (double) OBS_AGE_FINE_US / 1e6), s->unanswered_per_s);
}

/* Honest clients are at risk now: the queue fills, SYNs are refused or answered by cookie. */
static double pressure(const struct look *l, const struct settings_detect *s) {
        double fills = against(l->half_open, l->backlog * s->fill_permille / 1000.0);
        double refuses = against(l->refused_per_s, 1);
        /* With 2 every SYN is answered by cookie, flood or not. */
        double cookies = l->syncookies != 2 ? against(l->cookies_sent_per_s, 1) : 0;

        return any_of(fills, any_of(refuses, cookies));
}

/* That many unfinished handshakes can fill at least half of the queue, or have. */
static double hurts(const struct look *l, const struct settings_detect *s, double unanswered_per_s) {
        double can = isnan(l->backlog) ? against(unanswered_per_s, loud_per_s(s))
                                       : all_of(against(unanswered_per_s, s->unanswered_per_s),
                                                against(unanswered_per_s * l->half_open_life_s, l->backlog / 2));

        return any_of(can, pressure(l, s));
}

bool flood_rules_pressure(const struct look *l, const struct settings_detect *s) {
        return pressure(l, s) >= 1;
}

/* --- what outlives loss and noise --------------------------------------------- */

/* Of what may go unanswered, what is no reason to look yet. */
static double half_tolerated(const struct settings_detect *s) {
        return s->unanswered_share_permille / 2000.0;
}

double flood_rules_tolerable_per_s(const struct settings_detect *s, double unfinished_per_s) {
        return fmin(s->unanswered_per_s, half_tolerated(s) * unfinished_per_s);
}

/* A lost cookie is not sent again, so loss looks like a flood at first sight.
 * Fewer than most of them unanswered count only if they went to addresses that
 * never came back. */
static double cookies_that_count(const struct look *l, const struct settings_detect *s) {
        double stale = or_zero(l->cookies_stale_per_s);
        double share = flood_rules_share(stale, l->completed_per_s);

        return share >= EXPLANATION_LOSS_MAX || (share >= half_tolerated(s) && l->seen_once_share >= share) ? stale : 0;
}

static double aged_for_sure(const struct look *l, const struct settings_detect *s) {
        return fmax(or_zero(l->aged_per_s), or_zero(l->stale_per_s)) + cookies_that_count(l, s);
}

static double gathered_enough(const struct look *l, const struct settings_detect *s) {
        double chance = flood_rules_chance(s);

        if (aged_for_sure(l, s) >= loud_per_s(s))
                return chance;
        return fmin(fmax(chance, GATHERED_PART * l->backlog), GATHERED_MOST * chance); /* fmax ignores a NAN */
}

double flood_rules_gather(double gathered, const struct look *l, double elapsed_s, const struct settings_detect *s) {
        double noise = explanation_per_s(EXPLAINED_NOISE, l, s);
        double late = or_zero(l->late_per_s);
        double soon = or_zero(l->aged_per_s) - LOSS_SOON * late - noise;
        double surely = or_zero(l->stale_per_s) + cookies_that_count(l, s) -
                        fmax(explanation_per_s(EXPLAINED_LOSS, l, s), explanation_later_per_s(l) + noise);

        gathered += (fmax(soon, surely) - explanation_per_s(EXPLAINED_RETRIES, l, s)) * elapsed_s;
        return fmin(fmax(gathered, 0), 2 * GATHERED_MOST * flood_rules_chance(s));
}

bool flood_rules_suspect(const struct look *l, const struct settings_detect *s) {
        double aged = aged_for_sure(l, s);

        return l->gathered >= gathered_enough(l, s) && aged >= s->unanswered_per_s &&
               flood_rules_share(aged, l->completed_per_s) >= half_tolerated(s);
}

/* --- the patterns --------------------------------------------------------------- */

bool flood_rules_is_crowd(const struct look *l) {
        return l->completed_per_s > RUSH_FACTOR * l->usual_completed_per_s + HOST_TRACK_CROWD_PER_S;
}

/* So many unfinished, a crowd beside what finishes and beside what usually arrives, and far above what the
 * round trips of the usual clients ever left, that it need not wait for another look. A pause of the
 * network is none of this: then no more arrive than did before. */
static double overwhelms(const struct look *l, const struct settings_detect *s) {
        double early = or_zero(l->early_per_s) + or_zero(l->cookies_early_per_s);
        double crowd = host_track_crowd_per_s(fmax(l->completed_per_s, l->usual_arrivals_per_s));

        if (isnan(l->usual_arrivals_per_s) || isnan(l->completed_per_s) || flood_rules_is_crowd(l))
                return 0;
        return all_of(all_of(against(early, 2 * at_once_per_s(s)), against(early, crowd)),
                      all_of(against(early, or_zero(l->usual_early_per_s) / FAR_OPEN_SHARE_MAX), hurts(l, s, early)));
}

/* Below this it can wait for entries to age; so can what does not fill half of the queue in a second: by then
 * far clients have finished. */
static double surge_per_s(const struct look *l, const struct settings_detect *s) {
        return fmax(loud_per_s(s), isnan(l->backlog) ? 0 : fmin(l->backlog / 2, at_once_per_s(s)));
}

/* As many come as usual, by the log and by what is late: their round trips grew, or something stood still. */
static bool nobody_is_new(const struct look *l, double late_per_s) {
        double usual = HOST_TRACK_USUAL_FACTOR * l->usual_arrivals_per_s;

        return l->begun_per_s <= usual && late_per_s <= usual; /* no, where one is not known */
}

static double surges(const struct look *l, const struct settings_detect *s) {
        double late = or_zero(l->late_per_s) + or_zero(l->cookies_unanswered_per_s);

        if (flood_rules_is_crowd(l) || nobody_is_new(l, late))
                return 0;
        return all_of(against(late, surge_per_s(l, s)), odds_against(late, l->completed_per_s, EXPLANATION_LOSS_MAX));
}

/* SYNs that are refused, or answered by cookie, for nothing. A queue over its
 * limit does one of both, whether or not the counters can be read. */
static double refuses_in_vain(const struct look *l, const struct settings_detect *s) {
        double refused = against(l->refused_per_s, s->unanswered_per_s);

        if (isnan(l->cookies_unanswered_per_s))
                return isnan(l->refused_per_s) && l->half_open > l->backlog ? INFINITY : refused;
        if (l->syncookies == 0)
                return refused;
        return any_of(refused, all_of(against(l->cookies_in_vain_per_s, s->unanswered_per_s),
                                      against(l->cookies_in_vain_per_s,
                                              s->unanswered_share_permille / 1000.0 * l->cookies_sent_per_s)));
}

/* SYN-ACKs go to somebody who never asked for them, and says so. */
bool flood_rules_are_checks(const struct look *l) {
        return l->few_reset && (l->killed_per_s < FLOOD_RULES_REFLECTED_PER_S ||
                                l->killed_per_s < host_track_crowd_per_s(l->usual_killed_per_s));
}

static double bounces(const struct look *l, const struct settings_detect *s) {
        if (flood_rules_are_checks(l))
                return 0;
        return all_of(against(l->killed_per_s, FLOOD_RULES_BOUNCING_PER_S),
                      odds_against(l->killed_per_s, l->completed_per_s, s->unanswered_share_permille / 1000.0));
}

bool flood_rules_is_stale(const struct look *l, const struct settings_detect *s) {
        return l->backlog > 0 && or_zero(l->late_steady_per_s) < loud_per_s(s) &&
               l->half_open >= FULL_SHARE * l->backlog && l->stuck >= MOST * l->half_open;
}

/* So few fill a short queue that no rate of theirs tells them from the Internet's noise; but they keep
 * it full, and whoever else comes is turned away. */
double flood_rules_choked_s(const struct look *l) {
        return (double) (l->syncookies == 0 ? CHOKED_US : CHOKED_COOKIES_US) / 1e6;
}

static double chokes(const struct look *l) {
        return against(l->choked_s, flood_rules_choked_s(l));
}

struct flood_strength flood_rules_match(const struct look *l, const struct settings_detect *s) {
        double aged = aged_for_sure(l, s);
        /* What is held must be growing old now: after a flood it stands for a minute. */
        double aging = against(aged, s->unanswered_per_s);
        double harm = hurts(l, s,
                            fmax(or_zero(l->late_per_s), or_zero(l->aged_per_s)) +
                                    or_zero(l->cookies_unanswered_per_s));
        double goes_on = all_of(against(aged, s->unanswered_per_s),
                                all_of(against(l->gathered, gathered_enough(l, s)), harm));

        if (l->outage)
                return (struct flood_strength) { 0 };
        if (l->crowd_is_new) /* what is old is late; the rest can wait */
                return (struct flood_strength) { .bouncing = bounces(l, s) };
        return (struct flood_strength) {
                .overwhelming = overwhelms(l, s),
                .surge = all_of(surges(l, s), harm),
                .sustained = all_of(goes_on,
                                    odds_against(aged, l->completed_per_s, s->unanswered_share_permille / 1000.0)),
                .held = all_of(goes_on, all_of(aging, against(l->held, l->backlog * s->fill_permille / 1000.0))),
                .refusing = all_of(all_of(refuses_in_vain(l, s), harm),
                                   against(l->stuck - l->came_again, MOST * l->half_open)),
                .bouncing = bounces(l, s), /* it hurts somebody else */
                .choking = chokes(l),
        };
}

double flood_rules_best(const struct flood_strength *s) {
        return fmax(fmax(fmax(s->overwhelming, s->surge), fmax(s->sustained, s->held)),
                    fmax(s->refusing, fmax(s->bouncing, s->choking)));
}

const char *flood_rules_strongest(const struct flood_strength *s) {
        const struct {
                const char *name;
                double strength;
        } patterns[] = {
                { "overwhelming", s->overwhelming }, { "surge", s->surge },
                { "sustained", s->sustained },       { "held", s->held },
                { "refusing", s->refusing },         { "bouncing", s->bouncing },
                { "choking", s->choking },
        };
        const char *name = NULL;
        double best = 0;

        for (unsigned i = 0; i < sizeof patterns / sizeof *patterns; i++)
                if (patterns[i].strength > best) {
                        best = patterns[i].strength;
                        name = patterns[i].name;
                }
        return name;
}
