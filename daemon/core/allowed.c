/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/allowed.h"

#include <math.h>

static bool is_allowed(const struct settings *s, const struct prefix *p) {
        for (uint32_t i = 0; i < s->allow_count; i++)
                if (s->allow[i].length <= p->length && prefix_contains(&s->allow[i], &p->address))
                        return true;
        return false;
}

/* A second; never more than it surely sends. */
static double finished(const struct obs_source *s) {
        if ((s->known & (OBS_S_SYNS | OBS_S_COMPLETED)) != (OBS_S_SYNS | OBS_S_COMPLETED))
                return 0;
        return fmax(0, fmin(s->completed_per_s, s->syn_per_s - s->syn_error_per_s));
}

static bool lies_within(const struct obs_source *s, const struct obs_source *wider) {
        return wider->listener == s->listener && wider->prefix.length < s->prefix.length &&
               prefix_contains(&wider->prefix, &s->prefix.address);
}

/* Whether a wider entry of the list is taken out, and this one with it. */
static bool counted_with_another(const struct obs_sources *sources, const bool *allowed, uint32_t i) {
        for (uint32_t k = 0; k < sources->count; k++)
                if (allowed[k] && lies_within(&sources->list[i], &sources->list[k]))
                        return true;
        return false;
}

static void take(struct obs_source *s, double per_s) {
        s->syn_per_s = fmax(s->syn_error_per_s, s->syn_per_s - per_s);
        s->completed_per_s = fmax(0, s->completed_per_s - per_s);
}

double allowed_take_out(const struct settings *settings, const struct obs_sources *sources, struct obs_sources *ret) {
        bool allowed[OBS_SOURCES_MAX];
        double taken = 0, before = sources->syn_per_s;

        *ret = *sources;
        if (settings->allow_count == 0)
                return 0;
        for (uint32_t i = 0; i < sources->count; i++)
                allowed[i] = is_allowed(settings, &sources->list[i].prefix);
        for (uint32_t i = 0; i < sources->count; i++) {
                double per_s = allowed[i] ? finished(&sources->list[i]) : 0;

                if (!(per_s > 0))
                        continue;
                take(&ret->list[i], per_s);
                if (counted_with_another(sources, allowed, i))
                        continue;
                taken += per_s;
                for (uint32_t k = 0; k < sources->count; k++)
                        if (!allowed[k] && lies_within(&sources->list[i], &sources->list[k]))
                                take(&ret->list[k], per_s);
        }
        if ((sources->known & OBS_SS_DISTINCT) && before > 0) {
                ret->syn_per_s = fmax(0, before - taken);
                /* They are seen again and again. */
                ret->seen_once_share = ret->syn_per_s > 0 ? fmin(1, sources->seen_once_share * before / ret->syn_per_s)
                                                          : 0;
        }
        return taken;
}
