/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Where the record of tcp_syncookies is, and what a link to it may lead to. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/syncookies_record.h"

struct fixture {
        char top[PATH_MAX], state[PATH_MAX + 16], run[PATH_MAX + 16], other[PATH_MAX + 16];
        struct syncookies_record *r;
};

static const struct cookie_record sample = {
        .owned = true,
        .epoch = "boot/1",
        .original = 0,
        .previous = 0,
        .written = 1,
};

static void in(char ret[static PATH_MAX + 64], const char *folder, const char *name) {
        snprintf(ret, PATH_MAX + 64, "%s/%s", folder, name);
}

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof *f);
        char name[] = "record-XXXXXX";

        assert_non_null(mkdtemp(name));
        assert_non_null(realpath(name, f->top));
        snprintf(f->state, sizeof f->state, "%s/state", f->top);
        snprintf(f->run, sizeof f->run, "%s/run", f->top);
        snprintf(f->other, sizeof f->other, "%s/other", f->top);
        assert_int_equal(mkdir(f->state, 0700) | mkdir(f->run, 0700) | mkdir(f->other, 0700), 0);
        *state = f;
        return 0;
}

static void start(struct fixture *f, const char *state, const char *run) {
        f->r = syncookies_record_free(f->r);
        assert_int_equal(syncookies_record_new(state, run, &f->r), 0);
}

static int teardown(void **state) {
        static const char *const names[] = {
                "syncookies.json", "syncookies.json.bad", "syncookies.json.new/x", "syncookies.json.new", "victim",
        };
        struct fixture *f = *state;
        const char *const folders[] = { f->state, f->run, f->other };
        char path[PATH_MAX + 64];

        syncookies_record_free(f->r);
        for (size_t i = 0; i < 3; i++) {
                for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
                        in(path, folders[i], names[n]);
                        remove(path);
                }
                rmdir(folders[i]);
        }
        assert_int_equal(rmdir(f->top), 0);
        free(f);
        return 0;
}

static bool is_kind(const char *folder, const char *name, mode_t kind) {
        char path[PATH_MAX + 64];
        struct stat st;

        in(path, folder, name);
        return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static void put_link(const char *folder, const char *target) {
        char path[PATH_MAX + 64];

        in(path, folder, "syncookies.json");
        assert_int_equal(symlink(target, path), 0);
}

static void assert_loads(struct fixture *f, const struct cookie_record *wanted) {
        struct cookie_record got;

        memset(&got, 0, sizeof got);
        assert_int_equal(syncookies_record_load(f->r, &got), 0);
        assert_memory_equal(&got, wanted, sizeof got);
}

static int load(struct fixture *f) {
        struct cookie_record ignored;

        return syncookies_record_load(f->r, &ignored);
}

/* Where no disk is waited for; who is told of the state folder only finds it all the same. */
static void is_in_the_runtime_folder(void **state) {
        struct fixture *f = *state;
        struct cookie_record changed = sample;

        start(f, f->state, f->run);
        assert_int_equal(load(f), -ENOENT);
        assert_int_equal(syncookies_record_save(f->r, &sample), 0);
        assert_true(is_kind(f->run, "syncookies.json", S_IFREG));
        assert_true(is_kind(f->state, "syncookies.json", S_IFLNK));
        assert_string_equal(syncookies_record_directory(f->r), f->run);

        start(f, f->state, NULL);
        assert_loads(f, &sample);
        changed.original = 2;
        assert_int_equal(syncookies_record_save(f->r, &changed), 0);
        assert_true(is_kind(f->state, "syncookies.json", S_IFLNK));
        start(f, f->state, f->run);
        assert_loads(f, &changed);
        changed.owned = false;
        assert_int_equal(syncookies_record_forget(f->r, &changed), 0);
        start(f, f->state, NULL);
        assert_loads(f, &changed);
}

/* As an earlier version left it, or one without a runtime folder. */
static void takes_over_from_the_state_folder(void **state) {
        struct fixture *f = *state;

        start(f, f->state, NULL);
        assert_int_equal(syncookies_record_save(f->r, &sample), 0);
        assert_true(is_kind(f->state, "syncookies.json", S_IFREG));
        start(f, f->state, f->run);
        assert_loads(f, &sample);
        assert_true(is_kind(f->state, "syncookies.json", S_IFLNK));
        assert_true(is_kind(f->run, "syncookies.json", S_IFREG));
        start(f, f->state, f->run);
        assert_loads(f, &sample);
}

/* What cannot be replaced there would be found before the other. */
static void stays_where_it_cannot_be_replaced(void **state) {
        struct fixture *f = *state;
        struct cookie_record changed = sample;
        char path[PATH_MAX + 64];

        start(f, f->state, NULL);
        assert_int_equal(syncookies_record_save(f->r, &sample), 0);
        in(path, f->state, "syncookies.json.new");
        assert_int_equal(mkdir(path, 0700), 0);
        start(f, f->state, f->run);
        assert_loads(f, &sample);
        assert_false(is_kind(f->run, "syncookies.json", S_IFREG));
        assert_int_equal(rmdir(path), 0);
        changed.written = 2;
        assert_int_equal(syncookies_record_save(f->r, &changed), 0);
        assert_false(is_kind(f->run, "syncookies.json", S_IFREG));
        start(f, f->state, NULL);
        assert_loads(f, &changed);
}

static void one_folder_will_do(void **state) {
        struct fixture *f = *state;

        assert_int_equal(rmdir(f->run), 0);
        start(f, f->state, f->run);
        assert_int_equal(syncookies_record_save(f->r, &sample), 0);
        assert_true(is_kind(f->state, "syncookies.json", S_IFREG));
        assert_int_equal(mkdir(f->run, 0700), 0);

        start(f, "/no/such", f->run);
        assert_int_equal(load(f), -ENOENT);
        assert_int_equal(syncookies_record_save(f->r, &sample), 0);
        start(f, "/no/such", f->run);
        assert_loads(f, &sample);

        start(f, "/no/such", "/none/such");
        assert_int_equal(syncookies_record_save(f->r, &sample), -ENOENT);
        assert_string_equal(syncookies_record_directory(f->r), "/no/such");
        assert_int_equal(syncookies_record_forget(f->r, &sample), 0);

        start(f, f->run, f->run); /* under one name */
        assert_int_equal(syncookies_record_save(f->r, &sample), 0);
        assert_loads(f, &sample);
        assert_true(is_kind(f->run, "syncookies.json", S_IFREG));
}

static void one_at_a_time(void **state) {
        struct fixture *f = *state;
        struct syncookies_record *daemon;
        char in_run[PATH_MAX + 64];

        in(in_run, f->run, "syncookies.json");
        start(f, f->state, f->run);
        assert_int_equal(load(f), -ENOENT);
        daemon = f->r;
        f->r = NULL;
        start(f, f->state, NULL);
        assert_int_equal(load(f), -EBUSY);
        assert_string_equal(syncookies_record_directory(f->r), f->state);
        start(f, f->other, f->run);
        assert_int_equal(load(f), -EBUSY);
        assert_string_equal(syncookies_record_directory(f->r), f->run);
        assert_int_equal(unlinkat(AT_FDCWD, in_run, 0) == 0 ? 0 : errno, ENOENT);
        put_link(f->other, in_run);
        start(f, f->other, NULL); /* by a link */
        assert_int_equal(load(f), -EBUSY);
        syncookies_record_free(daemon);
        start(f, f->state, NULL);
        assert_int_equal(load(f), -ENOENT);
}

/* It was started with another runtime folder before. */
static void follows_an_earlier_one(void **state) {
        struct fixture *f = *state;

        start(f, f->state, f->other);
        assert_int_equal(load(f), -ENOENT);
        assert_int_equal(syncookies_record_save(f->r, &sample), 0);
        start(f, f->state, f->run);
        assert_loads(f, &sample);
        assert_false(is_kind(f->other, "syncookies.json", S_IFREG));
        start(f, f->state, NULL);
        assert_loads(f, &sample);
        assert_true(is_kind(f->run, "syncookies.json", S_IFREG));
}

/* As a runtime folder goes when the service stops. */
static void a_link_to_nothing_is_no_record(void **state) {
        struct fixture *f = *state;
        char target[PATH_MAX + 64];

        in(target, f->other, "syncookies.json");
        put_link(f->state, target);
        assert_int_equal(rmdir(f->other), 0);
        start(f, f->state, NULL);
        assert_int_equal(load(f), -ENOENT);
        start(f, f->state, f->run);
        assert_int_equal(load(f), -ENOENT);
        assert_int_equal(syncookies_record_save(f->r, &sample), 0);
        start(f, f->state, NULL);
        assert_loads(f, &sample);
}

/* Who may write in the state folder gets nothing read, written or opened elsewhere by a --restore of root. */
static void follows_no_other_link(void **state) {
        struct fixture *f = *state;
        char record[PATH_MAX + 64], victim[PATH_MAX + 64], theirs[PATH_MAX + 64], text[64];
        const char *const targets[] = {
                "syncookies.json",
                "../other/syncookies.json",
                "/syncookies.json",
                victim,
                "/dev/null",
                theirs,
                "/dev/null/syncookies.json",
        };
        FILE *file;

        in(record, f->state, "syncookies.json");
        in(victim, f->other, "victim");
        in(theirs, f->other, "syncookies.json");
        file = fopen(victim, "w");
        assert_non_null(file);
        fputs("precious", file);
        fclose(file);
        if (geteuid() == 0)
                assert_int_equal(chown(f->other, 12345, 12345), 0); /* not the state folder's owner */
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
                if (targets[i] == theirs && geteuid() != 0)
                        continue;
                put_link(f->state, targets[i]);
                start(f, f->state, NULL);
                assert_int_equal(load(f), -EBADMSG);
                assert_true(is_kind(f->state, "syncookies.json.bad", S_IFLNK));
                assert_int_equal(syncookies_record_save(f->r, &sample), 0);
                assert_true(is_kind(f->state, "syncookies.json", S_IFREG));
                assert_loads(f, &sample);
                assert_int_equal(unlinkat(AT_FDCWD, theirs, 0) == 0 ? 0 : errno, ENOENT);
                assert_int_equal(unlink(record), 0);
        }
        file = fopen(victim, "r");
        assert_non_null(file);
        assert_string_equal(fgets(text, sizeof text, file), "precious");
        fclose(file);
}

static void what_is_no_record_is_put_aside(void **state) {
        struct fixture *f = *state;
        char path[PATH_MAX + 64];
        FILE *file;

        start(f, f->state, f->run);
        assert_int_equal(load(f), -ENOENT);
        in(path, f->run, "syncookies.json");
        file = fopen(path, "w");
        assert_non_null(file);
        fputs("{", file);
        fclose(file);
        assert_int_equal(load(f), -EBADMSG);
        assert_true(is_kind(f->run, "syncookies.json.bad", S_IFREG));
        assert_string_equal(syncookies_record_directory(f->r), f->run);
        assert_int_equal(load(f), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(is_in_the_runtime_folder),
                TEST(takes_over_from_the_state_folder),
                TEST(stays_where_it_cannot_be_replaced),
                TEST(one_folder_will_do),
                TEST(one_at_a_time),
                TEST(follows_an_earlier_one),
                TEST(a_link_to_nothing_is_no_record),
                TEST(follows_no_other_link),
                TEST(what_is_no_record_is_put_aside),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
