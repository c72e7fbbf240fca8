/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flood's name is right from its first look on, where that can be known. */
#include "tests/unit/unit.h"

#include "config/keys.h"
#include "core/engine.h"
#include "tests/scenarios/traffic.h"

#define END_S 12.0 /* after the beginning: another name would have been given by then */

static struct traffic_settings host(uint8_t syncookies, double clients_per_s) {
        return (struct traffic_settings) {
                .seed = 7,
                .syncookies = syncookies,
                .source_table = true,
                .listeners_count = 1,
                .listeners = { { .port = 443, .backlog = 511 } },
                .populations_count = 1,
                .populations = { { .kind = POPULATION_HONEST,
                                   .rtt_median_ms = 60,
                                   .rtt_sigma = 0.5,
                                   .phases = { { 0, 1e9, clients_per_s, clients_per_s } } } },
        };
}

static struct population *flood(struct traffic_settings *s, enum population_kind kind, double from_s, double per_s) {
        struct population *p = &s->populations[s->populations_count++];

        *p = (struct population) {
                .kind = kind, .attack = true, .rtt_median_ms = 60, .phases = { { from_s, 1e9, per_s, per_s } }
        };
        return p;
}

/* Every name that the flood had: a bit each. */
static unsigned names(const struct traffic_settings *s, double from_s) {
        static struct observation o;
        struct settings settings;
        struct traffic_truth truth = { 0 };
        struct traffic *traffic = traffic_new(s);
        struct engine *engine;
        unsigned seen = 0;

        config_defaults(&settings);
        engine = engine_new(&settings);
        assert_non_null(engine);
        while (truth.now_s < from_s + END_S) {
                const struct engine_look *l;

                traffic_step(traffic, engine_is_alarmed(engine), &o, &truth);
                l = engine_step(engine, &o);
                if (l->decision.state == STATE_FLOOD)
                        seen |= 1u << l->decision.diagnosis;
        }
        engine_free(engine);
        traffic_free(traffic);
        return seen;
}

#define ONLY(d) (1u << DIAGNOSIS_##d)

/* In its first looks a part of it could be a balancer's checks; nobody else is there. */
static void a_victim_of_cookies(void **state) {
        (void) state;
        for (unsigned victims = 1; victims <= 3; victims++) {
                struct traffic_settings s = host(2, 120);

                flood(&s, POPULATION_RST, 150, 900)->sources = victims;
                assert_int_equal(names(&s, 150), ONLY(FLOOD_REFLECTED));
        }
}

/* With checks beside it as well: those are no part of it. */
static void checks_beside_a_flood(void **state) {
        struct traffic_settings s = host(2, 120);

        (void) state;
        flood(&s, POPULATION_RST, 0, 300)->sources = 2;
        flood(&s, POPULATION_SILENT, 150, 900);
        assert_int_equal(names(&s, 150), ONLY(FLOOD_SPOOFED));
}

/* Clients of few addresses come again, which is known after some seconds, and is no botnet's. */
static void clients_who_come_again(void **state) {
        (void) state;
        for (uint8_t cookies = 0; cookies <= 2; cookies++)
                for (double from_s = 5; from_s < 30; from_s += 4.1) {
                        struct traffic_settings s = host(cookies, 250);

                        s.populations[0].sources = 20000;
                        flood(&s, POPULATION_SILENT, from_s, 2500);
                        assert_int_equal(names(&s, from_s), ONLY(FLOOD_SPOOFED));
                }
}

static void a_botnet(void **state) {
        struct traffic_settings s = host(1, 250);

        (void) state;
        s.populations[0].sources = 20000;
        flood(&s, POPULATION_SILENT, 20, 2500)->sources = 500;
        assert_int_equal(names(&s, 20), ONLY(FLOOD_DISTRIBUTED));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_victim_of_cookies),
                cmocka_unit_test(checks_beside_a_flood),
                cmocka_unit_test(clients_who_come_again),
                cmocka_unit_test(a_botnet),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
