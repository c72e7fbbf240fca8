/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/scene.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- building blocks ---------------------------------------------------------------- */

struct scenario *catalogue_add(struct catalogue *c, const char *family, const char *name, ...) {
        struct scenario *s;
        va_list arguments;
        double from_s;

        if (c->count == c->max) {
                c->max = c->max ? c->max * 2 : 128;
                c->list = realloc(c->list, c->max * sizeof *c->list);
                if (!c->list)
                        abort();
        }
        /* It begins anywhere between two walks and two ticks. */
        from_s = CALM_S + round(fmod(c->count * 0.618034, 1) * 1000) / 1000;
        s = &c->list[c->count++];
        *s = (struct scenario) {
                .family = family,
                .length_s = from_s + ATTACK_S + AFTER_S,
                .from_s = from_s,
                .to_s = from_s + ATTACK_S,
        };
        va_start(arguments, name);
        vsnprintf(s->name, sizeof s->name, name, arguments);
        va_end(arguments);
        s->traffic.source_table = true;
        s->traffic.syncookies = 1;
        s->traffic.listeners_count = 1;
        s->traffic.listeners[0].port = 443;
        s->traffic.listeners[0].backlog = 511;
        return s;
}

void scene_when(struct scenario *s, double from_s, double lasts_s) {
        s->from_s = from_s;
        s->to_s = from_s + lasts_s;
        s->length_s = s->to_s + AFTER_S;
}

double scene_any_time(struct chance *c) {
        return chance_happens(c, 0.5) ? chance_between(c, 0.2, 29) : chance_between(c, 130, 200);
}

struct population *scene_population(struct scenario *s, enum population_kind kind, double per_s) {
        struct population *p = &s->traffic.populations[s->traffic.populations_count++];

        if (s->traffic.populations_count > TRAFFIC_POPULATIONS_MAX)
                abort();
        p->kind = kind;
        p->phases[0] = (struct phase) { 0, FOREVER, per_s, per_s };
        p->rtt_median_ms = 60;
        p->rtt_sigma = 0.6;
        return p;
}

struct population *scene_honest(struct scenario *s, double per_s) {
        struct population *p = scene_population(s, POPULATION_HONEST, per_s);

        p->sources = 20000;
        p->loss = 0.005;
        return p;
}

struct population *scene_noise(struct scenario *s, double per_s) {
        struct population *p = scene_population(s, POPULATION_SILENT, per_s);

        p->sources = 300;
        return p;
}

void scene_during(struct population *p, double from_s, double to_s, double per_s) {
        memset(p->phases, 0, sizeof p->phases);
        p->phases[0] = (struct phase) { from_s, to_s, per_s, per_s };
}

struct population *scene_flood(struct scenario *s, double per_s, uint32_t expected) {
        struct population *p = scene_population(s, POPULATION_SILENT, per_s);

        scene_during(p, s->from_s, s->to_s, per_s);
        p->regular = true;
        p->attack = true;
        s->attack = true;
        s->flood_per_s += per_s;
        s->expected = expected;
        s->fills_in_s = s->traffic.listeners[0].backlog / s->flood_per_s;
        return p;
}

void scene_again(struct scenario *s, double after_s) {
        double shift_s = s->to_s - s->from_s + after_s;

        for (unsigned n = 0; n < s->traffic.populations_count; n++) {
                struct population *p = &s->traffic.populations[n];

                if (!p->attack)
                        continue;
                p->phases[1] = p->phases[0];
                p->phases[1].from_s += shift_s;
                p->phases[1].to_s += shift_s;
        }
        s->again_s = after_s;
        s->length_s += shift_s;
}

void scene_attacked(struct scenario *s, unsigned listener, double from_s, double to_s) {
        if (s->attacked_count == SCENARIO_ATTACKED_MAX)
                abort();
        s->attacked[s->attacked_count++] = (struct attacked) { listener, from_s, to_s };
}

unsigned scenario_floods(const struct scenario *s) {
        return !s->attack ? 0 : s->again_s > 0 ? 2 : 1;
}

double scenario_time(const struct scenario *s, double now_s, unsigned *ret_flood) {
        double shift_s = s->to_s - s->from_s + s->again_s;

        *ret_flood = s->again_s > 0 && now_s > s->from_s + shift_s;
        return *ret_flood ? now_s - shift_s : now_s;
}

struct trouble *scene_trouble(struct scenario *s, enum trouble_kind kind, double from_s, double to_s, double value) {
        struct trouble *x = &s->traffic.troubles[s->traffic.troubles_count++];

        if (s->traffic.troubles_count > TRAFFIC_TROUBLES_MAX)
                abort();
        *x = (struct trouble) { .kind = kind, .from_s = from_s, .to_s = to_s, .value = value };
        return x;
}

void scene_allow(struct scenario *s, const struct population *p) {
        struct address a = traffic_address(&s->traffic, (unsigned) (p - s->traffic.populations), 0);
        unsigned length = p->prefix_length ? ADDRESS_IPV4_OFFSET_BITS + p->prefix_length : ADDRESS_BITS;

        s->allowed = (struct prefix) { .address = address_mask(&a, length), .length = (uint8_t) length };
}

struct population *scene_load_test(struct scenario *s, double per_s) {
        struct population *p = scene_honest(s, 0);

        scene_during(p, s->from_s, s->to_s, per_s);
        p->sources = 1;
        p->loss = 0;
        p->rtt_median_ms = 0.5;
        return p;
}

/* --- the catalogue ------------------------------------------------------------------ */

void catalogue_make(uint64_t seed, double days, struct catalogue *ret) {
        struct chance chance = { .state = seed };
        struct catalogue c = { 0 };
        unsigned drawn;

        attacks_add(&c);
        honest_events_add(&c);
        honest_days_add(&c, days);
        drawn = c.count;
        by_chance_attacks_add(&c, &chance);
        by_chance_honest_add(&c, &chance);
        hard_days_add(&c, days);
        for (unsigned i = drawn; i < c.count; i++)
                c.list[i].by_chance = true;
        repeated_syns_add(&c); /* last, so that the others are what they were by the same seed */
        for (unsigned i = 0; i < c.count; i++)
                c.list[i].traffic.seed = seed * 1000003 + i;
        *ret = c;
}

void catalogue_free(struct catalogue *c) {
        for (unsigned i = 0; i < c->count; i++)
                free(c->list[i].recording);
        free(c->list);
        *c = (struct catalogue) { 0 };
}
