/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fleet_sketch.h"

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)

/* The clocks of one host: its own began a while ago, and the world's is in the midst of a minute. */
#define BOOT (1000 * SECOND)
#define REAL (29000000 * MINUTE + 20 * SECOND)

#define CELLS ((unsigned) FLEET_SKETCH_CELLS)
#define REGISTERS ((unsigned) FLEET_SKETCH_REGISTERS)

static struct siphash_key key_of(uint64_t seed) {
        return (struct siphash_key) { { seed * UINT64_C(0x9e3779b97f4a7c15), seed ^ UINT64_C(0x243f6a8885a308d3) } };
}

static struct fleet_sketch *make(uint64_t seed) {
        const struct siphash_key key = key_of(seed);
        struct fleet_sketch *s;

        assert_int_equal(fleet_sketch_new(&key, BOOT, REAL, &s), 0);
        /* What was there before the first walk is of nobody knows when. */
        fleet_sketch_walk_begin(s, BOOT);
        fleet_sketch_walk_end(s);
        return s;
}

static void reach(struct fleet_sketch *s, const char *address, unsigned times) {
        struct address a;

        assert_int_equal(address_parse(address, &a), 0);
        for (unsigned i = 0; i < times; i++)
                fleet_sketch_half_open(s, &a, 5 * SECOND);
}

/* Neighbouring /24s, the hardest for a weak hash. */
static void reach_number(struct fleet_sketch *s, uint32_t n, unsigned times) {
        struct address a = address_from_ipv4(__builtin_bswap32(0x0a000001 + (n << 8)));

        for (unsigned i = 0; i < times; i++)
                fleet_sketch_half_open(s, &a, 5 * SECOND);
}

/* One walk a second after the last, and the minute closed. */
static void begin(struct fleet_sketch *s) {
        fleet_sketch_walk_begin(s, BOOT + SECOND);
}

static void end(struct fleet_sketch *s) {
        fleet_sketch_walk_end(s);
        fleet_sketch_pass(s, BOOT + MINUTE, REAL + MINUTE);
}

static uint64_t row_sum(const struct fleet_told *t, unsigned row) {
        uint64_t n = 0;

        for (unsigned i = 0; i < CELLS; i++)
                n += t->cells[row][i];
        return n;
}

static uint64_t sum(const struct fleet_sketch *s) {
        const struct fleet_told *t = fleet_sketch_told(s);

        assert_int_equal(row_sum(t, 0), row_sum(t, 1));
        return row_sum(t, 0);
}

static unsigned registers_set(const struct fleet_sketch *s) {
        unsigned n = 0;

        for (unsigned i = 0; i < REGISTERS; i++)
                n += fleet_sketch_told(s)->registers[i] > 0;
        return n;
}

/* The cell that a prefix fell into, of a sketch with nothing else. */
static unsigned only_cell(const struct fleet_sketch *s, unsigned row) {
        unsigned found = CELLS;

        for (unsigned i = 0; i < CELLS; i++)
                if (fleet_sketch_told(s)->cells[row][i] > 0) {
                        assert_int_equal(found, CELLS);
                        found = i;
                }
        assert_true(found < CELLS);
        return found;
}

/* vectors_sip64[16] of the authors' reference implementation. */
static void siphash_is_siphash(void **state) {
        struct siphash_key key = { { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) } };
        struct address message;

        for (uint8_t i = 0; i < sizeof message.bytes; i++)
                message.bytes[i] = i;
        assert_true(siphash_address(&key, &message) == UINT64_C(0x3f2acc7f57c29bdb));
}

/* --- what is counted -------------------------------------------------------------------- */

static void prefixes_are_24_and_48(void **state) {
        static const struct {
                const char *one, *other;
                bool same;
        } pairs[] = {
                { "192.0.2.1", "192.0.2.254", true },
                { "192.0.2.1", "192.0.3.1", false },
                { "2001:db8:1:1::1", "2001:db8:1:ffff::2", true },
                { "2001:db8:1::1", "2001:db8:2::1", false },
        };

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                struct fleet_sketch *a = make(1), *b = make(1);

                begin(a);
                reach(a, pairs[i].one, 1);
                end(a);
                begin(b);
                reach(b, pairs[i].other, 1);
                end(b);
                assert_int_equal(only_cell(a, 0) == only_cell(b, 0) && only_cell(a, 1) == only_cell(b, 1),
                                 pairs[i].same);
                fleet_sketch_free(a);
                fleet_sketch_free(b);
        }
}

/* As the kernel's timer tells it of an entry whose SYN came so often again at once. */
static uint64_t age_told(uint64_t age_us, unsigned again) {
        unsigned timeouts = 0;

        while (age_us >= ((UINT64_C(2) << timeouts) - 1) * SECOND)
                timeouts++;
        return ((UINT64_C(2) << (timeouts + again)) - (UINT64_C(2) << timeouts)) * SECOND + age_us;
}

/* Of half-opens of 63 s that began all over a minute, told by walks of every pace. */
static uint64_t counted(uint64_t pace_us, uint64_t life_us, unsigned again) {
        enum { ENTRIES = 60 };
        struct fleet_sketch *s = make(1);
        struct address a;
        uint64_t n;

        assert_int_equal(address_parse("192.0.2.1", &a), 0);
        for (uint64_t now = BOOT + pace_us; now < BOOT + 4 * MINUTE; now += pace_us) {
                fleet_sketch_walk_begin(s, now);
                for (uint64_t i = 0; i < ENTRIES; i++) {
                        uint64_t born = BOOT + 10 * SECOND + i * 1012345;

                        if (now >= born && now - born < life_us)
                                fleet_sketch_half_open(s, &a, age_told(now - born, again));
                }
                fleet_sketch_walk_end(s);
                fleet_sketch_pass(s, now, REAL + (now - BOOT));
        }
        fleet_sketch_pass(s, BOOT + 5 * MINUTE, REAL + 5 * MINUTE);
        n = sum(s);
        fleet_sketch_free(s);
        return n;
}

static void each_is_counted_once(void **state) {
        static const uint64_t paces_us[] = { 137000, 200000, SECOND, 2500000, 9 * SECOND, 57 * SECOND };

        assert_int_equal(age_told(500000, 1), 2500000);
        assert_int_equal(age_told(SECOND, 1), 5 * SECOND);
        assert_int_equal(age_told(4 * SECOND, 0), 4 * SECOND);
        for (size_t i = 0; i < sizeof paces_us / sizeof *paces_us; i++) {
                assert_int_equal(counted(paces_us[i], 63 * SECOND, 0), 60);
                assert_int_equal(counted(paces_us[i], 4900000, 0), 0);
        }
        /* Each SYN twice. */
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(counted(paces_us[i], 63 * SECOND, 1), 60);
}

/* One that is begun again says what it says the second time, one that breaks off nothing, and what a
 * sketch was not told the beginning of neither. */
static void only_whole_walks_count(void **state) {
        struct fleet_sketch *s = make(1);

        reach(s, "192.0.2.1", 5);
        begin(s);
        reach(s, "192.0.2.1", 3);
        begin(s);
        reach(s, "192.0.2.1", 2);
        end(s);
        assert_int_equal(sum(s), 2);
        fleet_sketch_walk_begin(s, BOOT + MINUTE);
        reach(s, "192.0.2.1", 4);
        fleet_sketch_pass(s, BOOT + 2 * MINUTE, REAL + 2 * MINUTE);
        assert_int_equal(sum(s), 2);
        /* The next whole walk makes up for it. */
        fleet_sketch_walk_begin(s, BOOT + 2 * MINUTE);
        reach(s, "192.0.2.1", 4);
        fleet_sketch_walk_end(s);
        fleet_sketch_walk_end(s);
        fleet_sketch_pass(s, BOOT + 3 * MINUTE, REAL + 3 * MINUTE);
        assert_int_equal(sum(s), 6);
        fleet_sketch_free(s);
}

static void the_first_walk_is_no_minute(void **state) {
        const struct siphash_key key = key_of(1);
        struct fleet_sketch *s;

        assert_int_equal(fleet_sketch_new(&key, BOOT, REAL, &s), 0);
        fleet_sketch_walk_begin(s, BOOT);
        reach(s, "192.0.2.1", 7);
        end(s);
        assert_int_equal(sum(s), 0);
        fleet_sketch_free(s);
}

/* --- minutes ------------------------------------------------------------------------------ */

static void only_whole_minutes_are_told(void **state) {
        struct fleet_sketch *s = make(1);

        begin(s);
        reach(s, "192.0.2.1", 3);
        fleet_sketch_walk_end(s);
        /* The minute of the world's clock is over 40 s after it was begun here. */
        fleet_sketch_pass(s, BOOT + 40 * SECOND - 1, REAL + 40 * SECOND - 1);
        assert_int_equal(sum(s), 0);
        assert_int_equal(registers_set(s), 0);
        fleet_sketch_pass(s, BOOT + 40 * SECOND, REAL + 40 * SECOND);
        assert_int_equal(sum(s), 3);
        assert_int_equal(registers_set(s), 1);
        /* Cells stay, registers are those of a minute. */
        fleet_sketch_pass(s, BOOT + 100 * SECOND - 1, REAL + 100 * SECOND - 1);
        assert_int_equal(registers_set(s), 1);
        fleet_sketch_pass(s, BOOT + 100 * SECOND, REAL + 100 * SECOND);
        assert_int_equal(sum(s), 3);
        assert_int_equal(registers_set(s), 0);
        fleet_sketch_free(s);
}

/* Set back or ahead, the minute at hand is told, and no cell ever falls. */
static void a_clock_that_is_set_loses_nothing(void **state) {
        static const int64_t steps_s[] = { 3600, -7200, 60, -60, 0 };
        struct fleet_sketch *s = make(1);
        uint64_t now = BOOT, real = REAL, before = 0;

        for (size_t i = 0; i < sizeof steps_s / sizeof *steps_s; i++) {
                now += SECOND;
                fleet_sketch_walk_begin(s, now);
                reach(s, "192.0.2.1", 2);
                fleet_sketch_walk_end(s);
                real += (uint64_t) (steps_s[i] * (int64_t) SECOND);
                fleet_sketch_pass(s, now, real);
                assert_true(sum(s) >= before);
                before = sum(s);
        }
        fleet_sketch_pass(s, now + MINUTE, real + MINUTE);
        assert_int_equal(sum(s), 10);
        fleet_sketch_free(s);
}

/* --- merging -------------------------------------------------------------------------------- */

static void hosts_add_up_to_one_that_saw_all(void **state) {
        struct fleet_sketch *a = make(3), *b = make(3), *both = make(3);

        begin(a), begin(b), begin(both);
        for (uint32_t n = 0; n < 500; n++) {
                if (n % 3 != 0)
                        reach_number(a, n, n % 5 + 1), reach_number(both, n, n % 5 + 1);
                if (n % 3 != 1)
                        reach_number(b, n, 2), reach_number(both, n, 2);
        }
        end(a), end(b), end(both);
        for (unsigned row = 0; row < FLEET_SKETCH_ROWS; row++)
                for (unsigned i = 0; i < CELLS; i++)
                        assert_int_equal(fleet_sketch_told(a)->cells[row][i] + fleet_sketch_told(b)->cells[row][i],
                                         fleet_sketch_told(both)->cells[row][i]);
        for (unsigned i = 0; i < REGISTERS; i++) {
                uint8_t x = fleet_sketch_told(a)->registers[i], y = fleet_sketch_told(b)->registers[i];

                assert_int_equal(x > y ? x : y, fleet_sketch_told(both)->registers[i]);
        }
        assert_int_equal(fleet_sketch_told(a)->mark, fleet_sketch_told(b)->mark);
        fleet_sketch_free(a), fleet_sketch_free(b), fleet_sketch_free(both);
}

/* A minute is many walks: what the last of them found of a register is not all. */
static void walks_of_a_minute_are_one(void **state) {
        struct fleet_sketch *many = make(3), *one = make(3);

        begin(one);
        for (uint32_t n = 0; n < 300; n++) {
                reach_number(one, n, 1);
                if (n % 100 == 0)
                        fleet_sketch_walk_end(many), fleet_sketch_walk_begin(many, BOOT + (n / 100 + 1) * SECOND);
                reach_number(many, n, 1);
        }
        end(many), end(one);
        assert_memory_equal(fleet_sketch_told(many), fleet_sketch_told(one), sizeof *fleet_sketch_told(one));
        assert_int_equal(sum(one), 300);
        fleet_sketch_free(many), fleet_sketch_free(one);
}

/* Who shares a cell of one row with somebody else does not of the other. */
static void rows_are_apart(void **state) {
        enum { PREFIXES = 2000 };
        unsigned same = 0;

        for (uint32_t n = 0; n < PREFIXES; n++) {
                struct fleet_sketch *s = make(1);

                begin(s);
                reach_number(s, n, 1);
                end(s);
                same += only_cell(s, 0) == only_cell(s, 1);
                fleet_sketch_free(s);
        }
        /* 1 in 64: 31, with a standard error of 5.5. */
        assert_in_range(same, 9, 53);
}

static void another_key_is_another_sketch(void **state) {
        unsigned same_cell = 0, same_mark = 0;
        enum { ROUNDS = 2000 };

        for (unsigned i = 0; i < ROUNDS; i++) {
                struct fleet_sketch *a = make(i), *b = make(i + 100000);

                begin(a);
                reach(a, "192.0.2.1", 1);
                end(a);
                begin(b);
                reach(b, "192.0.2.1", 1);
                end(b);
                same_cell += only_cell(a, 0) == only_cell(b, 0);
                same_mark += fleet_sketch_told(a)->mark == fleet_sketch_told(b)->mark;
                fleet_sketch_free(a), fleet_sketch_free(b);
        }
        /* 1 in 64: 31, with a standard error of 5.5; and 1 in 65,536. */
        assert_in_range(same_cell, 9, 53);
        assert_in_range(same_mark, 0, 2);
}

/* --- how good they are ------------------------------------------------------------------------ */

/* A cell never falls short of its prefix; what it has too much is 1/64 of the others on average. */
static void cells_are_upper_bounds(void **state) {
        const unsigned PREFIXES = 2000, ROUNDS = 40, OWN = 30;
        double excess = 0;

        for (unsigned round = 0; round < ROUNDS; round++) {
                struct fleet_sketch *alone = make(round), *s = make(round);

                begin(alone), begin(s);
                reach_number(alone, 0, OWN);
                reach_number(s, 0, OWN);
                for (uint32_t n = 1; n <= PREFIXES; n++)
                        reach_number(s, n, 1);
                end(alone), end(s);
                for (unsigned row = 0; row < FLEET_SKETCH_ROWS; row++) {
                        uint64_t cell = fleet_sketch_told(s)->cells[row][only_cell(alone, row)];

                        assert_true(cell >= OWN);
                        excess += (double) (cell - OWN) / (ROUNDS * FLEET_SKETCH_ROWS);
                }
                assert_int_equal(sum(s), OWN + PREFIXES);
                fleet_sketch_free(alone), fleet_sketch_free(s);
        }
        /* 31.25 expected, standard deviation of one 5.5, of the mean of 80 0.62. */
        assert_true(fabs(excess - PREFIXES / 64.0) < 4 * 0.62);
}

/* As contrib/prometheus/fleet.rules.yaml reckons. */
static double estimate(const struct fleet_told *t) {
        double harmonic = 0, raw;
        unsigned empty = 0;

        for (unsigned i = 0; i < REGISTERS; i++) {
                harmonic += exp2(-t->registers[i]);
                empty += t->registers[i] == 0;
        }
        raw = 0.709 * REGISTERS * REGISTERS / harmonic;
        return empty > 0 && raw <= 160 ? REGISTERS * log((double) REGISTERS / empty) : raw;
}

/* 1.04/8 is 13 %: the errors over many keys are of that size, and no bias is left. Between 2 and 5 times
 * the registers the estimators change over, which Flajolet et al. bound by some per cent more. */
static void registers_count_prefixes(void **state) {
        static const uint32_t sizes[] = { 0, 1, 3, 30, 100, 1000, 20000 };
        const unsigned ROUNDS = 60;

        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                double n = sizes[i], squares = 0, errors = 0;

                for (unsigned round = 0; round < ROUNDS; round++) {
                        struct fleet_sketch *s = make(round + 7);
                        double e;

                        begin(s);
                        for (uint32_t k = 0; k < sizes[i]; k++)
                                reach_number(s, k, 1 + k % 2);
                        end(s);
                        e = estimate(fleet_sketch_told(s)) - n;
                        errors += e / ROUNDS;
                        squares += e * e / ROUNDS;
                        fleet_sketch_free(s);
                }
                assert_true(sqrt(squares) <= 1.3 * 0.13 * n);
                assert_true(fabs(errors) <= 4 * 0.13 * n / sqrt(ROUNDS) + 0.02 * n);
        }
}

/* --- who is in a cell ------------------------------------------------------------------------- */

static void who_is_in_a_cell(void **state) {
        struct fleet_sketch *alone = make(5), *s = make(5);
        struct fleet_source found[8];
        unsigned cell[FLEET_SKETCH_ROWS], sites = 0;
        char text[ADDRESS_TEXT_MAX];

        begin(alone);
        reach(alone, "198.51.100.7", 1);
        end(alone);
        for (unsigned row = 0; row < FLEET_SKETCH_ROWS; row++)
                cell[row] = only_cell(alone, row);

        begin(s);
        for (uint32_t n = 0; n < 100; n++)
                reach_number(s, n, 1);
        reach(s, "198.51.100.7", 120);
        end(s);
        /* Two minutes ago 120 in one minute, halved once, in half a minute's time: 2/s still. */
        for (unsigned row = 0; row < FLEET_SKETCH_ROWS; row++) {
                assert_in_range(fleet_sketch_named(s, row, cell[row], 8, found), 1, 8);
                assert_string_equal(prefix_format(&found[0].prefix, text), "198.51.100.0/24");
                assert_true(fabs(found[0].unanswered_per_s - 2) < 0.1);
                assert_true(found[0].unanswered_error_per_s < 0.1);
        }
        /* Only those of the cell, all of them, and no more than were asked for. */
        assert_int_equal(fleet_sketch_named(s, 0, cell[0], 0, found), 0);
        assert_int_equal(fleet_sketch_named(s, 0, cell[0], 1, found), 1);
        {
                struct fleet_source all[FLEET_SKETCH_NAMED_MAX];
                size_t named = 0;

                for (unsigned i = 0; i < CELLS; i++)
                        named += fleet_sketch_named(s, 1, i, FLEET_SKETCH_NAMED_MAX, all);
                assert_int_equal(named, 101);
        }
        /* An IPv6 source by its site; and what has ended is forgotten by halves. */
        fleet_sketch_walk_begin(alone, BOOT + MINUTE);
        reach(alone, "2001:db8:7:9::1", 1);
        fleet_sketch_walk_end(alone);
        for (unsigned i = 0; i < CELLS; i++)
                for (size_t n = fleet_sketch_named(alone, 0, i, 8, found); n > 0; n--)
                        sites += strcmp(prefix_format(&found[n - 1].prefix, text), "2001:db8:7::/48") == 0;
        assert_int_equal(sites, 1);
        for (unsigned minute = 3; minute < 40; minute++)
                fleet_sketch_pass(s, BOOT + minute * MINUTE, REAL + minute * MINUTE);
        assert_int_equal(fleet_sketch_named(s, 0, cell[0], 8, found), 0);
        fleet_sketch_free(alone), fleet_sketch_free(s);
}

/* A million prefixes, and a heavy one among them. */
static void a_spoofed_flood_hides_nobody_and_costs_no_memory(void **state) {
        struct fleet_sketch *alone = make(9), *s = make(9);
        struct fleet_source found[1];
        char text[ADDRESS_TEXT_MAX];
        size_t before = fleet_sketch_memory(s);

        begin(alone);
        reach(alone, "198.51.100.7", 1);
        end(alone);
        begin(s);
        for (uint32_t n = 0; n < 1000000; n++) {
                reach_number(s, n, 1);
                if (n % 50 == 0)
                        reach(s, "198.51.100.7", 1);
        }
        end(s);
        assert_int_equal(fleet_sketch_memory(s), before);
        assert_in_range(before, 1, 64 * 1024);
        assert_int_equal(sum(s), 1020000);
        assert_int_equal(fleet_sketch_named(s, 0, only_cell(alone, 0), 1, found), 1);
        assert_string_equal(prefix_format(&found[0].prefix, text), "198.51.100.0/24");
        fleet_sketch_free(alone), fleet_sketch_free(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(siphash_is_siphash),
                cmocka_unit_test(prefixes_are_24_and_48),
                cmocka_unit_test(each_is_counted_once),
                cmocka_unit_test(only_whole_walks_count),
                cmocka_unit_test(the_first_walk_is_no_minute),
                cmocka_unit_test(only_whole_minutes_are_told),
                cmocka_unit_test(a_clock_that_is_set_loses_nothing),
                cmocka_unit_test(hosts_add_up_to_one_that_saw_all),
                cmocka_unit_test(walks_of_a_minute_are_one),
                cmocka_unit_test(rows_are_apart),
                cmocka_unit_test(another_key_is_another_sketch),
                cmocka_unit_test(cells_are_upper_bounds),
                cmocka_unit_test(registers_count_prefixes),
                cmocka_unit_test(who_is_in_a_cell),
                cmocka_unit_test(a_spoofed_flood_hides_nobody_and_costs_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
