/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/scenario.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS(d) (UINT32_C(1) << DIAGNOSIS_##d)
#define FOREVER 1e12

/* Attacks begin after this much calm, last this long, and are watched so long after. */
#define CALM_S 300.0
#define ATTACK_S 60.0
#define AFTER_S 60.0

static const uint32_t crowd_names = IS(BUSY) | IS(FLASH_CROWD);

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

static struct population *add_population(struct scenario *s, enum population_kind kind, double per_s) {
        struct population *p = &s->traffic.populations[s->traffic.populations_count++];

        if (s->traffic.populations_count > TRAFFIC_POPULATIONS_MAX)
                abort();
        p->kind = kind;
        p->phases[0] = (struct phase) { 0, FOREVER, per_s, per_s };
        p->rtt_median_ms = 60;
        p->rtt_sigma = 0.6;
        return p;
}

/* Clients of an ordinary service. */
static struct population *honest(struct scenario *s, double per_s) {
        struct population *p = add_population(s, POPULATION_HONEST, per_s);

        p->sources = 20000;
        p->loss = 0.005;
        return p;
}

/* What every address on the Internet gets: a few SYNs that nobody finishes. */
static struct population *noise(struct scenario *s, double per_s) {
        struct population *p = add_population(s, POPULATION_SILENT, per_s);

        p->sources = 300;
        return p;
}

static void during(struct population *p, double from_s, double to_s, double per_s) {
        memset(p->phases, 0, sizeof p->phases);
        p->phases[0] = (struct phase) { from_s, to_s, per_s, per_s };
}

static struct population *flood(struct scenario *s, double per_s, uint32_t expected) {
        struct population *p = add_population(s, POPULATION_SILENT, per_s);

        during(p, s->from_s, s->to_s, per_s);
        p->regular = true;
        s->attack = true;
        s->flood_per_s += per_s;
        s->expected = expected;
        s->fills_in_s = s->traffic.listeners[0].backlog / s->flood_per_s;
        return p;
}

static struct trouble *add_trouble(struct scenario *s, enum trouble_kind kind, double from_s,
                                   double to_s, double value) {
        struct trouble *x = &s->traffic.troubles[s->traffic.troubles_count++];

        if (s->traffic.troubles_count > TRAFFIC_TROUBLES_MAX)
                abort();
        *x = (struct trouble) { .kind = kind, .from_s = from_s, .to_s = to_s, .value = value };
        return x;
}

/* --- attacks ----------------------------------------------------------------------------- */

static void spoofed(struct catalogue *c) {
        static const double rates[] = { 100, 200, 500, 1000, 2000, 5000, 20000, 100000 };
        struct scenario *s;

        for (uint8_t cookies = 0; cookies <= 2; cookies++)
                for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++) {
                        s = catalogue_add(c, "spoofed", "spoofed %.0f/s, cookies %u", rates[i], cookies);
                        s->traffic.syncookies = cookies;
                        honest(s, 200);
                        flood(s, rates[i], IS(FLOOD_SPOOFED));
                        if (rates[i] > 50000) {
                                s->to_s = s->from_s + 20;
                                s->traffic.populations[1].phases[0].to_s = s->to_s;
                        }
                }
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "spoofed", "spoofed 1000/s, quiet host, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                noise(s, 2);
                flood(s, 1000, IS(FLOOD_SPOOFED));
        }
        static const uint32_t backlogs[] = { 16, 128, 4096, 16384 };
        for (unsigned i = 0; i < sizeof backlogs / sizeof *backlogs; i++) {
                s = catalogue_add(c, "spoofed", "spoofed 2000/s, B=%u", backlogs[i]);
                s->traffic.listeners[0].backlog = backlogs[i];
                honest(s, 100);
                flood(s, 2000, IS(FLOOD_SPOOFED));
        }
        s = catalogue_add(c, "spoofed", "spoofed 2000/s, max_syn_backlog 256, cookies 0");
        s->traffic.syncookies = 0;
        s->traffic.max_syn_backlog = 256;
        s->traffic.listeners[0].backlog = 1024;
        honest(s, 100);
        flood(s, 2000, IS(FLOOD_SPOOFED));
        s->fills_in_s = 0.1;
}

static void by_source(struct catalogue *c) {
        static const double rates[] = { 200, 1000, 5000, 20000 };
        struct scenario *s;
        struct population *p;

        for (unsigned i = 0; i < 4; i++) {
                s = catalogue_add(c, "distributed", "distributed %.0f/s from 500", rates[i]);
                honest(s, 200);
                flood(s, rates[i], IS(FLOOD_DISTRIBUTED))->sources = 500;

                s = catalogue_add(c, "one source", "one source %.0f/s", rates[i]);
                honest(s, 100);
                flood(s, rates[i], IS(FLOOD_CONCENTRATED))->sources = 1;

                s = catalogue_add(c, "one prefix", "one /24 %.0f/s", rates[i]);
                honest(s, 100);
                p = flood(s, rates[i], IS(FLOOD_CONCENTRATED));
                p->sources = 250;
                p->prefix_length = 24;

                s = catalogue_add(c, "ipv6", "ipv6 spoofed %.0f/s", rates[i]);
                s->traffic.listeners[0].ipv6 = true;
                honest(s, 100)->ipv6 = true;
                flood(s, rates[i], IS(FLOOD_SPOOFED))->ipv6 = true;

                s = catalogue_add(c, "ipv6", "ipv6 one /64 %.0f/s", rates[i]);
                s->traffic.listeners[0].ipv6 = true;
                honest(s, 100)->ipv6 = true;
                p = flood(s, rates[i], IS(FLOOD_CONCENTRATED));
                p->ipv6 = true;
                p->prefix_length = 64;
        }
        s = catalogue_add(c, "distributed", "distributed 5000/s from 20000, cookies 2");
        s->traffic.syncookies = 2;
        honest(s, 200);
        flood(s, 5000, IS(FLOOD_DISTRIBUTED))->sources = 20000;

        s = catalogue_add(c, "reflected", "reflected 2000/s, victim answers RST");
        honest(s, 200);
        p = flood(s, 2000, IS(FLOOD_REFLECTED));
        p->kind = POPULATION_RST;
        p->rtt_median_ms = 150;
        p->sources = 1;
        p->loss = 0.3; /* the victim is busy */
        s->fills_in_s = 0;
        s->gradual = true;

        s = catalogue_add(c, "reflected", "reflected 1000/s, victim silent");
        honest(s, 200);
        flood(s, 1000, IS(FLOOD_REFLECTED) | IS(FLOOD_CONCENTRATED))->sources = 1;

        s = catalogue_add(c, "mixed", "spoofed 2000/s and one source 500/s");
        honest(s, 200);
        flood(s, 500, 0)->sources = 1;
        flood(s, 2000, IS(FLOOD_SPOOFED) | IS(FLOOD_DISTRIBUTED));
}

static void by_time(struct catalogue *c) {
        static const struct {
                uint32_t backlog;
                double per_s;
        } slow[] = { { 128, 20 }, { 511, 80 }, { 1024, 160 }, { 4096, 640 } };
        struct scenario *s;
        struct population *p;

        for (unsigned i = 0; i < 4; i++)
                for (uint8_t cookies = 0; cookies <= 1; cookies++) {
                        s = catalogue_add(c, "slow", "slow %.0f/s fills B=%u, cookies %u", slow[i].per_s,
                                slow[i].backlog, cookies);
                        s->traffic.syncookies = cookies;
                        s->traffic.listeners[0].backlog = slow[i].backlog;
                        honest(s, 20);
                        flood(s, slow[i].per_s, IS(FLOOD_SPOOFED));
                }
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "ramp", "ramp to 2000/s in 30 min, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                s->to_s = s->from_s + 1800;
                s->length_s = s->to_s + AFTER_S;
                honest(s, 200);
                p = flood(s, 2000, IS(FLOOD_SPOOFED));
                p->phases[0].from_per_s = 0;
                s->gradual = true;
                s->fills_in_s = cookies == 2 ? 0 : 100;
        }
        static const struct {
                double on_s, every_s, per_s;
        } pulses[] = { { 0.4, 5, 10000 }, { 1, 10, 2000 }, { 1, 5, 5000 }, { 5, 30, 1000 } };
        for (unsigned i = 0; i < 4; i++) {
                s = catalogue_add(c, "pulses", "pulses %.1f of %.0f s at %.0f/s", pulses[i].on_s,
                        pulses[i].every_s, pulses[i].per_s);
                s->to_s = s->from_s + 120;
                s->length_s = s->to_s + AFTER_S + pulses[i].every_s;
                honest(s, 200);
                p = flood(s, pulses[i].per_s, IS(FLOOD_SPOOFED));
                p->pulse_on_s = pulses[i].on_s;
                p->pulse_every_s = pulses[i].every_s;
                s->fills_in_s = 0;
                s->gradual = true;
        }
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "mid-flood start", "1000/s since before, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                s->from_s = 0;
                s->to_s = 40;
                s->length_s = 90;
                honest(s, 200);
                flood(s, 1000, IS(FLOOD_SPOOFED));
                s->fills_in_s = 0;
        }
}

static void in_company(struct catalogue *c) {
        struct scenario *s;
        struct population *p;

        for (unsigned all = 0; all <= 1; all++) {
                s = catalogue_add(c, "several listeners", "2000/s on %s of four listeners", all ? "all" : "one");
                s->traffic.listeners_count = 4;
                for (unsigned i = 0; i < 4; i++) {
                        s->traffic.listeners[i].port = (uint16_t) (443 + i);
                        s->traffic.listeners[i].backlog = 511;
                        honest(s, 50)->listener = (int) i;
                }
                for (unsigned i = 0; i < (all ? 4 : 1); i++)
                        flood(s, all ? 500 : 2000, IS(FLOOD_SPOOFED))->listener = (int) (3 - i);
                s->fills_in_s = 511 / (all ? 500.0 : 2000.0);
        }
        static const double crowds[] = { 1500, 3000, 6000 };
        for (unsigned i = 0; i < 3; i++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        s = catalogue_add(c, "in a crowd", "%d/s in a crowd of %.0f/s, cookies %u", i ? 2000 : 1000,
                                crowds[i], cookies);
                        s->traffic.syncookies = cookies;
                        s->traffic.listeners[0].backlog = cookies ? 511 : 4096;
                        honest(s, 200);
                        p = honest(s, 0);
                        during(p, s->from_s - 30, s->to_s + AFTER_S, crowds[i]);
                        p->rtt_median_ms = 120;
                        p->rtt_sigma = 0.3;
                        flood(s, i ? 2000 : 1000, IS(FLOOD_SPOOFED) | IS(FLOOD_DISTRIBUTED));
                        s->fills_in_s = 0;
                }
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "in an outage", "2000/s in an outage, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                honest(s, 200);
                add_trouble(s, TROUBLE_RETURN_LOSS, s->from_s - 20, s->to_s + 10, 1.0);
                flood(s, 2000, IS(FLOOD_SPOOFED));
                s->fills_in_s = 0; /* the outage fills it */
        }
        s = catalogue_add(c, "in an accept stall", "2000/s after an accept stall");
        honest(s, 200);
        add_trouble(s, TROUBLE_ACCEPTS, s->from_s - 40, s->from_s - 20, 0);
        flood(s, 2000, IS(FLOOD_SPOOFED));
        s = catalogue_add(c, "deferred accept", "1000/s on a deferred listener");
        s->traffic.listeners[0].defer_retries = 4;
        honest(s, 100)->data_after_s = 0.5;
        flood(s, 1000, IS(FLOOD_SPOOFED));
}

/* Puts the first address of a population, or its prefix, on the allow list. */
static void allow(struct scenario *s, const struct population *p) {
        struct address a = traffic_address(&s->traffic, (unsigned) (p - s->traffic.populations), 0);
        unsigned length = p->prefix_length ? ADDRESS_IPV4_OFFSET_BITS + p->prefix_length : ADDRESS_BITS;

        s->allowed = (struct prefix) { .address = address_mask(&a, length), .length = (uint8_t) length };
}

static struct population *load_test(struct scenario *s, double per_s) {
        struct population *p = honest(s, 0);

        during(p, s->from_s, s->to_s, per_s);
        p->sources = 1;
        p->loss = 0;
        p->rtt_median_ms = 0.5;
        return p;
}

static void on_the_allow_list(struct catalogue *c) {
        struct population *p;
        struct scenario *s;

        s = catalogue_add(c, "allow list", "allowed /24 floods 1000/s");
        honest(s, 200);
        p = flood(s, 1000, IS(FLOOD_CONCENTRATED));
        p->sources = 250;
        p->prefix_length = 24;
        allow(s, p);

        s = catalogue_add(c, "allow list", "spoofed 1000/s beside an allowed load test");
        honest(s, 100);
        p = load_test(s, 3000);
        during(p, s->from_s - 30, s->to_s, 3000);
        allow(s, p);
        flood(s, 1000, IS(FLOOD_SPOOFED));
}

static void with_sensors_gone(struct catalogue *c) {
        static const char *const names[] = { "sock_diag", "netstat", "nflog" };

        for (unsigned sensor = 0; sensor < 3; sensor++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        struct scenario *s = catalogue_add(c, "sensor gone", "1000/s without %s, cookies %u",
                                                 names[sensor], cookies);

                        s->traffic.syncookies = cookies;
                        s->traffic.no_sock_diag = sensor == 0;
                        s->traffic.no_netstat = sensor == 1;
                        s->traffic.no_nflog = sensor == 2;
                        honest(s, 200);
                        flood(s, 1000, IS(FLOOD_SPOOFED));
                        s->fills_in_s = 0;
                }
}

/* --- honest, short, with something to be named --------------------------------------------- */

static struct scenario *event(struct catalogue *c, const char *family, uint32_t expected,
                              const char *name) {
        struct scenario *s = catalogue_add(c, family, "%s", name);

        s->expected = expected;
        return s;
}

static void honest_events(struct catalogue *c) {
        static const double factors[] = { 3, 5, 10, 20 };
        struct scenario *s;
        struct population *p;

        for (unsigned i = 0; i < 4; i++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        s = catalogue_add(c, "flash crowd", "crowd x%.0f on 200/s, cookies %u", factors[i], cookies);
                        s->traffic.syncookies = cookies;
                        s->traffic.listeners[0].backlog = cookies ? 511 : 4096;
                        s->expected = crowd_names;
                        honest(s, 200);
                        p = honest(s, 0);
                        during(p, s->from_s, s->to_s, 200 * (factors[i] - 1));
                        p->rtt_median_ms = 90;
                }
        s = event(c, "flash crowd", crowd_names, "crowd 6000/s, 120 ms, B=511");
        honest(s, 100);
        p = honest(s, 0);
        during(p, s->from_s, s->to_s, 6000);
        p->rtt_median_ms = 120;
        p->rtt_sigma = 0.1;

        s = event(c, "load test", crowd_names, "load test 3000/s from one host");
        honest(s, 50);
        load_test(s, 3000);

        s = event(c, "load test", IS(BUSY), "load test 3000/s from an allowed host");
        honest(s, 50);
        allow(s, load_test(s, 3000));

        s = event(c, "flash crowd", SCENARIO_NO_FLOOD, "crowd x10 without netstat, cookies 2");
        s->traffic.syncookies = 2;
        s->traffic.no_netstat = true;
        honest(s, 200);
        during(honest(s, 0), s->from_s, s->to_s, 1800);

        s = event(c, "flash crowd", crowd_names, "crowd 2000/s from 250 ms away");
        honest(s, 100);
        p = honest(s, 0);
        during(p, s->from_s, s->to_s, 2000);
        p->rtt_median_ms = 250;
        p->rtt_sigma = 0.1;

        s = event(c, "restart storm", crowd_names | IS(ACCEPT_STALL), "9000/s for 2 s, accepts 2000/s");
        s->traffic.listeners[0].accepts_per_s = 2000;
        honest(s, 100);
        s->to_s = s->from_s + 4;
        during(honest(s, 0), s->from_s, s->from_s + 2, 9000);

        s = event(c, "lossy", SCENARIO_NO_FLOOD & ~IS(ACCEPT_STALL), "mobile 25 % loss 150/s");
        p = honest(s, 150);
        p->loss = 0.25;
        p->rtt_median_ms = 120;
        p->rtt_sigma = 0.8;

        s = event(c, "lossy", SCENARIO_NO_FLOOD & ~IS(ACCEPT_STALL), "mobile 10 % loss 500/s");
        p = honest(s, 500);
        p->loss = 0.1;
        p->rtt_median_ms = 150;
        p->rtt_sigma = 0.8;

        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "outage", "return path lost 40 s, 200/s, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                s->expected = IS(LOSSY_CLIENTS);
                honest(s, 200);
                add_trouble(s, TROUBLE_RETURN_LOSS, s->from_s, s->to_s, 1.0);
        }
        s = event(c, "outage", IS(LOSSY_CLIENTS) | IS(UNKNOWN), "half the return path lost, 200/s");
        honest(s, 200);
        add_trouble(s, TROUBLE_RETURN_LOSS, s->from_s, s->to_s, 0.5);

        for (unsigned slow = 0; slow <= 1; slow++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        s = catalogue_add(c, "accept stall", "%s, cookies %u",
                                slow ? "accepts 50 of 200/s" : "accepts nothing", cookies);
                        s->traffic.syncookies = cookies;
                        s->expected = IS(ACCEPT_STALL);
                        s->traffic.listeners[0].backlog = 128;
                        honest(s, 200);
                        add_trouble(s, TROUBLE_ACCEPTS, s->from_s - 5, s->to_s, slow ? 50 : 0);
                }

        s = event(c, "deferred accept", crowd_names | IS(QUIET), "deferred, data after 2 s");
        s->traffic.listeners[0].defer_retries = 4;
        honest(s, 100)->data_after_s = 2;

        s = event(c, "scan", IS(PORT_SCAN), "scan of closed ports 1000/s");
        honest(s, 30);
        p = add_population(s, POPULATION_SILENT, 0);
        during(p, s->from_s, s->to_s, 1000);
        p->listener = TRAFFIC_NO_LISTENER;
        p->sources = 1;

        s = event(c, "nat", crowd_names, "300/s behind one address");
        honest(s, 300)->sources = 1;
}

/* --- honest, long, to be left alone ----------------------------------------------------------- */

struct lasting {
        const char *name;
        double share; /* of all honest days */
        void (*make)(struct scenario *s);
};

static void background(struct scenario *s) {
        struct population *p;

        honest(s, 0.2);
        noise(s, 2.5);
        p = noise(s, 0.5); /* now and then a scanner with more zeal */
        p->burst_every_s = 1200;
        p->burst_s = 10;
        p->burst_factor = 10;
        p->sources = 1;
}

static void background_small_queue(struct scenario *s) {
        s->traffic.listeners[0].backlog = 128;
        s->traffic.syncookies = 0;
        noise(s, 2);
}

static void daily(struct scenario *s) {
        struct population *p = honest(s, 60);

        p->daily = true;
        p->burst_every_s = 3600;
        p->burst_s = 120;
        p->burst_factor = 2;
        noise(s, 2);
}

static void crowds_3_to_5(struct scenario *s) {
        struct population *p;

        honest(s, 60)->daily = true;
        noise(s, 2);
        p = honest(s, 50);
        p->burst_every_s = 1200;
        p->burst_s = 60;
        p->burst_factor = 6;
        p->rtt_median_ms = 100;
        s->traffic.syncookies = 0;
}

static void crowds_20(struct scenario *s) {
        struct population *p;

        honest(s, 50);
        noise(s, 2);
        p = honest(s, 10);
        p->burst_every_s = 2400;
        p->burst_s = 30;
        p->burst_factor = 100;
        p->rtt_median_ms = 100;
}

static void crowds_over_queue(struct scenario *s) {
        struct population *p;

        s->traffic.listeners[0].backlog = 128;
        honest(s, 20);
        noise(s, 2);
        p = honest(s, 5);
        p->burst_every_s = 3000;
        p->burst_s = 20;
        p->burst_factor = 600;
        p->rtt_median_ms = 120;
        p->rtt_sigma = 0.4;
}

static void load_tests(struct scenario *s) {
        struct population *p;

        honest(s, 20);
        noise(s, 2);
        p = honest(s, 1);
        p->sources = 1;
        p->rtt_median_ms = 20;
        p->rtt_sigma = 0.1;
        p->burst_every_s = 3600;
        p->burst_s = 60;
        p->burst_factor = 2000;
}

static void restart_storms(struct scenario *s) {
        struct population *p;

        s->traffic.listeners[0].accepts_per_s = 2000;
        honest(s, 30);
        p = honest(s, 1);
        p->burst_every_s = 1800;
        p->burst_s = 2;
        p->burst_factor = 9000;
}

static void mobile(struct scenario *s) {
        struct population *p = honest(s, 60);

        p->loss = 0.1;
        p->rtt_median_ms = 150;
        p->rtt_sigma = 0.8;
        p->daily = true;
        noise(s, 3);
}

static void mobile_worse(struct scenario *s) {
        struct population *p = honest(s, 100);

        p->loss = 0.25;
        p->rtt_median_ms = 120;
        p->rtt_sigma = 0.8;
}

static void outages(struct scenario *s) {
        honest(s, 150);
        noise(s, 2);
        for (unsigned i = 0; i < TRAFFIC_TROUBLES_MAX; i++) {
                double from_s = s->length_s * (i + 0.5) / TRAFFIC_TROUBLES_MAX;

                add_trouble(s, i % 3 == 2 ? TROUBLE_FORWARD_LOSS : TROUBLE_RETURN_LOSS, from_s,
                            from_s + 10 + 20 * i, i % 2 ? 1.0 : 0.6);
        }
}

static void outages_no_cookies(struct scenario *s) {
        outages(s);
        s->traffic.syncookies = 0;
}

static void stalls(struct scenario *s) {
        s->traffic.listeners[0].backlog = 128;
        honest(s, 60);
        noise(s, 2);
        for (unsigned i = 0; i < TRAFFIC_TROUBLES_MAX; i++) {
                double from_s = s->length_s * (i + 0.5) / TRAFFIC_TROUBLES_MAX;

                add_trouble(s, TROUBLE_ACCEPTS, from_s, from_s + 5 + 20 * i, i % 2 ? 40 : 0);
        }
}

static void deferred(struct scenario *s) {
        struct population *p = honest(s, 40);

        s->traffic.listeners[0].defer_retries = 4;
        p->data_after_s = 1.5;
        p->daily = true;
        noise(s, 2);
}

static void scans(struct scenario *s) {
        struct population *p;

        s->traffic.listeners_count = 4;
        for (unsigned i = 0; i < 4; i++) {
                s->traffic.listeners[i].port = (uint16_t) (443 + i);
                s->traffic.listeners[i].backlog = 511;
                honest(s, 2)->listener = (int) i;
                p = add_population(s, POPULATION_RST, 0.01); /* nmap -sS */
                p->listener = (int) i;
                p->sources = 1;
                p->burst_every_s = 1800;
                p->burst_s = 10;
                p->burst_factor = 2000;
        }
        p = noise(s, 5);
        p->listener = TRAFFIC_NO_LISTENER;
        p->burst_every_s = 1800;
        p->burst_s = 30;
        p->burst_factor = 200;
}

static void nat(struct scenario *s) {
        struct population *p = honest(s, 80);

        p->sources = 1;
        p->daily = true;
        p->burst_every_s = 1800;
        p->burst_s = 30;
        p->burst_factor = 8;
        noise(s, 2);
}

static void clocks_and_counters(struct scenario *s) {
        honest(s, 60);
        noise(s, 3);
        add_trouble(s, TROUBLE_CLOCK_STEP, s->length_s * 0.1, FOREVER, 3600);
        add_trouble(s, TROUBLE_CLOCK_STEP, s->length_s * 0.2, FOREVER, -7200);
        add_trouble(s, TROUBLE_COUNTER_RESET, s->length_s * 0.3, FOREVER, 0);
        add_trouble(s, TROUBLE_LATE_TICK, s->length_s * 0.4, s->length_s * 0.4 + 10, 0);
        add_trouble(s, TROUBLE_LATE_TICK, s->length_s * 0.6, s->length_s * 0.6 + 2, 0);
        add_trouble(s, TROUBLE_COUNTER_RESET, s->length_s * 0.8, FOREVER, 0);
}

static void sensors_come_and_go(struct scenario *s) {
        honest(s, 80)->loss = 0.05;
        noise(s, 3);
        add_trouble(s, TROUBLE_NO_SOCK_DIAG, s->length_s * 0.1, s->length_s * 0.3, 0);
        add_trouble(s, TROUBLE_NO_NETSTAT, s->length_s * 0.25, s->length_s * 0.5, 0);
        add_trouble(s, TROUBLE_NO_NFLOG, s->length_s * 0.45, s->length_s * 0.7, 0);
        add_trouble(s, TROUBLE_NO_SOCK_DIAG, s->length_s * 0.65, s->length_s * 0.8, 0);
        s->traffic.listeners[0].backlog = 128;
}

static void ghosts(struct scenario *s) {
        s->traffic.listeners_count = 2;
        s->traffic.listeners[1].port = 8080;
        s->traffic.listeners[1].backlog = 128;
        honest(s, 40);
        honest(s, 40)->listener = 1;
        noise(s, 2)->listener = 1;
        add_trouble(s, TROUBLE_LISTENER_CLOSED, s->length_s / 2, FOREVER, 0)->listener = 1;
}

static const struct lasting lasting[] = {
        { "background noise", 0.20, background },
        { "background noise, B=128, cookies 0", 0.10, background_small_queue },
        { "daily rhythm", 0.20, daily },
        { "crowds x6, cookies 0", 0.06, crowds_3_to_5 },
        { "crowds of 1000/s", 0.05, crowds_20 },
        { "crowds of 3000/s over B=128", 0.04, crowds_over_queue },
        { "load tests of 2000/s", 0.03, load_tests },
        { "restart storms", 0.03, restart_storms },
        { "mobile, 10 % loss", 0.06, mobile },
        { "mobile, 25 % loss", 0.03, mobile_worse },
        { "outages", 0.03, outages },
        { "outages, cookies 0", 0.03, outages_no_cookies },
        { "accept stalls", 0.02, stalls },
        { "deferred accept", 0.04, deferred },
        { "scans", 0.02, scans },
        { "one NAT", 0.02, nat },
        { "clock steps, resets, late ticks", 0.02, clocks_and_counters },
        { "sensors come and go", 0.01, sensors_come_and_go },
        { "a listener closes", 0.01, ghosts },
};

static void honest_days(struct catalogue *c, double days) {
        for (unsigned i = 0; i < sizeof lasting / sizeof *lasting; i++) {
                struct scenario *s = catalogue_add(c, "honest days", "%s", lasting[i].name);

                s->from_s = s->to_s = 0;
                s->length_s = days * 86400 * lasting[i].share;
                s->traffic.source_table = false;
                lasting[i].make(s);
        }
}

void catalogue_make(uint64_t seed, double days, struct catalogue *ret) {
        struct catalogue c = { 0 };

        spoofed(&c);
        by_source(&c);
        by_time(&c);
        in_company(&c);
        on_the_allow_list(&c);
        with_sensors_gone(&c);
        honest_events(&c);
        honest_days(&c, days);
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
