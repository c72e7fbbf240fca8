/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/flood_rules.h"

#include <math.h>

#include "core/rate.h"

/* A half-open lives 1+2+4+8+16+32 s with tcp_synack_retries at 5. */
#define HALF_OPEN_LIFE_S 63.0
/* A strong stream: below this a second, wait for entries to age. */
#define SURGE_PER_S 50.0
/* Late handshakes include honest ones that are merely slow: they must be most. */
#define SURGE_SHARE 0.5
/* Of what was late, most is still there a second later. Lost packets are sent
 * again and half of their handshakes finish meanwhile. */
#define PERSISTENCE 0.6
/* Handshakes above the noise before "sustained" and "held" count: 20 at once,
 * or 10 a second for 2 s. With noise of half the tolerated rate k the chance to
 * get there from any start is exp(-2 H (k - k/2) / (k/2)) = exp(-2 H). */
#define GATHERED_ENOUGH 20.0
#define MOST 0.5
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

double flood_rules_gather(double gathered, double unanswered_per_s, double elapsed_s,
                          const struct settings_detect *s) {
        /* Noise is tolerated at half the rate that counts. */
        gathered += (or_zero(unanswered_per_s) - s->unanswered_per_s / 2.0) * elapsed_s;
        return fmin(fmax(gathered, 0), 2 * GATHERED_ENOUGH);
}

bool flood_rules_gathered_enough(double gathered) {
        return gathered >= GATHERED_ENOUGH;
}

/* Cookies leave no age to wait for; a loss looks like a flood at first sight.
 * Fewer than half of them unanswered count only if they went to addresses that
 * never came back. */
static double cookies_that_count(const struct look *l) {
        double share = flood_rules_share(or_zero(l->cookies_unanswered_per_s), l->completed_per_s);

        if (isnan(l->cookies_unanswered_per_s))
                return 0;
        if (share >= SURGE_SHARE || l->seen_once_share >= share * 0.8)
                return l->cookies_unanswered_per_s;
        return 0;
}

static bool surges(const struct look *l) {
        double late = or_zero(l->late_per_s) + or_zero(l->cookies_unanswered_per_s);

        return late >= SURGE_PER_S && flood_rules_share(late, l->completed_per_s) >= SURGE_SHARE;
}

static bool persists(const struct look *l) {
        return !(l->aged_per_s < PERSISTENCE * l->late_per_s);
}

unsigned flood_rules_match(const struct look *l, const struct settings_detect *s) {
        double aged = or_zero(l->aged_per_s) + cookies_that_count(l);
        double share = flood_rules_share(aged, l->completed_per_s);
        bool goes_on = aged >= s->unanswered_per_s && flood_rules_gathered_enough(l->gathered) &&
                       persists(l);
        bool in_vain = l->refused_per_s >= s->unanswered_per_s ||
                       (l->syncookies != 0 && l->cookies_unanswered_per_s >= s->unanswered_per_s);
        unsigned patterns = 0;

        if (l->outage || !flood_rules_hurts(l, s))
                return 0;
        if (surges(l))
                patterns |= PATTERN_SURGE;
        if (goes_on && share >= s->unanswered_share_permille / 1000.0)
                patterns |= PATTERN_SUSTAINED;
        if (goes_on && l->held >= l->backlog * s->fill_permille / 1000.0)
                patterns |= PATTERN_HELD;
        if (in_vain && l->half_open >= QUEUE_MIN && l->stuck >= MOST * l->half_open)
                patterns |= PATTERN_REFUSING;
        return patterns;
}
