/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The patterns of core/flood_rules.h, or one statistic in the place of "sustained" and "held": the same
 * engine, the same looks. It takes the place of core/flood_rules.o in the program that compares the two.
 */
#include "tests/scenarios/statistic_verdict.h"

#include "core/flood_rules.h"

static struct flood_strength patterns_match(const struct look *l, const struct settings_detect *s);
static double patterns_gather(double gathered, const struct look *l, double elapsed_s, const struct settings_detect *s);
static bool patterns_suspect(const struct look *l, const struct settings_detect *s);
#define flood_rules_match patterns_match
#define flood_rules_gather patterns_gather
#define flood_rules_suspect patterns_suspect
#include "core/flood_rules.c"
#undef flood_rules_match
#undef flood_rules_gather
#undef flood_rules_suspect

#include <stdlib.h>

#include "tests/scenarios/statistic.h"

enum kind { AGED, STALE, KINDS };
enum { MEMORIES = 4096 };

#define INTERVAL_S (365 * 86400.0) /* wanted between false alarms */
#define LOOK_S 0.2                 /* the fastest tick */
/* 25 % loss each way leaves so many late. */
#define LOST_MOST 0.44

/* Of a listener, or of the host. Its number is what the engine keeps in the place of what is gathered. */
static struct memory {
        struct statistic of[KINDS];
        double alarm; /* the most of all, in bounds */
} memories[MEMORIES];
static unsigned memories_used;
static bool by_statistic;

void statistic_verdict_begin(bool statistic) {
        by_statistic = statistic;
        memories_used = 0;
}

/* What is older may be lost, once (AGED) or, after the second SYN-ACK, twice (STALE); or as much of all as
 * is tolerated, unless it fills the queue. Both are bounds of the same, so the larger counts. */
static double old_explained(enum kind k, const struct look *l, const struct settings_detect *s,
                            double tolerated_per_s) {
        double share = s->unanswered_share_permille / 1000.0;
        double lost = fmin(or_zero(l->late_per_s), LOST_MOST / (1 - LOST_MOST) * l->completed_per_s);
        double of_all = M_LN2 * share / (1 - share) * l->completed_per_s;
        double explained = tolerated_per_s;

        if (k == STALE && lost > 0)
                lost *= lost / (lost + l->completed_per_s);
        /* A lost cookie is not sent again. */
        if (!(l->held >= l->backlog * s->fill_permille / 1000.0) || (k == STALE && cookies_that_count(l, s) > 0))
                explained = fmax(explained, of_all);
        return fmax(explained, lost) + explanation_per_s(EXPLAINED_RETRIES, l, s);
}

/* What one kind of evidence counted, and what explains it. False: it says nothing, so that it counts as
 * explained. */
static bool see(enum kind k, const struct look *l, const struct settings_detect *s, double elapsed_s,
                struct statistic_look *ret) {
        const double window_s = 0.5; /* as core/survival.c counts */
        double tolerated = M_LN2 * s->unanswered_per_s, explained = old_explained(k, l, s, tolerated);
        double n = k == AGED ? or_zero(l->aged_per_s) : or_zero(l->stale_per_s) + cookies_that_count(l, s);
        bool says = !l->outage && !isnan(l->completed_per_s);

        if (isnan(explained))
                explained = tolerated;
        *ret = (struct statistic_look) { .per_s = says ? n : explained,
                                         .explained_per_s = explained,
                                         .seen_s = fmin(elapsed_s, window_s) };
        return says;
}

static struct memory *memory_of(double gathered) {
        return &memories[(unsigned) gathered];
}

double flood_rules_gather(double gathered, const struct look *l, double elapsed_s, const struct settings_detect *s) {
        double bound = statistic_bound(INTERVAL_S, LOOK_S, (double) KINDS * (double) STATISTIC_FLOODS);
        struct memory *m;
        bool calm;

        if (!by_statistic)
                return patterns_gather(gathered, l, elapsed_s, s);
        if (!(gathered > 0)) {
                if (memories_used == MEMORIES - 1)
                        abort();
                gathered = ++memories_used;
                *memory_of(gathered) = (struct memory) { .alarm = 0 };
        }
        m = memory_of(gathered);
        calm = m->alarm <= 0;
        m->alarm = 0;
        for (enum kind k = 0; k < KINDS; k++) {
                struct statistic_look seen;
                bool says = see(k, l, s, elapsed_s, &seen);

                m->alarm = fmax(m->alarm, statistic_add(&m->of[k], &seen, bound, bound / 2) / bound);
                if (says && calm && seen.per_s <= s->unanswered_per_s)
                        statistic_learn(&m->of[k], &seen);
        }
        return gathered;
}

bool flood_rules_suspect(const struct look *l, const struct settings_detect *s) {
        return by_statistic ? memory_of(l->gathered)->alarm >= 0.5 : patterns_suspect(l, s);
}

struct flood_strength flood_rules_match(const struct look *l, const struct settings_detect *s) {
        struct flood_strength strength = patterns_match(l, s);
        double unfinished = fmax(or_zero(l->late_per_s), or_zero(l->aged_per_s)) + or_zero(l->cookies_unanswered_per_s);

        if (!by_statistic)
                return strength;
        strength.sustained = strength.held = 0;
        /* One look decides, like "overwhelming": that it is enough follows from the bound. */
        if (!l->outage && !l->crowd_is_new)
                strength.overwhelming = any_of(strength.overwhelming,
                                               all_of(memory_of(l->gathered)->alarm, hurts(l, s, unfinished)));
        return strength;
}
