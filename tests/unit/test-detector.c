/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The detector and the policy behind it, on what the kernel would report for
 * simple traffic: one listener, evenly spaced SYNs, a fixed round trip.
 */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/detector.h"
#include "core/policy.h"
#include "replay/kernel_model.h"

#define MS UINT64_C(1000)
#define S UINT64_C(1000000)
#define NEVER UINT64_MAX

struct traffic {
        uint8_t syncookies;
        uint32_t backlog;
        unsigned flood_per_s;
        uint64_t flood_from, flood_until;
        unsigned honest_per_s;
        uint64_t honest_from;
        uint64_t pause_every, pause; /* at the beginning of each, no honest client comes for so long */
        unsigned rtt_ms;
        unsigned loss_percent; /* of SYN-ACKs and of ACKs, each */
        uint64_t watch_from;   /* the detector starts then */
        uint64_t until;
        bool no_netstat, no_sock_diag;
        bool log_is_blind; /* there is a log, and no SYN for the listener goes through it */
};

struct outcome {
        uint64_t flood_us;  /* first */
        uint64_t over_us;   /* first recovering after that */
        double fill;        /* when first in flood */
        enum diagnosis diagnosis; /* at that moment */
        enum diagnosis last_diagnosis;
        unsigned starts, ends;
        enum flood_state worst, last;
        bool named; /* the listener */
        double unfinished_per_s; /* the most that the host was said to have */
};

enum { PENDING_SLOTS = 4096, PENDING_PER_SLOT = 256 };

struct pending {
        unsigned count;
        struct {
                uint32_t peer;
                bool cookie, syn; /* a SYN again, instead of an ACK */
        } packets[PENDING_PER_SLOT];
};

struct world {
        const struct traffic *t;
        struct kernel_model *m;
        struct pending *ring; /* packets to come, a slot a millisecond */
        uint64_t now_ms;
        uint32_t next_peer;
        unsigned seed;
};

static const struct settings settings = {
        .detect = {
                .survival_age_us = 400 * MS,
                .unanswered_share_permille = 200,
                .unanswered_per_s = 10,
                .fill_permille = 500,
                .hold_us = 3 * S,
                .recover_us = 60 * S,
                .warmup_us = 120 * S,
                .false_alarm_us = UINT64_C(31536000) * S,
        },
        .syncookies = { .hold_us = 60 * S },
        .alerts = { .update_interval_us = 60 * S },
};

static bool lost(struct world *w) {
        return (unsigned) rand_r(&w->seed) % 100 < w->t->loss_percent;
}

static struct kernel_model_peer peer(uint32_t n) {
        return (struct kernel_model_peer) { .address = address_from_ipv4(n * 2654435761u),
                                            .port = (uint16_t) (n % 50000) };
}

static void schedule(struct world *w, uint32_t n, unsigned in_ms, bool cookie, bool again) {
        struct pending *slot = &w->ring[(w->now_ms + in_ms) % PENDING_SLOTS];

        assert_true(slot->count < PENDING_PER_SLOT);
        slot->packets[slot->count].peer = n;
        slot->packets[slot->count].cookie = cookie;
        slot->packets[slot->count++].syn = again;
}

/* A SYN-ACK goes out. If it is lost, the client sends its SYN again after a second;
 * if its ACK is, the data that follows finishes the handshake. */
static void answered(struct world *w, uint32_t n, bool cookie) {
        if (lost(w))
                schedule(w, n, 1000, false, true);
        else
                schedule(w, n, w->t->rtt_ms + (lost(w) ? 300 : 0), cookie, false);
}

/* A SYN-ACK that a timer sends again is another chance for an honest client. */
static void resent(void *userdata, uint64_t time_us, uint32_t tag) {
        (void) time_us;
        if (tag & 1)
                answered(userdata, tag, false);
}

/* How many of a steady rate fall into this millisecond. */
static unsigned due(unsigned per_s, uint64_t ms) {
        return (unsigned) ((ms + 1) * per_s / 1000 - ms * per_s / 1000);
}

static void syn(struct world *w, uint32_t n) {
        struct kernel_model_peer p = peer(n);
        enum kernel_model_answer a = kernel_model_syn(w->m, w->now_ms * MS, 0, &p, n);

        if (!(n & 1))
                return;
        if (a == KERNEL_DROPPED)
                schedule(w, n, 1000, false, true);
        else
                answered(w, n, a == KERNEL_COOKIE);
}

static void new_syn(struct world *w, bool honest) {
        syn(w, (w->next_peer++ << 1) | honest);
}

static void run_ms(struct world *w) {
        struct pending *slot = &w->ring[w->now_ms % PENDING_SLOTS];
        uint64_t now = w->now_ms * MS;

        kernel_model_advance(w->m, now);
        for (unsigned i = 0; i < slot->count; i++) {
                struct kernel_model_peer p = peer(slot->packets[i].peer);

                if (slot->packets[i].syn)
                        syn(w, slot->packets[i].peer);
                else
                        kernel_model_ack(w->m, now, 0, &p, slot->packets[i].cookie ? KERNEL_ACK_VALID_COOKIE : 0);
        }
        slot->count = 0;
        if (now >= w->t->honest_from && (!w->t->pause_every || now % w->t->pause_every >= w->t->pause))
                for (unsigned i = due(w->t->honest_per_s, w->now_ms); i > 0; i--)
                        new_syn(w, true);
        if (now >= w->t->flood_from && now < w->t->flood_until)
                for (unsigned i = due(w->t->flood_per_s, w->now_ms); i > 0; i--)
                        new_syn(w, false);
        w->now_ms++;
}

static void blind(const struct traffic *t, struct observation *o) {
        uint32_t reckoned = UINT32_C(1) << OBS_SYNS | UINT32_C(1) << OBS_PASSIVE_OPENS;

        if (!t->no_netstat)
                o->counters_known &= ~(UINT32_C(1) << OBS_SYNS); /* no nftables in these tests */
        o->sensors[SENSOR_SOCK_DIAG] = SENSOR_OK;
        o->sensors[SENSOR_NETSTAT] = SENSOR_OK;
        if (t->no_netstat) {
                /* As sense.c does it: with cookies only, from the log and the connections. */
                o->counters_known &= t->syncookies == 2 ? reckoned : 0;
                o->sensors[SENSOR_NETSTAT] = SENSOR_FAILED;
        }
        if (t->no_sock_diag) {
                o->known &= ~(uint32_t) (OBS_K_DUMP | OBS_K_LISTENERS);
                o->listeners_count = 0;
                o->sensors[SENSOR_SOCK_DIAG] = SENSOR_FAILED;
        }
}

static void see_nothing(struct observation *o) {
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                o->listeners[i].known |= OBS_L_SYNS;
                o->listeners[i].syns = o->listeners[i].syns_again = 0;
        }
}

static void note(struct outcome *out, const struct observation *o, const struct verdicts *v, const struct decision *d) {
        if (d->state > out->worst)
                out->worst = d->state;
        out->unfinished_per_s = fmax(out->unfinished_per_s, v->host.evidence.unanswered_per_s);
        if (d->state == STATE_FLOOD && out->flood_us == NEVER) {
                out->flood_us = o->time_us;
                out->fill = v->host.evidence.fill;
                out->diagnosis = d->diagnosis;
                out->named = v->has_worst && v->worst.port == 80;
        }
        if (d->state == STATE_FLOOD)
                assert_true(diagnosis_is_flood(d->diagnosis));
        else
                out->last_diagnosis = d->diagnosis;
        if (d->state == STATE_RECOVERING && out->flood_us != NEVER && out->over_us == NEVER)
                out->over_us = o->time_us;
        for (uint32_t i = 0; i < d->events_count; i++) {
                out->starts += d->events[i].event.type == EVENT_FLOOD_START;
                out->ends += d->events[i].event.type == EVENT_FLOOD_END;
        }
        out->last = d->state;
}

static struct outcome run(const struct traffic *t) {
        static struct observation o; /* large */
        static struct verdicts v;
        static struct decision d;
        struct kernel_model_settings s = kernel_model_defaults();
        struct kernel_model_listener l = {
                .key = { .address = address_from_ipv4(0), .port = 80 },
                .backlog = t->backlog,
                .accepts_per_s = KERNEL_MODEL_AT_ONCE,
        };
        struct world w = { .t = t, .seed = 1 };
        struct outcome out = { .flood_us = NEVER, .over_us = NEVER };
        struct detector *detector = detector_new(&settings);
        struct policy *policy = policy_new(&settings);
        unsigned n;

        s.syncookies = t->syncookies;
        s.resent = resent;
        s.userdata = &w;
        w.ring = calloc(PENDING_SLOTS, sizeof *w.ring);
        assert_non_null(w.ring);
        assert_int_equal(kernel_model_new(&s, &w.m), 0);
        assert_int_equal(kernel_model_add_listener(w.m, &l, &n), 0);

        while (w.now_ms * MS < t->until) {
                run_ms(&w);
                if (w.now_ms * MS < t->watch_from || w.now_ms % 200)
                        continue;
                kernel_model_observe(w.m, w.now_ms * MS, &o);
                if (w.now_ms * MS < t->watch_from + 200 * MS) {
                        o.counters_known = 0; /* the first reading has no deltas */
                        o.elapsed_us = 0;
                }
                blind(t, &o);
                if (t->log_is_blind)
                        see_nothing(&o);
                detector_step(detector, &o, &v);
                policy_step(policy, &o, &v, &d);
                note(&out, &o, &v, &d);
        }
        free(w.ring);
        w.m = kernel_model_free(w.m);
        detector = detector_free(detector);
        policy = policy_free(policy);
        return out;
}

/* What is redirected on its way to the listener, say, is counted for another port, or for none. */
static void what_the_log_does_not_see_is_told(void **state) {
        for (uint8_t mode = 0; mode <= 1; mode++) {
                struct traffic t = { .syncookies = mode,
                                     .backlog = 511,
                                     .flood_per_s = 1000,
                                     .flood_from = 20 * S,
                                     .flood_until = 30 * S,
                                     .rtt_ms = 120,
                                     .until = 30 * S,
                                     .log_is_blind = true };
                struct outcome out = run(&t);

                assert_in_range(out.flood_us, 20 * S, 21 * S);
                assert_true(out.unfinished_per_s > 800);
        }
}

static void plain_flood_in_each_mode(void **state) {
        for (uint8_t mode = 0; mode <= 2; mode++) {
                struct traffic t = { .syncookies = mode,
                                     .backlog = 511,
                                     .flood_per_s = 1000,
                                     .flood_from = 20 * S,
                                     .flood_until = 50 * S,
                                     .honest_per_s = 200,
                                     .rtt_ms = 120,
                                     .until = 200 * S };
                struct outcome out = run(&t);

                print_message("mode %u: flood after %.1f s, over after %.1f s, fill %.2f, %s\n", mode,
                              ((double) out.flood_us - 20e6) / 1e6, ((double) out.over_us - 50e6) / 1e6, out.fill,
                              diagnosis_name(out.diagnosis));
                assert_in_range(out.flood_us, 20 * S, 20 * S + 600 * MS);
                assert_in_range(out.over_us, 50 * S, 65 * S);
                assert_true(out.named);
                assert_int_equal(out.starts, 1);
                assert_int_equal(out.ends, 1);
                assert_int_equal(out.last, STATE_NORMAL);
        }
}

static void slow_flood_before_the_queue_is_full(void **state) {
        for (uint8_t mode = 0; mode <= 2; mode++)
                for (unsigned honest = 0; honest <= 200; honest += 200) {
                        struct traffic t = { .syncookies = mode,
                                             .backlog = 128,
                                             .flood_per_s = 20,
                                             .flood_from = 20 * S,
                                             .flood_until = 80 * S,
                                             .honest_per_s = honest,
                                             .rtt_ms = 60,
                                             .until = 180 * S };
                        struct outcome out = run(&t);

                        print_message("mode %u honest %u: flood after %.1f s, over after %.1f s, fill %.2f\n", mode,
                                      honest, ((double) out.flood_us - 20e6) / 1e6, ((double) out.over_us - 80e6) / 1e6,
                                      out.fill);
                        if (mode == 2 && honest)
                                continue; /* 9 % of cookies unanswered: not to be told from loss */
                        assert_in_range(out.flood_us, 20 * S, 26 * S);
                        if (mode != 2)
                                assert_true(out.fill < 0.8);
                        assert_in_range(out.over_us, 80 * S, 95 * S);
                }
}

/* Where few come there are pauses by chance: no outage that would excuse a flood. */
static void slow_flood_among_few_clients(void **state) {
        for (uint8_t mode = 0; mode <= 1; mode++) {
                struct traffic t = { .syncookies = mode,
                                     .backlog = 128,
                                     .flood_per_s = 20,
                                     .flood_from = 100 * S,
                                     .flood_until = 160 * S,
                                     .honest_per_s = 6,
                                     .pause_every = 10 * S,
                                     .pause = 2 * S,
                                     .rtt_ms = 60,
                                     .until = 180 * S };
                struct outcome out = run(&t);

                print_message("mode %u: flood after %.1f s, over after %.1f s, fill %.2f\n", mode,
                              ((double) out.flood_us - 100e6) / 1e6, ((double) out.over_us - 160e6) / 1e6, out.fill);
                assert_in_range(out.flood_us, 100 * S, 106 * S);
                assert_in_range(out.over_us, 160 * S, 175 * S);
        }
}

/* Without cookies nobody finishes for seconds: as in an outage, if a flood had not stood before. */
static void a_flood_is_no_outage_of_those_it_shuts_out(void **state) {
        struct traffic t = { .syncookies = 0,
                             .backlog = 4096,
                             .flood_per_s = 2000,
                             .flood_from = 60 * S,
                             .flood_until = 80 * S,
                             .honest_per_s = 1000,
                             .pause_every = 62 * S,
                             .pause = 15 * S,
                             .rtt_ms = 60,
                             .until = 95 * S };
        struct outcome out = run(&t);

        print_message("flood after %.1f s, over after %.1f s\n", ((double) out.flood_us - 60e6) / 1e6,
                      ((double) out.over_us - 80e6) / 1e6);
        assert_in_range(out.flood_us, 60 * S, 63 * S);
        assert_in_range(out.over_us, 80 * S, 95 * S);
}

static void a_pause_among_few_clients_is_quiet(void **state) {
        struct traffic t = { .syncookies = 1,
                             .backlog = 511,
                             .flood_per_s = 2,
                             .flood_until = NEVER,
                             .honest_per_s = 4,
                             .pause_every = 10 * S,
                             .pause = 2 * S,
                             .rtt_ms = 60,
                             .until = 121800 * MS };
        struct outcome out = run(&t);

        assert_int_equal(out.worst, STATE_NORMAL);
        assert_int_equal(out.last_diagnosis, DIAGNOSIS_QUIET);
}

static void honest_load_is_no_flood(void **state) {
        static const struct {
                const char *what;
                struct traffic t;
        } cases[] = {
                { "3000/s", { .backlog = 4096, .honest_per_s = 3000 } },
                { "3000/s onto 511", { .backlog = 511, .honest_per_s = 3000 } },
                { "crowd over the backlog", { .backlog = 511, .honest_per_s = 6000, .honest_from = 10 * S } },
                { "25 % loss", { .backlog = 511, .honest_per_s = 150, .loss_percent = 25 } },
                { "25 % loss onto 128", { .backlog = 128, .honest_per_s = 150, .loss_percent = 25 } },
                { "2 strays a second", { .backlog = 128, .flood_per_s = 2 } },
                { "5 strays a second", { .backlog = 511, .flood_per_s = 5, .honest_per_s = 10 } },
                { "crowd from far away",
                  { .backlog = 1024, .honest_per_s = 2000, .honest_from = 10 * S, .rtt_ms = 280 } },
                { "strays at the edge", { .backlog = 128, .flood_per_s = 4 } },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                for (uint8_t mode = 0; mode <= 2; mode++) {
                        struct traffic t = cases[i].t;
                        struct outcome out;

                        t.syncookies = mode;
                        t.rtt_ms = t.rtt_ms ? t.rtt_ms : 120;
                        t.flood_until = NEVER;
                        t.until = 120 * S;
                        out = run(&t);
                        print_message("%s, mode %u: worst %s, %s\n", cases[i].what, mode, flood_state_name(out.worst),
                                      diagnosis_name(out.last_diagnosis));
                        assert_int_not_equal(out.worst, STATE_FLOOD);
                }
}

static void flood_within_a_crowd(void **state) {
        struct traffic t = { .syncookies = 1,
                             .backlog = 511,
                             .flood_per_s = 1000,
                             .flood_from = 20 * S,
                             .flood_until = 40 * S,
                             .honest_per_s = 1500,
                             .rtt_ms = 120,
                             .until = 60 * S };

        for (t.syncookies = 0; t.syncookies <= 1; t.syncookies++) {
                struct outcome out = run(&t);

                print_message("mode %u: flood after %.1f s, over after %.1f s\n", t.syncookies,
                              ((double) out.flood_us - 20e6) / 1e6, ((double) out.over_us - 40e6) / 1e6);
                assert_in_range(out.flood_us, 20 * S, 22 * S);
                assert_in_range(out.over_us, 40 * S, 55 * S);
        }
}

static void started_in_mid_flood(void **state) {
        for (uint8_t mode = 0; mode <= 2; mode++) {
                struct traffic t = { .syncookies = mode,
                                     .backlog = 511,
                                     .flood_per_s = 1000,
                                     .flood_until = NEVER,
                                     .honest_per_s = 200,
                                     .rtt_ms = 120,
                                     .watch_from = 20 * S,
                                     .until = 30 * S };
                struct outcome out = run(&t);

                print_message("mode %u: flood after %.1f s\n", mode, ((double) out.flood_us - 20e6) / 1e6);
                assert_in_range(out.flood_us, 20 * S, 22 * S);
        }
}

static void with_a_sensor_gone(void **state) {
        for (int gone = 0; gone < 2; gone++)
                for (uint8_t mode = 0; mode <= 2; mode++) {
                        struct traffic t = { .syncookies = mode,
                                             .backlog = 511,
                                             .flood_per_s = 1000,
                                             .flood_from = 20 * S,
                                             .flood_until = 50 * S,
                                             .honest_per_s = 200,
                                             .rtt_ms = 120,
                                             .until = 80 * S,
                                             .no_netstat = gone == 0,
                                             .no_sock_diag = gone == 1 };
                        struct outcome out = run(&t);

                        print_message("no %s, mode %u: flood after %.1f s, over after %.1f s\n",
                                      gone ? "sock_diag" : "netstat", mode, ((double) out.flood_us - 20e6) / 1e6,
                                      ((double) out.over_us - 50e6) / 1e6);
                        assert_in_range(out.flood_us, 20 * S, 30 * S);
                        assert_in_range(out.over_us, 50 * S, 75 * S);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain_flood_in_each_mode),
                cmocka_unit_test(what_the_log_does_not_see_is_told),
                cmocka_unit_test(slow_flood_before_the_queue_is_full),
                cmocka_unit_test(slow_flood_among_few_clients),
                cmocka_unit_test(a_flood_is_no_outage_of_those_it_shuts_out),
                cmocka_unit_test(a_pause_among_few_clients_is_quiet),
                cmocka_unit_test(honest_load_is_no_flood),
                cmocka_unit_test(flood_within_a_crowd),
                cmocka_unit_test(started_in_mid_flood),
                cmocka_unit_test(with_a_sensor_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
