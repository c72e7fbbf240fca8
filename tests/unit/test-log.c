/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/log.h"

/* Runs say() with stderr on a pseudo terminal or a pipe, and returns what came out. */
static char *said(bool terminal, int verbosity, void (*say)(void)) {
        static char text[8192];
        int from, to, kept = dup(STDERR_FILENO);
        size_t length = 0;
        ssize_t n;

        assert_true(kept >= 0);
        if (terminal) {
                from = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
                assert_true(from >= 0);
                assert_int_equal(grantpt(from), 0);
                assert_int_equal(unlockpt(from), 0);
                to = open(ptsname(from), O_RDWR | O_NOCTTY | O_CLOEXEC);
                assert_true(to >= 0);
        } else {
                int ends[2];

                assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
                from = ends[0];
                to = ends[1];
        }
        assert_int_equal(dup2(to, STDERR_FILENO), STDERR_FILENO);
        log_setup(verbosity);
        say();
        assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
        close(to);
        /* Until its end: a terminal hands over what was written in its own time. */
        while ((n = read(from, text + length, sizeof text - 1 - length)) > 0)
                length += (size_t) n;
        text[length] = '\0';
        close(from);
        close(kept);
        return text;
}

static void all_levels(void) {
        log_error("e");
        log_warning("w");
        log_notice("n");
        log_info("i");
        log_debug("d");
        log_at(LOG_TRACE, "t");
}

static unsigned lines(const char *text) {
        unsigned n = 0;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

static void verbosity(void **state) {
        assert_int_equal(lines(said(false, 0, all_levels)), 4);
        assert_int_equal(lines(said(false, 1, all_levels)), 5);
        assert_int_equal(lines(said(false, 2, all_levels)), 6);
        assert_int_equal(lines(said(false, -1, all_levels)), 2);
        assert_int_equal(lines(said(false, -2, all_levels)), 1);
}

static void to_a_pipe(void **state) {
        char *text;
        int year, ms, zone_hours, zone_minutes, end = 0;

        setenv("TZ", "XYZ-5:30", 1);
        tzset();
        text = said(false, -2, all_levels);
        assert_int_equal(sscanf(text, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%3d+%2d:%2d error: e\n%n", &year, &ms, &zone_hours,
                                &zone_minutes, &end),
                         4);
        assert_int_equal(end, strlen(text));
        assert_int_equal(zone_hours, 5);
        assert_int_equal(zone_minutes, 30);
}

static void colour(void **state) {
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        assert_non_null(strstr(said(true, 0, all_levels), "\033[33mwarning:\033[0m w"));
        assert_null(strchr(said(false, 0, all_levels), '\033'));
        setenv("NO_COLOR", "1", 1);
        assert_null(strchr(said(true, 0, all_levels), '\033'));
        unsetenv("NO_COLOR");
        setenv("TERM", "dumb", 1);
        assert_null(strchr(said(true, 0, all_levels), '\033'));
}

static void hostile(void) {
        char longer[3 * LOG_LINE_MAX];

        memset(longer, 'x', sizeof longer);
        longer[sizeof longer - 1] = '\0';
        errno = ENOSPC;
        log_info("a\nforged: line\033[2J\x7f\tb \xe2\x80\xa6");
        log_info("%s", longer);
        close(STDERR_FILENO);
        log_info("nobody hears this");
        assert_int_equal(errno, ENOSPC);
}

static void control_characters_and_length(void **state) {
        char *text = said(false, 0, hostile);

        assert_non_null(strstr(text, "a?forged: line?[2J?\tb \xe2\x80\xa6\n"));
        assert_int_equal(lines(text), 2);
        assert_in_range(strlen(text), LOG_LINE_MAX, LOG_LINE_MAX + 256);
}

static void say_nothing(void) {}

/* JOURNAL_STREAM counts only for the very file it names. */
static void journal_is_recognised(void **state) {
        char stream[64];
        struct stat st;

        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
        log_setup(0);
        assert_true(log_to_journal());
        said(false, 0, say_nothing); /* stderr is a pipe then */
        assert_false(log_to_journal());
        setenv("JOURNAL_STREAM", "rubbish", 1);
        log_setup(0);
        assert_false(log_to_journal());
        unsetenv("JOURNAL_STREAM");
        log_setup(0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(verbosity),
                cmocka_unit_test(to_a_pipe),
                cmocka_unit_test(colour),
                cmocka_unit_test(control_characters_and_length),
                cmocka_unit_test(journal_is_recognised),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
