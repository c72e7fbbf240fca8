/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Honest, long, to be left alone. */
#include "tests/scenarios/scene.h"

struct lasting {
        const char *name;
        double share; /* of all honest days */
        void (*make)(struct scenario *s);
};

/* Every so often, for so long, so many times the rate. */
static void bursts(struct population *p, double every_s, double for_s, double factor) {
        p->burst_every_s = every_s;
        p->burst_s = for_s;
        p->burst_factor = factor;
}

static void background(struct scenario *s) {
        struct population *p;

        scene_honest(s, 0.2);
        scene_noise(s, 2.5);
        p = scene_noise(s, 0.5); /* now and then a scanner with more zeal */
        bursts(p, 1200, 10, 10);
        p->sources = 1;
}

static void background_small_queue(struct scenario *s) {
        s->traffic.listeners[0].backlog = 128;
        s->traffic.syncookies = 0;
        scene_noise(s, 2);
}

static void daily(struct scenario *s) {
        struct population *p = scene_honest(s, 60);

        p->daily = true;
        bursts(p, 3600, 120, 2);
        scene_noise(s, 2);
}

static void crowds_3_to_5(struct scenario *s) {
        struct population *p;

        scene_honest(s, 60)->daily = true;
        scene_noise(s, 2);
        p = scene_honest(s, 50);
        bursts(p, 1200, 60, 6);
        p->rtt_median_ms = 100;
        s->traffic.syncookies = 0;
}

static void crowds_20(struct scenario *s) {
        struct population *p;

        scene_honest(s, 50);
        scene_noise(s, 2);
        p = scene_honest(s, 10);
        bursts(p, 2400, 30, 100);
        p->rtt_median_ms = 100;
}

static void crowds_over_queue(struct scenario *s) {
        struct population *p;

        s->traffic.listeners[0].backlog = 128;
        scene_honest(s, 20);
        scene_noise(s, 2);
        p = scene_honest(s, 5);
        bursts(p, 3000, 20, 600);
        p->rtt_median_ms = 120;
        p->rtt_sigma = 0.4;
}

static void load_tests(struct scenario *s) {
        struct population *p;

        scene_honest(s, 20);
        scene_noise(s, 2);
        p = scene_honest(s, 1);
        p->sources = 1;
        p->rtt_median_ms = 20;
        p->rtt_sigma = 0.1;
        bursts(p, 3600, 60, 2000);
}

static void restart_storms(struct scenario *s) {
        struct population *p;

        s->traffic.listeners[0].accepts_per_s = 2000;
        scene_honest(s, 30);
        p = scene_honest(s, 1);
        bursts(p, 1800, 2, 9000);
}

static void mobile(struct scenario *s) {
        struct population *p = scene_honest(s, 60);

        p->loss = 0.1;
        p->rtt_median_ms = 150;
        p->rtt_sigma = 0.8;
        p->daily = true;
        scene_noise(s, 3);
}

static void mobile_worse(struct scenario *s) {
        struct population *p = scene_honest(s, 100);

        p->loss = 0.25;
        p->rtt_median_ms = 120;
        p->rtt_sigma = 0.8;
}

static void outages(struct scenario *s) {
        scene_honest(s, 150);
        scene_noise(s, 2);
        for (unsigned i = 0; i < TRAFFIC_TROUBLES_MAX; i++) {
                double from_s = s->length_s * (i + 0.5) / (double) (double) TRAFFIC_TROUBLES_MAX;

                scene_trouble(s, i % 3 == 2 ? TROUBLE_FORWARD_LOSS : TROUBLE_RETURN_LOSS, from_s, from_s + 10 + 20 * i,
                              i % 2 ? 1.0 : 0.6);
        }
}

static void outages_no_cookies(struct scenario *s) {
        outages(s);
        s->traffic.syncookies = 0;
}

static void stalls(struct scenario *s) {
        s->traffic.listeners[0].backlog = 128;
        scene_honest(s, 60);
        scene_noise(s, 2);
        for (unsigned i = 0; i < TRAFFIC_TROUBLES_MAX; i++) {
                double from_s = s->length_s * (i + 0.5) / (double) (double) TRAFFIC_TROUBLES_MAX;

                scene_trouble(s, TROUBLE_ACCEPTS, from_s, from_s + 5 + 20 * i, i % 2 ? 40 : 0);
        }
}

static void deferred(struct scenario *s) {
        struct population *p = scene_honest(s, 40);

        s->traffic.listeners[0].defer_retries = 4;
        p->data_after_s = 1.5;
        p->daily = true;
        scene_noise(s, 2);
}

static void scans(struct scenario *s) {
        struct population *p;

        s->traffic.listeners_count = 4;
        for (unsigned i = 0; i < 4; i++) {
                s->traffic.listeners[i].port = (uint16_t) (443 + i);
                s->traffic.listeners[i].backlog = 511;
                scene_honest(s, 2)->listener = i;
                p = scene_population(s, POPULATION_RST, 0.01); /* nmap -sS */
                p->listener = i;
                p->sources = 1;
                bursts(p, 1800, 10, 2000);
        }
        p = scene_noise(s, 5);
        p->destination = DESTINATION_CLOSED;
        bursts(p, 1800, 30, 200);
}

static void nat(struct scenario *s) {
        struct population *p = scene_honest(s, 80);

        p->sources = 1;
        p->daily = true;
        bursts(p, 1800, 30, 8);
        scene_noise(s, 2);
}

static void clocks_and_counters(struct scenario *s) {
        scene_honest(s, 60);
        scene_noise(s, 3);
        scene_trouble(s, TROUBLE_CLOCK_STEP, s->length_s * 0.1, FOREVER, 3600);
        scene_trouble(s, TROUBLE_CLOCK_STEP, s->length_s * 0.2, FOREVER, -7200);
        scene_trouble(s, TROUBLE_COUNTER_RESET, s->length_s * 0.3, FOREVER, 0);
        scene_trouble(s, TROUBLE_LATE_TICK, s->length_s * 0.4, s->length_s * 0.4 + 10, 0);
        scene_trouble(s, TROUBLE_LATE_TICK, s->length_s * 0.6, s->length_s * 0.6 + 2, 0);
        scene_trouble(s, TROUBLE_COUNTER_RESET, s->length_s * 0.8, FOREVER, 0);
}

static void sensors_come_and_go(struct scenario *s) {
        scene_honest(s, 80)->loss = 0.05;
        scene_noise(s, 3);
        scene_trouble(s, TROUBLE_NO_SOCK_DIAG, s->length_s * 0.1, s->length_s * 0.3, 0);
        scene_trouble(s, TROUBLE_NO_NETSTAT, s->length_s * 0.25, s->length_s * 0.5, 0);
        scene_trouble(s, TROUBLE_NO_NFLOG, s->length_s * 0.45, s->length_s * 0.7, 0);
        scene_trouble(s, TROUBLE_NO_SOCK_DIAG, s->length_s * 0.65, s->length_s * 0.8, 0);
        s->traffic.listeners[0].backlog = 128;
}

static void ghosts(struct scenario *s) {
        s->traffic.listeners_count = 2;
        s->traffic.listeners[1].port = 8080;
        s->traffic.listeners[1].backlog = 128;
        scene_honest(s, 40);
        scene_honest(s, 40)->listener = 1;
        scene_noise(s, 2)->listener = 1;
        scene_trouble(s, TROUBLE_LISTENER_CLOSED, s->length_s / 2, FOREVER, 0)->listener = 1;
}

/* --- days that look like floods ----------------------------------------------------------- */

static void far_away(struct scenario *s) {
        struct population *p = scene_honest(s, 60);

        p->rtt_median_ms = 700;
        p->rtt_sigma = 0.15;
        p->rtt_most_ms = 900;
        p->daily = true;
        scene_noise(s, 2);
}

/* Crowds from afar among people near. */
static void far_crowds(struct scenario *s) {
        struct population *p;

        scene_honest(s, 60)->rtt_median_ms = 30;
        p = scene_honest(s, 5);
        bursts(p, 1200, 20, 100);
        p->rtt_median_ms = 700;
        p->rtt_sigma = 0.15;
        p->rtt_most_ms = 900;
        scene_noise(s, 2);
}

static void checks(struct scenario *s) {
        struct population *p;

        scene_honest(s, 10)->daily = true;
        p = scene_population(s, POPULATION_RST, 100);
        p->sources = 3;
        p->rtt_median_ms = 1;
        p->regular = true;
        bursts(p, 3600, 60, 4);
}

static void router(struct scenario *s) {
        struct population *p;

        scene_honest(s, 5);
        scene_noise(s, 2);
        p = scene_honest(s, 200);
        p->destination = DESTINATION_ROUTED;
        p->port = 443;
        bursts(p, 1200, 30, 10);
        p = scene_population(s, POPULATION_BACKSCATTER, 20);
        bursts(p, 2400, 30, 10);
}

static void routes_change(struct scenario *s) {
        scene_honest(s, 100);
        scene_noise(s, 2);
        for (unsigned i = 0; i < TRAFFIC_TROUBLES_MAX; i++) {
                double from_s = s->length_s * (i + 0.5) / (double) TRAFFIC_TROUBLES_MAX;

                scene_trouble(s, TROUBLE_ROUND_TRIP, from_s, from_s + 30 + 100 * i, 300 + 100 * i);
        }
}

static void busy_cpu(struct scenario *s) {
        scene_honest(s, 100);
        scene_noise(s, 2);
        for (unsigned i = 0; i < TRAFFIC_TROUBLES_MAX; i++) {
                double from_s = s->length_s * (i + 0.5) / (double) TRAFFIC_TROUBLES_MAX;

                scene_trouble(s, TROUBLE_NO_CPU, from_s, from_s + 60, 200 + 120 * i);
        }
}

/* In each burst more than the path carries. */
static void narrow_path(struct scenario *s) {
        struct population *p = scene_honest(s, 20);

        s->traffic.path.packets_per_s = 3000;
        s->traffic.path.queue_s = 0.8;
        s->traffic.path.connection_packets = 8;
        p->on_path = true;
        p->attempts = 7;
        bursts(p, 1200, 10, 20);
        scene_noise(s, 2);
}

static const struct lasting hard[] = {
        { "all 600 to 900 ms away", 0.02, far_away },
        { "crowds from far away", 0.02, far_crowds },
        { "half-open checks, 100/s and 400/s", 0.02, checks },
        { "a router, and backscatter", 0.02, router },
        { "routes change", 0.02, routes_change },
        { "no CPU at times", 0.02, busy_cpu },
        { "a narrow path", 0.02, narrow_path },
};

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

static void add(struct catalogue *c, const char *family, double days, const struct lasting *l, unsigned count) {
        for (unsigned i = 0; i < count; i++) {
                struct scenario *s = catalogue_add(c, family, "%s", l[i].name);

                s->from_s = s->to_s = 0;
                s->length_s = days * 86400 * l[i].share;
                s->traffic.source_table = false;
                l[i].make(s);
        }
}

void honest_days_add(struct catalogue *c, double days) {
        add(c, "honest days", days, lasting, sizeof lasting / sizeof *lasting);
}

void hard_days_add(struct catalogue *c, double days) {
        add(c, "hard days", days, hard, sizeof hard / sizeof *hard);
}
