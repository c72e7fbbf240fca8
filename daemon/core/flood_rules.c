/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/flood_rules.h"

#include <math.h>

#include "core/rate.h"

/* A half-open lives 1+2+4+8+16+32 s with tcp_synack_retries at 5. */
#define HALF_OPEN_LIFE_S 63.0
/* A strong stream: below this a second, wait for entries to age. */
#define SURGE_PER_S 50.0
/* Late handshakes include honest ones: 25 % loss each way makes 44 % late. */
#define SURGE_SHARE 0.6
/* Scanners end their probes by RST too; a victim sends one for each SYN-ACK. */
#define BOUNCING_PER_S 200.0
/* See flood_rules_gather(). */
#define NOISE_SHARE 0.8
#define LOSS_SHARE_MAX 0.55
#define LOSS_MARGIN 1.8
#define LOSS_LEAVES_MAX 0.75
#define NO_LOSS_LEAVES 0.5
/* Before the round trip after 1 s is over, most are still under way. */
#define LOSS_SOON 0.85
/* Handshakes above what is explained before "sustained" and "held" count. With
 * Poisson noise of rate m below the tolerated k, the chance of an excursion to
 * H is about exp(-2 H (k - m) / m): for 5/s against 8/s, 2e-8. */
#define GATHERED_ENOUGH 15.0
#define MOST 0.5
/* Some cookies of a crowd are always lost. */
#define IN_VAIN_SHARE 0.1
/* A queue of a few entries says nothing. */
#define QUEUE_MIN 8.0

double flood_rules_share(double unanswered_per_s, double completed_per_s) {
        double all = unanswered_per_s + completed_per_s;

        return all > 0 ? unanswered_per_s / all : NAN;
}

bool flood_rules_hurts(const struct look *l, const struct settings_detect *s) {
        double unanswered = fmax(or_zero(l->late_per_s), or_zero(l->aged_per_s)) +
                            or_zero(l->cookies_unanswered_per_s);

        if (flood_rules_pressure(l, s))
                return true;
        if (isnan(l->backlog))
                return unanswered >= SURGE_PER_S;
        return unanswered >= s->unanswered_per_s &&
               unanswered * HALF_OPEN_LIFE_S >= l->backlog / 2;
}

bool flood_rules_pressure(const struct look *l, const struct settings_detect *s) {
        if (l->half_open >= QUEUE_MIN && l->half_open >= l->backlog * s->fill_permille / 1000.0)
                return true;
        if (l->refused_per_s >= 1)
                return true;
        /* With 2 every SYN is answered by cookie, flood or not. */
        return l->syncookies != 2 && l->cookies_sent_per_s >= 1;
}

/* A lost cookie is not sent again, so loss looks like a flood at first sight.
 * Fewer than most of them unanswered count only if they went to addresses that
 * never came back. */
static double cookies_that_count(const struct look *l) {
        double stale = or_zero(l->cookies_stale_per_s);
        double share = flood_rules_share(stale, l->completed_per_s);

        return share >= SURGE_SHARE || (share >= IN_VAIN_SHARE && l->seen_once_share >= share * 0.8) ? stale
                                                                                                     : 0;
}

/* Of the handshakes that were late, the part that loss may leave unfinished at 1.5 s. */
static double loss_leaves(const struct look *l) {
        double share = flood_rules_share(or_zero(l->late_per_s), l->completed_per_s);

        if (isnan(share) || share > LOSS_SHARE_MAX)
                return NO_LOSS_LEAVES;
        return fmin(LOSS_MARGIN * share, LOSS_LEAVES_MAX);
}

double flood_rules_gather(double gathered, const struct look *l, double elapsed_s,
                          const struct settings_detect *s) {
        double noise = NOISE_SHARE * s->unanswered_per_s;
        double late = or_zero(l->late_per_s);
        double soon = or_zero(l->aged_per_s) - LOSS_SOON * late - noise;
        double surely = or_zero(l->stale_per_s) + cookies_that_count(l) -
                        fmax(loss_leaves(l) * late, noise);

        gathered += fmax(soon, surely) * elapsed_s;
        return fmin(fmax(gathered, 0), 2 * GATHERED_ENOUGH);
}

static bool surges(const struct look *l, const struct settings_detect *s) {
        double late = or_zero(l->late_per_s) + or_zero(l->cookies_unanswered_per_s);

        return late >= fmax(SURGE_PER_S, s->unanswered_per_s) && flood_rules_share(late, l->completed_per_s) >= SURGE_SHARE;
}

/* SYNs that are refused, or answered by cookie, for nothing. A queue over its
 * limit does one of both, whether or not the counters can be read. */
static bool refuses_in_vain(const struct look *l, const struct settings_detect *s) {
        if (l->refused_per_s >= s->unanswered_per_s)
                return true;
        if (isnan(l->cookies_unanswered_per_s))
                return isnan(l->refused_per_s) && l->half_open > l->backlog;
        return l->syncookies != 0 && l->cookies_unanswered_per_s >= s->unanswered_per_s &&
               l->cookies_unanswered_per_s >= IN_VAIN_SHARE * l->cookies_sent_per_s;
}

/* SYN-ACKs go to somebody who never asked for them, and says so. */
static bool bounces(const struct look *l) {
        return l->killed_per_s >= BOUNCING_PER_S &&
               flood_rules_share(l->killed_per_s, l->completed_per_s) >= SURGE_SHARE;
}

static double aged_for_sure(const struct look *l) {
        return fmax(or_zero(l->aged_per_s), or_zero(l->stale_per_s)) + cookies_that_count(l);
}

bool flood_rules_suspect(const struct look *l, const struct settings_detect *s) {
        double aged = aged_for_sure(l);

        return l->gathered >= GATHERED_ENOUGH && aged >= s->unanswered_per_s &&
               flood_rules_share(aged, l->completed_per_s) >= s->unanswered_share_permille / 2000.0;
}

unsigned flood_rules_match(const struct look *l, const struct settings_detect *s) {
        double aged = aged_for_sure(l);
        double share = flood_rules_share(aged, l->completed_per_s);
        bool goes_on = aged >= s->unanswered_per_s && l->gathered >= GATHERED_ENOUGH;
        unsigned patterns = 0;

        if (l->outage)
                return 0;
        if (bounces(l)) /* it hurts somebody else */
                patterns |= PATTERN_BOUNCING;
        if (!flood_rules_hurts(l, s))
                return patterns;
        if (surges(l, s))
                patterns |= PATTERN_SURGE;
        if (goes_on && share >= s->unanswered_share_permille / 1000.0)
                patterns |= PATTERN_SUSTAINED;
        if (goes_on && l->held >= l->backlog * s->fill_permille / 1000.0)
                patterns |= PATTERN_HELD;
        if (refuses_in_vain(l, s) && l->half_open >= QUEUE_MIN && l->stuck >= MOST * l->half_open)
                patterns |= PATTERN_REFUSING;
        return patterns;
}
