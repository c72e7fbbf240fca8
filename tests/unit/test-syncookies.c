/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/syncookies.h"
#include "actions/syncookies_text.h"

#define SECOND_US UINT64_C(1000000)

struct fixture {
        char dir[32], record[64], bad[64];
        int value, read_error, write_error; /* of the pretended kernel */
        unsigned writes;
        struct syncookies *s;
        struct syncookies_request request;
        struct syncookies_report last; /* that was not NONE */
        unsigned reports;
        uint64_t waited_us;
        int wait_error;
};

static int fake_read(void *userdata, uint8_t *ret_value) {
        struct fixture *f = userdata;

        if (f->read_error == 0)
                *ret_value = (uint8_t) f->value;
        return f->read_error;
}

static int fake_write(void *userdata, uint8_t value) {
        struct fixture *f = userdata;

        f->writes++;
        if (f->write_error == 0)
                f->value = value;
        return f->write_error;
}

static void start_as(struct fixture *f, const char *epoch) {
        const struct syncookies_kernel kernel = { fake_read, fake_write, f };
        const struct syncookies_config config = {
                .state_dir = f->dir,
                .epoch = epoch,
                .kernel = &kernel,
        };

        assert_int_equal(syncookies_new(&config, &f->s), 0);
        memset(&f->last, 0, sizeof f->last);
        f->reports = 0;
}

/* A disk may take seconds for one of these, in which nothing is watched: in the place of libc's. */
static unsigned disk_waits;

int fsync(int fd) {
        (void) fd;
        disk_waits++;
        return 0;
}

int fdatasync(int fd) {
        return fsync(fd);
}

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof *f);

        strcpy(f->dir, "syncookies-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        snprintf(f->record, sizeof f->record, "%s/syncookies.json", f->dir);
        snprintf(f->bad, sizeof f->bad, "%s/syncookies.json.bad", f->dir);
        f->request = (struct syncookies_request) {
                .now_us = 1000 * SECOND_US,
                .flood_value = 1,
                .hold_us = 60 * SECOND_US,
                .max_changes_per_hour = 10,
        };
        start_as(f, "boot/1");
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        syncookies_free(f->s);
        unlink(f->record);
        unlink(f->bad);
        assert_int_equal(rmdir(f->dir), 0); /* no .new left behind either */
        assert_int_equal(disk_waits, 0);
        free(f);
        return 0;
}

static void note(void *userdata, const struct syncookies_report *report) {
        struct fixture *f = userdata;

        f->last = *report;
        f->reports++;
}

/* Until only time can bring more. */
static void run(struct fixture *f) {
        struct syncookies_report report;
        bool more;
        unsigned steps = 0;

        do {
                more = syncookies_step(f->s, &f->request, &report);
                if (report.type != SYNCOOKIES_REPORT_NONE)
                        note(f, &report);
                f->request.reset = false;
                assert_true(++steps < 20);
        } while (more);
}

static void restart_as(struct fixture *f, const char *epoch) {
        syncookies_free(f->s);
        f->request.want = COOKIE_WANT_CALM;
        f->request.release = false;
        start_as(f, epoch);
}

static void put_record(const struct fixture *f, const char *text, size_t length) {
        FILE *file = fopen(f->record, "w");

        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, length, file), length);
        assert_int_equal(fclose(file), 0);
}

static struct cookie_record get_record(const struct fixture *f) {
        struct cookie_record r;
        char text[4096];
        FILE *file = fopen(f->record, "r");
        size_t length;

        assert_non_null(file);
        length = fread(text, 1, sizeof text, file);
        fclose(file);
        assert_int_equal(syncookies_text_read(text, length, &r), 0);
        return r;
}

static void there_and_back(void **state) {
        struct fixture *f = *state;
        struct cookie_record r;
        struct event e;

        run(f);
        assert_int_equal(f->reports, 0);
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        assert_int_equal(f->value, 1);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_SET);
        assert_int_equal(f->last.old_value, 0);
        assert_int_equal(f->last.new_value, 1);
        assert_string_equal(f->last.undo, "sysctl -w net.ipv4.tcp_syncookies=0");
        assert_non_null(strstr(f->last.message, f->last.undo));
        assert_int_equal(syncookies_report_event(&f->last, &e), 0);
        assert_int_equal(e.type, EVENT_SYNCOOKIES_SET);
        assert_int_equal(e.old_value, 0);
        assert_int_equal(e.new_value, 1);
        assert_true(syncookies_managed(f->s));
        assert_int_equal(syncookies_value(f->s), 1);
        assert_int_equal(syncookies_original(f->s), 0);
        r = get_record(f);
        assert_true(r.owned);
        assert_int_equal(r.original, 0);
        assert_int_equal(r.written, 1);

        f->request.want = COOKIE_WANT_CALM;
        run(f);
        assert_int_equal(f->value, 1);
        assert_int_equal(syncookies_wait_until_us(f->s), 1060 * SECOND_US);
        f->request.now_us += 60 * SECOND_US;
        run(f);
        assert_int_equal(f->value, 0);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_RESTORED);
        assert_int_equal(f->reports, 2);
        assert_false(get_record(f).owned);
        assert_true(syncookies_settled(f->s));
        assert_false(syncookies_managed(f->s));
}

/* The record must be there before the value changes. */
static int write_with_record(void *userdata, uint8_t value) {
        struct fixture *f = userdata;
        const struct cookie_record r = get_record(f);

        assert_true(r.owned);
        assert_true(value == r.written || value == r.original);
        return fake_write(userdata, value);
}

static void record_comes_first(void **state) {
        struct fixture *f = *state;
        const struct syncookies_kernel kernel = { fake_read, write_with_record, f };
        const struct syncookies_config config = {
                .state_dir = f->dir,
                .epoch = "boot/1",
                .kernel = &kernel,
        };

        syncookies_free(f->s);
        assert_int_equal(syncookies_new(&config, &f->s), 0);
        f->request.flood_value = 2;
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        f->request.release = true;
        run(f);
        f->request.now_us += COOKIE_LIFE_US;
        run(f);
        assert_int_equal(f->writes, 3);
        assert_int_equal(f->value, 0);
}

static void full_disk(void **state) {
        struct fixture *f = *state;
        struct rlimit old, none;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        none = (struct rlimit) { 0, old.rlim_max };
        signal(SIGXFSZ, SIG_IGN);
        run(f);
        f->request.want = COOKIE_WANT_RAISE;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        for (int i = 0; i < 5; i++) {
                run(f);
                f->request.now_us += 10 * SECOND_US;
        }
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(f->writes, 0);
        assert_int_equal(f->reports, 1); /* once, however often it is tried */
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_FAILED);
        assert_int_equal(f->last.error, -EFBIG);
        f->request.now_us += 10 * SECOND_US;
        run(f);
        assert_int_equal(f->value, 1);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_SET);

        /* What is put back is put back, record or no record. */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        f->request.release = true;
        run(f);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(f->value, 0);
        assert_int_equal(access(f->record, F_OK), -1); /* removed where it could not be written */
}

static void no_state_dir(void **state) {
        struct fixture *f = *state;
        char good[sizeof f->dir];

        strcpy(good, f->dir);
        syncookies_free(f->s);
        strcpy(f->dir, "does-not-exist");
        start_as(f, "boot/1");
        strcpy(f->dir, good);
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        assert_int_equal(f->writes, 0);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_FAILED);
        assert_int_equal(f->last.error, -ENOENT);
        assert_true(syncookies_value(f->s) == 0);
}

static void forbidden_write(void **state) {
        static const int errors[] = { -EPERM, -EROFS, -EACCES, -ENOENT };

        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
                struct fixture *f = *state;

                restart_as(f, "boot/1");
                f->write_error = errors[i];
                f->request.want = COOKIE_WANT_RAISE;
                for (int j = 0; j < 5; j++) {
                        run(f);
                        f->request.now_us += 10 * SECOND_US;
                }
                assert_int_equal(f->reports, 1);
                assert_int_equal(f->last.type, SYNCOOKIES_REPORT_FAILED);
                assert_int_equal(f->last.error, errors[i]);
                assert_int_equal(f->value, 0);
                assert_non_null(syncookies_trouble(f->s));
                assert_non_null(strstr(syncookies_trouble(f->s), strerror(-errors[i])));
                f->request.release = true;
                run(f);
                assert_true(syncookies_settled(f->s));
        }
}

static void no_such_setting(void **state) {
        struct fixture *f = *state;

        f->read_error = -ENOENT;
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        run(f);
        assert_int_equal(f->reports, 1);
        assert_int_equal(f->last.error, -ENOENT);
        assert_int_equal(syncookies_value(f->s), -1);
        assert_int_equal(syncookies_original(f->s), -1);
        assert_non_null(strstr(syncookies_trouble(f->s), "No such file"));
        f->read_error = 0;
        run(f);
        assert_int_equal(f->value, 1);
        assert_null(syncookies_trouble(f->s));
}

static void foreign(void **state) {
        struct fixture *f = *state;
        struct event e;

        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        f->value = 2;
        run(f);
        run(f);
        assert_int_equal(f->reports, 2);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_FOREIGN);
        assert_int_equal(f->last.new_value, 2);
        assert_string_equal(f->last.undo, "sysctl -w net.ipv4.tcp_syncookies=0 && synwardctl reload");
        assert_int_equal(syncookies_report_event(&f->last, &e), 0);
        assert_int_equal(e.type, EVENT_SYNCOOKIES_FOREIGN);
        f->request.release = true;
        run(f);
        assert_int_equal(f->value, 2);
        assert_false(get_record(f).owned);

        /* The command that was named does hand it back. */
        f->request.release = false;
        f->value = 0;
        run(f);
        assert_int_equal(f->value, 0);
        f->request.reset = true;
        run(f);
        assert_int_equal(f->value, 1);
}

static void killed_and_started_again(void **state) {
        struct fixture *f = *state;

        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        restart_as(f, "boot/1");
        run(f);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_NOTICE);
        assert_true(syncookies_managed(f->s));
        f->request.now_us += 10 * SECOND_US;
        run(f);
        assert_int_equal(f->value, 0);
}

static void killed_and_booted(void **state) {
        struct fixture *f = *state;

        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        f->value = 1; /* by sysctl.d, this time */
        f->writes = 0;
        restart_as(f, "boot/2");
        run(f);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_NOTICE);
        f->request.now_us += 3600 * SECOND_US;
        run(f);
        assert_int_equal(f->writes, 0);
        assert_false(get_record(f).owned);
}

static uint64_t ops_now(void *userdata) {
        return ((struct fixture *) userdata)->request.now_us;
}

static int ops_wait(void *userdata, uint64_t until_us) {
        struct fixture *f = userdata;

        assert_true(until_us > f->request.now_us);
        f->waited_us += until_us - f->request.now_us;
        f->request.now_us = until_us;
        return f->wait_error;
}

static int restore(struct fixture *f) {
        const struct syncookies_restore_ops ops = { ops_now, ops_wait, note, f };

        restart_as(f, "boot/1");
        f->waited_us = 0;
        return syncookies_restore(f->s, &ops);
}

static void restores(void **state) {
        struct fixture *f = *state;

        assert_int_equal(restore(f), 0);
        assert_int_equal(f->reports, 0);
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        assert_int_equal(restore(f), 0);
        assert_int_equal(f->value, 0);
        assert_int_equal(f->waited_us, 0);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_RESTORED);
        assert_int_equal(restore(f), 0);
        assert_int_equal(f->reports, 0);
}

static void restores_from_two(void **state) {
        struct fixture *f = *state;

        f->request.flood_value = 2;
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        f->wait_error = -EINTR;
        assert_int_equal(restore(f), -EINTR);
        assert_int_equal(f->value, 1);
        f->wait_error = 0;
        assert_int_equal(restore(f), 0);
        assert_int_equal(f->value, 0);
        assert_int_equal(f->waited_us, COOKIE_LIFE_US);
}

static void restore_fails(void **state) {
        struct fixture *f = *state;

        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        f->write_error = -EROFS;
        assert_int_equal(restore(f), -EROFS);
        assert_true(get_record(f).owned);
        f->write_error = 0;
        f->read_error = -EACCES;
        assert_int_equal(restore(f), -EACCES);
        f->read_error = 0;
        assert_int_equal(restore(f), 0);
        assert_int_equal(f->value, 0);
}

static void one_at_a_time(void **state) {
        struct fixture *f = *state;
        struct syncookies *daemon;

        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        daemon = f->s;
        f->s = NULL;
        assert_int_equal(restore(f), -EBUSY);
        assert_non_null(strstr(f->last.message, "another synwardd"));
        assert_int_equal(f->value, 1);
        syncookies_free(daemon);
        assert_int_equal(restore(f), 0);
        assert_int_equal(f->value, 0);
}

/* What is left of a record when the power goes before the disk has it: the sysctl went along. */
static void an_empty_record_is_none(void **state) {
        struct fixture *f = *state;

        put_record(f, "", 0);
        assert_int_equal(restore(f), 0);
        assert_int_equal(access(f->bad, F_OK), -1);
}

static void rubbish_is_moved_aside(void **state) {
        static const char good[] = "{\"schema\":\"synward.syncookies.v1\",\"owned\":true,"
                                   "\"epoch\":\"boot/1\",\"original\":0,\"previous\":0,\"written\":1,"
                                   "\"changes_us\":[1,2]}";
        static const char *const rubbish[] = {
                "{",
                "[]",
                "null",
                "{}",
                "\xff\xfe",
                "{\"schema\":\"synward.syncookies.v2\"}",
                "{\"schema\":\"synward.syncookies.v1\",\"owned\":true,\"epoch\":\"boot/1\","
                "\"original\":256,\"previous\":0,\"written\":1,\"changes_us\":[]}",
                "{\"schema\":\"synward.syncookies.v1\",\"owned\":true,\"epoch\":\"boot/1\","
                "\"original\":4294967296,\"previous\":0,\"written\":1,\"changes_us\":[]}",
                "{\"schema\":\"synward.syncookies.v1\",\"owned\":true,\"epoch\":\"boot/1\","
                "\"original\":0,\"previous\":0,\"written\":1,\"changes_us\":[2,1]}",
                "{\"schema\":\"synward.syncookies.v1\",\"owned\":true,\"epoch\":\"\","
                "\"original\":0,\"previous\":0,\"written\":1,\"changes_us\":[]}",
        };
        struct fixture *f = *state;
        struct cookie_record r;
        char big[5000];

        for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
                put_record(f, rubbish[i], strlen(rubbish[i]));
                f->value = 1;
                assert_int_equal(restore(f), -EBADMSG);
                assert_int_equal(f->reports, 1);
                assert_int_equal(f->value, 1);
                assert_int_equal(access(f->record, F_OK), -1);
                assert_int_equal(access(f->bad, F_OK), 0);
                assert_int_equal(restore(f), 0);
        }
        /* Cut short at every byte; the whole is a record. */
        for (size_t n = 0; n < sizeof good - 1; n++)
                assert_int_equal(syncookies_text_read(good, n, &r), -EBADMSG);
        assert_int_equal(syncookies_text_read(good, sizeof good - 1, &r), 0);
        memset(big, ' ', sizeof big);
        put_record(f, big, sizeof big);
        assert_int_equal(restore(f), -EBADMSG);
        /* And it does not end its use. */
        f->value = 0;
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        assert_int_equal(f->value, 1);
}

static void record_round_trip(void **state) {
        struct cookie_record r = { .owned = true,
                                   .epoch = "a/1",
                                   .original = 255,
                                   .previous = 2,
                                   .written = 1,
                                   .changes_count = COOKIE_CHANGES_MAX },
                             back;
        char *text;

        for (uint32_t i = 0; i < COOKIE_CHANGES_MAX; i++)
                r.changes_us[i] = UINT64_C(1) << (30 + i);
        text = syncookies_text_write(&r);
        assert_non_null(text);
        assert_true(strlen(text) < 4096);
        memset(&back, 0, sizeof back);
        assert_int_equal(syncookies_text_read(text, strlen(text), &back), 0);
        assert_memory_equal(&back, &r, sizeof r);
        free(text);
}

static void dry_run_touches_nothing(void **state) {
        struct fixture *f = *state;

        f->request.dry_run = true;
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_SET);
        assert_true(f->last.pretended);
        assert_non_null(strstr(f->last.message, "would"));
        assert_int_equal(syncookies_value(f->s), 1);
        f->request.want = COOKIE_WANT_CALM;
        f->request.now_us += 60 * SECOND_US;
        run(f);
        assert_int_equal(f->last.type, SYNCOOKIES_REPORT_RESTORED);
        assert_int_equal(f->reports, 2);
        assert_int_equal(f->writes, 0);
        assert_int_equal(access(f->record, F_OK), -1);
}

static void observing_lets_go_first(void **state) {
        struct fixture *f = *state;

        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        assert_int_equal(f->value, 1);
        f->request.dry_run = true;
        run(f);
        run(f);
        assert_int_equal(f->value, 0);
        assert_int_equal(syncookies_value(f->s), 1); /* what it would be */
        f->request.dry_run = false;
        run(f);
        assert_int_equal(f->value, 1);
}

static void limit_is_reported_once(void **state) {
        struct fixture *f = *state;

        f->request.max_changes_per_hour = 1;
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        run(f);
        assert_int_equal(f->reports, 1);
        assert_int_equal(f->last.error, -EAGAIN);
        assert_int_equal(f->writes, 0);
}

static void real_file(void **state) {
        struct fixture *f = *state;
        char path[64], text[8] = "";
        struct syncookies_config config = { .state_dir = f->dir, .path = path };
        FILE *file;

        snprintf(path, sizeof path, "%s/sysctl", f->dir);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs("0\n", file);
        fclose(file);
        syncookies_free(f->s);
        assert_int_equal(syncookies_new(&config, &f->s), 0);
        f->request.want = COOKIE_WANT_RAISE;
        run(f);
        file = fopen(path, "r");
        assert_non_null(fgets(text, sizeof text, file));
        fclose(file);
        assert_string_equal(text, "1\n");
        assert_true(strlen(get_record(f).epoch) > 37);
        file = fopen(path, "w");
        fputs("256\n", file);
        fclose(file);
        run(f);
        assert_int_equal(f->last.error, -EBADMSG);
        assert_int_equal(syncookies_value(f->s), -1);
        unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(there_and_back),
                TEST(record_comes_first),
                TEST(full_disk),
                TEST(no_state_dir),
                TEST(forbidden_write),
                TEST(no_such_setting),
                TEST(foreign),
                TEST(killed_and_started_again),
                TEST(killed_and_booted),
                TEST(restores),
                TEST(restores_from_two),
                TEST(restore_fails),
                TEST(one_at_a_time),
                TEST(an_empty_record_is_none),
                TEST(rubbish_is_moved_aside),
                cmocka_unit_test(record_round_trip),
                TEST(dry_run_touches_nothing),
                TEST(observing_lets_go_first),
                TEST(limit_is_reported_once),
                TEST(real_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
