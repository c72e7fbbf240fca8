/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Honest, whatever the figures: paths, hosts and neighbours that look like a flood. */
#include "tests/scenarios/scene.h"

enum { MEMBERS = 8 };

/* What is far, lost or late has many a name, but no scan, and nobody's accept queue is full. */
static const uint32_t no_flood = SCENARIO_NO_FLOOD & ~(IS(PORT_SCAN) | IS(ACCEPT_STALL));

static uint8_t any_cookies(struct chance *r) {
        return (uint8_t) chance_below(r, 3);
}

static void far(struct population *p, double most_ms) {
        p->rtt_median_ms = 0.85 * most_ms;
        p->rtt_sigma = 0.1;
        p->rtt_most_ms = most_ms;
}

/* All are far, since before the daemon's start. */
static void all_far(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS; i++) {
                double per_s = chance_magnitude(r, 5, 500), ms = chance_between(r, 700, 900);
                uint32_t backlog = 128u << chance_below(r, 6);
                uint8_t cookies = any_cookies(r);
                struct scenario *s = catalogue_add(c, "far clients", "%.0f/s from up to %.0f ms, B=%u, cookies %u",
                                                   per_s, ms, backlog, cookies);

                s->traffic.syncookies = cookies;
                s->traffic.listeners[0].backlog = backlog;
                s->expected = no_flood;
                scene_when(s, 0, 120);
                far(scene_honest(s, per_s), ms);
        }
}

/* They come within seconds: for one round trip, all at once would be a flood to anybody. */
static void far_crowd(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS; i++) {
                double in_s = chance_between(r, 2, 10), near_per_s = chance_magnitude(r, 20, 300),
                       far_per_s = chance_magnitude(r, 200, 3000);
                double ms = chance_between(r, 600, 900);
                uint8_t cookies = any_cookies(r);
                struct scenario *s = catalogue_add(c, "far crowd", "%.0f/s in %.1f s, %.0f ms, near %.0f/s, cookies %u",
                                                   far_per_s, in_s, ms, near_per_s, cookies);
                struct population *p;

                s->traffic.syncookies = cookies;
                s->traffic.listeners[0].backlog = cookies ? 511 : 4096;
                s->expected = no_flood;
                scene_when(s, scene_any_time(r), 60);
                scene_honest(s, near_per_s)->rtt_median_ms = chance_between(r, 5, 60);
                p = scene_honest(s, 0);
                scene_during(p, s->from_s, s->to_s, far_per_s);
                p->phases[1] = (struct phase) { s->from_s, s->from_s + in_s, 0, far_per_s };
                far(p, ms);
        }
}

/* Another route for everybody, and back; and once more. */
static void round_trip_jumps(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS; i++) {
                double per_s = chance_magnitude(r, 10, 800), ms = chance_between(r, 400, 780);
                double lasts_s = chance_magnitude(r, 5, 60);
                uint8_t cookies = any_cookies(r);
                struct scenario *s = catalogue_add(c, "round trip jumps",
                                                   "%.0f/s, 120 ms + %.0f for %.0f s, cookies %u", per_s, ms, lasts_s,
                                                   cookies);
                struct population *p;

                s->traffic.syncookies = cookies;
                s->expected = no_flood;
                scene_when(s, scene_any_time(r), 3 * lasts_s);
                p = scene_honest(s, per_s);
                p->rtt_median_ms = 120;
                p->rtt_sigma = 0.1;
                scene_trouble(s, TROUBLE_ROUND_TRIP, s->from_s, s->from_s + lasts_s, ms);
                scene_trouble(s, TROUBLE_ROUND_TRIP, s->from_s + 2 * lasts_s, s->to_s, ms);
        }
}

/* The path carries less than so many clients ask for; its queue, and then its loss, grow. */
static void over_a_path(struct scenario *s, struct chance *r, double per_s, double overload) {
        struct population *base, *crowd;

        s->expected = no_flood | IS(ACCEPT_STALL);
        s->traffic.path.connection_packets = 4 + chance_below(r, 12);
        s->traffic.path.packets_per_s = per_s * (1 + s->traffic.path.connection_packets) / overload;
        s->traffic.path.queue_s = chance_between(r, 0.3, 1.5);
        base = scene_honest(s, 100);
        crowd = scene_honest(s, 0);
        scene_during(crowd, s->from_s, s->to_s, per_s);
        base->on_path = crowd->on_path = true;
        base->attempts = crowd->attempts = 7; /* tcp_syn_retries 6 */
        base->rtt_median_ms = crowd->rtt_median_ms = chance_between(r, 20, 150);
}

static void congested_crowd(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS; i++) {
                double per_s = chance_magnitude(r, 500, 3000), overload = chance_between(r, 0.9, 1.2);
                double lasts_s = chance_between(r, 20, 60);
                uint8_t cookies = any_cookies(r);
                struct scenario *s = catalogue_add(c, "congested path", "crowd %.0f/s, %.2f of what fits, cookies %u",
                                                   per_s, overload, cookies);

                s->traffic.syncookies = cookies;
                s->traffic.listeners[0].backlog = cookies ? 511 : 4096;
                scene_when(s, scene_any_time(r), lasts_s);
                over_a_path(s, r, per_s, overload);
        }
}

/* Everybody at once, for some seconds, as after a switch was restarted. */
static void congested_storm(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS; i++) {
                double per_s = chance_magnitude(r, 2000, 9000), overload = chance_between(r, 1, 2.5);
                double lasts_s = chance_between(r, 1, 4);
                uint8_t cookies = any_cookies(r);
                struct scenario *s = catalogue_add(c, "congested path", "storm %.0f/s, %.2f of what fits, cookies %u",
                                                   per_s, overload, cookies);

                s->traffic.syncookies = cookies;
                s->traffic.listeners[0].backlog = 4096;
                scene_when(s, scene_any_time(r), lasts_s);
                over_a_path(s, r, per_s, overload);
                s->to_s = s->from_s + 10;
        }
}

static void no_way_back(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < 2 * MEMBERS; i++) {
                double per_s = chance_magnitude(r, 10, 500), lasts_s = chance_between(r, 5, 20);
                double from_s = scene_any_time(r);
                uint8_t cookies = any_cookies(r);
                struct scenario *s = catalogue_add(c, "no way back", "%.0f/s, no %s for %.0f s at %.0f s, cookies %u",
                                                   per_s, i % 2 ? "ACKs" : "SYN-ACKs", lasts_s, from_s, cookies);
                struct population *p;

                s->traffic.syncookies = cookies;
                s->expected = no_flood;
                scene_when(s, from_s, lasts_s);
                p = scene_honest(s, per_s);
                p->attempts = 7;
                scene_trouble(s, i % 2 ? TROUBLE_ACK_LOSS : TROUBLE_RETURN_LOSS, s->from_s, s->to_s, 1);
        }
}

/* SYN, SYN-ACK, RST, by few who keep coming. */
static void half_open_checks(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < 2 * MEMBERS; i++) {
                double checks_per_s = chance_magnitude(r, 1, 500), per_s = chance_magnitude(r, 0.2, 300);
                uint32_t checkers = 1 + chance_below(r, 4);
                uint8_t cookies = any_cookies(r);
                struct scenario *s = catalogue_add(c, "half-open checks", "%.0f/s by %u, among %.1f/s, cookies %u",
                                                   checks_per_s, checkers, per_s, cookies);
                struct population *p;

                s->traffic.syncookies = cookies;
                s->expected = IS(QUIET) | IS(BUSY);
                scene_when(s, scene_any_time(r), 60);
                scene_honest(s, per_s);
                p = scene_population(s, POPULATION_RST, 0);
                scene_during(p, s->from_s, s->to_s, checks_per_s);
                p->sources = checkers;
                p->rtt_median_ms = chance_magnitude(r, 0.2, 20);
                p->regular = true;
        }
}

/* --- SYNs for others ------------------------------------------------------------------ */

static struct scenario *neighbours(struct catalogue *c, struct chance *r, const char *what, double per_s) {
        uint8_t cookies = any_cookies(r);
        struct scenario *s = catalogue_add(c, "SYNs for others", "%s %.0f/s, cookies %u", what, per_s, cookies);

        s->traffic.syncookies = cookies;
        s->expected = IS(QUIET) | IS(BUSY);
        scene_when(s, scene_any_time(r), 60);
        scene_honest(s, chance_magnitude(r, 0.5, 200));
        return s;
}

static void forwarded(struct catalogue *c, struct chance *r, enum destination to, const char *what) {
        double per_s = chance_magnitude(r, 50, 5000);
        struct population *p = scene_honest(neighbours(c, r, what, per_s), 0);
        const struct scenario *s = &c->list[c->count - 1];

        scene_during(p, s->from_s, s->to_s, per_s);
        p->destination = to;
        p->sources = chance_happens(r, 0.5) ? 1 + chance_below(r, 5) : 20000;
        p->port = chance_happens(r, 0.5) ? 443 : 8080;
}

/* Clients of a service that was stopped ask again and again. */
static void stopped_service(struct catalogue *c, struct chance *r) {
        double per_s = chance_magnitude(r, 5, 200);
        struct population *p = scene_honest(neighbours(c, r, "to a stopped service", per_s), 0);
        const struct scenario *s = &c->list[c->count - 1];

        scene_during(p, s->from_s, s->to_s, per_s);
        p->destination = DESTINATION_CLOSED;
        p->port = 8080;
        p->sources = 1 + chance_below(r, 3);
        p->rtt_median_ms = 1;
}

/* Somebody forges our address elsewhere, or our own checks are reset by us. */
static void backscatter(struct catalogue *c, struct chance *r) {
        double per_s = chance_magnitude(r, 30, 500);
        struct population *p = scene_population(neighbours(c, r, "none, but SYN-ACKs to nobody", per_s),
                                                POPULATION_BACKSCATTER, 0);
        const struct scenario *s = &c->list[c->count - 1];

        scene_during(p, s->from_s, s->to_s, per_s);
}

static void for_others(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS / 2; i++) {
                forwarded(c, r, DESTINATION_ROUTED, "routed");
                forwarded(c, r, DESTINATION_REDIRECTED, "redirected");
                stopped_service(c, r);
                backscatter(c, r);
        }
}

static void no_cpu(struct catalogue *c, struct chance *r) {
        for (unsigned i = 0; i < MEMBERS; i++) {
                double per_s = chance_magnitude(r, 20, 1000), late_ms = chance_between(r, 150, 800);
                uint8_t cookies = any_cookies(r);
                struct scenario *s = catalogue_add(c, "no CPU", "%.0f/s, all late by up to %.0f ms, cookies %u", per_s,
                                                   late_ms, cookies);

                s->traffic.syncookies = cookies;
                s->expected = no_flood;
                scene_when(s, scene_any_time(r), 60);
                scene_honest(s, per_s);
                scene_trouble(s, TROUBLE_NO_CPU, s->from_s, s->to_s, late_ms);
        }
}

void by_chance_honest_add(struct catalogue *c, struct chance *chance) {
        all_far(c, chance);
        far_crowd(c, chance);
        round_trip_jumps(c, chance);
        congested_crowd(c, chance);
        congested_storm(c, chance);
        no_way_back(c, chance);
        half_open_checks(c, chance);
        for_others(c, chance);
        no_cpu(c, chance);
}
