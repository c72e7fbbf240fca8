/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A sequential log-likelihood ratio (CUSUM; E. S. Page, Biometrika 41, 1954) of what stays unfinished at a
 * listener: H0, as many a second as is explained; H1, a flood beside that. To compare with the patterns of
 * core/flood_rules.h (doc/detector.md, "Why patterns").
 *
 *   G = max(0, G + min(c, (n ln(l1 / l0) - (l1 - l0) t) / d))     in nats
 *
 * n handshakes were seen in t seconds; l0 a second are explained, l1 = l0 + the flood; d is the dispersion,
 * variance over mean of such counts in calm (quasi-likelihood; P. McCullagh, Ann. Stat. 11, 1983). Each flood
 * of a bank, of once and four times what is explained, has its own G. A look may be wrong as a whole, so
 * none counts for more than c (a clipped likelihood ratio; P. J. Huber, Ann. Math. Stat. 36, 1965).
 * With l1 = 2 l0 G rises where more than l0 / ln 2 a second stay unfinished.
 *
 * The bound follows from the wanted interval between false alarms: the mean number of looks to a false
 * alarm is at least e^h (G. Lorden, Ann. Math. Stat. 42, 1971; of all tests with that interval the CUSUM is
 * the quickest: G. V. Moustakides, Ann. Stat. 14, 1986), so
 *
 *   h = ln(interval / time between looks * tests side by side)     in nats
 *
 * Pure: no clock, no allocation, no memory but the record.
 */

enum { STATISTIC_FLOODS = 2 };

/* Of one kind of evidence at one listener; begun by zeroing it. */
struct statistic {
        double nats[STATISTIC_FLOODS];
        double mean, variance; /* of counts in calm, … */
        double weighed_s;      /* … and of how many seconds */
};

/* What a look counted: `per_s` over `seen_s` seconds (0: nothing new) of which no look before this one
 * knew. explained_per_s > 0. */
struct statistic_look {
        double per_s, explained_per_s, seen_s;
};

/* Nats. interval_s, look_s > 0: seconds; tests: kinds of evidence, floods of the bank and listeners. */
double statistic_bound(double interval_s, double look_s, double tests);

/* The most of the bank after this look, no more than twice the bound, so that the end is seen; most_at_once
 * as c above. */
double statistic_add(struct statistic *s, const struct statistic_look *l, double bound, double most_at_once);

/* In calm: how uneven such counts are. */
void statistic_learn(struct statistic *s, const struct statistic_look *l);

/* At least 1, and 1 before anything is learned. */
double statistic_dispersion(const struct statistic *s);
