/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/naming.h"

#include <math.h>

#include "core/rate.h"
#include "core/share.h"
#include "core/source_table.h"
#include "core/source_window.h"

/* Repeats that chance alone, or a few visitors who came twice, may bring. */
#define REPEATS_MIN 8.0
/* Handshakes from which addresses can be reckoned. */
#define REPEATS_SAMPLE 50
/* Another name has to hold for so long: an attack that changes does, a moment's figures do not. */
#define NAME_STAYS_US (5 * SOURCE_TABLE_HALVING_US)

/* How often an address comes in the time of the sample, from how many are different of those that came:
 * if each comes at random, (1 - exp(-m)) / m of them. */
static double comes(double different_share) {
        double low = 0, high = SEEN_ONCE_COUNTED;

        for (unsigned i = 0; i < 40; i++) {
                double m = (low + high) / 2;

                if (-expm1(-m) / m > different_share)
                        low = m;
                else
                        high = m;
        }
        return low;
}

double naming_addresses(const struct obs_senders *s) {
        if (s->begun < REPEATS_SAMPLE)
                return NAN;
        if (s->begun == s->addresses)
                return HUGE_VAL;
        return (double) s->begun * s->one_in / comes((double) s->addresses / (double) s->begun);
}

/* What those who finish repeat: as many addresses as in calm, all that may if that is not known. */
static double honest_repeats(const struct naming_facts *f, double honest) {
        double addresses = f->usual_addresses / fmax(1, f->strangers.one_in);

        return isnan(addresses) ? honest : fmin(honest, honest * honest / (2 * addresses));
}

/* Of the flood's handshakes, the share that would be of addresses seen once in a whole window, at
 * most; 1: nothing says otherwise. */
static double seen_once_at_most(const struct naming_facts *f) {
        const struct obs_senders *s = &f->strangers;
        double honest = f->finished_per_s * s->span_s / fmax(1, s->one_in);
        double repeats = (double) (s->begun - s->addresses), begun = fmax((double) s->begun - honest, repeats);
        double sure = repeats - 2 * sqrt(repeats) - honest_repeats(f, honest);
        double window_s = (double) SOURCE_WINDOW_US / 1e6, in_window;

        if (!(sure >= REPEATS_MIN))
                return 1;
        in_window = (f->begun_at_most_per_s - f->finished_per_s) * window_s / fmax(1, s->one_in);
        return exp(-comes(1 - sure / begun) * fmax(in_window, 0) / begun);
}

static bool one_prefix_has_most(const struct culprits *c, double unfinished_per_s) {
        for (uint32_t i = 0; i < c->count; i++)
                if (c->list[i].prefix.length < ADDRESS_BITS && !(c->list[i].is & OBS_S_CLIENT) &&
                    c->list[i].unfinished_per_s >= MOST * unfinished_per_s)
                        return true;
        return false;
}

enum diagnosis naming_of_flood(const struct naming_facts *f) {
        const struct culprits *c = f->culprits;
        /* Two upper bounds: what began less the connections that ended, and less what finished. */
        double unfinished = fmin(c->unfinished_per_s, fmax(0, c->syn_per_s - f->finished_per_s));
        bool few = !f->log_is_blind && unfinished > 0 && culprits_few_share(c, false, unfinished) >= MOST;

        if (f->reset_share >= MOST)
                return few ? DIAGNOSIS_FLOOD_REFLECTED : DIAGNOSIS_FLOOD_SPOOFED;
        if (few && culprits_few_disown(c) >= MOST) /* to a cookie: no half-open is left to be ended */
                return DIAGNOSIS_FLOOD_REFLECTED;
        if (few || (!f->log_is_blind && unfinished > 0 && one_prefix_has_most(c, unfinished)))
                return DIAGNOSIS_FLOOD_CONCENTRATED;
        if (!f->log_is_blind && seen_once_at_most(f) < MOST)
                return DIAGNOSIS_FLOOD_DISTRIBUTED;
        return DIAGNOSIS_FLOOD_SPOOFED;
}

void naming_add_senders(struct obs_senders *sum, const struct obs_senders *s) {
        sum->syn_per_s += s->syn_per_s;
        sum->ended_per_s += s->ended_per_s;
        sum->begun += s->begun;
        sum->addresses += s->addresses;
        sum->once += s->once;
        sum->one_in = s->one_in;
        sum->span_s = fmax(sum->span_s, s->span_s);
}

enum diagnosis name_settle(struct name *n, bool flood, enum diagnosis supported, uint64_t now_us) {
        if (!flood) {
                if (now_us - n->flood_us >= NAME_STAYS_US)
                        *n = (struct name) { .given = DIAGNOSIS_UNKNOWN };
                return n->given == DIAGNOSIS_UNKNOWN ? supported : n->given;
        }
        n->flood_us = now_us;
        if (n->given == DIAGNOSIS_UNKNOWN)
                n->given = supported;
        if (supported == n->given || supported != n->other) {
                n->other = supported;
                n->other_since_us = now_us;
        } else if (now_us - n->other_since_us >= NAME_STAYS_US)
                n->given = supported;
        return n->given;
}
