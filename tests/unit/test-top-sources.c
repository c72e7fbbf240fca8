/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "core/top_sources.h"

static struct top_sources top;
static struct culprits seen; /* large */
static struct top_source told[TOP_SOURCES_TOLD];

static int set_up(void **state) {
        (void) state;
        memset(&top, 0, sizeof top);
        memset(&seen, 0, sizeof seen);
        return 0;
}

static void begin(double syn_per_s) {
        seen.count = 0;
        seen.unfinished_per_s = syn_per_s;
}

static void source(const char *prefix, double syn_per_s, double error) {
        struct culprit *s = &seen.list[seen.count++];

        *s = (struct culprit) { .unfinished_per_s = syn_per_s - error };
        assert_int_equal(prefix_parse(prefix, &s->prefix), 0);
}

static void assert_told(uint32_t n, const char *text) {
        char is[256];

        assert_int_equal(top_sources_tell(&top, told), n);
        assert_string_equal(top_sources_text(told, n, is, sizeof is), text);
}

static void nobody(void **state) {
        (void) state;
        assert_told(0, "");
        top_sources_add(&top, &seen, false, 1); /* nothing is known */
        assert_told(0, "");
        begin(1000);
        source("192.0.2.1", 40, 0); /* too light to be named */
        source("192.0.2.2", 90, 60);
        top_sources_add(&top, &seen, false, 1);
        assert_told(0, "");
}

static void one_host_and_its_network(void **state) {
        (void) state;
        begin(1000);
        source("203.0.113.0/24", 910, 10);
        source("203.0.113.7", 860, 10);
        top_sources_add(&top, &seen, false, 2);
        assert_told(1, "203.0.113.7 (85 %)");
}

static void a_network_of_many(void **state) {
        (void) state;
        begin(1000);
        source("203.0.113.0/24", 910, 10);
        for (unsigned i = 0; i < 9; i++) {
                char name[32];

                snprintf(name, sizeof name, "203.0.113.%u", i);
                source(name, 100, 0);
        }
        source("2001:db8::/48", 60, 0);
        source("2001:db8::/64", 60, 0);
        source("2001:db8::1", 60, 0);
        top_sources_add(&top, &seen, false, 1);
        assert_told(2, "203.0.113.0/24 (90 %), 2001:db8::1 (6 %)");
}

/* What there was before a flood, and for a moment only, is not what the flood was made of. */
static void over_the_whole_time(void **state) {
        (void) state;
        begin(100);
        source("192.0.2.1", 60, 0);
        top_sources_add(&top, &seen, false, 0.2);
        begin(10000);
        source("198.51.100.1", 5000, 0);
        source("198.51.100.2", 2500, 0);
        source("192.0.2.1", 60, 0);
        top_sources_add(&top, &seen, false, 10);
        assert_told(2, "198.51.100.1 (50 %), 198.51.100.2 (25 %)");
        assert_true(told[0].share > 0.49 && told[0].share < 0.51);
}

static void only_the_heaviest_are_told(void **state) {
        (void) state;
        begin(1000);
        source("192.0.2.1", 100, 0);
        source("198.51.100.1", 300, 0);
        source("203.0.113.1", 200, 0);
        source("192.0.2.9", 250, 0);
        source("192.0.2.8", 60, 0);
        top_sources_add(&top, &seen, false, 1);
        assert_told(3, "198.51.100.1 (30 %), 192.0.2.9 (25 %), 203.0.113.1 (20 %)");
}

/* However many pass by, a heavy one finds a place and keeps it. */
static void room_for_the_heavy(void **state) {
        char name[32];

        (void) state;
        for (unsigned round = 0; round < 8; round++) {
                begin(10000);
                for (unsigned i = 0; i < OBS_SOURCES_MAX - 1; i++) {
                        snprintf(name, sizeof name, "192.0.%u.%u", round, i);
                        source(name, 10, 0);
                }
                if (round >= 4)
                        source("203.0.113.9", 4000, 0);
                top_sources_add(&top, &seen, false, 1);
        }
        assert_told(1, "203.0.113.9 (20 %)");
}

static void text_is_cut_not_overrun(void **state) {
        char text[12];

        (void) state;
        begin(100);
        source("203.0.113.0/24", 90, 0);
        top_sources_add(&top, &seen, false, 1);
        assert_int_equal(top_sources_tell(&top, told), 1);
        top_sources_text(told, 1, text, sizeof text);
        assert_string_equal(text, "203.0.113.0");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

/* A checker beside a flood is nobody's accomplice; a reflection's victim is its victim. */
static void who_answers_by_rst(void **state) {
        (void) state;
        begin(1000);
        source("192.0.2.1", 600, 0);
        source("192.0.2.2", 300, 0);
        seen.list[1].is = OBS_S_DISOWNS;
        top_sources_add(&top, &seen, false, 1);
        assert_told(1, "192.0.2.1 (60 %)");
        top_sources_add(&top, &seen, true, 2);
        assert_told(2, "192.0.2.1 (60 %), 192.0.2.2 (20 %)");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(nobody),
                TEST(one_host_and_its_network),
                TEST(a_network_of_many),
                TEST(over_the_whole_time),
                TEST(only_the_heaviest_are_told),
                TEST(room_for_the_heavy),
                TEST(text_is_cut_not_overrun),
                TEST(who_answers_by_rst),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
