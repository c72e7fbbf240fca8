/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/explanations.h"

#include "core/rate.h"
#include "core/share.h"

double explanation_loss_leaves(const struct look *l) {
        double share = flood_rules_share(or_zero(l->late_per_s), l->completed_per_s);

        if (isnan(share) || share > EXPLANATION_LOSS_MAX)
                return MOST;
        return share;
}

double explanation_later_per_s(const struct look *l) {
        return fmax(0, l->later_share * or_zero(l->stale_per_s) - or_zero(l->killed_per_s));
}

static double noise(const struct look *l, const struct settings_detect *s) {
        (void) l;
        return EXPLANATION_NOISE_SHARE * s->unanswered_per_s;
}

static double loss(const struct look *l, const struct settings_detect *s) {
        (void) s;
        return fmax(explanation_loss_leaves(l) * or_zero(l->late_per_s), explanation_later_per_s(l));
}

static double far(const struct look *l, const struct settings_detect *s) {
        (void) s;
        return or_zero(l->far_per_s);
}

static double accept_queue(const struct look *l, const struct settings_detect *s) {
        (void) s;
        return or_zero(l->overflowed_per_s);
}

static double checks(const struct look *l, const struct settings_detect *s) {
        (void) s;
        return flood_rules_are_checks(l) ? or_zero(l->killed_per_s) + or_zero(l->maybe_reset_per_s)
                                         : or_zero(l->maybe_reset_per_s);
}

/* Whoever forges addresses can send his SYNs twice as well: where more are left than finish, it explains
 * nothing, and less the more of them came again before a client's would. */
static double retries(const struct look *l, const struct settings_detect *s) {
        double left = fmax(or_zero(l->aged_per_s), or_zero(l->late_per_s)) + or_zero(l->cookies_unanswered_per_s);

        (void) s;
        if (left > l->completed_per_s)
                return 0;
        return fmax(0, or_zero(l->again_per_s) - l->cookies_again_per_s) *
               (1 - fmin(1, l->repeated_per_s / fmax(left, 1)));
}

static double way_back(const struct look *l, const struct settings_detect *s) {
        (void) s;
        return l->outage ? or_zero(l->late_per_s) + or_zero(l->cookies_unanswered_per_s) : 0;
}

double explanation_per_s(enum explanation e, const struct look *l, const struct settings_detect *s) {
        static double (*const table[EXPLANATIONS])(const struct look *, const struct settings_detect *) = {
                [EXPLAINED_NOISE] = noise,         [EXPLAINED_LOSS] = loss,     [EXPLAINED_FAR] = far,
                [EXPLAINED_ACCEPT] = accept_queue, [EXPLAINED_CHECKS] = checks, [EXPLAINED_RETRIES] = retries,
                [EXPLAINED_WAY_BACK] = way_back,
        };

        return table[e](l, s);
}
