/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sources_told.h"

#include <math.h>

#include "core/culprits.h"
#include "core/share.h"
#include "core/share_bounds.h"

enum {
        /* A source is worth naming when it is sure to send this share of all SYNs, or holds
         * CULPRITS_HALF_OPENS. */
        NAMED_SHARE_INVERSE = 2000,
        DOUBTED_PER_S_MIN = 20,
};

#define SECOND_US 1e6

/* Seconds behind the counts, and what makes up for lost messages. */
struct scale {
        double per_s, sampled;
        double loss;
};

static struct scale make_scale(const struct source_table *t, uint64_t now_us) {
        double us = t->weighed_us + (double) (now_us - t->halved_us);
        double total = heavy_hitters_total(t->syns[CLASS_ADDRESS]);

        return (struct scale) {
                .per_s = SECOND_US / fmax(us, (double) OBS_TICK_US),
                .sampled = t->by_packet_most,
                .loss = total > 0 ? (total + t->lost) / total : 1,
        };
}

static void fill_syns(const struct scale *k, const struct heavy_hitter *e, struct obs_source *s) {
        /* Twice the standard error of a count from one in n. */
        double chance = 2 * sqrt(e->count * (k->sampled * k->loss - 1));

        s->syn_per_s = e->count * k->loss * k->per_s;
        s->syn_error_per_s = fmin(e->count, e->error + chance) * k->loss * k->per_s;
        s->known |= OBS_S_SYNS;
}

/* Both counts are only bounded: takes the worse end of each. */
static void fill_completed(const struct source_table *t, const struct scale *k, enum class c, const struct place *p,
                           const struct heavy_hitter *syns, struct obs_source *s) {
        struct heavy_hitter ended = heavy_hitters_get(t->completed[c], &p->key, p->hash);
        const struct open_connections_of *open = open_connections_get(&t->open, &s->prefix);
        double low = ended.count - ended.error, high = ended.count, unused;

        if (open) {
                low = fmax(0, low + open->gained);
                high = fmax(0, high + open->gained) + open->at_first;
        }
        s->completed_per_s = low * k->per_s;
        s->known |= OBS_S_COMPLETED;
        share_bounds(low / (k->sampled * k->loss), syns->count / k->sampled, &s->completion_low, &unused);
        share_bounds(high / (k->sampled * k->loss), (syns->count - syns->error) / k->sampled, &unused,
                     &s->completion_high);
}

static void fill_source(const struct source_table *t, const struct scale *k, enum class c,
                        const struct heavy_key *named, struct obs_source *s) {
        struct place p = { .key = *named, .hash = place_hash(t, c, named) };
        struct heavy_hitter syns = heavy_hitters_get(t->syns[c], &p.key, p.hash);
        const struct listener_slot *l = listener_syns_of(&t->listeners, named->of);
        uint64_t hash = class_hash(t, c, &named->address);

        *s = (struct obs_source) {
                .prefix = { .address = named->address, .length = classes[c].length },
                .listener = l ? l->index : OBS_LISTENER_NONE,
                .completion_high = 1,
        };
        if (rotating_filter_has(t->clients, hash))
                s->is |= OBS_S_CLIENT;
        if (rotating_filter_has(t->disowning, hash))
                s->is |= OBS_S_DISOWNS;
        if (t->syns_known)
                fill_syns(k, &syns, s);
        if (t->completions_known)
                fill_completed(t, k, c, &p, &syns, s);
        if (t->half_open_known) {
                struct heavy_hitter h = heavy_hitters_get(t->half_open[c], &p.key, p.hash);

                s->half_open = (uint32_t) (h.count - h.error + 0.5);
                s->known |= OBS_S_HALF_OPEN;
        }
}

static bool is_named(const struct heavy_hitter *list, size_t count, const struct heavy_key *k) {
        for (size_t i = 0; i < count; i++)
                if (list[i].key.of == k->of && address_equal(&list[i].key.address, &k->address))
                        return true;
        return false;
}

/* The heaviest of a class: by SYNs, then those that stand out by half-opens only. */
static void name_class(const struct source_table *t, const struct scale *k, enum class c, struct obs_sources *ret) {
        struct heavy_hitter named[OBS_SOURCES_MAX], holders[OBS_SOURCES_MAX];
        double total = heavy_hitters_total(t->syns[CLASS_ADDRESS]);
        size_t n = 0, holders_count, max = classes[c].named;

        if (t->syns_known)
                n = heavy_hitters_top(t->syns[c], fmax(NAMED_SYNS_MIN, total / (double) NAMED_SHARE_INVERSE), max,
                                      named);
        holders_count = heavy_hitters_top(t->half_open[c], CULPRITS_HALF_OPENS, max, holders);
        for (size_t i = 0; i < holders_count && n < max; i++)
                if (!is_named(named, n, &holders[i].key))
                        named[n++] = holders[i];
        for (size_t i = 0; i < n; i++)
                fill_source(t, k, c, &named[i].key, &ret->list[ret->count++]);
}

static bool heavier(const struct obs_source *a, const struct obs_source *b) {
        double da = a->syn_per_s - a->syn_error_per_s, db = b->syn_per_s - b->syn_error_per_s;

        return da > db || (da >= db && a->half_open > b->half_open);
}

/* By insertion: qsort(3) allocates for an array of this size. */
static void sort_list(struct obs_sources *l) {
        for (uint32_t i = 1; i < l->count; i++) {
                struct obs_source s = l->list[i];
                uint32_t at = i;

                for (; at > 0 && heavier(&s, &l->list[at - 1]); at--)
                        l->list[at] = l->list[at - 1];
                l->list[at] = s;
        }
}

static void tell_window(const struct source_table *t, uint64_t now_us, struct obs_sources *ret) {
        const struct source_window_part *w = source_window_tells(&t->window, now_us);
        struct seen_once_tally all;

        if (t->by_source) {
                ret->distinct = t->by_source * distinct_estimate(&t->window.now->distinct,
                                                                 t->window.before ? &t->window.before->distinct : NULL);
                ret->known |= OBS_SS_DISTINCT;
        }
        if (!w)
                return;
        all = seen_once_all(&w->strangers);
        if (t->by_source && all.seen > 0) {
                ret->seen_once_share = (double) all.once / (double) all.seen;
                ret->known |= OBS_SS_SEEN_ONCE;
        }
        if (!t->listeners.known || w->syns == 0)
                return;
        ret->stray_share = (double) w->stray_syns / (double) w->syns;
        ret->stray_ports = w->stray_ports;
        ret->known |= OBS_SS_STRAY;
}

void sources_told(const struct source_table *t, uint64_t now_us, struct obs_sources *ret) {
        const struct scale k = make_scale(t, now_us);

        ret->count = 0;
        ret->known = 0;
        ret->distinct = ret->seen_once_share = ret->stray_share = 0;
        ret->stray_ports = 0;
        for (unsigned c = 0; c < CLASSES; c++)
                name_class(t, &k, (enum class) c, ret);
        sort_list(ret);
        ret->tracked = heavy_hitters_tracked(t->syns[CLASS_ADDRESS]);
        ret->syn_per_s = heavy_hitters_total(t->syns[CLASS_ADDRESS]) * k.loss * k.per_s;
        if (t->resets_known)
                ret->known |= OBS_SS_DISOWNED;
        ret->known_begun = t->known_begun;
        ret->known_again = t->known_again;
        /* That ends are told late (core/ends_told.h) makes nobody unknown who was known. */
        if (t->syns_known && t->by_source)
                ret->known |= OBS_SS_KNOWN;
        if (t->syns_known)
                tell_window(t, now_us, ret);
}

bool source_table_doubts(const struct obs_source *s) {
        const uint32_t both = OBS_S_SYNS | OBS_S_COMPLETED;

        return (s->known & both) == both && s->completion_low < MOST &&
               (s->syn_per_s - s->syn_error_per_s >= (double) DOUBTED_PER_S_MIN || s->half_open >= CULPRITS_HALF_OPENS);
}

void sources_told_completed(const struct source_table *t, uint64_t now_us, enum class c, struct obs_source *s) {
        const struct scale k = make_scale(t, now_us);
        struct place p = place_of(t, c, &s->prefix.address, listener_syns_id(&t->listeners, s->listener));
        struct heavy_hitter syns = heavy_hitters_get(t->syns[c], &p.key, p.hash);

        fill_completed(t, &k, c, &p, &syns, s);
}

/* What one part of the window says of each one's strangers, where it says more than another did:
 * whether addresses come again shows by how many did. */
static void tell_strangers(const struct source_table *t, const struct source_window_part *w, uint64_t now_us,
                           struct obs_listener *list, const uint32_t *ids, uint32_t count) {
        struct seen_once_tally tallies[OBS_LISTENERS_MAX];

        seen_once_tell(&w->strangers, ids, count, tallies);
        for (uint32_t i = 0; i < count; i++) {
                struct obs_senders *s = &list[i].senders;
                uint64_t again = s->begun - s->addresses, again_here = tallies[i].seen - tallies[i].keys;

                if (again_here < again || (again_here == again && tallies[i].seen <= s->begun))
                        continue;
                s->begun = tallies[i].seen;
                s->addresses = tallies[i].keys;
                s->once = tallies[i].once;
                s->one_in = tallies[i].one_in * t->by_source;
                s->span_s = source_window_span_s(&t->window, w, now_us);
        }
}

void sources_told_senders(const struct source_table *t, uint64_t now_us, struct obs_listener *list, uint32_t count) {
        struct scale k = make_scale(t, now_us);
        uint32_t ids[OBS_LISTENERS_MAX];

        for (uint32_t i = 0; i < count; i++) {
                const struct listener_slot *slot = &t->listeners.slots[t->listeners.order[i]];

                ids[i] = slot->id;
                list[i].senders = (struct obs_senders) {
                        .syn_per_s = slot->weighed * k.loss * k.per_s,
                        .ended_per_s = slot->weighed_ended * k.per_s,
                        .one_in = t->by_source,
                };
                if (t->completions_known)
                        list[i].known |= OBS_L_ENDED;
                if (t->by_source)
                        list[i].known |= OBS_L_SENDERS;
        }
        tell_strangers(t, t->window.now, now_us, list, ids, count);
        if (t->window.before)
                tell_strangers(t, t->window.before, now_us, list, ids, count);
}
