/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON read and written while each single allocation fails: all of it, or nothing and a word of why. The
 * lengths put every letter of a text, its closing quote too, where jansson's buffer must grow. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/json_text.h"

enum { LENGTH_MAX = 140 };

/* The linker leads json_text.c's calls here (--wrap=malloc). */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
static unsigned until_failure; /* 0: none fails; 1: the next */
static unsigned failed;

void *__wrap_malloc(size_t size) {
        if (until_failure > 0 && --until_failure == 0) {
                failed++;
                return NULL;
        }
        return __real_malloc(size);
}

static void make_text(unsigned length, char *ret, size_t size) {
        char key[LENGTH_MAX + 1] = "", word[LENGTH_MAX + 1] = "";

        memset(key, 'k', length);
        memset(word, 'w', length);
        snprintf(ret, size, "{\"%s\":[\"%s\",1.5]}", key, word);
}

/* Reads and writes it again; whether nothing failed. */
static bool once(const char *text, unsigned failing) {
        uint64_t before = json_text_failures();
        unsigned failed_before = failed;
        bool no_memory = false;
        json_t *value;
        char *again;

        until_failure = failing;
        value = json_text_read(text, strlen(text), JSON_REJECT_DUPLICATES, NULL, &no_memory);
        assert_int_equal(!value, no_memory);
        assert_int_equal(no_memory, failed != failed_before);
        again = json_text_write(value, JSON_COMPACT, "\n");
        until_failure = 0;
        if (again) {
                assert_int_equal(strlen(again), strlen(text) + 1);
                assert_memory_equal(again, text, strlen(text));
        }
        assert_int_equal(!again, failed != failed_before);
        assert_in_range(json_text_failures() - before, 0, failed - failed_before);
        free(again);
        json_decref(value);
        return failed == failed_before;
}

static void test_each_allocation(void **state) {
        char text[2 * LENGTH_MAX + 64];
        unsigned failing;

        for (unsigned length = 0; length <= LENGTH_MAX; length++) {
                make_text(length, text, sizeof text);
                for (failing = 1; !once(text, failing); failing++)
                        ;
                assert_true(failing > 5);
        }
}

static void test_what_is_no_json(void **state) {
        json_error_t error;
        bool no_memory = true;

        assert_null(json_text_read("{\"a\":}", 6, 0, &error, &no_memory));
        assert_false(no_memory);
        assert_int_equal(error.column, 6);
        assert_null(json_text_write(NULL, 0, "\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_allocation),
                cmocka_unit_test(test_what_is_no_json),
        };

        json_text_watch();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
