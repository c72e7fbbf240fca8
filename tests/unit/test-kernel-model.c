/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model against figures measured on a real kernel (Linux 6.18, network
 * namespaces joined by veth), and against what its source says must follow.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "replay/kernel_model.h"

#define MS UINT64_C(1000)
#define S UINT64_C(1000000)

static struct observation o; /* too large for the stack */

static struct kernel_model_peer peer(uint32_t n) {
        struct kernel_model_peer p = { .port = (uint16_t) (1024 + n % 50000) };

        p.address = address_from_ipv4(n + 1);
        return p;
}

static struct kernel_model *model(uint8_t cookies, uint32_t backlog, uint32_t max_syn_backlog, uint8_t defer) {
        struct kernel_model_settings s = kernel_model_defaults();
        struct kernel_model_listener l = {
                .key = { .address = address_from_ipv4(0), .port = 80 },
                .backlog = backlog,
                .accepts_per_s = KERNEL_MODEL_AT_ONCE,
                .defer_retries = defer,
        };
        struct kernel_model *m = NULL;
        unsigned n;

        s.syncookies = cookies;
        s.max_syn_backlog = max_syn_backlog;
        assert_int_equal(kernel_model_new(&s, &m), 0);
        assert_int_equal(kernel_model_add_listener(m, &l, &n), 0);
        assert_int_equal(n, 0);
        return m;
}

static enum kernel_model_answer syn(struct kernel_model *m, uint64_t t, uint32_t n) {
        struct kernel_model_peer p = peer(n);

        return kernel_model_syn(m, t, 0, &p, n);
}

static enum kernel_model_ack ack(struct kernel_model *m, uint64_t t, uint32_t n, unsigned flags) {
        struct kernel_model_peer p = peer(n);

        return kernel_model_ack(m, t, 0, &p, flags);
}

/* 6000 SYNs at 2000/s from as many peers. */
static void measured_table(void **state) {
        static const struct {
                uint8_t cookies;
                uint32_t backlog, max_syn_backlog;
                uint32_t most;
                uint64_t sent, do_cookies, full_drops, listen_drops;
        } rows[] = {
                { 0, 128, 2048, 129, 0, 0, 5871, 5871 },
                { 1, 128, 2048, 129, 5871, 5871, 0, 0 },
                { 2, 128, 2048, 0, 6000, 6000, 0, 0 },
                { 0, 1024, 256, 193, 0, 0, 0, 5807 },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct kernel_model *m = model(rows[i].cookies, rows[i].backlog, rows[i].max_syn_backlog, 0);
                uint32_t most = 0;

                for (uint32_t n = 0; n < 6000; n++) {
                        syn(m, n * S / 2000, n);
                        if (kernel_model_half_open(m, 0) > most)
                                most = kernel_model_half_open(m, 0);
                }
                kernel_model_observe(m, 3 * S, &o);
                assert_int_equal(most, rows[i].most);
                assert_int_equal(o.half_open, rows[i].most);
                assert_int_equal(o.counters[OBS_SYNS], 6000);
                assert_int_equal(o.counters[OBS_COOKIES_SENT], rows[i].sent);
                assert_int_equal(o.counters[OBS_QUEUE_FULL_COOKIES], rows[i].do_cookies);
                assert_int_equal(o.counters[OBS_QUEUE_FULL_DROPS], rows[i].full_drops);
                assert_int_equal(o.counters[OBS_LISTEN_DROPS], rows[i].listen_drops);
                assert_int_equal(o.listeners[0].drops, rows[i].listen_drops);
                assert_int_equal(o.counters[OBS_LISTEN_OVERFLOWS], 0);
                m = kernel_model_free(m);
        }
}

static uint32_t half_open_at(struct kernel_model *m, uint64_t t) {
        kernel_model_advance(m, t);
        return kernel_model_half_open(m, 0);
}

static void burst_falls_to_half(void **state) {
        struct kernel_model *m = model(1, 1024, 4096, 0);

        for (uint32_t n = 0; n < 1025; n++)
                assert_int_equal(syn(m, 0, n), KERNEL_QUEUED);
        assert_int_equal(syn(m, 0, 1025), KERNEL_COOKIE);
        assert_int_equal(half_open_at(m, 7 * S - 1), 1025);
        assert_int_equal(half_open_at(m, 7 * S), 512);
        assert_int_equal(half_open_at(m, 63 * S - 1), 512);
        assert_int_equal(half_open_at(m, 63 * S), 0);
        kernel_model_observe(m, 64 * S, &o);
        /* At 1 and 3 s each, at 7, 15 and 31 s the half that was left. */
        assert_int_equal(o.counters[OBS_SYN_RETRANS], 2 * 1025 + 3 * 512);
        m = kernel_model_free(m);
}

/* A queue not half full keeps its entries for 63 s. */
static void lone_entry_lives_63_s(void **state) {
        static const struct {
                uint64_t t;
                unsigned bin;
        } ages[] = {
                { 50 * MS, 0 },        { 950 * MS, 9 },         { 1200 * MS, OBS_AGE_1S },
                { 2 * S, OBS_AGE_2S }, { 4 * S, OBS_AGE_3S },   { 6 * S, OBS_AGE_5S },
                { 8 * S, OBS_AGE_7S }, { 20 * S, OBS_AGE_15S }, { 62 * S, OBS_AGE_31S },
        };
        struct kernel_model *m = model(1, 128, 4096, 0);

        syn(m, 0, 1);
        for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
                kernel_model_observe(m, ages[i].t, &o);
                assert_int_equal(o.listeners[0].age[ages[i].bin], 1);
                assert_int_equal(o.aged, ages[i].t >= S);
                assert_int_equal(o.elapsed_us, i ? ages[i].t - ages[i - 1].t : 0);
        }
        kernel_model_observe(m, 63 * S, &o);
        assert_int_equal(o.half_open, 0);
        assert_int_equal(o.counters[OBS_ATTEMPT_FAILS], 0);
        m = kernel_model_free(m);
}

/* 300 honest connections/s, 40 ms, in 5000 flood SYN/s: connected of 1200. */
static unsigned connected(uint8_t cookies) {
        struct kernel_model *m = model(cookies, 1024, 4096, 0);
        enum kernel_model_answer answers[1200];
        unsigned count = 0, acked = 0, asked = 0;

        for (uint32_t n = 0; n < 20200; n++) {
                uint64_t t = n * S / 5000;

                syn(m, t, 100000 + n);
                for (; asked < 1200 && asked * S / 300 <= t; asked++)
                        answers[asked] = syn(m, t, asked);
                for (; acked < asked && acked * S / 300 + 40 * MS <= t; acked++)
                        if (answers[acked] != KERNEL_DROPPED)
                                count += ack(m, t, acked, KERNEL_ACK_VALID_COOKIE) == KERNEL_ACK_COMPLETED;
        }
        kernel_model_observe(m, 5 * S, &o);
        assert_int_equal(o.counters[OBS_PASSIVE_OPENS], count);
        m = kernel_model_free(m);
        return count;
}

static void honest_within_a_flood(void **state) {
        assert_in_range(connected(0), 55, 75); /* 65 were measured */
        assert_int_equal(connected(1), 1200);
        assert_int_equal(connected(2), 1200);
        assert_int_equal(o.counters[OBS_COOKIES_RECEIVED], 1200);
}

/* An application that stops accepting. */
static void accept_queue(void **state) {
        struct kernel_model *m = model(1, 4, 4096, 0);

        kernel_model_set_accepts(m, 0, 0, 0);
        for (uint32_t n = 0; n < 5; n++) {
                assert_int_equal(syn(m, 0, n), KERNEL_QUEUED);
                assert_int_equal(ack(m, 0, n, 0), KERNEL_ACK_COMPLETED);
                if (n == 3) /* one that finishes only after the queue is full */
                        assert_int_equal(syn(m, 0, 9), KERNEL_QUEUED);
        }
        assert_int_equal(ack(m, 0, 9, 0), KERNEL_ACK_OVERFLOW);
        assert_int_equal(syn(m, 0, 10), KERNEL_DROPPED);
        kernel_model_observe(m, 1 * S - 1, &o);
        assert_int_equal(o.listeners[0].accept_queue, 5);
        assert_int_equal(o.listeners[0].accept_full, 1);
        assert_int_equal(o.half_open, 1);
        assert_int_equal(o.counters[OBS_LISTEN_OVERFLOWS], 2);
        assert_int_equal(o.counters[OBS_LISTEN_DROPS], 2);
        kernel_model_set_accepts(m, 1 * S, 0, 2);
        kernel_model_observe(m, 2 * S, &o);
        assert_int_equal(o.listeners[0].accept_queue, 3);
        assert_int_equal(ack(m, 2 * S, 9, 0), KERNEL_ACK_COMPLETED);
        m = kernel_model_free(m);
}

/* TCP_DEFER_ACCEPT: what inet_diag tells of a finished handshake that waits. */
static void deferred(void **state) {
        struct kernel_model *m = model(1, 128, 4096, 4);

        syn(m, 0, 1);
        assert_int_equal(ack(m, 50 * MS, 1, 0), KERNEL_ACK_DEFERRED);
        kernel_model_observe(m, 500 * MS, &o);
        assert_int_equal(o.deferred, 0); /* not to be told from a half-open yet */
        assert_int_equal(o.listeners[0].age[5], 1);
        kernel_model_observe(m, 1500 * MS, &o);
        assert_int_equal(o.deferred, 1); /* 2 s to its timer, and never sent again */
        assert_int_equal(o.aged, 0);
        kernel_model_observe(m, 2500 * MS, &o);
        assert_int_equal(o.deferred, 0); /* less than 1 s: it looks new */
        assert_int_equal(o.listeners[0].age[5], 1);
        assert_int_equal(ack(m, 2600 * MS, 1, KERNEL_ACK_DATA), KERNEL_ACK_COMPLETED);
        m = kernel_model_free(m);
}

/* A client that sends its SYN again makes its half-open look older. */
static void repeated_syn(void **state) {
        struct kernel_model *m = model(1, 128, 4096, 0);

        syn(m, 0, 1);
        assert_int_equal(syn(m, 1001 * MS, 1), KERNEL_REPEATED);
        kernel_model_observe(m, 1002 * MS, &o);
        assert_int_equal(o.half_open, 1);
        assert_int_equal(o.counters[OBS_SYN_RETRANS], 2);
        assert_int_equal(o.listeners[0].age[OBS_AGE_5S], 1); /* 7 s less the 2 s to come */
        m = kernel_model_free(m);
}

/* As often as it comes within half a second it is answered once; Linux 6.18: num_retrans 1 for 2 to 6 copies. */
static void repeated_at_once(void **state) {
        struct kernel_model *m = model(1, 128, 4096, 0);

        syn(m, 1 * MS, 1);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(syn(m, (2 + i) * MS, 1), KERNEL_REPEATED);
        kernel_model_observe(m, 10 * MS, &o);
        assert_int_equal(o.counters[OBS_SYN_RETRANS], 1);
        assert_int_equal(o.listeners[0].age[OBS_AGE_2S], 1);
        assert_int_equal(syn(m, 503 * MS, 1), KERNEL_REPEATED);
        kernel_model_observe(m, 510 * MS, &o);
        assert_int_equal(o.counters[OBS_SYN_RETRANS], 1);
        assert_int_equal(o.listeners[0].age[OBS_AGE_5S], 1);
        m = kernel_model_free(m);
}

static void resets(void **state) {
        struct kernel_model *m = model(1, 128, 4096, 0);
        struct kernel_model_peer p = peer(1);

        syn(m, 0, 1);
        assert_true(kernel_model_rst(m, 10 * MS, 0, &p));
        assert_false(kernel_model_rst(m, 11 * MS, 0, &p));
        assert_int_equal(kernel_model_syn(m, 12 * MS, KERNEL_MODEL_NO_LISTENER, &p, 0), KERNEL_REFUSED);
        assert_int_equal(ack(m, 13 * MS, 1, 0), KERNEL_ACK_STRAY);
        kernel_model_observe(m, 20 * MS, &o);
        assert_int_equal(o.half_open, 0);
        assert_int_equal(o.counters[OBS_EMBRYONIC_RSTS], 1);
        assert_int_equal(o.counters[OBS_ATTEMPT_FAILS], 1);
        assert_int_equal(o.counters[OBS_OUT_RSTS], 2);
        m = kernel_model_free(m);
}

/* With 0 a cookie that was sent before is refused. */
static void cookies_switched_off(void **state) {
        struct kernel_model *m = model(2, 128, 4096, 0);

        assert_int_equal(syn(m, 0, 1), KERNEL_COOKIE);
        assert_int_equal(syn(m, 0, 2), KERNEL_COOKIE);
        assert_int_equal(ack(m, 10, 1, KERNEL_ACK_VALID_COOKIE), KERNEL_ACK_COMPLETED);
        kernel_model_set_syncookies(m, 0);
        assert_int_equal(ack(m, 20, 2, KERNEL_ACK_VALID_COOKIE), KERNEL_ACK_STRAY);
        m = kernel_model_free(m);
}

static void ghosts_and_listeners(void **state) {
        struct kernel_model *m = model(1, 128, 4096, 0);
        struct kernel_model_listener l = {
                .key = { .port = 80 },
                .backlog = 16,
                .accepts_per_s = KERNEL_MODEL_AT_ONCE,
        };
        struct address bound, other;
        unsigned n;

        assert_int_equal(address_parse("192.0.2.1", &bound), 0);
        assert_int_equal(address_parse("192.0.2.2", &other), 0);
        assert_int_equal(kernel_model_find_listener(m, &bound, 81), KERNEL_MODEL_NO_LISTENER);
        syn(m, 0, 1);
        l.key.address = bound;
        assert_int_equal(kernel_model_add_listener(m, &l, &n), 0);
        assert_int_equal(kernel_model_find_listener(m, &bound, 80), n);
        assert_int_equal(kernel_model_find_listener(m, &other, 80), 0);
        kernel_model_close_listener(m, 0);
        assert_int_equal(kernel_model_find_listener(m, &other, 80), KERNEL_MODEL_NO_LISTENER);
        kernel_model_observe(m, 500 * MS, &o);
        assert_int_equal(o.ghosts, 1);
        assert_int_equal(o.listeners_count, 1);
        assert_int_equal(o.listeners[0].backlog, 16);
        kernel_model_observe(m, 1 * S, &o);
        assert_int_equal(o.half_open, 0); /* its timer found no listener */
        l.backlog = 0;
        assert_int_equal(kernel_model_add_listener(m, &l, &n), -EINVAL);
        m = kernel_model_free(m);
}

/* A million SYNs over 5 s onto a queue that keeps being pruned: its books must still balance. */
static void a_million(void **state) {
        struct kernel_model *m = model(1, 65535, 4096, 0);
        uint64_t sum = 0;

        for (uint32_t n = 0; n < 1000000; n++)
                syn(m, n * 5, n);
        kernel_model_observe(m, 5 * S, &o);
        assert_int_equal(o.counters[OBS_COOKIES_SENT] + 65536, 1000000);
        for (unsigned i = 0; i < OBS_AGE_BINS; i++)
                sum += o.listeners[0].age[i];
        assert_int_equal(sum, o.half_open);
        assert_int_equal(half_open_at(m, 100 * S), 0);
        m = kernel_model_free(m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(measured_table),
                cmocka_unit_test(burst_falls_to_half),
                cmocka_unit_test(lone_entry_lives_63_s),
                cmocka_unit_test(honest_within_a_flood),
                cmocka_unit_test(accept_queue),
                cmocka_unit_test(deferred),
                cmocka_unit_test(repeated_syn),
                cmocka_unit_test(repeated_at_once),
                cmocka_unit_test(resets),
                cmocka_unit_test(cookies_switched_off),
                cmocka_unit_test(ghosts_and_listeners),
                cmocka_unit_test(a_million),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
