/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/observation_json.h"

/* xorshift64*: any will do, as long as a seed gives the same numbers everywhere. */
static uint64_t random_state;

static uint64_t random_u64(void) {
        random_state ^= random_state >> 12;
        random_state ^= random_state << 25;
        random_state ^= random_state >> 27;
        return random_state * UINT64_C(2685821657736338717);
}

/* Often the ends of a range, where mistakes live. */
static uint64_t upto(uint64_t max) {
        switch (random_u64() % 6) {
        case 0:
                return 0;
        case 1:
                return max;
        case 2:
                return max < 100 ? random_u64() % (max + 1) : random_u64() % 100;
        default:
                return max == UINT64_MAX ? random_u64() : random_u64() % (max + 1);
        }
}

static uint32_t any_u32(void) {
        return (uint32_t) upto(UINT32_MAX);
}

static uint64_t any_count(void) {
        return upto(INT64_MAX);
}

static bool coin(void) {
        return random_u64() & 1;
}

static double any_real(void) {
        switch (random_u64() % 6) {
        case 0:
                return 0;
        case 1:
                return 0.1 * (double) upto(1000);
        case 2:
                return ldexp(1, -1074 + (int) upto(2000)); /* subnormal to huge */
        default:
                return (double) random_u64() / 12345.678;
        }
}

static struct address any_address(void) {
        struct address a;

        if (coin())
                return address_from_ipv4((uint32_t) random_u64());
        for (size_t i = 0; i < sizeof a.bytes; i++)
                a.bytes[i] = coin() ? 0 : (uint8_t) random_u64();
        return a;
}

static void any_listener(struct obs_listener *l) {
        l->key.address = any_address();
        l->key.port = (uint16_t) upto(UINT16_MAX);
        l->key.ifindex = any_u32();
        l->known = (uint32_t) upto(63);
        if (l->known & OBS_L_LIMITS) {
                l->sockets = any_u32();
                l->backlog = any_u32();
                l->accept_queue = any_u32();
                l->accept_full = any_u32();
        }
        if (l->known & OBS_L_HALF_OPEN) {
                l->half_open = any_u32();
                l->deferred = any_u32();
                for (unsigned i = 0; i < OBS_AGE_BINS; i++)
                        l->age[i] = any_u32();
        }
        if (l->known & OBS_L_DROPS)
                l->drops = any_count();
        if (l->known & OBS_L_SYNS) {
                l->syns = any_count();
                l->syns_again = any_count();
                l->syns_known = any_count();
        }
        if (l->known & OBS_L_ENDED)
                l->ended = any_count();
        if (l->known & OBS_L_SENDERS)
                l->senders = (struct obs_senders) {
                        .syn_per_s = any_real(),
                        .ended_per_s = any_real(),
                        .begun = any_count(),
                        .addresses = any_u32(),
                        .once = any_u32(),
                        .one_in = any_u32(),
                        .span_s = any_real(),
                };
}

static void any_source(struct obs_source *s) {
        struct address a = any_address();

        s->prefix.length = (uint8_t) upto(ADDRESS_BITS);
        s->prefix.address = address_mask(&a, s->prefix.length);
        s->known = (uint8_t) upto(7);
        s->is = (uint8_t) upto(3);
        s->listener = (uint16_t) upto(OBS_LISTENER_NONE);
        if (s->known & OBS_S_SYNS) {
                s->syn_per_s = any_real();
                s->syn_error_per_s = any_real();
        }
        if (s->known & OBS_S_HALF_OPEN)
                s->half_open = any_u32();
        if (s->known & OBS_S_COMPLETED)
                s->completed_per_s = any_real();
        if ((s->known & OBS_S_SYNS) && (s->known & OBS_S_COMPLETED)) {
                s->completion_low = (double) upto(1000) / 1000;
                s->completion_high = (double) upto(1000) / 1000;
        }
}

static void any_sources(struct obs_sources *s) {
        s->tracked = any_u32();
        s->known = (uint32_t) upto(31);
        if (s->known & OBS_SS_DISTINCT) {
                s->distinct = any_real();
                s->syn_per_s = any_real();
        }
        if (s->known & OBS_SS_STRAY) {
                s->stray_share = (double) upto(1000) / 1000;
                s->stray_ports = any_u32();
        }
        if (s->known & OBS_SS_SEEN_ONCE)
                s->seen_once_share = (double) upto(1000) / 1000;
        if (s->known & OBS_SS_KNOWN) {
                s->known_begun = any_u32();
                s->known_again = any_u32();
        }
        s->count = (uint32_t) upto(OBS_SOURCES_MAX);
        for (uint32_t i = 0; i < s->count; i++)
                any_source(&s->list[i]);
}

static void any_observation(struct observation *o) {
        memset(o, 0, sizeof *o);
        o->time_us = any_count();
        o->realtime_us = any_count();
        o->elapsed_us = any_count();
        o->known = (uint32_t) upto(127) & ~(uint32_t) OBS_K_IN_USE;
        for (unsigned c = 0; c < OBS_COUNTERS; c++)
                if (coin())
                        observation_set(o, (enum obs_counter) c, any_count());
        if (o->known & OBS_K_DUMP) {
                o->half_open = any_u32();
                o->aged = any_u32();
                o->deferred = any_u32();
                o->ghosts = any_u32();
        }
        if (o->known & OBS_K_SYNCOOKIES)
                o->syncookies = (uint8_t) upto(255);
        if (o->known & OBS_K_SYNACK_RETRIES)
                o->synack_retries = (uint8_t) upto(255);
        o->listeners_count = (uint32_t) upto(OBS_LISTENERS_MAX);
        o->listeners_left_out = any_u32();
        for (uint32_t i = 0; i < o->listeners_count; i++)
                any_listener(&o->listeners[i]);
        if (o->known & OBS_K_SOURCES)
                any_sources(&o->sources);
        for (unsigned i = 0; i < SENSORS; i++)
                o->sensors[i] = (uint8_t) upto(SENSOR_FAILED);
        if (o->known & OBS_K_PROBE) {
                for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                        o->probe.ended[i] = any_u32();
                o->probe.slowest_us = any_count();
        }
        o->sample_one_in = any_u32();
        o->log_received = any_count();
        o->log_lost = any_count();
}

static void round_trips(void **state) {
        struct observation *o = malloc(sizeof *o), *again = malloc(sizeof *again);
        const char *given = getenv("SEED");
        uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t) time(NULL);

        print_message("SEED=%ju\n", (uintmax_t) seed);
        random_state = seed * 2 + 1;
        for (unsigned i = 0; i < 300; i++) {
                char error[OBSERVATION_JSON_ERROR_MAX] = "";
                char *line;

                any_observation(o);
                assert_int_equal(observation_json_write(o, &line), 0);
                assert_null(strchr(line, '\n'));
                memset(again, 0xff, sizeof *again);
                assert_int_equal(observation_json_parse(line, strlen(line), again, error), 0);
                assert_string_equal(error, "");
                assert_memory_equal(o, again, sizeof *o);
                free(line);
        }
        free(o);
        free(again);
}

/* The longest line there can be must fit a recording's. */
static void longest_line(void **state) {
        struct observation *o = calloc(1, sizeof *o);
        char *line;

        o->listeners_count = OBS_LISTENERS_MAX;
        o->known = OBS_K_DUMP | OBS_K_LISTENERS | OBS_K_SYNCOOKIES | OBS_K_SOURCES | OBS_K_SYNACK_RETRIES;
        for (unsigned i = 0; i < OBS_LISTENERS_MAX; i++) {
                struct obs_listener *l = &o->listeners[i];

                memset(l, 0xff, sizeof *l);
                l->drops = l->syns = l->syns_again = l->syns_known = l->ended = INT64_MAX;
                l->senders.begun = INT64_MAX;
                l->senders.syn_per_s = l->senders.ended_per_s = l->senders.span_s = 1.2345678901234567e-300;
        }
        o->sources.count = OBS_SOURCES_MAX;
        for (unsigned i = 0; i < OBS_SOURCES_MAX; i++) {
                struct obs_source *s = &o->sources.list[i];

                memset(s, 0xff, sizeof *s);
                s->listener = OBS_LISTENERS_MAX - 1;
                s->prefix.length = 127;
                s->prefix.address = address_mask(&s->prefix.address, 127);
                s->syn_per_s = s->syn_error_per_s = s->completed_per_s = 1.2345678901234567e-300;
                s->completion_low = s->completion_high = 1.2345678901234567e-300;
        }
        assert_int_equal(observation_json_write(o, &line), 0);
        print_message("%zu bytes\n", strlen(line));
        assert_true(strlen(line) < 140 * 1024);
        free(line);
        free(o);
}

static void unknown_is_absent(void **state) {
        struct observation *o = calloc(1, sizeof *o);
        char *line;

        o->half_open = 5; /* but the dump is not known */
        o->time_us = 1;
        assert_int_equal(observation_json_write(o, &line), 0);
        assert_string_equal(line, "{\"schema\":\"synward.observation.v1\",\"time_us\":1,"
                                  "\"realtime_us\":0,\"elapsed_us\":0,\"sensors\":{"
                                  "\"sock_diag\":\"off\",\"netstat\":\"off\",\"nflog\":\"off\"},"
                                  "\"counters\":{}}");
        free(line);
        free(o);
}

static void no_number_is_not_written(void **state) {
        struct observation *o = calloc(1, sizeof *o);
        static const double bad[] = { NAN, INFINITY, -1 };
        char *line = NULL;

        o->known = OBS_K_SOURCES;
        o->sources.known = OBS_SS_DISTINCT;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                o->sources.distinct = bad[i];
                assert_int_equal(observation_json_write(o, &line), -EDOM);
        }
        o->sources.distinct = 1;
        o->time_us = UINT64_C(1) << 63;
        assert_int_equal(observation_json_write(o, &line), -EDOM);
        assert_null(line);
        free(o);
}

#define HEAD "{\"schema\":\"synward.observation.v1\",\"time_us\":1,\"realtime_us\":2,\"elapsed_us\":3"
#define LISTENER ",\"listeners\":[{\"address\":\"192.0.2.1\",\"port\":80"
#define AGES "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"

static void names_what_is_wrong(void **state) {
        static const struct {
                const char *line, *error;
        } cases[] = {
                { "", "column 0: " },
                { "[]", ": not an object" },
                { HEAD ",}", "column " },
                { HEAD "} x", "column " },
                { "{\"schema\":\"synward.observation.v2\"}", "schema: not \"synward.observation.v1\"" },
                { "{\"time_us\":1}", "schema: missing" },
                { "{\"schema\":7}", "schema: not a text" },
                { "{\"schema\":\"synward.observation.v1\"}", "time_us: missing" },
                { HEAD ",\"time_us\":1}", "column " },
                { HEAD ",\"Time_us\":1}", "Time_us: no such field" },
                { HEAD ",\"syncookies\":256}", "syncookies: not a whole number from 0 to 255" },
                { HEAD ",\"syncookies\":-1}", "syncookies: not a whole" },
                { HEAD ",\"syncookies\":1.0}", "syncookies: not a whole" },
                { HEAD ",\"syncookies\":null}", "syncookies: not a whole" },
                { HEAD ",\"synack_retries\":256}", "synack_retries: not a whole number from 0 to 255" },
                { HEAD ",\"counters\":[]}", "counters: not an object" },
                { HEAD ",\"counters\":{\"SyncookieSent\":1}}", "counters.SyncookieSent: no such counter" },
                { HEAD ",\"counters\":{\"Syns\":\"1\"}}", "counters.Syns: not a whole number" },
                { HEAD ",\"sensors\":{\"nflog\":\"good\"}}", "sensors.nflog: none of off" },
                { HEAD ",\"sensors\":{\"procfs\":\"ok\"}}", "sensors.procfs: no such field" },
                { HEAD ",\"sensors\":{\"nflog\":\"ok\\u0000\"}}", "column " },
                { HEAD ",\"dump\":{\"half_open\":1,\"aged\":1,\"deferred\":0}}", "dump.ghosts: missing" },
                { HEAD ",\"dump\":{\"half_open\":4294967296}}", "dump.half_open: not a whole" },
                { HEAD ",\"listeners_whole\":1}", "listeners_whole: neither" },
                { HEAD ",\"listeners\":{}}", "listeners: not an array" },
                { HEAD ",\"listeners\":[1]}", "listeners[0]: not an object" },
                { HEAD LISTENER "},{}]}", "listeners[1].address: missing" },
                { HEAD ",\"listeners\":[{\"address\":\"1.2.3\",\"port\":80}]}",
                  "listeners[0].address: not an IP address" },
                { HEAD ",\"listeners\":[{\"address\":\"::\",\"port\":65536}]}",
                  "listeners[0].port: not a whole number from 0 to 65535" },
                { HEAD LISTENER ",\"limits\":{\"sockets\":1}}]}", "listeners[0].limits.backlog: missing" },
                { HEAD LISTENER ",\"half_open\":{\"count\":1,\"deferred\":0,\"age\":[" AGES "]}}]}",
                  "listeners[0].half_open.age: not 18 counts" },
                { HEAD LISTENER ",\"half_open\":{\"count\":1,\"deferred\":0,\"age\":[" AGES ",-1]}}]}",
                  "listeners[0].half_open.age[17]: not a whole number" },
                { HEAD ",\"sources\":{\"tracked\":1,\"seen_once_share\":1.1}}",
                  "sources.seen_once_share: not a number from 0 to 1" },
                { HEAD ",\"sources\":{\"tracked\":1,\"distinct\":-0.1}}", "sources.distinct: not a number from 0 up" },
                { HEAD ",\"sources\":{\"tracked\":1,\"distinct\":\"many\"}}",
                  "sources.distinct: not a number from 0 up" },
                { HEAD ",\"sources\":{\"tracked\":1,\"list\":[{\"prefix\":\"10.0.0.1/8\"}]}}",
                  "sources.list[0].prefix: not an IP" },
                { HEAD ",\"sources\":{\"tracked\":1,\"list\":[{\"prefix\":\"::/8\",\"syn_per_s\":1}]}}",
                  "sources.list[0].syn_error_per_s: missing" },
                { HEAD ",\"log\":{\"sample_one_in\":1,\"received\":1}}", "log.lost: missing" },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char error[OBSERVATION_JSON_ERROR_MAX] = "";
                struct observation *o = calloc(1, sizeof *o);

                o->time_us = 77;
                assert_int_equal(observation_json_parse(cases[i].line, strlen(cases[i].line), o, error), -EBADMSG);
                if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
                        fail_msg("%s\n  gives   %s\n  and not %s", cases[i].line, error, cases[i].error);
                assert_int_equal(o->time_us, 77);
                free(o);
        }
}

static void too_many(void **state) {
        char error[OBSERVATION_JSON_ERROR_MAX], line[16 * 1024];
        struct observation *o = calloc(1, sizeof *o);
        size_t n = (size_t) snprintf(line, sizeof line, "%s", HEAD LISTENER "}");

        for (unsigned i = 1; i < OBS_LISTENERS_MAX; i++)
                n += (size_t) snprintf(line + n, sizeof line - n, ",{\"address\":\"192.0.2.1\",\"port\":%u}", i);
        memcpy(line + n, "]}", 3);
        assert_int_equal(observation_json_parse(line, n + 2, o, error), 0);
        assert_int_equal(o->listeners_count, OBS_LISTENERS_MAX);
        n += (size_t) snprintf(line + n, sizeof line - n, ",{\"address\":\"::\",\"port\":1}]}");
        assert_int_equal(observation_json_parse(line, n, o, error), -EBADMSG);
        assert_string_equal(error, "listeners: more than 128");
        free(o);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(round_trips),         cmocka_unit_test(longest_line),
                cmocka_unit_test(unknown_is_absent),   cmocka_unit_test(no_number_is_not_written),
                cmocka_unit_test(names_what_is_wrong), cmocka_unit_test(too_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
