/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenarios' traffic: what it sends, and that every SYN is accounted for. */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/traffic.h"

static struct traffic_settings settings(uint8_t syncookies) {
        return (struct traffic_settings) {
                .seed = 1,
                .syncookies = syncookies,
                .listeners_count = 1,
                .listeners = { { .port = 443, .backlog = 128 } },
                .source_table = true,
        };
}

static struct population *add(struct traffic_settings *s, enum population_kind kind, double from_s, double to_s,
                              double per_s) {
        struct population *p = &s->populations[s->populations_count++];

        *p = (struct population) {
                .kind = kind,
                .regular = true,
                .rtt_median_ms = 100,
                .phases = { { from_s, to_s, per_s, per_s } },
        };
        return p;
}

static void trouble(struct traffic_settings *s, enum trouble_kind kind, double from_s, double to_s, double value) {
        s->troubles[s->troubles_count++] = (struct trouble) {
                .kind = kind,
                .from_s = from_s,
                .to_s = to_s,
                .value = value,
        };
}

/* Everything that happened up to end_s. */
struct sum {
        double first_connected_s, last_syn_s;
        uint64_t counters[OBS_COUNTERS], syns, longest_us, shortest_us;
        struct traffic_ledger ledger;
        struct traffic_truth truth;
        unsigned attempts;
        double attempts_s[16]; /* ticks in which there were SYNs */
};

static void add_tick(struct sum *s, const struct observation *o, const struct traffic_truth *t) {
        const struct traffic_ledger *l = &t->ledger[0];

        for (unsigned c = 0; c < OBS_COUNTERS; c++)
                if (observation_knows(o, (enum obs_counter) c))
                        s->counters[c] += o->counters[c];
        s->syns += t->syns;
        s->ledger.finished += l->finished;
        s->ledger.refused += l->refused;
        s->ledger.unfinished += l->unfinished;
        s->ledger.checked += l->checked;
        if (t->syns && s->attempts < 16)
                s->attempts_s[s->attempts++] = t->now_s;
        if (t->syns)
                s->last_syn_s = t->now_s;
        if (!(s->first_connected_s > 0) && t->honest_connected)
                s->first_connected_s = t->now_s;
        if (o->elapsed_us > s->longest_us)
                s->longest_us = o->elapsed_us;
        if (o->elapsed_us && o->elapsed_us < s->shortest_us)
                s->shortest_us = o->elapsed_us;
        s->truth = *t;
}

static struct sum run(const struct traffic_settings *settings, double end_s) {
        static struct observation o;
        struct sum s = { .shortest_us = UINT64_MAX };
        struct traffic *t = traffic_new(settings);
        struct traffic_truth truth = { 0 };

        while (truth.now_s < end_s) {
                traffic_step(t, false, &o, &truth);
                add_tick(&s, &o, &truth);
        }
        traffic_free(t);
        return s;
}

/* RFC 6298: after 1, 2, 4 s. */
static void clients_send_again(void **state) {
        struct traffic_settings s = settings(2);
        struct sum r;

        add(&s, POPULATION_HONEST, 0.05, 0.15, 15);
        trouble(&s, TROUBLE_RETURN_LOSS, 0, 100, 1);
        r = run(&s, 60);
        assert_int_equal(r.truth.honest_asked, 1);
        assert_int_equal(r.attempts, 4);
        for (unsigned i = 0; i < 4; i++)
                assert_true(fabs(r.attempts_s[i] - 0.2 - (exp2(i) - 1)) < 0.01);
        assert_int_equal(r.truth.honest_failed, 1);
        assert_int_equal(r.ledger.unfinished, 1);
}

/* Their SYNs come through: the server's entry grows old, and their data finish it when they do too. */
static void lost_acks_delay(void **state) {
        struct traffic_settings s = settings(1);
        struct sum r;

        add(&s, POPULATION_HONEST, 0.05, 0.15, 15);
        trouble(&s, TROUBLE_ACK_LOSS, 0, 8, 1);
        r = run(&s, 60);
        assert_int_equal(r.attempts, 1);
        assert_int_equal(r.truth.honest_connected, 1);
        assert_true(r.first_connected_s > 8 && r.first_connected_s < 20);
}

/* Its next data are due in more than the minute that the wheel of events is long: the kernel's
 * clock must not go ahead with them. */
static void far_events_wait(void **state) {
        struct traffic_settings s = settings(1);
        struct sum r;

        add(&s, POPULATION_HONEST, 0.05, 0.15, 15)->rtt_median_ms = 900;
        add(&s, POPULATION_SILENT, 200, 250, 10);
        trouble(&s, TROUBLE_ACK_LOSS, 0, 150, 1);
        r = run(&s, 250);
        assert_true(r.counters[OBS_SYN_RETRANS] > 300);
}

/* An answer after more than a second: a SYN that was not needed, and one connection. */
static void long_round_trips(void **state) {
        struct traffic_settings s = settings(1);
        struct sum r;

        add(&s, POPULATION_HONEST, 0.05, 0.15, 15);
        trouble(&s, TROUBLE_ROUND_TRIP, 0, 100, 1200);
        r = run(&s, 60);
        assert_int_equal(r.attempts, 2);
        assert_true(fabs(r.first_connected_s - 1.45) < 0.2);
        assert_int_equal(r.ledger.finished, 1);
}

/* Twice as many packets as fit: they wait as long as the queue is, and what does not fit comes again. */
static void path_with_a_capacity(void **state) {
        struct traffic_settings s = settings(1);
        struct population *p = add(&s, POPULATION_HONEST, 0, 10, 200);
        struct sum r;

        p->on_path = true;
        p->attempts = 7;
        s.listeners[0].backlog = 4096;
        s.path.packets_per_s = 1000;
        s.path.queue_s = 0.5;
        s.path.connection_packets = 9;
        r = run(&s, 10);
        assert_true(r.truth.honest_connected < 1800); /* of 2000 */
        /* Half a second's, and of those whose SYN-ACK was lost. */
        assert_true(r.truth.half_open > 50 && r.truth.half_open < 400);
        r = run(&s, 120);
        assert_int_equal(r.truth.honest_connected, r.truth.honest_asked);
}

/* What waits longer than the queue is long is lost. */
static void path_with_a_short_queue(void **state) {
        struct traffic_settings s = settings(1);
        struct population *p = add(&s, POPULATION_HONEST, 0, 10, 200);
        struct sum r;

        p->on_path = true;
        p->attempts = 1;
        s.path.packets_per_s = 100;
        s.path.queue_s = 0.5;
        r = run(&s, 60);
        assert_true(r.last_syn_s > 10 && r.last_syn_s < 10.9);
        assert_true(r.syns < 1100);
}

static void every_syn_ends_once(void **state) {
        for (uint8_t cookies = 0; cookies <= 2; cookies++) {
                struct traffic_settings s = settings(cookies);
                const struct traffic_ledger *l;
                struct sum r;

                add(&s, POPULATION_SILENT, 1, 21, 300)->attack = true;
                add(&s, POPULATION_RST, 1, 21, 10)->regular = false;
                add(&s, POPULATION_HONEST, 1, 21, 20)->regular = false;
                r = run(&s, 120);
                l = &r.ledger;
                assert_int_equal(r.counters[OBS_SYNS], r.syns);
                assert_int_equal(l->finished, r.counters[OBS_PASSIVE_OPENS]);
                assert_int_equal(l->finished, r.truth.honest_connected);
                assert_int_equal(l->refused, r.counters[OBS_QUEUE_FULL_DROPS]);
                assert_true(cookies ? l->refused == 0 : l->refused > 4000);
                assert_int_equal(l->finished + l->refused + l->unfinished + l->checked, r.syns);
                assert_true(l->checked > (cookies ? 150 : 0) && l->checked < 250);
                assert_true(cookies == 0 || l->unfinished == r.syns - l->finished - l->checked);
                assert_true(cookies == 0 || (l->unfinished >= 5998 && l->unfinished <= 6000));
        }
}

/* Neither the log nor TCP gets what is for others. */
static void forwarded_syns_are_nobodys(void **state) {
        for (unsigned to = DESTINATION_CLOSED; to <= DESTINATION_REDIRECTED; to++) {
                struct traffic_settings s = settings(1);
                bool closed = to == DESTINATION_CLOSED;
                struct sum r;

                add(&s, POPULATION_HONEST, 1, 11, 50)->destination = (enum destination) to;
                r = run(&s, 20);
                assert_true(r.counters[OBS_ARRIVED] >= 498 && r.counters[OBS_ARRIVED] <= 500);
                assert_int_equal(r.counters[OBS_FORWARDED], closed ? 0 : r.counters[OBS_ARRIVED]);
                assert_int_equal(r.counters[OBS_SYNS], closed ? r.counters[OBS_ARRIVED] : 0);
                assert_int_equal(r.counters[OBS_OUT_RSTS], r.counters[OBS_SYNS]);
                assert_int_equal(r.ledger.unfinished + r.ledger.refused + r.ledger.finished, 0);
        }
}

static void backscatter_is_reset(void **state) {
        struct traffic_settings s = settings(1);
        struct sum r;

        add(&s, POPULATION_BACKSCATTER, 1, 11, 50);
        r = run(&s, 20);
        assert_true(r.counters[OBS_OUT_RSTS] >= 498 && r.counters[OBS_OUT_RSTS] <= 500);
        assert_int_equal(r.counters[OBS_ARRIVED], 0);
}

static void without_cpu_ticks_are_late(void **state) {
        struct traffic_settings s = settings(1);
        struct sum r;

        add(&s, POPULATION_HONEST, 0, 100, 20);
        trouble(&s, TROUBLE_NO_CPU, 0, 100, 700);
        r = run(&s, 60);
        assert_true(r.shortest_us >= 250000 && r.shortest_us < 300000);
        assert_true(r.longest_us <= 900000 && r.longest_us > 850000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(clients_send_again),   cmocka_unit_test(lost_acks_delay),
                cmocka_unit_test(far_events_wait),      cmocka_unit_test(long_round_trips),
                cmocka_unit_test(path_with_a_capacity), cmocka_unit_test(path_with_a_short_queue),
                cmocka_unit_test(every_syn_ends_once),  cmocka_unit_test(forwarded_syns_are_nobodys),
                cmocka_unit_test(backscatter_is_reset), cmocka_unit_test(without_cpu_ticks_are_late),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
