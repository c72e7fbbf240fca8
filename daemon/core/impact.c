/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/impact.h"

#include <math.h>
#include <string.h>

#define SECOND_US UINT64_C(1000000)
/* Over so many seconds. */
enum { LATELY = 10 };
/* Fewer say too little. */
#define KNOWN_MIN 10.0

void impact_tally_add(struct impact_tally *t, const struct observation *o) {
        if ((o->known & OBS_K_SOURCES) && (o->sources.known & OBS_SS_KNOWN)) {
                t->known_begun += o->sources.known_begun;
                t->known_again += o->sources.known_again;
        }
        if (!(o->known & OBS_K_PROBE))
                return;
        for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                t->ended[i] += o->probe.ended[i];
        if (t->slowest_us < o->probe.slowest_us)
                t->slowest_us = o->probe.slowest_us;
}

static void add(struct impact_tally *to, const struct impact_tally *t) {
        to->known_begun += t->known_begun;
        to->known_again += t->known_again;
        for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                to->ended[i] += t->ended[i];
        if (to->slowest_us < t->slowest_us)
                to->slowest_us = t->slowest_us;
}

static double finished(double begun, double again) {
        return begun >= KNOWN_MIN ? fmax(0, 1 - again / begun) : NAN;
}

double impact_tally_known_finished(const struct impact_tally *t) {
        return finished((double) t->known_begun, (double) t->known_again);
}

static uint64_t made(const struct impact_tally *t) {
        return t->ended[OBS_PROBE_CONNECTED] + t->ended[OBS_PROBE_REFUSED] + t->ended[OBS_PROBE_TIMED_OUT];
}

double impact_tally_connected(const struct impact_tally *t) {
        return made(t) > 0 ? (double) t->ended[OBS_PROBE_CONNECTED] / (double) made(t) : NAN;
}

/* That of so many seconds ago. */
static const struct impact_tally *bin(const struct impact *i, unsigned ago) {
        return &i->bins[(i->second + IMPACT_SECONDS - ago) % IMPACT_SECONDS];
}

void impact_add(struct impact *i, const struct observation *o) {
        uint64_t second = o->time_us / SECOND_US;

        if (second - i->second >= IMPACT_SECONDS)
                memset(i->bins, 0, sizeof i->bins);
        else
                for (uint64_t s = i->second + 1; s <= second; s++)
                        memset(&i->bins[s % IMPACT_SECONDS], 0, sizeof i->bins[0]);
        i->second = second;
        impact_tally_add(&i->bins[second % IMPACT_SECONDS], o);
}

struct impact_tally impact_sum(const struct impact *i) {
        struct impact_tally t = { .known_begun = 0 };

        for (unsigned ago = 0; ago < IMPACT_SECONDS; ago++)
                add(&t, bin(i, ago));
        return t;
}

/* Sent again within the present second and the nine before; begun a second before that: all of nine seconds, and of
 * the youngest of them as much as has passed of the present one. */
double impact_known_finished(const struct impact *i, uint64_t now_us) {
        double passed = (double) (now_us % SECOND_US) / (double) SECOND_US, begun = 0, again = 0;

        for (unsigned ago = 0; ago < LATELY; ago++)
                again += (double) bin(i, ago)->known_again;
        for (unsigned ago = 2; ago <= LATELY; ago++)
                begun += (double) bin(i, ago)->known_begun;
        begun += passed * (double) bin(i, 1)->known_begun;
        return finished(begun, again);
}

struct impact_tally impact_probe_lately(const struct impact *i) {
        struct impact_tally t = { .known_begun = 0 };

        for (unsigned ago = 0; ago < IMPACT_SECONDS && (ago < LATELY || made(&t) == 0); ago++)
                add(&t, bin(i, ago));
        return t;
}
