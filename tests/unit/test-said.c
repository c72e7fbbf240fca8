/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scorecard finds what is not true: names, addresses, figures. */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "tests/scenarios/said.h"

/* A spoofed flood of 1000/s beside one busy client. */
static struct scenario spoofed_flood(void) {
        struct scenario s = {
                .attack = true, .from_s = 10, .to_s = 70, .length_s = 100,
                .expected = UINT32_C(1) << DIAGNOSIS_FLOOD_SPOOFED,
                .traffic = {
                        .listeners_count = 1,
                        .listeners = { { .port = 443, .backlog = 511 } },
                        .populations_count = 2,
                        .populations = {
                                { .kind = POPULATION_HONEST, .sources = 1, .phases = { { 0, 100, 50, 50 } } },
                                { .kind = POPULATION_SILENT, .attack = true,
                                  .phases = { { 10, 70, 1000, 1000 } } },
                        },
                },
        };

        return s;
}

struct told {
        double unfinished, refused, finished; /* a second */
        enum diagnosis first, then; /* the name changes at 40 s */
        const struct prefix *named;
};

static struct said listen(const struct scenario *s, const struct told *told) {
        static struct engine_look look;
        static struct observation o;
        struct listening *l = said_begin(s);
        struct traffic_truth truth = { 0 };
        struct said said;

        memset(&look, 0, sizeof look);
        memset(o.sensors, SENSOR_OK, sizeof o.sensors);
        look.verdicts.host.evidence = evidence_unknown();
        look.verdicts.host.evidence.unanswered_per_s = told->unfinished;
        look.verdicts.host.evidence.queue_drops_per_s = told->refused;
        look.verdicts.host.evidence.completed_per_s = told->finished;
        if (told->named) {
                look.verdicts.host.evidence.distinct_sources = 10;
                look.verdicts.host.evidence.seen_once_share = 0;
                look.verdicts.host.evidence.top_share = 0.6;
                look.verdicts.host.evidence.top = *told->named;
        }
        for (unsigned tick = 1; tick <= 500; tick++) {
                truth.now_s = tick / 5.0;
                truth.ledger[0] = (struct traffic_ledger) { .finished = 10, .refused = 100, .unfinished = 100 };
                look.decision.state = truth.now_s > 11 && truth.now_s < 72 ? STATE_FLOOD : STATE_NORMAL;
                look.decision.diagnosis = truth.now_s < 40 ? told->first : told->then;
                said_note(l, &look, &o, &truth);
        }
        said_end(l, &said);
        return said;
}

static void the_truth_is_left_alone(void **state) {
        struct scenario s = spoofed_flood();
        struct said r = listen(&s,
                               &(struct told) { 520, 480, 53, DIAGNOSIS_FLOOD_SPOOFED, DIAGNOSIS_FLOOD_SPOOFED, NULL });

        assert_true(r.flood_ticks > 280 && r.wrong_names == 0 && r.names_at_once == 1 && r.honest_named == 0);
        for (unsigned f = 0; f < FIGURES; f++)
                assert_true(r.host[f].asked && !r.host[f].wrong);
}

static void wrong_figures(void **state) {
        struct scenario s = spoofed_flood();
        struct said r = listen(&s, &(struct told) { 600, 400, NAN, DIAGNOSIS_FLOOD_SPOOFED, DIAGNOSIS_FLOOD_SPOOFED,
                                                    NULL });

        for (unsigned f = 0; f < FIGURES; f++)
                assert_true(r.host[f].asked && r.host[f].wrong);
        assert_true(fabs(r.host[FIGURE_UNFINISHED].said_per_s - 600) < 1e-6);
        assert_true(fabs(r.host[FIGURE_UNFINISHED].sent_per_s - 500) < 1e-6);
        /* One that is not steady is not asked. */
        s.traffic.populations[1].pulse_every_s = 5;
        r = listen(&s, &(struct told) { 600, 400, NAN, DIAGNOSIS_FLOOD_SPOOFED, DIAGNOSIS_FLOOD_SPOOFED, NULL });
        assert_false(r.host[FIGURE_UNFINISHED].asked);
}

static void wrong_names(void **state) {
        struct scenario s = spoofed_flood();
        struct said r = listen(&s, &(struct told) { 500, 500, 50, DIAGNOSIS_FLOOD_SPOOFED, DIAGNOSIS_FLOOD_REFLECTED,
                                                    NULL });

        assert_true(r.wrong_names > 140 && r.wrong_names < 160);
        assert_int_equal(r.names_at_once, 2);
        s.expected |= UINT32_C(1) << DIAGNOSIS_FLOOD_REFLECTED;
        r = listen(&s, &(struct told) { 500, 500, 50, DIAGNOSIS_FLOOD_SPOOFED, DIAGNOSIS_FLOOD_REFLECTED, NULL });
        assert_int_equal(r.wrong_names, 0);
        assert_int_equal(r.names_at_once, 2);
}

static uint32_t times_named(const struct scenario *s, const struct prefix *p) {
        return listen(s, &(struct told) { 500, 500, 50, DIAGNOSIS_FLOOD_SPOOFED, DIAGNOSIS_FLOOD_SPOOFED, p })
                .honest_named;
}

static void the_honest_are_not_to_be_named(void **state) {
        struct scenario s = spoofed_flood();
        struct prefix client = { traffic_address(&s.traffic, 0, 0), ADDRESS_BITS };
        struct prefix spoofed = { traffic_address(&s.traffic, 1, 7), ADDRESS_BITS };
        struct prefix network = { address_mask(&spoofed.address, ADDRESS_BITS - 8), ADDRESS_BITS - 8 };

        assert_true(times_named(&s, &client) > 280);
        assert_true(times_named(&s, &spoofed) > 280); /* whoever it belongs to has not sent it */
        s.traffic.populations[1].sources = 10;
        assert_true(times_named(&s, &client) > 280);
        assert_int_equal(times_named(&s, &spoofed), 0);
        assert_int_equal(times_named(&s, &network), 0);
        s.traffic.populations[1].sources = 60000; /* so many are forged */
        assert_true(times_named(&s, &spoofed) > 280);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_truth_is_left_alone),
                cmocka_unit_test(wrong_figures),
                cmocka_unit_test(wrong_names),
                cmocka_unit_test(the_honest_are_not_to_be_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
