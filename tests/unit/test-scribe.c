/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scribe as a process: orders are carried out in their order, also when it ends or stands still. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/scribe_client.h"
#include "tests/unit/children.h"
#include "util/helper.h"

enum { ID = 20260101, WAIT_S = 10 };

static char state_dir[64];
static sd_event *event;
static struct scribe_client *scribe;
static unsigned dones, failures;
static int last_result;
static char last_text[4096];
static uint64_t now_us;

static void on_done(void *userdata, const struct scribe_order *order, const struct scribe_reply *reply,
                    const char *text) {
        dones++;
        failures += reply->result < 0;
        last_result = reply->result;
        assert_true(reply->length < sizeof last_text);
        memcpy(last_text, text ? text : "", reply->length);
        last_text[reply->length] = '\0';
}

static int set_up(void **state) {
        snprintf(state_dir, sizeof state_dir, "/tmp/test-scribe-XXXXXX");
        dones = failures = 0;
        now_us = 1;
        if (!mkdtemp(state_dir) || sd_event_new(&event) < 0)
                return -1;
        return scribe_client_new(event, state_dir, on_done, NULL, &scribe);
}

static int tear_down(void **state) {
        char command[128];

        scribe = scribe_client_free(scribe);
        event = sd_event_unref(event);
        snprintf(command, sizeof command, "rm -rf %s", state_dir);
        return system(command);
}

static int submit(enum scribe_operation operation, const char *name, uint64_t offset, const char *data, size_t length) {
        struct scribe_order o = { .operation = operation, .id = ID, .offset = offset, .length = (uint32_t) length };

        snprintf(o.name, sizeof o.name, "%s", name);
        return scribe_client_submit(scribe, &o, data);
}

static void put(const char *name, const char *text) {
        assert_int_equal(submit(SCRIBE_PUT, name, 0, text, strlen(text)), 0);
}

/* Turns of the loop and ticks until so many orders are done. */
static void wait_for(unsigned count) {
        for (unsigned i = 0; dones < count && i < WAIT_S * 50; i++) {
                now_us += 20000;
                scribe_client_step(scribe, now_us);
                assert_true(sd_event_run(event, 20000) >= 0);
        }
        assert_int_equal(dones, count);
}

static void contains(const char *name, const char *expected) {
        char path[128], text[256];
        ssize_t n;
        int fd;

        snprintf(path, sizeof path, "%s/incidents/%d/%s", state_dir, ID, name);
        fd = open(path, O_RDONLY);
        assert_true(fd >= 0);
        n = read(fd, text, sizeof text - 1);
        close(fd);
        assert_true(n >= 0);
        text[n] = '\0';
        assert_string_equal(text, expected);
}

static void writes_in_order(void **state) {
        assert_int_equal(submit(SCRIBE_MAKE, "", 0, NULL, 0), 0);
        put("incident.json", "{\"id\": 20260101, \"state\": \"ended\"}");
        assert_int_equal(submit(SCRIBE_APPEND, "events.jsonl", 0, "one\n", 4), 0);
        assert_int_equal(submit(SCRIBE_APPEND, "events.jsonl", 4, "two\n", 4), 0);
        assert_int_equal(submit(SCRIBE_APPEND, "events.jsonl", 4, "2nd\n", 4), 0); /* as if it were sent again */
        wait_for(5);
        assert_int_equal(failures, 0);
        contains("events.jsonl", "one\n2nd\n");
        assert_int_equal(submit(SCRIBE_APPEND, "events.jsonl", 400, "lost\n", 5), 0);
        wait_for(6);
        assert_int_equal(last_result, -ESTALE);
        assert_int_equal(submit(SCRIBE_LIST, "", 0, NULL, 0), 0);
        wait_for(7);
        assert_string_equal(last_text, "[]"); /* the one at hand is told by its owner */
        assert_int_equal(submit(SCRIBE_READ, "", 0, NULL, 0), 0);
        wait_for(8);
        assert_non_null(strstr(last_text, "\"state\":\"ended\""));
        assert_int_equal(submit(SCRIBE_MAKE, "", 0, NULL, 0), 0);
        wait_for(9);
        assert_int_equal(last_result, -EEXIST);
        assert_int_equal(submit(SCRIBE_OPERATIONS, "", 0, NULL, 0), 0);
        wait_for(10);
        assert_int_equal(last_result, -EINVAL);
}

/* More than the socket holds at once, both ways. */
/* A line that is there already is not written twice; the next one is no part of half a line. */
static void appends_lines_anywhere(void **state) {
        const char *const lines[] = { "one\n", "one\n", "two\n" };
        struct scribe_order o = { .operation = SCRIBE_LINE };
        char data[256], path[128], text[64] = "";
        struct scribe_reply reply;
        char *none;
        FILE *f;

        snprintf(path, sizeof path, "%s/lines", state_dir);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs("half", f);
        fclose(f);
        for (unsigned i = 0; i < 3; i++) {
                o.again = i > 0;
                o.length = (uint32_t) snprintf(data, sizeof data, "%s%c%s", path, 0, lines[i]);
                scribe_carry_out(state_dir, &o, data, &reply, &none);
                assert_int_equal(reply.result, 0);
        }
        f = fopen(path, "r");
        assert_non_null(f);
        assert_true(fread(text, 1, sizeof text - 1, f) > 0);
        fclose(f);
        assert_string_equal(text, "half\none\ntwo\n");

        o.length = (uint32_t) strlen(path); /* without a line */
        scribe_carry_out(state_dir, &o, path, &reply, &none);
        assert_int_equal(reply.result, -EINVAL);
        o.length = (uint32_t) snprintf(data, sizeof data, "%s/no/such%cline\n", state_dir, 0);
        assert_int_equal(scribe_client_submit(scribe, &o, data), 0);
        wait_for(1);
        assert_int_equal(last_result, -ENOENT);
}

static void takes_much(void **state) {
        static char data[1 << 21];

        memset(data, 'x', sizeof data);
        assert_int_equal(submit(SCRIBE_MAKE, "", 0, NULL, 0), 0);
        assert_int_equal(submit(SCRIBE_PUT, "large", 0, data, sizeof data), 0);
        put("small", "s");
        wait_for(3);
        assert_int_equal(failures, 0);
        contains("small", "s");
}

static void a_scribe_that_ends_is_replaced(void **state) {
        pid_t pid = first_child();

        if (pid == 0)
                skip(); /* a kernel without CONFIG_PROC_CHILDREN */
        assert_int_equal(submit(SCRIBE_MAKE, "", 0, NULL, 0), 0);
        wait_for(1);
        assert_int_equal(kill(pid, SIGSTOP), 0);
        put("a", "1");
        put("b", "2");
        assert_int_equal(kill(pid, SIGKILL), 0);
        wait_for(3);
        assert_int_equal(failures, 0);
        assert_int_not_equal(first_child(), pid);
        assert_int_equal(scribe_client_state(scribe).error, 0);
        contains("a", "1");
        contains("b", "2");
}

/* What stands still is told, holds nobody up, and takes no more than it may. */
static void a_disk_that_stands_still(void **state) {
        static char line[100000];
        pid_t pid = first_child();
        unsigned lines = 0, dropped = 0;

        if (pid == 0)
                skip();
        memset(line, 'y', sizeof line);
        assert_int_equal(submit(SCRIBE_MAKE, "", 0, NULL, 0), 0);
        wait_for(1);
        assert_int_equal(kill(pid, SIGSTOP), 0);
        for (unsigned i = 0; i < 50; i++) {
                int r = submit(SCRIBE_APPEND, "lines", lines * sizeof line, line, sizeof line);

                lines += r == 0;
                dropped += r == -ENOBUFS;
                put("incident.json", i == 49 ? "last" : "before"); /* one takes the other's place */
        }
        assert_in_range(lines, 5, 10);
        assert_int_equal(lines + dropped, 50);
        assert_int_equal(scribe_client_state(scribe).dropped, dropped);
        assert_in_range(scribe_client_state(scribe).waiting, 1, SCRIBE_QUEUE_APPEND_MAX + 10000);
        scribe_client_step(scribe, now_us + 1900000);
        assert_int_equal(scribe_client_state(scribe).error, 0);
        now_us += 2100000;
        scribe_client_step(scribe, now_us);
        assert_int_equal(scribe_client_state(scribe).error, -ETIMEDOUT);
        assert_int_equal(kill(pid, SIGCONT), 0);
        wait_for(1 + lines + 1);
        assert_int_equal(failures, 0);
        contains("incident.json", "last");
        assert_int_equal(scribe_client_state(scribe).error, 0);
        assert_int_equal(scribe_client_state(scribe).waiting, 0);
}

/* What was ordered before the first step, or before a suspend, has not stood since then. */
static void only_time_that_was_seen_counts(void **state) {
        pid_t pid = first_child();

        if (pid == 0)
                skip();
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(submit(SCRIBE_MAKE, "", 0, NULL, 0), 0);
        now_us = UINT64_C(1000000000000);
        scribe_client_step(scribe, now_us);
        assert_int_equal(scribe_client_state(scribe).error, 0);
        now_us += 3600000000;
        scribe_client_step(scribe, now_us);
        assert_int_equal(scribe_client_state(scribe).error, 0);
        for (unsigned i = 0; i < 11; i++)
                scribe_client_step(scribe, now_us += 200000);
        assert_int_equal(scribe_client_state(scribe).error, -ETIMEDOUT);
        assert_int_equal(kill(pid, SIGCONT), 0);
        wait_for(1);
}

static void the_end_waits_for_what_is_pending(void **state) {
        assert_int_equal(submit(SCRIBE_MAKE, "", 0, NULL, 0), 0);
        for (unsigned i = 0; i < 100; i++) {
                char name[16];

                snprintf(name, sizeof name, "f%u", i);
                put(name, "all of it");
        }
        scribe = scribe_client_free(scribe);
        assert_int_equal(dones, 101);
        contains("f99", "all of it");
        assert_int_equal(scribe_client_new(event, state_dir, on_done, NULL, &scribe), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(writes_in_order, set_up, tear_down),
                cmocka_unit_test_setup_teardown(appends_lines_anywhere, set_up, tear_down),
                cmocka_unit_test_setup_teardown(takes_much, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_scribe_that_ends_is_replaced, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_disk_that_stands_still, set_up, tear_down),
                cmocka_unit_test_setup_teardown(only_time_that_was_seen_counts, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_end_waits_for_what_is_pending, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
