/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side of hooks, with the real starter and real commands: one that fails, one that runs
 * while its starter is killed, another configuration, a starter that hangs, none. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hooks/hook_client.h"
#include "hooks/hook_starter.h"
#include "util/log.h"
#include "util/supervisor.h"

#define PATIENCE_US UINT64_C(60000000)

static struct {
        char directory[64], result[96];
        sd_event *loop;
        struct settings settings;
        int fd;
        pid_t supervisor;
        struct hook_client *client;
        unsigned failures;
        char why[HOOK_WHY_MAX], output[HOOK_OUTPUT_MAX + 1], command[SETTINGS_PATH_MAX];
} w;

static void on_failure(const struct hook_failure *f, void *userdata) {
        w.failures++;
        assert_int_equal(f->event, EVENT_FLOOD_START);
        assert_int_equal(f->sequence, 7);
        snprintf(w.why, sizeof w.why, "%s", f->why);
        snprintf(w.output, sizeof w.output, "%s", f->output);
        snprintf(w.command, sizeof w.command, "%s", f->command);
}

/* A policy with one hook, that script. */
static struct settings policy(const char *script) {
        struct settings s = { .rules_count = 2, .alerts = { .hook_timeout_us = PATIENCE_US, .hooks_at_once = 2 } };
        struct settings_hook *h = &s.rules[1].hook;

        h->argc = 4;
        h->argv[0] = strdup("/bin/sh");
        h->argv[1] = strdup("-c");
        h->argv[2] = strdup(script);
        h->argv[3] = strdup(w.result);
        return s;
}

/* "The file" of the configuration is one, with the script: what the starter reads is what is there. */
static int load(void *userdata, struct settings *ret) {
        char path[96], script[256];
        FILE *f;
        size_t n;

        snprintf(path, sizeof path, "%s/script", (const char *) userdata);
        f = fopen(path, "re");
        if (!f)
                return -errno;
        n = fread(script, 1, sizeof script - 1, f);
        script[n] = '\0';
        fclose(f);
        *ret = policy(script);
        return 0;
}

static void write_script(const char *script) {
        char path[96];
        FILE *f;

        snprintf(path, sizeof path, "%s/script", w.directory);
        f = fopen(path, "we");
        assert_non_null(f);
        fputs(script, f);
        fclose(f);
}

static void begin(const char *script) {
        const struct hook_starter_config config = { &w.settings, load, w.directory };

        w.settings = policy(script);
        assert_int_equal(hook_starter_launch(&config, &w.fd, &w.supervisor), 0);
        assert_int_equal(hook_client_new(w.loop, w.fd, &w.settings, on_failure, NULL, &w.client), 0);
}

static int set_up(void **state) {
        memset(&w, 0, sizeof w);
        w.fd = -1;
        strcpy(w.directory, "/tmp/test-hook-client-XXXXXX");
        if (!mkdtemp(w.directory))
                return -1;
        snprintf(w.result, sizeof w.result, "%s/result", w.directory);
        return sd_event_new(&w.loop) < 0 ? -1 : 0;
}

static int tear_down(void **state) {
        char command[128];
        int status;

        hook_client_free(w.client);
        if (w.fd >= 0)
                close(w.fd);
        /* However it went, it is gone with our end. */
        if (w.supervisor > 0 && waitpid(w.supervisor, &status, 0) != w.supervisor)
                return -1;
        settings_release(&w.settings);
        sd_event_unref(w.loop);
        snprintf(command, sizeof command, "rm -r '%s'", w.directory);
        return system(command);
}

static uint64_t now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

#define until(condition)                                                    \
        do {                                                                \
                uint64_t end = now_us() + PATIENCE_US;                      \
                while (!(condition)) {                                      \
                        assert_true(now_us() < end);                        \
                        assert_true(sd_event_run(w.loop, 10000) >= 0);      \
                }                                                           \
        } while (0)

static void order(void) {
        struct event e = event_make(EVENT_FLOOD_START);

        e.sequence = 7;
        e.incident = 3;
        e.evidence.half_open = 511;
        e.evidence.pattern = "surge";
        strcpy(e.message, "a 'flood' $(of) \"words\"");
        hook_client_run(w.client, 1, &e);
}

static const char *result(void) {
        static char text[256 * 1024]; /* env(1) may have much to say */
        FILE *f = fopen(w.result, "re");
        size_t n;

        if (!f)
                return "";
        n = fread(text, 1, sizeof text - 1, f);
        text[n] = '\0';
        fclose(f);
        return text;
}
static bool has(const char *text) {
        return strstr(result(), text);
}

/* The one child that the supervisor has, if it is not that one; 0: none. */
static pid_t starter(pid_t but) {
        char path[64];
        pid_t pid = 0;
        FILE *f;

        snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int) w.supervisor, (int) w.supervisor);
        f = fopen(path, "re");
        if (f && fscanf(f, "%d", &pid) != 1)
                pid = 0;
        if (f)
                fclose(f);
        return pid == but ? 0 : pid;
}

static void runs_and_tells(void **state) {
        begin("{ cat; env; } > $0; echo 'last words'; exit 3");
        order();
        until(w.failures);
        assert_string_equal(w.command, "/bin/sh");
        assert_string_equal(w.why, "exit status 3");
        assert_string_equal(w.output, "last words");
        assert_true(has("\"event\":\"flood-start\"") && has("\"pattern\":\"surge\"") && has("\"half_open\":511"));
        assert_true(has("\nSYNWARD_INCIDENT=3\n") && has("\nSYNWARD_MESSAGE=a 'flood' $(of) \"words\"\n"));
        until(hook_client_running(w.client) == 0);
}

static void counts_them(void **state) {
        begin("while ! test -e $0; do sleep 0.01; done");
        for (unsigned i = 0; i < 5; i++)
                order();
        until(w.failures == 3);
        assert_string_equal(w.why, "not started: 2 hooks are running");
        assert_int_equal(hook_client_running(w.client), 2);
        assert_int_equal(hook_client_dropped(w.client), 3);
        fclose(fopen(w.result, "we"));
        until(hook_client_running(w.client) == 0);
        assert_int_equal(w.failures, 3);
}

/* It and what it ran, which is nobody's then, before the next one comes; which has the same policy. */
static void comes_back(void **state) {
        pid_t first, hook;

        begin("trap '' TERM; echo $$ >> $0; sleep 1000; :");
        order();
        until(has("\n"));
        hook = (pid_t) strtol(result(), NULL, 10);
        first = starter(0);
        assert_true(hook > 1 && first > 1);
        kill(first, SIGKILL);
        /* For a moment the hook is the supervisor's child, and the only one. */
        until(kill(hook, 0) < 0 && starter(first) > 0);
        unlink(w.result);
        order();
        until(has("\n"));
        assert_int_equal(w.failures, 0);
        /* At the end it is killed with the starter: tear_down() waits for both. */
}

static void follows_a_reload(void **state) {
        struct settings fresh;

        begin("echo old >> $0");
        write_script("echo new >> $0");
        fresh = policy("echo new >> $0");
        hook_client_configure(w.client, &fresh);
        order();
        until(has("new"));
        assert_false(has("old"));
        assert_int_equal(w.failures, 0);
        settings_release(&fresh);
}

/* We are told of another policy than there is: neither runs. */
static void runs_what_both_mean(void **state) {
        struct settings fresh;

        begin("echo old >> $0");
        write_script("echo theirs >> $0");
        fresh = policy("echo ours >> $0");
        hook_client_configure(w.client, &fresh);
        order();
        until(w.failures == 1);
        assert_string_equal(w.why, "not started: the configuration was changed since it was read: reload it");
        assert_string_equal(result(), "");
        write_script("echo ours >> $0");
        order();
        until(has("ours"));
        assert_int_equal(w.failures, 1);
        settings_release(&fresh);
}

static void does_not_wait(void **state) {
        pid_t pid;
        uint64_t start;

        begin("exit 0");
        until(starter(0) > 0);
        pid = starter(0);
        kill(pid, SIGSTOP);
        start = now_us();
        for (unsigned i = 0; i < 10000 && w.failures == 0; i++)
                order();
        assert_true(now_us() - start < PATIENCE_US);
        assert_int_equal(w.failures, 1);
        assert_string_equal(w.why, "not started: the process that runs hooks does not answer");
        kill(pid, SIGCONT);
}

static void is_gone(void **state) {
        pid_t pid;
        int status;

        begin("exit 0");
        until(starter(0) > 0);
        pid = starter(0);
        kill(w.supervisor, SIGKILL);
        assert_int_equal(waitpid(w.supervisor, &status, 0), w.supervisor);
        w.supervisor = 0;
        order(); /* the last one works on */
        kill(pid, SIGKILL);
        for (unsigned i = 0; i < 1000 && w.failures == 0; i++) {
                assert_true(sd_event_run(w.loop, 10000) >= 0);
                order();
        }
        assert_string_equal(w.why, "not started: the process that runs hooks is gone");
}

static void there_is_none(void **state) {
        w.settings = policy("exit 0");
        assert_int_equal(hook_client_new(w.loop, -1, &w.settings, on_failure, NULL, &w.client), 0);
        order();
        assert_int_equal(w.failures, 1);
        assert_string_equal(w.command, "/bin/sh");
}

static void digests(void **state) {
        struct settings a = policy("one"), b = policy("one"), c = policy("two");

        assert_true(settings_hooks_digest(&a) == settings_hooks_digest(&b));
        assert_true(settings_hooks_digest(&a) != settings_hooks_digest(&c));
        b.alerts.hook_timeout_us++;
        assert_true(settings_hooks_digest(&a) != settings_hooks_digest(&b));
        b.alerts.hook_timeout_us--;
        b.rules[0].hook = b.rules[1].hook; /* at another place */
        b.rules[1].hook.argc = 0;
        assert_true(settings_hooks_digest(&a) != settings_hooks_digest(&b));
        settings_release(&a);
        settings_release(&b);
        settings_release(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
                TEST(runs_and_tells),   TEST(counts_them),         TEST(comes_back),
                TEST(follows_a_reload), TEST(runs_what_both_mean), TEST(does_not_wait),
                TEST(is_gone),          TEST(there_is_none),       TEST(digests),
#undef TEST
        };

        log_setup(-2);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
