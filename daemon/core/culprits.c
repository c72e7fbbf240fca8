/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/culprits.h"

#include <math.h>

#include "core/verdict.h"

static struct culprit *find(struct culprits *c, const struct prefix *p) {
        for (uint32_t i = 0; i < c->count; i++)
                if (c->list[i].prefix.length == p->length && address_equal(&c->list[i].prefix.address, &p->address))
                        return &c->list[i];
        return NULL;
}

static void take(struct culprits *c, const struct obs_source *s) {
        double certain = s->known & OBS_S_SYNS ? fmax(0, s->syn_per_s - s->syn_error_per_s) : 0;
        bool completions = s->known & OBS_S_COMPLETED;
        double unfinished = completions ? certain * (1 - fmin(1, s->completion_high)) : 0;
        struct culprit *k = find(c, &s->prefix);

        if (!k && !(unfinished > 0) && !(s->known & OBS_S_HALF_OPEN && s->half_open > 0))
                return;
        if (!k) {
                k = &c->list[c->count++];
                *k = (struct culprit) { .prefix = s->prefix, .completions_known = true };
        }
        k->syn_per_s += certain;
        k->unfinished_per_s += unfinished;
        k->completion_high = fmax(k->completion_high, s->completion_high);
        k->half_open += s->known & OBS_S_HALF_OPEN ? s->half_open : 0;
        k->completions_known &= completions;
        k->is |= s->is;
}

static void sort(struct culprits *c) {
        for (uint32_t i = 1; i < c->count; i++) {
                struct culprit k = c->list[i];
                uint32_t at = i;

                for (; at > 0 && c->list[at - 1].unfinished_per_s < k.unfinished_per_s; at--)
                        c->list[at] = c->list[at - 1];
                c->list[at] = k;
        }
}

void culprits_find(const struct observation *o, const bool flooded[static OBS_LISTENERS_MAX], bool checks,
                   struct culprits *ret) {
        const struct obs_sources *s = &o->sources;
        double checked = 0;

        ret->count = 0;
        ret->syn_per_s = ret->unfinished_per_s = 0;
        if (!(o->known & OBS_K_SOURCES))
                return;
        for (uint32_t i = 0; i < s->count; i++) {
                const struct obs_source *one = &s->list[i];

                if (one->listener >= o->listeners_count || !flooded[one->listener])
                        continue;
                if (!checks || !(one->is & OBS_S_DISOWNS))
                        take(ret, one);
                else if (one->prefix.length == ADDRESS_BITS)
                        checked += one->syn_per_s;
        }
        sort(ret);
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct obs_listener *l = &o->listeners[i];

                if (!flooded[i] || !(l->known & OBS_L_SENDERS))
                        continue;
                ret->syn_per_s += l->senders.syn_per_s;
                ret->unfinished_per_s += fmax(0, l->senders.syn_per_s -
                                                         (l->known & OBS_L_ENDED ? l->senders.ended_per_s : 0));
        }
        ret->syn_per_s = fmax(0, ret->syn_per_s - checked);
        ret->unfinished_per_s = fmax(0, ret->unfinished_per_s - checked);
        if (!(ret->syn_per_s > 0)) /* a recording that does not tell for each listener */
                ret->syn_per_s = ret->unfinished_per_s = s->known & OBS_SS_DISTINCT ? s->syn_per_s : 0;
}

double culprits_few_share(const struct culprits *c, bool clients, double unfinished_per_s) {
        double sum = 0;
        unsigned taken = 0;

        for (uint32_t i = 0; i < c->count && taken < CULPRITS_FEW; i++) {
                if (c->list[i].prefix.length != ADDRESS_BITS || (!clients && c->list[i].is & OBS_S_CLIENT))
                        continue;
                sum += c->list[i].unfinished_per_s;
                taken++;
        }
        return unfinished_per_s > 0 ? fmin(1, sum / unfinished_per_s) : 0;
}

double culprits_few_disown(const struct culprits *c) {
        double sum = 0, disown = 0;
        unsigned taken = 0;

        for (uint32_t i = 0; i < c->count && taken < CULPRITS_FEW; i++) {
                if (c->list[i].prefix.length != ADDRESS_BITS || c->list[i].is & OBS_S_CLIENT)
                        continue;
                sum += c->list[i].unfinished_per_s;
                disown += c->list[i].is & OBS_S_DISOWNS ? c->list[i].unfinished_per_s : 0;
                taken++;
        }
        return sum > 0 ? disown / sum : 0;
}

static bool may_be_named(const struct culprit *k) {
        return k->unfinished_per_s > 0 && !(k->is & OBS_S_CLIENT);
}

const struct culprit *culprits_heaviest(const struct culprits *c) {
        const struct culprit *best = NULL;
        double most = 0;

        for (uint32_t i = 0; i < c->count; i++)
                if (may_be_named(&c->list[i]))
                        most = fmax(most, c->list[i].unfinished_per_s);
        for (uint32_t i = 0; i < c->count; i++)
                if (may_be_named(&c->list[i]) && c->list[i].unfinished_per_s >= VERDICT_ABOUT_AS_MUCH * most &&
                    (!best || c->list[i].prefix.length > best->prefix.length))
                        best = &c->list[i];
        return best;
}
