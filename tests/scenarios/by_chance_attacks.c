/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floods in company, on hosts that are more than one server, and at bad moments. */
#include "tests/scenarios/scene.h"

enum { MEMBERS = 8, LIVE_HOSTS = 60000 };

static struct scenario *begin(struct scenario *s, struct chance *r, uint8_t cookies, double from_s) {
        s->traffic.syncookies = cookies;
        scene_when(s, from_s, ATTACK_S);
        scene_honest(s, chance_magnitude(r, 20, 300));
        return s;
}

static void another_listener(struct scenario *s) {
        struct traffic_settings *t = &s->traffic;

        t->listeners[t->listeners_count].port = (uint16_t) (443 + t->listeners_count);
        t->listeners[t->listeners_count].backlog = 511;
        t->listeners_count++;
}

/* --- the innocent ----------------------------------------------------------------------- */

enum place { SAME_LISTENER, OTHER_LISTENER, ROUTED, REDIRECTED, CLOSED_PORT, CHECKS, PLACES };

static const char *const places[PLACES] = {
        [SAME_LISTENER] = "same listener", [OTHER_LISTENER] = "another one", [ROUTED] = "routed",
        [REDIRECTED] = "redirected",       [CLOSED_PORT] = "closed port",    [CHECKS] = "half-open checks",
};

/* A load balancer, a proxy, a client that does not give up: since long before the flood, or it has
 * only just begun. */
static void heavy_client(struct scenario *s, struct chance *r, enum place place, double per_s) {
        struct population *p = scene_honest(s, per_s);

        if (chance_happens(r, 0.3))
                scene_during(p, s->from_s - chance_between(r, -5, 10), FOREVER, per_s);
        p->sources = 1;
        p->rtt_median_ms = chance_magnitude(r, 0.5, 60);
        p->loss = 0.001;
        p->lasts_s = chance_magnitude(r, 0.05, 300);
        p->port = chance_happens(r, 0.5) ? 443 : 8080;
        switch (place) {
        case SAME_LISTENER:
                break;
        case OTHER_LISTENER:
                p->listener = 1;
                break;
        case ROUTED:
                p->destination = DESTINATION_ROUTED;
                break;
        case REDIRECTED:
                p->destination = DESTINATION_REDIRECTED;
                break;
        case CLOSED_PORT:
                p->destination = DESTINATION_CLOSED;
                p->port = 8080;
                break;
        case CHECKS:
                p->kind = POPULATION_RST;
                break;
        case PLACES:
                break;
        }
}

static void beside_heavy_clients(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < 3 * PLACES; i++) {
                enum place place = (enum place)(i % PLACES);
                double heavy_per_s = chance_magnitude(r, 60, 300), flood_per_s = chance_magnitude(r, 60, 1000);
                unsigned heavy = 1 + chance_below(r, 3);
                uint8_t cookies = (uint8_t) (i / PLACES);
                struct scenario *s = catalogue_add(c, "heavy innocents", "%.0f/s, beside %.0f/s of %u, %s, cookies %u",
                                                   flood_per_s, heavy_per_s, heavy, places[place], cookies);

                begin(s, r, cookies, chance_between(r, 130, 200));
                if (place == OTHER_LISTENER)
                        another_listener(s);
                for (unsigned n = 0; n < heavy; n++)
                        heavy_client(s, r, place, heavy_per_s / heavy);
                scene_flood(s, flood_per_s, IS(FLOOD_SPOOFED));
        }
}

/* Most honest SYNs come from addresses that come again and again: no part of the flood's name. */
static void beside_regulars(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS; i++) {
                uint32_t regulars = (uint32_t) chance_magnitude(r, 50, 1000);
                double per_s = chance_magnitude(r, 50, 400), flood_per_s = per_s * chance_magnitude(r, 1, 8);
                uint8_t cookies = (uint8_t) (i % 3);
                struct scenario *s = catalogue_add(c, "regular clients", "%.0f/s, beside %.0f/s from %u, cookies %u",
                                                   flood_per_s, per_s, regulars, cookies);

                begin(s, r, cookies, chance_between(r, 130, 200));
                s->traffic.populations[0].phases[0] = (struct phase) { 0, FOREVER, per_s, per_s };
                s->traffic.populations[0].sources = regulars;
                scene_flood(s, flood_per_s, IS(FLOOD_SPOOFED));
        }
}

/* Who floods is named, and the innocent beside him is not. */
static void beside_the_guilty(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < PLACES; i++) {
                enum place place = (enum place) i;
                double heavy_per_s = chance_magnitude(r, 60, 300), flood_per_s = chance_magnitude(r, 200, 2000);
                uint32_t guilty = 1 + chance_below(r, 3);
                uint8_t cookies = (uint8_t) chance_below(r, 3);
                struct scenario *s = catalogue_add(c, "heavy innocents", "%.0f/s of %u, beside %.0f/s, %s, cookies %u",
                                                   flood_per_s, guilty, heavy_per_s, places[place], cookies);

                begin(s, r, cookies, chance_between(r, 130, 200));
                if (place == OTHER_LISTENER)
                        another_listener(s);
                heavy_client(s, r, place, heavy_per_s);
                scene_flood(s, flood_per_s, IS(FLOOD_CONCENTRATED))->sources = guilty;
        }
}

/* Many clients whose SYNs are for others, or for nobody. */
static void beside_others(struct catalogue *c, struct chance *r) {
        static const enum destination to[] = { DESTINATION_ROUTED, DESTINATION_REDIRECTED, DESTINATION_CLOSED };
        static const char *const names[] = { "routed", "redirected", "stray" };

        for (unsigned i = 0; i < 3 * 3; i++) {
                double others_per_s = chance_magnitude(r, 100, 5000), flood_per_s = chance_magnitude(r, 200, 3000);
                uint8_t cookies = (uint8_t) (i / 3);
                struct scenario *s = catalogue_add(c, "SYNs for others", "flood %.0f/s, beside %.0f/s %s, cookies %u",
                                                   flood_per_s, others_per_s, names[i % 3], cookies);
                struct population *p;

                begin(s, r, cookies, chance_between(r, 130, 200));
                p = scene_honest(s, others_per_s);
                p->destination = to[i % 3];
                p->port = chance_happens(r, 0.5) ? 443 : 0;
                if (p->destination == DESTINATION_CLOSED)
                        p->port = 0;
                p->sources = (uint32_t) chance_magnitude(r, 5, 20000);
                scene_flood(s, flood_per_s, IS(FLOOD_SPOOFED));
        }
}

/* --- who answers by RST ------------------------------------------------------------------ */

static void live_hosts(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < 2 * MEMBERS; i++) {
                double per_s = chance_magnitude(r, 300, 3000);
                uint32_t hosts = i % 2 ? 1 + chance_below(r, 3) : LIVE_HOSTS;
                uint8_t cookies = (uint8_t) chance_below(r, 3);
                struct scenario *s = catalogue_add(c, i % 2 ? "victims" : "live hosts forged",
                                                   "%.0f/s from %u that answer RST, cookies %u", per_s, hosts, cookies);
                struct population *p;

                begin(s, r, cookies, chance_between(r, 130, 200));
                p = scene_flood(s, per_s, i % 2 ? IS(FLOOD_REFLECTED) : IS(FLOOD_SPOOFED));
                p->kind = POPULATION_RST;
                p->sources = hosts;
                p->rtt_median_ms = chance_between(r, 20, 200);
                s->fills_in_s = 0;
                s->gradual = true; /* their RSTs keep the queue short */
        }
}

/* --- several listeners --------------------------------------------------------------------- */

static void several_full(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < 3 * 4; i++) {
                unsigned flooded = 2 + chance_below(r, TRAFFIC_LISTENERS_MAX - 1), idle;
                double per_s = chance_magnitude(r, 300, 1500);
                uint8_t cookies = (uint8_t) (i % 3);
                struct scenario *s;

                idle = flooded < TRAFFIC_LISTENERS_MAX ? chance_below(r, TRAFFIC_LISTENERS_MAX + 1 - flooded) : 0;
                s = catalogue_add(c, "several full", "%.0f/s on each of %u of %u, cookies %u", per_s, flooded,
                                  flooded + idle, cookies);
                begin(s, r, cookies, chance_between(r, 130, 200));
                while (s->traffic.listeners_count < flooded + idle) {
                        another_listener(s);
                        scene_honest(s, chance_magnitude(r, 5, 100))->listener = s->traffic.listeners_count - 1;
                }
                for (unsigned n = 0; n < flooded; n++) {
                        scene_flood(s, per_s, IS(FLOOD_SPOOFED))->listener = n;
                        scene_attacked(s, n, s->from_s, s->to_s);
                }
                s->flood_per_s = per_s;
                s->fills_in_s = 0;
        }
}

/* --- bad moments ----------------------------------------------------------------------------- */

static void without_cpu(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS; i++) {
                double per_s = chance_magnitude(r, 500, 5000), late_ms = chance_between(r, 150, 800);
                uint8_t cookies = (uint8_t) chance_below(r, 3);
                struct scenario *s = catalogue_add(c, "no CPU", "flood %.0f/s, all late by up to %.0f ms, cookies %u",
                                                   per_s, late_ms, cookies);

                begin(s, r, cookies, chance_between(r, 130, 200));
                scene_flood(s, per_s, IS(FLOOD_SPOOFED));
                scene_trouble(s, TROUBLE_NO_CPU, s->from_s - 20 * chance_unit(r), s->to_s, late_ms);
                s->gradual = true; /* nobody is quicker than his CPU */
                s->fills_in_s = 0;
        }
}

static void soon_after_the_start(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < 2 * MEMBERS; i++) {
                double per_s = chance_magnitude(r, 1000, 10000), from_s = chance_between(r, 0.2, 29);
                bool far = chance_happens(r, 0.3);
                uint8_t cookies = (uint8_t) (i % 3);
                struct scenario *s = catalogue_add(c, "first 30 s", "%.0f/s after %.1f s%s, cookies %u", per_s, from_s,
                                                   far ? ", far clients" : "", cookies);

                begin(s, r, cookies, from_s);
                if (far) {
                        s->traffic.populations[0].rtt_median_ms = 750;
                        s->traffic.populations[0].rtt_sigma = 0.1;
                        s->traffic.populations[0].rtt_most_ms = 900;
                }
                scene_flood(s, per_s, IS(FLOOD_SPOOFED));
                s->fills_in_s = 0;
        }
}

/* Filled in some seconds by a trickle that is no trouble to anybody else. */
static void short_queues(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < 2 * MEMBERS; i++) {
                uint32_t backlog = i % 4 == 0 ? 5 : i % 4 == 1 ? 16 : (uint32_t) chance_magnitude(r, 5, 64);
                double per_s = i % 4 == 0 ? 1.8 : i % 4 == 1 ? 3 : backlog / chance_between(r, 3, 6);
                uint8_t cookies = (uint8_t) (i / 4 % 2);
                struct scenario *s = catalogue_add(c, "short queues", "%.1f/s fill B=%u, cookies %u", per_s, backlog,
                                                   cookies);

                s->traffic.syncookies = cookies;
                s->traffic.listeners[0].backlog = backlog;
                scene_when(s, chance_between(r, 130, 200), ATTACK_S);
                scene_honest(s, chance_magnitude(r, 0.2, per_s));
                scene_flood(s, per_s, IS(FLOOD_SPOOFED));
                s->fills_in_s = 0;
        }
}

static void slow_fills(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS; i++) {
                uint32_t backlog = 128u << chance_below(r, 6);
                double fills_s = chance_between(r, 5.5, 7), per_s = backlog / fills_s;
                uint8_t cookies = (uint8_t) (i % 2);
                struct scenario *s = catalogue_add(c, "slow fills", "%.0f/s fill B=%u in %.1f s, cookies %u", per_s,
                                                   backlog, fills_s, cookies);

                s->traffic.syncookies = cookies;
                s->traffic.listeners[0].backlog = backlog;
                scene_when(s, chance_between(r, 130, 200), ATTACK_S);
                scene_honest(s, chance_magnitude(r, 2, 0.3 * per_s));
                scene_flood(s, per_s, IS(FLOOD_SPOOFED));
        }
}

void by_chance_attacks_add(struct catalogue *c, struct chance *chance) {
        beside_heavy_clients(c, chance);
        beside_regulars(c, chance);
        beside_the_guilty(c, chance);
        beside_others(c, chance);
        live_hosts(c, chance);
        several_full(c, chance);
        without_cpu(c, chance);
        soon_after_the_start(c, chance);
        short_queues(c, chance);
        slow_fills(c, chance);
}
