/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a person reads at night: for each diagnosis the figures that made it. */
#include "tests/unit/unit.h"

#include <string.h>

#include "core/explain.h"

static const struct listener_key web = { .address = { .bytes = { [10] = 0xff, [11] = 0xff } }, .port = 80 };
static char text[512];

static void assert_says(const struct evidence *e, const struct listener_key *listener, const char *expected) {
        assert_string_equal(explain_evidence(e, listener, text, sizeof text), expected);
}

static struct evidence flood(void) {
        struct evidence e = evidence_unknown();

        e.half_open = 512;
        e.backlog = 511;
        e.half_open_aged = 501;
        e.syn_per_s = 4200;
        e.completed_per_s = 84;
        e.unanswered_share = 0.98;
        e.unanswered_per_s = 4116.2;
        e.distinct_sources = 16e6;
        e.seen_once_share = 0.99;
        return e;
}

static void spoofed(void **state) {
        struct evidence e = flood();

        (void) state;
        assert_says(&e, &web,
                    "half-open 512 of 511 at 0.0.0.0:80, 98 % aged; 4,200 SYN/s, 2 % complete, "
                    "4,116/s unfinished; 16.0 M addresses, seen about once");
        /* What may not be named is not in the evidence. */
        e.top_share = 0.3;
        assert_non_null(strstr(explain_evidence(&e, &web, text, sizeof text), "the heaviest sends 30 %"));
        e.explained_per_s[EXPLAINED_LOSS] = 12;
        e.explained_per_s[EXPLAINED_NOISE] = 8;
        assert_non_null(
                strstr(explain_evidence(&e, &web, text, sizeof text), "4,116/s unfinished, 12/s explained by loss; "));
}

static void what_does_not_reach_a_listener(void **state) {
        struct evidence e = flood();

        (void) state;
        e.dropped_before_per_s = 200;
        e.forwarded_per_s = 3;
        assert_non_null(strstr(explain_evidence(&e, NULL, text, sizeof text),
                               "200 SYN/s never reach a listener: dropped before TCP; "));
        assert_null(strstr(text, "forwarded"));
}

static void concentrated(void **state) {
        struct evidence e = flood();

        (void) state;
        e.distinct_sources = 250;
        e.seen_once_share = 0;
        e.top_share = 0.91;
        assert_int_equal(prefix_parse("203.0.113.0/24", &e.top), 0);
        assert_non_null(
                strstr(explain_evidence(&e, NULL, text, sizeof text), "; 250 addresses, 203.0.113.0/24 sends 91 %"));
}

static void reflected(void **state) {
        struct evidence e = evidence_unknown();

        (void) state;
        e.syn_per_s = 900;
        e.embryonic_rsts_per_s = 850;
        assert_says(&e, NULL, "900 SYN/s, 850/s of our SYN-ACKs answered by RST");
}

static void accept_stall(void **state) {
        struct evidence e = evidence_unknown();

        (void) state;
        e.half_open = 20;
        e.backlog = 128;
        e.accept_queue = 129;
        e.syn_per_s = 200;
        e.accept_overflows_per_s = 150;
        assert_says(&e, &web,
                    "half-open 20 of 128 at 0.0.0.0:80, 129 wait for accept; 200 SYN/s, "
                    "150/s refused for a full accept queue");
}

static void scan(void **state) {
        struct evidence e = evidence_unknown();

        (void) state;
        e.syn_per_s = 1030;
        e.stray_share = 0.97;
        e.stray_ports = 4096;
        e.distinct_sources = 31;
        assert_says(&e, NULL, "1,030 SYN/s, 97 % of the SYNs to 4,096 ports without a listener; 31 addresses");
}

static void lossy(void **state) {
        struct evidence e = evidence_unknown();

        (void) state;
        e.syn_per_s = 190;
        e.unanswered_share = 0.25;
        e.unanswered_per_s = 37.4;
        assert_says(&e, NULL, "190 SYN/s, 75 % complete, 37/s unfinished");
}

static void unknown_is_left_out(void **state) {
        struct evidence e = evidence_unknown();

        (void) state;
        assert_says(&e, &web, "");
}

static void each_has_its_words(void **state) {
        (void) state;
        for (unsigned a = 0; a < DIAGNOSES; a++)
                for (unsigned b = 0; b < a; b++)
                        assert_string_not_equal(explain_diagnosis((enum diagnosis) a),
                                                explain_diagnosis((enum diagnosis) b));
}

/* However little room there is. */
static void is_cut_not_overrun(void **state) {
        struct evidence e = flood();
        char small[64];

        (void) state;
        for (size_t size = 1; size <= sizeof small; size++) {
                memset(small, 'x', sizeof small);
                explain_evidence(&e, &web, small, size);
                assert_true(strlen(small) < size);
                for (size_t i = size; i < sizeof small; i++)
                        assert_int_equal(small[i], 'x');
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(spoofed),
                cmocka_unit_test(concentrated),
                cmocka_unit_test(what_does_not_reach_a_listener),
                cmocka_unit_test(reflected),
                cmocka_unit_test(accept_stall),
                cmocka_unit_test(scan),
                cmocka_unit_test(lossy),
                cmocka_unit_test(unknown_is_left_out),
                cmocka_unit_test(each_has_its_words),
                cmocka_unit_test(is_cut_not_overrun),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
