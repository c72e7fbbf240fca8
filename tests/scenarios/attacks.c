/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be found. */
#include "tests/scenarios/scene.h"

static void spoofed(struct catalogue *c) {
        static const double rates[] = { 100, 200, 500, 1000, 2000, 5000, 20000, 100000 };
        struct scenario *s;

        for (uint8_t cookies = 0; cookies <= 2; cookies++)
                for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++) {
                        s = catalogue_add(c, "spoofed", "spoofed %.0f/s, cookies %u", rates[i], cookies);
                        s->traffic.syncookies = cookies;
                        scene_honest(s, 200);
                        scene_flood(s, rates[i], IS(FLOOD_SPOOFED));
                        if (rates[i] > 50000) {
                                s->to_s = s->from_s + 20;
                                s->traffic.populations[1].phases[0].to_s = s->to_s;
                        }
                }
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "spoofed", "spoofed 1000/s, quiet host, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                scene_noise(s, 2);
                scene_flood(s, 1000, IS(FLOOD_SPOOFED));
        }
        static const uint32_t backlogs[] = { 16, 128, 4096, 16384 };
        for (unsigned i = 0; i < sizeof backlogs / sizeof *backlogs; i++) {
                s = catalogue_add(c, "spoofed", "spoofed 2000/s, B=%u", backlogs[i]);
                s->traffic.listeners[0].backlog = backlogs[i];
                scene_honest(s, 100);
                scene_flood(s, 2000, IS(FLOOD_SPOOFED));
        }
        s = catalogue_add(c, "spoofed", "spoofed 2000/s, max_syn_backlog 256, cookies 0");
        s->traffic.syncookies = 0;
        s->traffic.max_syn_backlog = 256;
        s->traffic.listeners[0].backlog = 1024;
        scene_honest(s, 100);
        scene_flood(s, 2000, IS(FLOOD_SPOOFED));
        s->fills_in_s = 0.1;
}

static void by_source(struct catalogue *c) {
        static const double rates[] = { 200, 1000, 5000, 20000 };
        struct scenario *s;
        struct population *p;

        for (unsigned i = 0; i < 4; i++) {
                s = catalogue_add(c, "distributed", "distributed %.0f/s from 500", rates[i]);
                scene_honest(s, 200);
                scene_flood(s, rates[i], IS(FLOOD_DISTRIBUTED))->sources = 500;

                s = catalogue_add(c, "one source", "one source %.0f/s", rates[i]);
                scene_honest(s, 100);
                scene_flood(s, rates[i], IS(FLOOD_CONCENTRATED))->sources = 1;

                s = catalogue_add(c, "one prefix", "one /24 %.0f/s", rates[i]);
                scene_honest(s, 100);
                p = scene_flood(s, rates[i], IS(FLOOD_CONCENTRATED));
                p->sources = 250;
                p->prefix_length = 24;

                s = catalogue_add(c, "ipv6", "ipv6 spoofed %.0f/s", rates[i]);
                s->traffic.listeners[0].ipv6 = true;
                scene_honest(s, 100)->ipv6 = true;
                scene_flood(s, rates[i], IS(FLOOD_SPOOFED))->ipv6 = true;

                s = catalogue_add(c, "ipv6", "ipv6 one /64 %.0f/s", rates[i]);
                s->traffic.listeners[0].ipv6 = true;
                scene_honest(s, 100)->ipv6 = true;
                p = scene_flood(s, rates[i], IS(FLOOD_CONCENTRATED));
                p->ipv6 = true;
                p->prefix_length = 64;
        }
        s = catalogue_add(c, "distributed", "distributed 5000/s from 20000, cookies 2");
        s->traffic.syncookies = 2;
        scene_honest(s, 200);
        scene_flood(s, 5000, IS(FLOOD_DISTRIBUTED))->sources = 20000;

        s = catalogue_add(c, "reflected", "reflected 2000/s, victim answers RST");
        scene_honest(s, 200);
        p = scene_flood(s, 2000, IS(FLOOD_REFLECTED));
        p->kind = POPULATION_RST;
        p->rtt_median_ms = 150;
        p->sources = 1;
        p->loss = 0.3; /* the victim is busy */
        s->fills_in_s = 0;
        s->gradual = true;

        s = catalogue_add(c, "reflected", "reflected 1000/s, victim silent");
        scene_honest(s, 200);
        scene_flood(s, 1000, IS(FLOOD_REFLECTED) | IS(FLOOD_CONCENTRATED))->sources = 1;

        s = catalogue_add(c, "mixed", "spoofed 2000/s and one source 500/s");
        scene_honest(s, 200);
        scene_flood(s, 500, 0)->sources = 1;
        scene_flood(s, 2000, IS(FLOOD_SPOOFED) | IS(FLOOD_DISTRIBUTED));
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
                        scene_honest(s, 20);
                        scene_flood(s, slow[i].per_s, IS(FLOOD_SPOOFED));
                }
        for (uint8_t cookies = 0; cookies <= 1; cookies++) {
                s = catalogue_add(c, "slow", "slow 20/s fills B=128 among 4/s, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                s->traffic.listeners[0].backlog = 128;
                scene_honest(s, 4);
                scene_noise(s, 2);
                scene_flood(s, 20, IS(FLOOD_SPOOFED));
                s->fills_in_s = 0; /* the strays hold half of it */
        }
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "ramp", "ramp to 2000/s in 30 min, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                s->to_s = s->from_s + 1800;
                s->length_s = s->to_s + AFTER_S;
                scene_honest(s, 200);
                p = scene_flood(s, 2000, IS(FLOOD_SPOOFED));
                p->phases[0].from_per_s = 0;
                s->gradual = true;
                s->fills_in_s = cookies == 2 ? 0 : 100;
        }
        static const struct {
                double on_s, every_s, per_s;
        } pulses[] = { { 0.4, 5, 10000 }, { 1, 10, 2000 }, { 1, 5, 5000 }, { 5, 30, 1000 } };
        for (unsigned i = 0; i < 4; i++) {
                s = catalogue_add(c, "pulses", "pulses %.1f of %.0f s at %.0f/s", pulses[i].on_s, pulses[i].every_s,
                                  pulses[i].per_s);
                s->to_s = s->from_s + 120;
                s->length_s = s->to_s + AFTER_S + pulses[i].every_s;
                scene_honest(s, 200);
                p = scene_flood(s, pulses[i].per_s, IS(FLOOD_SPOOFED));
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
                scene_honest(s, 200);
                scene_flood(s, 1000, IS(FLOOD_SPOOFED));
                s->fills_in_s = 0;
        }
}

/* What is found already must not become the usual, nor another one. */
static void for_long_and_again(struct catalogue *c) {
        struct scenario *s;

        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "long", "500/s for two hours, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                s->to_s = s->from_s + 7200;
                s->length_s = s->to_s + 2 * AFTER_S;
                scene_honest(s, 200);
                scene_flood(s, 500, IS(FLOOD_SPOOFED));
                s->gradual = true; /* how soon is asked of shorter ones */
        }
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "twice", "1000/s twice, 3 min between, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                scene_honest(s, 200);
                scene_flood(s, 1000, IS(FLOOD_SPOOFED));
                scene_again(s, 180);
        }
}

static void three_listeners(struct scenario *s, uint8_t cookies) {
        s->traffic.syncookies = cookies;
        s->traffic.listeners_count = 3;
        for (unsigned i = 0; i < 3; i++) {
                s->traffic.listeners[i].port = (uint16_t) (443 + i);
                s->traffic.listeners[i].backlog = 511;
                scene_honest(s, 100)->listener = i;
        }
}

/* One flood after the other's beginning, or the same one elsewhere. */
static void listener_after_listener(struct catalogue *c) {
        struct population *p;
        struct scenario *s;

        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "several listeners", "1000/s on another one after 20 s, cookies %u", cookies);
                three_listeners(s, cookies);
                scene_flood(s, 1000, IS(FLOOD_SPOOFED));
                p = scene_flood(s, 1000, IS(FLOOD_SPOOFED));
                p->listener = 1;
                p->phases[0].from_s += 20;
                s->flood_per_s = 1000;
                scene_attacked(s, 0, s->from_s, s->to_s);
                scene_attacked(s, 1, s->from_s + 20, s->to_s);
        }
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "several listeners", "2000/s moves to another one, cookies %u", cookies);
                three_listeners(s, cookies);
                scene_flood(s, 2000, IS(FLOOD_SPOOFED))->phases[0].to_s -= 30;
                p = scene_flood(s, 2000, IS(FLOOD_SPOOFED));
                p->listener = 1;
                p->phases[0].from_s += 30;
                s->flood_per_s = 2000;
                scene_attacked(s, 0, s->from_s, s->to_s - 30);
                scene_attacked(s, 1, s->from_s + 30, s->to_s);
        }
}

/* 3000/s from 120 ms away, from and until so long before the flood begins. */
static void beside_a_crowd(struct catalogue *c, const char *when, double before_s, double until_before_s) {
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                struct scenario *s = catalogue_add(c, "in a crowd", "2000/s, crowd %s, cookies %u", when, cookies);
                struct population *p;

                s->traffic.syncookies = cookies;
                s->traffic.listeners[0].backlog = cookies ? 511 : 4096;
                scene_honest(s, 200);
                p = scene_honest(s, 0);
                scene_during(p, s->from_s - before_s, s->from_s - until_before_s, 3000);
                p->rtt_median_ms = 120;
                p->rtt_sigma = 0.3;
                scene_flood(s, 2000, IS(FLOOD_SPOOFED) | IS(FLOOD_DISTRIBUTED));
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
                        scene_honest(s, 50)->listener = i;
                }
                for (unsigned i = 0; i < (all ? 4 : 1); i++)
                        scene_flood(s, all ? 500 : 2000, IS(FLOOD_SPOOFED))->listener = 3 - i;
                s->fills_in_s = 511 / (all ? 500.0 : 2000.0);
        }
        static const double crowds[] = { 1500, 3000, 6000 };
        for (unsigned i = 0; i < 3; i++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        s = catalogue_add(c, "in a crowd", "%d/s in a crowd of %.0f/s, cookies %u", i ? 2000 : 1000,
                                          crowds[i], cookies);
                        s->traffic.syncookies = cookies;
                        s->traffic.listeners[0].backlog = cookies ? 511 : 4096;
                        scene_honest(s, 200);
                        p = scene_honest(s, 0);
                        scene_during(p, s->from_s - 30, s->to_s + AFTER_S, crowds[i]);
                        p->rtt_median_ms = 120;
                        p->rtt_sigma = 0.3;
                        scene_flood(s, i ? 2000 : 1000, IS(FLOOD_SPOOFED) | IS(FLOOD_DISTRIBUTED));
                        s->fills_in_s = 0;
                }
        beside_a_crowd(c, "since 5 min", 290, -ATTACK_S - AFTER_S);
        beside_a_crowd(c, "begins with it", 0, -ATTACK_S - AFTER_S);
        beside_a_crowd(c, "just ended", 60, 0);
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "in an outage", "2000/s in an outage, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                scene_honest(s, 200);
                scene_trouble(s, TROUBLE_RETURN_LOSS, s->from_s - 20, s->to_s + 10, 1.0);
                scene_flood(s, 2000, IS(FLOOD_SPOOFED));
                s->fills_in_s = 0; /* the outage fills it */
        }
        s = catalogue_add(c, "in an accept stall", "2000/s after an accept stall");
        scene_honest(s, 200);
        scene_trouble(s, TROUBLE_ACCEPTS, s->from_s - 40, s->from_s - 20, 0);
        scene_flood(s, 2000, IS(FLOOD_SPOOFED));
        s = catalogue_add(c, "deferred accept", "1000/s on a deferred listener");
        s->traffic.listeners[0].defer_retries = 4;
        scene_honest(s, 100)->data_after_s = 0.5;
        scene_flood(s, 1000, IS(FLOOD_SPOOFED));
}

static void on_the_allow_list(struct catalogue *c) {
        struct population *p;
        struct scenario *s;

        s = catalogue_add(c, "allow list", "allowed /24 floods 1000/s");
        scene_honest(s, 200);
        p = scene_flood(s, 1000, IS(FLOOD_CONCENTRATED));
        p->sources = 250;
        p->prefix_length = 24;
        scene_allow(s, p);

        s = catalogue_add(c, "allow list", "spoofed 1000/s beside an allowed load test");
        scene_honest(s, 100);
        p = scene_load_test(s, 3000);
        scene_during(p, s->from_s - 30, s->to_s, 3000);
        scene_allow(s, p);
        scene_flood(s, 1000, IS(FLOOD_SPOOFED));
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
                        scene_honest(s, 200);
                        scene_flood(s, 1000, IS(FLOOD_SPOOFED));
                        s->fills_in_s = 0;
                }
}

/* 20 s after its beginning something happens to us, for so long. */
static void with_trouble(struct catalogue *c, enum trouble_kind kind, double lasts_s, double value, const char *what) {
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                struct scenario *s = catalogue_add(c, "mid-flood trouble", "1000/s, %s, cookies %u", what, cookies);

                s->traffic.syncookies = cookies;
                scene_honest(s, 200);
                scene_flood(s, 1000, IS(FLOOD_SPOOFED));
                scene_trouble(s, kind, s->from_s + 20, s->from_s + 20 + lasts_s, value);
                s->fills_in_s = 0;
        }
}

static void with_trouble_in_the_middle(struct catalogue *c) {
        with_trouble(c, TROUBLE_NO_SOCK_DIAG, 20, 0, "no sock_diag for 20 s");
        with_trouble(c, TROUBLE_NO_NETSTAT, 20, 0, "no netstat for 20 s");
        with_trouble(c, TROUBLE_NO_NFLOG, 20, 0, "no nflog for 20 s");
        with_trouble(c, TROUBLE_NO_SOCK_DIAG, 70, 0, "no sock_diag till after");
        with_trouble(c, TROUBLE_NO_NETSTAT, 70, 0, "no netstat till after");
        with_trouble(c, TROUBLE_NO_NFLOG, 70, 0, "no nflog till after");
        with_trouble(c, TROUBLE_COUNTER_RESET, FOREVER, 0, "counters reset");
        with_trouble(c, TROUBLE_CLOCK_STEP, FOREVER, 3600, "clock 1 h ahead");
        with_trouble(c, TROUBLE_CLOCK_STEP, FOREVER, -3600, "clock 1 h back");
        with_trouble(c, TROUBLE_LATE_TICK, 5, 0, "daemon stopped 5 s");
        with_trouble(c, TROUBLE_RETURN_LOSS, 20, 1.0, "no way back for 20 s");
}

void attacks_add(struct catalogue *c) {
        spoofed(c);
        by_source(c);
        by_time(c);
        for_long_and_again(c);
        listener_after_listener(c);
        in_company(c);
        on_the_allow_list(c);
        with_sensors_gone(c);
        with_trouble_in_the_middle(c);
}

/* A repeated SYN makes an entry look older than it is: each handshake is never seen at the ages at which it is late. */
void repeated_syns_add(struct catalogue *c) {
        static const struct {
                double per_s;
                unsigned copies;
                uint32_t backlog;
        } floods[] = { { 60, 2, 1024 },  { 60, 6, 1024 },    { 300, 2, 4096 },
                       { 300, 6, 4096 }, { 2000, 3, 16384 }, { 1000, 2, 511 } };

        for (unsigned i = 0; i < sizeof floods / sizeof *floods; i++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        struct scenario *s = catalogue_add(c, "repeated SYNs",
                                                           "%.0f/s, each %u times, B=%u, cookies %u", floods[i].per_s,
                                                           floods[i].copies, floods[i].backlog, cookies);

                        s->traffic.syncookies = cookies;
                        s->traffic.listeners[0].backlog = floods[i].backlog;
                        scene_honest(s, 100);
                        scene_flood(s, floods[i].per_s, IS(FLOOD_SPOOFED))->copies = floods[i].copies;
                }
}
