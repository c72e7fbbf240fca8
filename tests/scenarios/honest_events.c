/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Honest, short, with something to be named. */
#include "tests/scenarios/scene.h"

static const uint32_t crowd_names = IS(BUSY) | IS(FLASH_CROWD);

static struct scenario *event(struct catalogue *c, const char *family, uint32_t expected, const char *name) {
        struct scenario *s = catalogue_add(c, family, "%s", name);

        s->expected = expected;
        return s;
}

/* Hardly anybody comes, and strays: nothing is wrong when for some seconds nobody finishes. */
static void hardly_anybody(struct catalogue *c) {
        static const double per_s[] = { 0.2, 2, 8 };

        for (unsigned i = 0; i < 3; i++) {
                struct scenario *s = catalogue_add(c, "quiet host", "%g/s and 2 strays/s", per_s[i]);

                s->expected = IS(QUIET);
                s->to_s = s->from_s + 600;
                s->length_s = s->to_s + AFTER_S;
                scene_honest(s, per_s[i]);
                scene_noise(s, 2);
        }
}

/* 50/s to 1600/s; each minute twice as many as the minute before. */
static void slow_crowd(struct catalogue *c) {
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                struct scenario *s = catalogue_add(c, "flash crowd", "twice as many each minute, cookies %u", cookies);
                struct population *p = scene_honest(s, 50);

                s->traffic.syncookies = cookies;
                s->expected = crowd_names;
                s->to_s = s->from_s + 5 * 60;
                s->length_s = s->to_s + AFTER_S;
                for (unsigned minute = 0; minute < 5; minute++)
                        p->phases[1 + minute] = (struct phase) {
                                s->from_s + minute * 60,
                                s->from_s + minute * 60 + 60,
                                50 << minute,
                                100 << minute,
                        };
        }
}

/* A check that opens and resets: SYN, SYN-ACK, RST. */
static void monitoring(struct catalogue *c) {
        static const double others[] = { 0.2, 200 };

        for (unsigned i = 0; i < 2; i++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        struct scenario *s = catalogue_add(c, "monitoring", "50/s end by RST, %s, cookies %u",
                                                           i ? "among 200/s" : "quiet host", cookies);
                        struct population *p;

                        s->traffic.syncookies = cookies;
                        s->expected = IS(QUIET) | IS(BUSY);
                        scene_honest(s, others[i]);
                        p = scene_population(s, POPULATION_RST, 0);
                        scene_during(p, s->from_s, s->to_s, 50);
                        p->sources = 2;
                        p->rtt_median_ms = 1;
                        p->regular = true;
                }
}

/* Gone for so long; everybody who is refused tries again after about a second. */
static void deployment(struct catalogue *c) {
        static const double gone_s[] = { 1, 10 };

        for (unsigned i = 0; i < 2; i++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        struct scenario *s = catalogue_add(c, "deployment", "restart of %.0f s at 300/s, cookies %u",
                                                           gone_s[i], cookies);

                        s->traffic.syncookies = cookies;
                        s->traffic.listeners[0].accepts_per_s = 3000;
                        s->expected = SCENARIO_NO_FLOOD & ~IS(PORT_SCAN);
                        scene_honest(s, 300)->again_s = 1;
                        scene_trouble(s, TROUBLE_LISTENER_CLOSED, s->from_s, s->from_s + gone_s[i], 0);
                        s->to_s = s->from_s + gone_s[i] + 5;
                }
}

void honest_events_add(struct catalogue *c) {
        static const double factors[] = { 3, 5, 10, 20 };
        struct scenario *s;
        struct population *p;

        for (unsigned i = 0; i < 4; i++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        s = catalogue_add(c, "flash crowd", "crowd x%.0f on 200/s, cookies %u", factors[i], cookies);
                        s->traffic.syncookies = cookies;
                        s->traffic.listeners[0].backlog = cookies ? 511 : 4096;
                        s->expected = crowd_names;
                        scene_honest(s, 200);
                        p = scene_honest(s, 0);
                        scene_during(p, s->from_s, s->to_s, 200 * (factors[i] - 1));
                        p->rtt_median_ms = 90;
                }
        s = event(c, "flash crowd", crowd_names, "crowd 6000/s, 120 ms, B=511");
        scene_honest(s, 100);
        p = scene_honest(s, 0);
        scene_during(p, s->from_s, s->to_s, 6000);
        p->rtt_median_ms = 120;
        p->rtt_sigma = 0.1;

        s = event(c, "load test", crowd_names, "load test 3000/s from one host");
        scene_honest(s, 50);
        scene_load_test(s, 3000);

        s = event(c, "load test", IS(BUSY), "load test 3000/s from an allowed host");
        scene_honest(s, 50);
        scene_allow(s, scene_load_test(s, 3000));

        s = event(c, "flash crowd", SCENARIO_NO_FLOOD, "crowd x10 without netstat, cookies 2");
        s->traffic.syncookies = 2;
        s->traffic.no_netstat = true;
        scene_honest(s, 200);
        scene_during(scene_honest(s, 0), s->from_s, s->to_s, 1800);

        s = event(c, "flash crowd", crowd_names, "crowd 2000/s from 250 ms away");
        scene_honest(s, 100);
        p = scene_honest(s, 0);
        scene_during(p, s->from_s, s->to_s, 2000);
        p->rtt_median_ms = 250;
        p->rtt_sigma = 0.1;

        s = event(c, "restart storm", crowd_names | IS(ACCEPT_STALL), "9000/s for 2 s, accepts 2000/s");
        s->traffic.listeners[0].accepts_per_s = 2000;
        scene_honest(s, 100);
        s->to_s = s->from_s + 4;
        scene_during(scene_honest(s, 0), s->from_s, s->from_s + 2, 9000);

        s = event(c, "lossy", SCENARIO_NO_FLOOD & ~IS(ACCEPT_STALL), "mobile 25 % loss 150/s");
        p = scene_honest(s, 150);
        p->loss = 0.25;
        p->rtt_median_ms = 120;
        p->rtt_sigma = 0.8;

        s = event(c, "lossy", SCENARIO_NO_FLOOD & ~IS(ACCEPT_STALL), "mobile 10 % loss 500/s");
        p = scene_honest(s, 500);
        p->loss = 0.1;
        p->rtt_median_ms = 150;
        p->rtt_sigma = 0.8;

        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                s = catalogue_add(c, "outage", "return path lost 40 s, 200/s, cookies %u", cookies);
                s->traffic.syncookies = cookies;
                s->expected = IS(LOSSY_CLIENTS);
                scene_honest(s, 200);
                scene_trouble(s, TROUBLE_RETURN_LOSS, s->from_s, s->to_s, 1.0);
        }
        s = event(c, "outage", IS(LOSSY_CLIENTS) | IS(UNKNOWN), "half the return path lost, 200/s");
        scene_honest(s, 200);
        scene_trouble(s, TROUBLE_RETURN_LOSS, s->from_s, s->to_s, 0.5);

        for (unsigned slow = 0; slow <= 1; slow++)
                for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                        s = catalogue_add(c, "accept stall", "%s, cookies %u",
                                          slow ? "accepts 50 of 200/s" : "accepts nothing", cookies);
                        s->traffic.syncookies = cookies;
                        s->expected = IS(ACCEPT_STALL);
                        s->traffic.listeners[0].backlog = 128;
                        scene_honest(s, 200);
                        scene_trouble(s, TROUBLE_ACCEPTS, s->from_s - 5, s->to_s, slow ? 50 : 0);
                }

        s = event(c, "deferred accept", crowd_names | IS(QUIET), "deferred, data after 2 s");
        s->traffic.listeners[0].defer_retries = 4;
        scene_honest(s, 100)->data_after_s = 2;

        s = event(c, "scan", IS(PORT_SCAN), "scan of closed ports 1000/s");
        scene_honest(s, 30);
        p = scene_population(s, POPULATION_SILENT, 0);
        scene_during(p, s->from_s, s->to_s, 1000);
        p->destination = DESTINATION_CLOSED;
        p->sources = 1;

        hardly_anybody(c);
        slow_crowd(c);
        monitoring(c);
        deployment(c);

        s = event(c, "nat", crowd_names, "300/s behind one address");
        scene_honest(s, 300)->sources = 1;
}
