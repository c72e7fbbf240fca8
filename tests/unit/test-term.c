/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What synwardctl makes of texts and figures that mean ill. */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/worst.h"

/* What was written to standard output since it began; to be freed. */
static struct {
        FILE *real, *file;
        char *text;
        size_t length;
} caught;

static void begin_output(void) {
        caught.real = stdout;
        caught.file = open_memstream(&caught.text, &caught.length);
        assert_non_null(caught.file);
        stdout = caught.file;
}

static void expect_output(const char *expected) {
        stdout = caught.real;
        fclose(caught.file);
        assert_string_equal(caught.text, expected);
        free(caught.text);
}

static void controls_become_question_marks(void **state) {
        static const char *const cases[][2] = {
                { "plain", "plain" },
                { "a\033[31mb", "a?[31mb" },
                { "a\x7f", "a?" },
                { "a\nb\tc", "a?b?c" },
                { "\xc2\x9b", "?" },             /* U+009B, which is ESC [ */
                { "\xc3\x9b", "\xc3\x9b" },      /* U+00DB, which only has such a byte */
                { "\x9b"
                  "31m",
                  "?31m" },        /* what a cut left of a character */
                { "\xe2\x96\x88", "\xe2\x96\x88" },
        };
        char text[64];

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                assert_string_equal(term_clean(cases[i][0], text, sizeof text), cases[i][1]);
        assert_string_equal(term_clean("ab\xc3\xa4", text, 4), "ab");
}

static void says_what_cannot_drive_a_terminal(void **state) {
        begin_output();
        term_say(stdout, "%s: %d\n\n", "a\033\n", 7);
        term_say(stdout, "%.3s", "1\n2\n3");
        term_say(stdout, "\n");
        term_say(stdout, "%s", "");
        expect_output("a??: 7\n\n1?2\n");
}

static void json_stays_json(void **state) {
        json_t *o = json_pack("{s:s}", "a\x7f", "\033\x7f\xc2\x9b\xc3\xa4"), *again;

        assert_non_null(o);
        begin_output();
        assert_int_equal(ctl_print_json(o), EXIT_OK);
        stdout = caught.real;
        fclose(caught.file);
        assert_string_equal(caught.text, "{\"a\\u007F\":\"\\u001B\\u007F\\u009B\xc3\xa4\"}\n");
        again = json_loads(caught.text, 0, NULL);
        assert_true(json_equal(o, again));
        json_decref(again);
        json_decref(o);
        free(caught.text);
}

static void columns_are_as_wide_as_they_must_be(void **state) {
        static const struct table_column columns[] = { { "NAME", false }, { "N", true }, { "LAST", false } };
        const struct term term = { .width = 80 };
        struct table *t = table_new(columns, 3);

        table_add(t, PAINT_NONE, "\xc3\xa4\xc3\xb6");
        table_add(t, PAINT_NONE, "100");
        table_add(t, PAINT_NONE, "x");
        begin_output();
        table_print(t, &term);
        expect_output("NAME    N  LAST\n\xc3\xa4\xc3\xb6    100  x\n");
        table_free(t);
}

static void times(void **state) {
        assert_true(term_seconds("1970-01-01T00:00:01.500Z") > 1.4 && term_seconds("1970-01-01T00:00:01.500Z") < 1.6);
        assert_true(isnan(term_seconds("yesterday")));
        assert_true(isfinite(term_seconds("1970-01-01T00:00:01.5e999")));
}

/* An order for qsort(3), whatever the daemon says. */
static void sorts_what_has_no_port(void **state) {
        json_t *list = json_pack("[{s:s, s:i}, {s:s}, {s:s, s:i}, {s:s}]", "address", "c", "port", 9, "address", "b",
                                 "address", "a", "port", 5, "address", "a");
        const json_t **sorted = worst_sort(list, WORST_PORT);

        assert_non_null(sorted);
        assert_string_equal(ctl_text(sorted[0], "address"), "a");
        assert_true(isnan(ctl_number(sorted[0], "port")));
        assert_string_equal(ctl_text(sorted[1], "address"), "b");
        assert_true(ctl_number(sorted[2], "port") < ctl_number(sorted[3], "port"));
        free(sorted);
        json_decref(list);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(controls_become_question_marks),
                cmocka_unit_test(says_what_cannot_drive_a_terminal),
                cmocka_unit_test(json_stays_json),
                cmocka_unit_test(columns_are_as_wide_as_they_must_be),
                cmocka_unit_test(times),
                cmocka_unit_test(sorts_what_has_no_port),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
