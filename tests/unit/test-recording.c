/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/recording.h"

struct place {
        char directory[64], path[96];
        struct observation o;
};

static int place_make(void **state) {
        struct place *p = calloc(1, sizeof *p);

        snprintf(p->directory, sizeof p->directory, "/tmp/test-recording-XXXXXX");
        if (!mkdtemp(p->directory))
                return -1;
        snprintf(p->path, sizeof p->path, "%s/r.jsonl", p->directory);
        *state = p;
        return 0;
}

static int place_remove(void **state) {
        struct place *p = *state;

        unlink(p->path);
        rmdir(p->directory);
        free(p);
        return 0;
}

static void writes_and_reads(void **state) {
        struct place *p = *state;
        char error[RECORDING_ERROR_MAX];
        struct recording_writer *w;
        struct recording_reader *r;

        for (unsigned run = 0; run < 2; run++) { /* the second goes on where the first ended */
                assert_int_equal(recording_writer_open(p->path, &w), 0);
                for (unsigned i = 0; i < 10; i++) {
                        p->o.time_us = 1000 + run * 10 + i;
                        assert_int_equal(recording_write(w, &p->o), 0);
                }
                assert_true(recording_writer_active(w));
                w = recording_writer_free(w);
                assert_null(w);
        }
        assert_int_equal(recording_reader_open(p->path, &r), 0);
        for (unsigned i = 0; i < 20; i++) {
                assert_int_equal(recording_read(r, &p->o, error), 1);
                assert_int_equal(p->o.time_us, 1000 + i);
        }
        assert_int_equal(recording_read(r, &p->o, error), 0);
        r = recording_reader_free(r);
        assert_null(r);
        assert_int_equal(recording_reader_open("/nonexistent/r.jsonl", &r), -ENOENT);
}

static off_t size_of(const char *path) {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_size;
}

/* A full disk, played by a limit on the size of files: the lines before stay whole. */
static void full_disk_ends_it(void **state) {
        struct place *p = *state;
        char error[RECORDING_ERROR_MAX];
        struct rlimit before, low;
        struct recording_writer *w;
        struct recording_reader *r;
        off_t one;
        int result;

        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(recording_writer_open(p->path, &w), 0);
        p->o.time_us = 1;
        assert_int_equal(recording_write(w, &p->o), 0);
        one = size_of(p->path);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        low = before;
        low.rlim_cur = (rlim_t) one + (rlim_t) one / 2;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        result = recording_write(w, &p->o);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(result, -EFBIG);
        assert_false(recording_writer_active(w));
        assert_int_equal(size_of(p->path), one);
        assert_int_equal(recording_write(w, &p->o), 0); /* told once */
        assert_int_equal(size_of(p->path), one);
        recording_writer_free(w);

        assert_int_equal(recording_reader_open(p->path, &r), 0);
        assert_int_equal(recording_read(r, &p->o, error), 1);
        assert_int_equal(recording_read(r, &p->o, error), 0);
        recording_reader_free(r);

        assert_int_equal(recording_writer_open("/dev/full", &w), 0);
        assert_int_equal(recording_write(w, &p->o), -ENOSPC);
        recording_writer_free(w);
}

#define LINE(time) "{\"schema\":\"synward.observation.v1\",\"time_us\":" time \
                   ",\"realtime_us\":0,\"elapsed_us\":0}"

static void read_text(const char *text, size_t length, unsigned good, int end, const char *expected) {
        char error[RECORDING_ERROR_MAX] = "";
        struct recording_reader *r;
        struct observation *o = calloc(1, sizeof *o);
        FILE *f = fmemopen((void *) (uintptr_t) text, length, "r");

        assert_non_null(f);
        assert_int_equal(recording_reader_new(f, &r), 0);
        for (unsigned i = 0; i < good; i++)
                assert_int_equal(recording_read(r, o, error), 1);
        assert_int_equal(recording_read(r, o, error), end);
        if (strncmp(error, expected, strlen(expected)) != 0)
                fail_msg("%s and not %s", error, expected);
        recording_reader_free(r);
        free(o);
}

static void names_the_line(void **state) {
        static const struct {
                const char *text;
                unsigned good;
                int end;
                const char *error;
        } cases[] = {
                { LINE("5") "\n" LINE("5"), 2, 0, "" }, /* no line break at the end */
                { LINE("5") "\n" LINE("6") "\n" LINE("4") "\n", 2, -EBADMSG, "line 3: time_us: 4 lies before 6" },
                { LINE("5") "\n\n", 1, -EBADMSG, "line 2: column" },
                { LINE("5") "\n{\"schema\":\"synw", 1, -EBADMSG, "line 2: column" },
                { LINE("5") "\n{}\n", 1, -EBADMSG, "line 2: schema: missing" },
                { LINE("-5") "\n", 0, -EBADMSG, "line 1: time_us: not a whole number" },
        };
        char *longest = malloc(RECORDING_LINE_MAX + 1);

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                read_text(cases[i].text, strlen(cases[i].text), cases[i].good, cases[i].end, cases[i].error);
        read_text(LINE("1") "\0\n", sizeof LINE("1") + 1, 0, -EBADMSG, "line 1: column");

        memset(longest, ' ', RECORDING_LINE_MAX + 1);
        memcpy(longest, LINE("1"), sizeof LINE("1") - 1);
        read_text(longest, RECORDING_LINE_MAX, 1, 0, "");
        read_text(longest, RECORDING_LINE_MAX + 1, 0, -EFBIG, "line 1: too long");
        free(longest);
}

static void a_directory_is_no_recording(void **state) {
        struct place *p = *state;
        char error[RECORDING_ERROR_MAX];
        struct recording_reader *r;

        assert_int_equal(recording_reader_open(p->directory, &r), 0);
        assert_int_equal(recording_read(r, &p->o, error), -EISDIR);
        assert_string_equal(error, "line 1: Is a directory");
        recording_reader_free(r);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(writes_and_reads, place_make, place_remove),
                cmocka_unit_test_setup_teardown(full_disk_ends_it, place_make, place_remove),
                cmocka_unit_test(names_the_line),
                cmocka_unit_test_setup_teardown(a_directory_is_no_recording, place_make, place_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
