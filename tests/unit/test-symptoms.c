/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a watch shows beside floods, and the advice: each rule, and what must not set it off. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "core/symptoms.h"

#define TICK_US UINT64_C(200000)
enum { LOOKS = 51 }; /* ten seconds */

struct watch {
        struct symptoms symptoms;
        struct symptoms_more more;
        struct advice_host host;
        struct advice_list advice;
        struct observation o;
};

static int begin(void **state) {
        struct watch *w = calloc(1, sizeof *w);

        w->host = (struct advice_host) { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, false };
        w->host.syncookies = 1;
        w->o.time_us = 1000000;
        w->o.known = OBS_K_DUMP | OBS_K_LISTENERS | OBS_K_SOURCES | OBS_K_SYNACK_RETRIES;
        w->o.synack_retries = 5;
        w->o.sources.known = OBS_SS_STRAY;
        w->o.listeners_count = 1;
        w->o.listeners[0] = (struct obs_listener) {
                .key = { .address = address_from_ipv4(0), .port = 443 },
                .known = OBS_L_LIMITS | OBS_L_HALF_OPEN | OBS_L_DROPS | OBS_L_SYNS,
                .sockets = 1,
                .backlog = 128,
        };
        *state = w;
        return 0;
}

static int end(void **state) {
        free(*state);
        return 0;
}

/* What comes in each tick; what is not set comes not at all. */
static void watch(struct watch *w, const uint64_t each[static OBS_COUNTERS]) {
        for (unsigned i = 0; i < LOOKS; i++) {
                w->o.counters_known = 0;
                for (unsigned c = 0; c < OBS_COUNTERS; c++)
                        observation_set(&w->o, (enum obs_counter) c, each[c]);
                symptoms_add(&w->symptoms, &w->o);
                w->o.time_us += TICK_US;
        }
}

static const char *name(void *userdata, const struct listener_key *key) {
        return listener_key_format(key, userdata);
}

/* "syns-eaten" and so on, joined by spaces. */
static const char *found(struct watch *w) {
        static char ids[512];
        char text[ADDRESS_TEXT_MAX];
        unsigned n = symptoms_advise(&w->symptoms, &w->more, &w->host, name, text, &w->advice);

        ids[0] = '\0';
        assert_int_equal(n, w->advice.count);
        for (unsigned i = 0; i < n; i++) {
                strcat(ids, i ? " " : "");
                strcat(ids, w->advice.list[i].id);
        }
        return ids;
}

static const char *found_again(struct watch *w) {
        w->advice.count = 0;
        return found(w);
}

static void calm(void **state) {
        struct watch *w = *state;

        watch(w, (uint64_t[OBS_COUNTERS]) { [OBS_ARRIVED] = 20, [OBS_SYNS] = 20, [OBS_PASSIVE_OPENS] = 20 });
        assert_string_equal(found(w), "");
}

static void eaten(void **state) {
        struct watch *w = *state;

        watch(w, (uint64_t[OBS_COUNTERS]) { [OBS_ARRIVED] = 40, [OBS_SYNS] = 2, [OBS_PASSIVE_OPENS] = 2 });
        w->host.conntrack_max = 1000;
        w->host.conntrack_count = 999;
        assert_string_equal(found(w), "syns-eaten");
        assert_non_null(strstr(w->advice.list[0].why, "tracking table is full"));
        assert_non_null(strstr(w->advice.list[0].why, "1938 of 2040 SYNs"));
}

static void unknown_is_not_eaten(void **state) {
        struct watch *w = *state;

        for (unsigned i = 0; i < LOOKS; i++, w->o.time_us += TICK_US) {
                w->o.counters_known = 0;
                observation_set(&w->o, OBS_ARRIVED, 40);
                symptoms_add(&w->symptoms, &w->o);
        }
        assert_string_equal(found(w), "");
}

static void forwarded_is_not_eaten(void **state) {
        struct watch *w = *state;

        watch(w, (uint64_t[OBS_COUNTERS]) {
                         [OBS_ARRIVED] = 40, [OBS_FORWARDED] = 38, [OBS_SYNS] = 2, [OBS_PASSIVE_OPENS] = 2 });
        assert_string_equal(found(w), "router");
}

/* What SYNPROXY answers reaches a listener when its client comes back. */
static void proxied(void **state) {
        struct watch *w = *state;

        w->more.proxied_syns = 60 * LOOKS;
        w->more.passed_syns = 60 * LOOKS;
        watch(w, (uint64_t[OBS_COUNTERS]) { [OBS_ARRIVED] = 120, [OBS_SYNS] = 60, [OBS_PASSIVE_OPENS] = 60 });
        assert_string_equal(found(w), "synproxy");
        assert_int_equal(w->advice.list[0].severity, ADVICE_INFO);
        w->more.passed_syns = 60;
        assert_string_equal(found_again(w), "synproxy");
        assert_int_equal(w->advice.list[0].severity, ADVICE_WARNING);
        assert_non_null(strstr(w->advice.list[0].title, "SYNPROXY holds off"));
        w->more.proxied_syns = w->more.passed_syns = 0; /* a rule of one's own has them */
        assert_string_equal(found_again(w), "syns-eaten");
        w->more.proxied_syns = 20; /* some of them */
        assert_string_equal(found_again(w), "syns-eaten synproxy");
}

/* With tcp_syncookies 2 there is no queue, whatever the counters say. */
static void no_bursts_without_a_queue(void **state) {
        struct watch *w = *state;
        uint64_t each[OBS_COUNTERS] = {
                [OBS_ARRIVED] = 100, [OBS_SYNS] = 100, [OBS_PASSIVE_OPENS] = 100, [OBS_QUEUE_FULL_COOKIES] = 100
        };

        w->o.listeners[0].syns = 100;
        watch(w, each);
        assert_string_equal(found(w), "backlog");
        w->host.syncookies = 2;
        assert_string_equal(found_again(w), "");
}

static void bursts(void **state) {
        struct watch *w = *state;
        struct obs_listener *l = &w->o.listeners[0];
        uint64_t each[OBS_COUNTERS] = { [OBS_ARRIVED] = 30, [OBS_SYNS] = 30, [OBS_PASSIVE_OPENS] = 20 };

        l->backlog = 5;
        l->syns = 30;
        l->drops = 10;
        watch(w, each);
        w->host.somaxconn = 32;
        assert_string_equal(found(w), "backlog");
        assert_non_null(strstr(w->advice.list[0].why, "holds 5, and 30 came at once: a backlog of 64 would do"));
        assert_string_equal(w->advice.list[0].command, "sysctl -w net.core.somaxconn=64");

        /* A flood, or an application that does not accept, explains the same. */
        w->advice.count = 0;
        w->more.flood = true;
        assert_string_equal(found(w), "");
        w->more.flood = false;
        l->accept_full = 1;
        watch(w, each);
        watch(w, each);
        assert_string_equal(found(w), "");
        w->more.stalled = true;
        assert_string_equal(found(w), "");
}

/* A burst of many times the queue makes the accept queue overflow as well, for a moment: the application
 * is called slow, and accepts all the same. */
static void bursts_called_a_stall(void **state) {
        struct watch *w = *state;
        struct obs_listener *l = &w->o.listeners[0];
        uint64_t each[OBS_COUNTERS] = { [OBS_ARRIVED] = 60, [OBS_SYNS] = 60, [OBS_PASSIVE_OPENS] = 50 };

        l->backlog = 16;
        l->syns = 60;
        l->drops = 2;
        w->more.stalled = true;
        watch(w, each);
        assert_string_equal(found_again(w), "backlog");
        assert_non_null(strstr(w->advice.list[0].why, "holds 16, and 60 came at once"));

        /* Too few for that: then it is the application. */
        memset(&w->symptoms, 0, sizeof w->symptoms);
        l->syns = 30;
        watch(w, each);
        assert_string_equal(found_again(w), "");
        memset(&w->symptoms, 0, sizeof w->symptoms);
        l->syns = 60;
        watch(w, each);
        l->accept_full = 1;
        watch(w, each);
        assert_string_equal(found_again(w), "");
}

/* Cookies are the host's; of two listeners it is the one that more came for than it holds. */
static void bursts_of_one_of_two(void **state) {
        struct watch *w = *state;
        struct obs_listener *l = w->o.listeners;
        uint64_t each[OBS_COUNTERS] = {
                [OBS_ARRIVED] = 70, [OBS_SYNS] = 70, [OBS_PASSIVE_OPENS] = 70, [OBS_QUEUE_FULL_COOKIES] = 40
        };

        w->o.listeners_count = 2;
        l[1] = l[0];
        l[1].key.port = 80;
        l[0].backlog = 16;
        l[0].syns = 60;
        l[1].backlog = 1024;
        l[1].syns = 10;
        watch(w, each);
        assert_string_equal(found(w), "backlog");
        assert_non_null(strstr(w->advice.list[0].why, ":443 holds 16, and 60 came at once"));
}

/* Turned away, or answered by cookie: which of the two is told of the listener over the whole watch, not of a
 * look in which all who were turned away came back, nor of the host, whose other listener is well. */
static void bursts_turned_away(void **state) {
        struct watch *w = *state;
        struct obs_listener *l = w->o.listeners;
        uint64_t each[OBS_COUNTERS] = {
                [OBS_ARRIVED] = 2060, [OBS_SYNS] = 2060, [OBS_PASSIVE_OPENS] = 2050, [OBS_QUEUE_FULL_COOKIES] = 40
        };

        w->o.listeners_count = 2;
        l[1] = l[0];
        l[1].key.port = 80;
        l[1].backlog = 4096;
        l[1].syns = 2000;
        l[0].backlog = 16;
        l[0].syns = 60;
        l[0].drops = 10;
        watch(w, each);
        l[0].drops = 0;
        watch(w, each); /* they came back */
        assert_string_equal(found(w), "backlog");
        assert_int_equal(w->advice.list[0].severity, ADVICE_WARNING);

        memset(&w->symptoms, 0, sizeof w->symptoms);
        l[0].drops = 1;
        watch(w, each);
        assert_string_equal(found_again(w), "backlog");
        assert_int_equal(w->advice.list[0].severity, ADVICE_INFO);
        assert_non_null(strstr(w->advice.list[0].why, "holds 16, and 60 came at once; hardly anybody was turned away"));
}

/* The listener's own are not told; it is the only one, so the host's are its. */
static void bursts_turned_away_from_the_only_one(void **state) {
        struct watch *w = *state;
        struct obs_listener *l = w->o.listeners;
        uint64_t each[OBS_COUNTERS] = { [OBS_ARRIVED] = 60,
                                        [OBS_SYNS] = 60,
                                        [OBS_PASSIVE_OPENS] = 20,
                                        [OBS_QUEUE_FULL_DROPS] = 40,
                                        [OBS_LISTEN_DROPS] = 40 };

        w->host.syncookies = 0;
        l->known &= ~(uint32_t) OBS_L_DROPS;
        l->backlog = 16;
        l->syns = 60;
        watch(w, each);
        assert_string_equal(found(w), "backlog");
        assert_int_equal(w->advice.list[0].severity, ADVICE_WARNING);
}

/* Of two queues, the one that costs clients is told first. */
static void graver_first(void **state) {
        struct watch *w = *state;
        struct obs_listener *l = w->o.listeners;
        uint64_t each[OBS_COUNTERS] = {
                [OBS_ARRIVED] = 120, [OBS_SYNS] = 120, [OBS_PASSIVE_OPENS] = 110, [OBS_QUEUE_FULL_COOKIES] = 40
        };

        w->o.listeners_count = 2;
        l[0].backlog = 16;
        l[0].syns = 60;
        l[1] = l[0];
        l[1].key.port = 80;
        l[1].drops = 10;
        watch(w, each);
        assert_string_equal(found(w), "backlog backlog");
        assert_int_equal(w->advice.list[0].severity, ADVICE_WARNING);
        assert_non_null(strstr(w->advice.list[0].why, ":80 holds 16"));
        assert_int_equal(w->advice.list[1].severity, ADVICE_INFO);
}

static void slow_fill(void **state) {
        struct watch *w = *state;
        struct obs_listener *l = &w->o.listeners[0];

        l->backlog = 256;
        l->half_open = 104;
        l->age[OBS_AGE_1S] = 3;
        l->age[OBS_AGE_7S] = 40;
        l->age[OBS_AGE_31S] = 61;
        watch(w, (uint64_t[OBS_COUNTERS]) { [OBS_ARRIVED] = 1, [OBS_SYNS] = 1 });
        assert_string_equal(found(w), "slow-fill");
        assert_non_null(strstr(w->advice.list[0].why, "104 half-open, 101 of them"));
        w->advice.count = 0;
        watch(w, (uint64_t[OBS_COUNTERS]) { [OBS_ARRIVED] = 20, [OBS_SYNS] = 20, [OBS_PASSIVE_OPENS] = 20 });
        assert_string_equal(found(w), ""); /* many finish: noise */
}

/* The clients of another listener finish; those of this one do not. */
static void slow_fill_beside_a_busy_listener(void **state) {
        static const uint64_t each[OBS_COUNTERS] = { [OBS_ARRIVED] = 11, [OBS_SYNS] = 11, [OBS_PASSIVE_OPENS] = 10 };
        struct watch *w = *state;
        struct obs_listener *l = w->o.listeners;

        w->o.listeners_count = 2;
        l[1] = l[0];
        l[1].key.port = 80;
        l[1].syns = 10;
        l[0].backlog = 511;
        l[0].half_open = 104;
        l[0].age[OBS_AGE_1S] = 9;
        l[0].age[OBS_AGE_7S] = 95;
        l[0].syns = 1;
        watch(w, each);
        assert_string_equal(found(w), "slow-fill");
        assert_non_null(strstr(w->advice.list[0].why, ":443 has 104 half-open"));
        memset(&w->symptoms, 0, sizeof w->symptoms);
        l[0].syns = 10; /* they finish here */
        l[1].syns = 1;
        watch(w, each);
        assert_string_equal(found_again(w), "");
}

/* A short queue that a trickle holds, long or short of age; and what is none. */
static void slow_flood(void **state) {
        static const uint64_t trickle[OBS_COUNTERS] = { [OBS_ARRIVED] = 1, [OBS_SYNS] = 1 };
        struct watch *w = *state;
        struct obs_listener *l = &w->o.listeners[0];

        l->half_open = 104;
        l->age[OBS_AGE_1S] = 3;
        l->age[OBS_AGE_7S] = 40;
        l->age[OBS_AGE_31S] = 61;
        watch(w, trickle);
        assert_string_equal(found(w), SYMPTOM_SLOW_FLOOD);
        assert_int_equal(w->advice.list[0].severity, ADVICE_SERIOUS);
        assert_non_null(strstr(w->advice.list[0].why, "holds 128, and had 104 half-open all the time, 101 of them"));
        assert_non_null(strstr(w->advice.list[0].why, "about 1.5 a second"));

        /* What the verdict explains is not told again. */
        w->more.flood = true;
        assert_string_equal(found_again(w), "");
        w->more = (struct symptoms_more) { .stalled = true };
        assert_string_equal(found_again(w), "");
        w->more = (struct symptoms_more) { .lossy = true };
        assert_string_equal(found_again(w), "");
        w->more.lossy = false;

        /* What is left of a flood that is over: nothing comes any more. */
        memset(&w->symptoms, 0, sizeof w->symptoms);
        l->age[OBS_AGE_1S] = 0;
        watch(w, trickle);
        assert_string_equal(found_again(w), "");

        /* Clients whose packets are lost send their SYNs again. */
        memset(&w->symptoms, 0, sizeof w->symptoms);
        l->age[OBS_AGE_1S] = 3;
        l->known |= OBS_L_SENDERS;
        l->syns = 2, l->syns_again = 1;
        watch(w, trickle);
        assert_string_equal(found_again(w), "");
        l->syns_again = 0;

        /* Full for a moment only; full of what is fresh. */
        memset(&w->symptoms, 0, sizeof w->symptoms);
        watch(w, trickle);
        l->half_open = 10;
        watch(w, trickle);
        assert_string_not_equal(found_again(w), SYMPTOM_SLOW_FLOOD);
        memset(&w->symptoms, 0, sizeof w->symptoms);
        l->half_open = 104;
        memset(l->age, 0, sizeof l->age);
        l->age[0] = 100;
        l->age[OBS_AGE_1S] = 4;
        watch(w, trickle);
        assert_string_equal(found_again(w), "");
}

/* Too few for any rate, but the queue has room for no more. */
static void slow_flood_of_few(void **state) {
        struct watch *w = *state;
        struct obs_listener *l = &w->o.listeners[0];

        l->backlog = 5;
        l->half_open = 4;
        l->age[OBS_AGE_1S] = 1;
        l->age[OBS_AGE_3S] = 3;
        watch(w, (uint64_t[OBS_COUNTERS]) { [OBS_ARRIVED] = 1, [OBS_SYNS] = 1 });
        assert_string_equal(found(w), SYMPTOM_SLOW_FLOOD);
        l->half_open = 3;
        memset(&w->symptoms, 0, sizeof w->symptoms);
        watch(w, (uint64_t[OBS_COUNTERS]) { [OBS_ARRIVED] = 1, [OBS_SYNS] = 1 });
        assert_string_equal(found_again(w), "");
}

static void closed_port(void **state) {
        struct watch *w = *state;

        w->more = (struct symptoms_more) { .closed_port = 8080, .closed_syns = 600, .logged_syns = 620 };
        w->o.sources.stray_share = 0.97;
        watch(w, (uint64_t[OBS_COUNTERS]) { [OBS_ARRIVED] = 12, [OBS_SYNS] = 12, [OBS_OUT_RSTS] = 12 });
        assert_string_equal(found(w), "closed-port");
        assert_non_null(strstr(w->advice.list[0].why, "came for port 8080"));
        /* One of a scan's thousand ports is none. */
        w->advice.count = 0;
        w->more.closed_syns = 30;
        assert_string_equal(found(w), "");
}

static void backscatter_and_checks(void **state) {
        struct watch *w = *state;

        watch(w, (uint64_t[OBS_COUNTERS]) {
                         [OBS_ARRIVED] = 5, [OBS_SYNS] = 5, [OBS_PASSIVE_OPENS] = 5, [OBS_OUT_RSTS] = 20 });
        assert_string_equal(found(w), "backscatter");
        w->advice.count = 0;
        w->more.aborts = 1000; /* applications closed by RST */
        assert_string_equal(found(w), "");
        w->more = (struct symptoms_more) { .active_opens = 1000 };
        assert_string_equal(found(w), "checker");
}

/* Not one SYN has come, so that nobody has told where they go. */
static void backscatter_alone(void **state) {
        struct watch *w = *state;

        w->o.sources.known = 0;
        watch(w, (uint64_t[OBS_COUNTERS]) { [OBS_OUT_RSTS] = 20 });
        assert_string_equal(found(w), "backscatter");
}

static void little(void **state) {
        struct watch *w = *state;

        watch(w, (uint64_t[OBS_COUNTERS]) { 0 });
        assert_string_equal(found(w), "little-seen");
        assert_non_null(strstr(w->advice.list[0].why, "What XDP"));
        memset(&w->symptoms, 0, sizeof w->symptoms);
        w->o.listeners_count = 0;
        watch(w, (uint64_t[OBS_COUNTERS]) { 0 });
        assert_string_equal(found_again(w), "no-listener");
}

static void limits_are_one(void **state) {
        struct advice_queue q = { .name = "x", .backlog = ADVICE_BACKLOG_SHORT };

        assert_false(advice_queue_is_short(&q));
        q.backlog--;
        assert_true(advice_queue_is_short(&q));
        q = (struct advice_queue) { .backlog = 511, .needed = 600 };
        assert_true(advice_queue_is_short(&q));
        assert_int_equal(advice_queue_wanted(&q), 2048);
        q.needed = 1e9;
        assert_int_equal(advice_queue_wanted(&q), 65536);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(calm, begin, end),
                cmocka_unit_test_setup_teardown(eaten, begin, end),
                cmocka_unit_test_setup_teardown(unknown_is_not_eaten, begin, end),
                cmocka_unit_test_setup_teardown(forwarded_is_not_eaten, begin, end),
                cmocka_unit_test_setup_teardown(proxied, begin, end),
                cmocka_unit_test_setup_teardown(no_bursts_without_a_queue, begin, end),
                cmocka_unit_test_setup_teardown(bursts, begin, end),
                cmocka_unit_test_setup_teardown(bursts_called_a_stall, begin, end),
                cmocka_unit_test_setup_teardown(bursts_of_one_of_two, begin, end),
                cmocka_unit_test_setup_teardown(bursts_turned_away, begin, end),
                cmocka_unit_test_setup_teardown(bursts_turned_away_from_the_only_one, begin, end),
                cmocka_unit_test_setup_teardown(graver_first, begin, end),
                cmocka_unit_test_setup_teardown(slow_fill, begin, end),
                cmocka_unit_test_setup_teardown(slow_fill_beside_a_busy_listener, begin, end),
                cmocka_unit_test_setup_teardown(slow_flood, begin, end),
                cmocka_unit_test_setup_teardown(slow_flood_of_few, begin, end),
                cmocka_unit_test_setup_teardown(closed_port, begin, end),
                cmocka_unit_test_setup_teardown(backscatter_and_checks, begin, end),
                cmocka_unit_test_setup_teardown(backscatter_alone, begin, end),
                cmocka_unit_test_setup_teardown(little, begin, end),
                cmocka_unit_test(limits_are_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
