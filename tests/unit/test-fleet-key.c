/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet_key.h"

static char folder[] = "/tmp/synward-fleet-key-XXXXXX";
static char error[FLEET_KEY_ERROR_SIZE];

static void put(const char *name, const char *text) {
        char path[64];
        FILE *f;

        snprintf(path, sizeof path, "%s/%s", folder, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(chmod(path, 0600), 0);
}

static int load(const char *name, struct settings *ret) {
        memset(ret, 0, sizeof *ret);
        snprintf(ret->metrics.fleet_key, sizeof ret->metrics.fleet_key, "%s", name);
        *error = '\0';
        return fleet_key_load(ret, error, sizeof error);
}

static int load_file(const char *text, struct settings *ret) {
        char path[64];

        put("key", text);
        snprintf(path, sizeof path, "%s/key", folder);
        return load(path, ret);
}

static void none_is_no_key(void **state) {
        struct settings s;

        assert_int_equal(load("", &s), 0);
        assert_false(s.metrics.key_known);
}

/* The bytes in their order, and both words from their first byte on. */
static void takes_32_digits(void **state) {
        static const char *const good[] = {
                "000102030405060708090a0b0c0d0e0f",
                "000102030405060708090A0B0C0D0E0F\n",
                "00010203-0405-0607-0809-0a0b0c0d0e0f\r\n  ",
        };
        struct settings s;

        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                assert_int_equal(load_file(good[i], &s), 0);
                assert_true(s.metrics.key_known);
                assert_true(s.metrics.key.words[0] == UINT64_C(0x0706050403020100));
                assert_true(s.metrics.key.words[1] == UINT64_C(0x0f0e0d0c0b0a0908));
        }
}

/* Each with the place and the remedy, and without what it holds. */
static void refuses_what_is_no_key(void **state) {
        static const char *const bad[] = {
                "",
                "\n",
                "correct horse battery staple",
                "000102030405060708090a0b0c0d0e0",
                "000102030405060708090a0b0c0d0e0f0",
                "000102030405060708090a0b0c0d0e0g",
                "000102030405060708090a0b0c0d0e0f\n000102030405060708090a0b0c0d0e0f\n",
                "00000000000000000000000000000000",
                "deadbeefdeadbeefdeadbeefdeadbeef",
                "0001020304050607 08090a0b0c0d0e0f",
        };
        struct settings s;

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                assert_int_equal(load_file(bad[i], &s), -EINVAL);
                assert_false(s.metrics.key_known);
                assert_non_null(strstr(error, folder));
                assert_non_null(strstr(error, "systemd-id128 new"));
                assert_true(strlen(bad[i]) < 8 || !strstr(error, bad[i]));
        }
}

static void says_what_cannot_be_read(void **state) {
        struct settings s;
        char path[64];

        assert_int_equal(load("/nowhere/key", &s), -ENOENT);
        assert_non_null(strstr(error, "/nowhere/key cannot be read"));
        /* A folder, and a FIFO that nobody writes to. */
        assert_int_equal(load(folder, &s), -EINVAL);
        snprintf(path, sizeof path, "%s/fifo", folder);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(load(path, &s), -EINVAL);
        assert_false(s.metrics.key_known);
}

static void takes_a_credential(void **state) {
        struct settings s;

        put("fleet.key", "000102030405060708090a0b0c0d0e0f");
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        assert_int_equal(load("fleet.key", &s), -ENOENT);
        assert_non_null(strstr(error, "LoadCredential=fleet.key:"));
        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
        assert_int_equal(load("fleet.key", &s), 0);
        assert_true(s.metrics.key_known);
        assert_int_equal(load("other.key", &s), -ENOENT);
        assert_non_null(strstr(error, folder));
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static int set_up(void **state) {
        return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
        static const char *const names[] = { "key", "fifo", "fleet.key" };
        char path[64];

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                snprintf(path, sizeof path, "%s/%s", folder, names[i]);
                (void) unlink(path);
        }
        return rmdir(folder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(none_is_no_key),         cmocka_unit_test(takes_32_digits),
                cmocka_unit_test(refuses_what_is_no_key), cmocka_unit_test(says_what_cannot_be_read),
                cmocka_unit_test(takes_a_credential),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
