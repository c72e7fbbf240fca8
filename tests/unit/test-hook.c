/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real processes: a hook is worth what it does when it misbehaves. */
#include "config.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hooks/hook.h"

/* Far longer than anything here takes, even under valgrind. */
#define PATIENCE_US UINT64_C(60000000)

struct world {
        char directory[64], result[96];
        sd_event *loop;
        struct hook_runner *runner;
        struct event e;
        unsigned failures;
        char why[HOOK_WHY_MAX], output[HOOK_OUTPUT_MAX + 1];
        struct event failure_event;
};

static void on_failure(const struct hook_failure *f, void *userdata) {
        struct world *w = userdata;

        w->failures++;
        assert_int_equal(f->event, EVENT_FLOOD_START);
        assert_int_equal(f->sequence, 7);
        snprintf(w->why, sizeof w->why, "%s", f->why);
        snprintf(w->output, sizeof w->output, "%s", f->output);
        w->failure_event = hook_failed_event(f);
}

static unsigned open_files(void) {
        DIR *d = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

/* The loop opens some of its own files when it first needs them. */
static void warm_up(struct world *w) {
        static char program[] = "/bin/true";
        struct settings_hook hook = { .argc = 1, .argv = { program } };
        struct event e = event_make(EVENT_FLOOD_START);

        hook_run(w->runner, &hook, &e);
        while (hook_runner_running(w->runner) > 0)
                assert_true(sd_event_run(w->loop, 100000) >= 0);
}

static int world_make(void **state) {
        struct world *w = calloc(1, sizeof *w);

        snprintf(w->directory, sizeof w->directory, "/tmp/test-hook-XXXXXX");
        if (!mkdtemp(w->directory))
                return -1;
        snprintf(w->result, sizeof w->result, "%s/result", w->directory);
        assert_true(sd_event_new(&w->loop) >= 0);
        assert_int_equal(hook_runner_new(w->loop, PATIENCE_US, 4, on_failure, w, &w->runner), 0);
        warm_up(w);
        w->e = event_make(EVENT_FLOOD_START);
        w->e.sequence = 7;
        w->e.incident = 3;
        w->e.evidence.half_open = 511;
        snprintf(w->e.message, sizeof w->e.message, "a 'flood' $(of) \"words\"");
        *state = w;
        return 0;
}

static int world_end(void **state) {
        struct world *w = *state;

        hook_runner_free(w->runner);
        sd_event_unref(w->loop);
        unlink(w->result);
        rmdir(w->directory);
        free(w);
        /* Nothing may be left of any hook. */
        for (int i = 0; i < 5000; i++) {
                if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
                        return 0;
                nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
        }
        return -1;
}

static void start_hook(struct world *w, const char *script) {
        char *argv[] = { (char *) (uintptr_t) "/bin/sh", (char *) (uintptr_t) "-c", (char *) (uintptr_t) script,
                         w->result };
        struct settings_hook hook = { .argc = 4 };

        memcpy(hook.argv, argv, sizeof argv);
        hook_run(w->runner, &hook, &w->e);
}

static uint64_t now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* Runs the loop until n hooks are left. */
static void until_running(struct world *w, unsigned n) {
        uint64_t end = now_us() + PATIENCE_US;

        while (hook_runner_running(w->runner) > n) {
                assert_true(now_us() < end);
                assert_true(sd_event_run(w->loop, 100000) >= 0);
        }
}

static const char *result(struct world *w) {
        static char text[65536];
        FILE *f = fopen(w->result, "re");
        size_t n;

        if (!f)
                return NULL;
        n = fread(text, 1, sizeof text - 1, f);
        text[n] = '\0';
        fclose(f);
        return text;
}

/* The process whose number a hook wrote to its result: gone, or a zombie of init's. */
static bool is_gone(pid_t pid) {
        char path[64], text[256] = "", *at;
        FILE *f;

        snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
        f = fopen(path, "re");
        if (!f)
                return true;
        if (!fgets(text, sizeof text, f))
                text[0] = '\0';
        fclose(f);
        at = strrchr(text, ')');
        return !at || at[2] == 'Z' || at[2] == 'X';
}

static void assert_gone(struct world *w) {
        const char *text = result(w);
        uint64_t end = now_us() + PATIENCE_US;
        pid_t pid;

        assert_non_null(text);
        pid = (pid_t) strtol(text, NULL, 10);
        assert_true(pid > 1);
        while (!is_gone(pid))
                assert_true(now_us() < end);
}

static void gets_the_event(void **state) {
        struct world *w = *state;
        unsigned files = open_files();
        json_t *j;

        start_hook(w, "cat > $0");
        until_running(w, 0);
        assert_int_equal(w->failures, 0);
        j = json_loads(result(w), 0, NULL);
        assert_non_null(j);
        assert_string_equal(json_string_value(json_object_get(j, "event")), "flood-start");
        assert_string_equal(json_string_value(json_object_get(j, "message")), w->e.message);
        json_decref(j);
        assert_int_equal(open_files(), files);
}

static void environment(void **state) {
        struct world *w = *state;
        const char *text;

        setenv("NOTIFY_SOCKET", "/run/x", 1);
        setenv("SYNWARD_SOURCE", "of another event", 1);
        setenv("FROM_THE_UNIT", "kept", 1);
        start_hook(w, "env > $0");
        until_running(w, 0);
        text = result(w);
        assert_non_null(strstr(text, "SYNWARD_EVENT=flood-start\n"));
        assert_non_null(strstr(text, "SYNWARD_INCIDENT=3\n"));
        assert_non_null(strstr(text, "SYNWARD_HALF_OPEN=511\n"));
        assert_non_null(strstr(text, "SYNWARD_MESSAGE=a 'flood' $(of) \"words\"\n"));
        assert_non_null(strstr(text, "SYNWARD_TIME=1970-01-01T00:00:00.000Z\n"));
        assert_non_null(strstr(text, "FROM_THE_UNIT=kept\n"));
        assert_null(strstr(text, "NOTIFY_SOCKET"));
        assert_null(strstr(text, "SYNWARD_SOURCE"));
        unsetenv("NOTIFY_SOCKET");
        unsetenv("SYNWARD_SOURCE");
}

/* No file of ours, no signal blocked or ignored, a session of its own, in "/". The shell has files
 * of its own while it makes a pipeline and blocks signals while it waits: so there is none, and
 * what it was given is read by what it becomes. */
static void clean_process(void **state) {
        struct world *w = *state;
        int leak = open("/dev/null", O_RDONLY), sid, pid; /* not close-on-exec, on purpose */
        unsigned long long blocked, ignored;
        char cwd[8];

        signal(SIGPIPE, SIG_IGN);
        start_hook(w, "exec > $0; ls -m /proc/$$/fd; pwd;"
                      "cut -d' ' -f1,6 /proc/$$/stat;"
                      "exec sed -n 's/^Sig[BI].*:\\t//p' /proc/self/status");
        until_running(w, 0);
        assert_memory_equal(result(w), "0, 1, 2\n", 8);
        assert_int_equal(sscanf(strchr(result(w), '\n') + 1, "%7s %d %d %llx %llx", cwd, &pid, &sid, &blocked,
                                &ignored),
                         5);
        assert_string_equal(cwd, "/");
        assert_int_equal(pid, sid);
        assert_true(blocked == 0);
        assert_true((ignored & 0x7fffffff) == 0); /* without the real-time ones, of libraries */
        signal(SIGPIPE, SIG_DFL);
        close(leak);
}

static void failing(void **state) {
        struct world *w = *state;

        start_hook(w, "echo one; printf 'two\\033[2J\\nthree\\n\\n' >&2; exit 3");
        until_running(w, 0);
        assert_int_equal(w->failures, 1);
        assert_string_equal(w->why, "exit status 3");
        assert_string_equal(w->output, "one two?[2J three");
        assert_int_equal(w->failure_event.type, EVENT_HOOK_FAILED);
        assert_string_equal(w->failure_event.message, "hook /bin/sh for flood-start: exit status 3: one two?[2J three");
        start_hook(w, "kill -SEGV $$");
        until_running(w, 0);
        assert_int_equal(w->failures, 2);
        assert_memory_equal(w->why, "killed by signal 11", 19);
}

/* Valgrind turns vfork() into fork(), so that posix_spawn() cannot tell: then it is
 * known from the status that the child ends with. */
static void assert_not_started(struct world *w, unsigned failures, const char *why) {
        until_running(w, 0);
        assert_int_equal(w->failures, failures);
        if (strcmp(w->why, "exit status 127") != 0)
                assert_string_equal(w->why, why);
}

static void not_there(void **state) {
        static char missing[] = "/nonexistent/hook", no_program[] = "/etc/passwd";
        struct world *w = *state;
        struct settings_hook hook = { .argc = 1, .argv = { missing } };
        unsigned files = open_files();

        hook_run(w->runner, &hook, &w->e);
        assert_not_started(w, 1, "cannot be started: No such file or directory");
        hook.argv[0] = no_program;
        hook_run(w->runner, &hook, &w->e);
        assert_not_started(w, 2, "cannot be started: Permission denied");
        assert_int_equal(open_files(), files);
}

static void hanging(void **state) {
        struct world *w = *state;

        hook_runner_configure(w->runner, 200000, 4);
        start_hook(w, "echo $$ > $0; echo waiting; exec sleep 1000");
        until_running(w, 0);
        assert_int_equal(w->failures, 1);
        assert_string_equal(w->why, "took longer than 200 ms");
        assert_string_equal(w->output, "waiting");
        assert_gone(w);
}

/* SIGTERM ignored by it and its child: SIGKILL for both. */
static void hanging_on(void **state) {
        struct world *w = *state;
        uint64_t start = now_us();

        hook_runner_configure(w->runner, 500000, 4);
        start_hook(w, "trap '' TERM; (while :; do sleep 1000; done) & echo $! > $0; "
                      "while :; do sleep 1000; done");
        until_running(w, 0);
        assert_true(now_us() - start >= 500000 + HOOK_GRACE_US);
        assert_int_equal(w->failures, 1);
        assert_gone(w);
}

/* One that leaves a child with its output behind has done its work; the child is
 * ended with it. */
static void forking(void **state) {
        struct world *w = *state;

        start_hook(w, "sleep 1000 & echo $! > $0");
        until_running(w, 0);
        assert_int_equal(w->failures, 0);
        assert_gone(w);
}

/* Even where the child escapes into a session of its own, nobody waits for it. */
static void forking_away(void **state) {
        struct world *w = *state;
        unsigned files = open_files();

        start_hook(w, "setsid sh -c 'echo $$ > '$0.tmp'; mv '$0.tmp' '$0'; exec sleep 1000' & "
                      "while ! test -s $0; do sleep 0.01; done; exit 1");
        until_running(w, 0);
        assert_int_equal(w->failures, 1);
        assert_int_equal(open_files(), files);
        kill((pid_t) strtol(result(w), NULL, 10), SIGKILL);
        assert_gone(w);
}

/* Its last words are kept, the loop stays free, and little CPU is spent. */
static void flooding(void **state) {
        struct world *w = *state;
        struct timespec before, after;
        double cpu_ms;

        hook_runner_configure(w->runner, 1000000, 4);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
        start_hook(w, "exec yes a long line of output that nobody will ever want to read");
        until_running(w, 0);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        cpu_ms = (double) (after.tv_sec - before.tv_sec) * 1e3 + (double) (after.tv_nsec - before.tv_nsec) / 1e6;
        print_message("a second of flood: %.1f ms of CPU\n", cpu_ms);
        assert_true(cpu_ms < 300);
        assert_int_equal(w->failures, 1);
        assert_in_range(strlen(w->output), HOOK_OUTPUT_MAX - 4, HOOK_OUTPUT_MAX);

        hook_runner_configure(w->runner, PATIENCE_US, 4);
        start_hook(w, "head -c 1000000 /dev/zero; echo the end; exit 1");
        until_running(w, 0);
        assert_int_equal(w->failures, 2);
        assert_string_equal(w->output + strlen(w->output) - 7, "the end");
        assert_true(strlen(w->failure_event.message) < 300);
}

static void reads_nothing_says_nothing(void **state) {
        struct world *w = *state;

        start_hook(w, "exec <&- >&- 2>&-; exec sleep 0.05");
        until_running(w, 0);
        assert_int_equal(w->failures, 0);
}

static void too_many(void **state) {
        struct world *w = *state;

        hook_runner_configure(w->runner, PATIENCE_US, 2);
        for (unsigned i = 0; i < 5; i++)
                start_hook(w, "while ! test -e $0; do sleep 0.01; done");
        assert_int_equal(hook_runner_running(w->runner), 2);
        assert_int_equal(hook_runner_dropped(w->runner), 3);
        assert_int_equal(w->failures, 3);
        assert_string_equal(w->why, "not started: 2 hooks are running");
        close(open(w->result, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        until_running(w, 0);
        assert_int_equal(w->failures, 3);
        start_hook(w, "exit 0"); /* there is room again */
        until_running(w, 0);
        assert_int_equal(w->failures, 3);
}

static void stopping_while_they_run(void **state) {
        struct world *w = *state;
        uint64_t end = now_us() + PATIENCE_US;

        start_hook(w, "trap '' TERM; echo $$ > $0; while :; do sleep 1000; done");
        while (!result(w) || !strchr(result(w), '\n')) {
                assert_true(now_us() < end);
                assert_true(sd_event_run(w->loop, 10000) >= 0);
        }
        w->runner = hook_runner_free(w->runner);
        assert_null(w->runner);
        assert_gone(w);
        assert_int_equal(w->failures, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_make, world_end)
                TEST(gets_the_event),
                TEST(environment),
                TEST(clean_process),
                TEST(failing),
                TEST(not_there),
                TEST(hanging),
                TEST(hanging_on),
                TEST(forking),
                TEST(forking_away),
                TEST(flooding),
                TEST(reads_nothing_says_nothing),
                TEST(too_many),
                TEST(stopping_while_they_run),
#undef TEST
        };
        sigset_t child;

        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
