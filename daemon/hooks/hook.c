/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "hooks/hook.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/event_fields.h"
#include "format/event_json.h"
#include "format/time_text.h"
#include "util/printable.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* Linux 6.3 */
#endif

/* What a pipe holds, read at most once in PAUSE_US: a hook that floods its
 * output is slowed down by its own full pipe and costs us nearly nothing. */
enum { READ_MAX = 64 * 1024 };
#define PAUSE_US UINT64_C(10000)

struct process {
        struct hook_runner *runner;
        struct process *next;
        char command[SETTINGS_PATH_MAX];
        enum event_type event;
        uint64_t sequence, timeout_us;
        pid_t pid;
        int output_fd;
        bool out_of_time;
        sd_event_source *child, *output, *pause, *limit;
        size_t tail_length;
        char tail[HOOK_OUTPUT_MAX + 1];
};

struct hook_runner {
        sd_event *event;
        uint64_t timeout_us;
        unsigned at_once, running;
        uint64_t dropped;
        hook_failed_fn failed;
        void *userdata;
        struct process *processes;
};

int hook_runner_new(sd_event *event, uint64_t timeout_us, unsigned at_once, hook_failed_fn failed, void *userdata,
                    struct hook_runner **ret) {
        struct hook_runner *r = calloc(1, sizeof *r);

        if (!r)
                return -ENOMEM;
        r->event = sd_event_ref(event);
        r->failed = failed;
        r->userdata = userdata;
        hook_runner_configure(r, timeout_us, at_once);
        *ret = r;
        return 0;
}

void hook_runner_configure(struct hook_runner *r, uint64_t timeout_us, unsigned at_once) {
        r->timeout_us = timeout_us;
        r->at_once = at_once;
}

unsigned hook_runner_running(const struct hook_runner *r) {
        return r->running;
}

uint64_t hook_runner_dropped(const struct hook_runner *r) {
        return r->dropped;
}

/* --- the environment ---------------------------------------------------------- */

static bool is_for_the_daemon(const char *entry) {
        static const char *const names[] = {
                "NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_", "JOURNAL_STREAM=", "FDSTORE=", "INVOCATION_", "SYNWARD_",
        };

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strncmp(entry, names[i], strlen(names[i])) == 0)
                        return true;
        return false;
}

static char **environment_free(char **list) {
        for (char **entry = list; entry && *entry; entry++)
                free(*entry);
        free(list);
        return NULL;
}

/* SYNWARD_HALF_OPEN=511; NULL: no memory. */
static char *variable(const char *name, const char *value) {
        char *entry;

        if (asprintf(&entry, "SYNWARD_%s=%s", name, value) < 0)
                return NULL;
        for (char *p = entry; *p != '='; p++)
                *p = (char) toupper((unsigned char) *p);
        return entry;
}

static char **environment_new(const struct event *e) {
        struct event_field fields[EVENT_FIELDS_MAX];
        unsigned count = event_fields(e, fields);
        char time[TIME_TEXT_MAX], **list;
        size_t inherited = 0, n = 0;
        bool complete = true;

        while (environ && environ[inherited])
                inherited++;
        list = calloc(inherited + count + 3, sizeof *list);
        if (!list)
                return NULL;
        for (size_t i = 0; i < inherited && complete; i++)
                if (!is_for_the_daemon(environ[i]))
                        complete = (list[n++] = strdup(environ[i]));
        for (unsigned i = 0; i < count && complete; i++)
                complete = (list[n++] = variable(fields[i].name, fields[i].text));
        if (complete)
                complete = (list[n++] = variable("message", e->message));
        if (complete)
                complete = (list[n++] = variable("time", time_text_format(e->realtime_us, time)));
        return complete ? list : environment_free(list);
}

/* --- starting --------------------------------------------------------------------- */

/* A file in memory rather than a pipe: the hook reads it when it likes, or never,
 * and nobody waits for anybody. */
static int input_new(const struct event *e) {
        char *line = event_json_line(e);
        size_t length;
        ssize_t n;
        int fd;

        if (!line)
                return -ENOMEM;
        length = strlen(line);
        fd = memfd_create("synward-event", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
        if (fd < 0 && errno == EINVAL)
                fd = memfd_create("synward-event", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0) {
                fd = -errno;
                free(line);
                return fd;
        }
        n = pwrite(fd, line, length, 0);
        free(line);
        if (n < 0 || (size_t) n != length) {
                close(fd);
                return -ENOMEM;
        }
        (void) fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
        return fd;
}

static int set_up_files(posix_spawn_file_actions_t *files, int input, int output) {
        int r = posix_spawn_file_actions_adddup2(files, input, STDIN_FILENO);

        if (r == 0)
                r = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(files, output, STDERR_FILENO);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
        /* All of ours are close-on-exec; this is for what a library left open. */
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
#endif
        if (r == 0)
                r = posix_spawn_file_actions_addchdir_np(files, "/");
        return r;
}

static int set_up_attributes(posix_spawnattr_t *attributes) {
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (r == 0)
                r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(attributes, &all);
        return r;
}

static int spawn(char *const argv[], char *const environment[], int input, int output, pid_t *ret_pid) {
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        int r = posix_spawn_file_actions_init(&files);

        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attributes);
        if (r != 0) {
                posix_spawn_file_actions_destroy(&files);
                return -r;
        }
        r = set_up_files(&files, input, output);
        if (r == 0)
                r = set_up_attributes(&attributes);
        if (r == 0)
                r = posix_spawn(ret_pid, argv[0], &files, &attributes, argv, environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&files);
        return -r;
}

/* Starts the command; *ret_output is our end of its output. */
static int start(const struct settings_hook *hook, const struct event *e, pid_t *ret_pid, int *ret_output) {
        char **environment = environment_new(e);
        int input = -1, ends[2] = { -1, -1 };
        int r;

        if (!environment)
                return -ENOMEM;
        input = input_new(e);
        if (input < 0)
                r = input;
        else if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
                r = -errno;
        else
                r = spawn(hook->argv, environment, input, ends[1], ret_pid);
        environment_free(environment);
        if (input >= 0)
                close(input);
        if (ends[1] >= 0)
                close(ends[1]);
        if (r == 0)
                *ret_output = ends[0];
        else if (ends[0] >= 0)
                close(ends[0]);
        return r;
}

/* --- while it runs ------------------------------------------------------------------ */

static void process_free(struct process *p) {
        sd_event_source_disable_unref(p->child);
        sd_event_source_disable_unref(p->output);
        sd_event_source_disable_unref(p->pause);
        sd_event_source_disable_unref(p->limit);
        if (p->output_fd >= 0)
                close(p->output_fd);
        free(p);
}

static void process_unlink(struct process *p) {
        struct process **at = &p->runner->processes;

        while (*at != p)
                at = &(*at)->next;
        *at = p->next;
        p->runner->running--;
}

struct hook_runner *hook_runner_free(struct hook_runner *r) {
        if (!r)
                return NULL;
        while (r->processes) {
                struct process *p = r->processes;

                kill(-p->pid, SIGKILL);
                waitpid(p->pid, NULL, WNOHANG); /* else it is init's: we are about to end */
                process_unlink(p);
                process_free(p);
        }
        sd_event_unref(r->event);
        free(r);
        return NULL;
}

static void keep_tail(struct process *p, const char *data, size_t length) {
        size_t kept;

        if (length > HOOK_OUTPUT_MAX) {
                data += length - HOOK_OUTPUT_MAX;
                length = HOOK_OUTPUT_MAX;
        }
        kept = p->tail_length;
        if (kept > HOOK_OUTPUT_MAX - length)
                kept = HOOK_OUTPUT_MAX - length;
        memmove(p->tail, p->tail + p->tail_length - kept, kept);
        memcpy(p->tail + kept, data, length);
        p->tail_length = kept + length;
}

/* How much came; 0 at the end of the output, -EAGAIN: nothing now. */
static ssize_t read_output(struct process *p) {
        char data[READ_MAX];
        ssize_t n = read(p->output_fd, data, sizeof data);

        if (n < 0)
                return -errno;
        keep_tail(p, data, (size_t) n);
        return n;
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct process *p = userdata;
        ssize_t n = read_output(p);

        (void) fd, (void) revents;
        if (n == -EAGAIN || n == -EINTR)
                return 0;
        if (n <= 0) {
                /* All who held it have closed it; the hook itself may run on. */
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        }
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        sd_event_source_set_time_relative(p->pause, PAUSE_US);
        return sd_event_source_set_enabled(p->pause, SD_EVENT_ONESHOT);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
        struct process *p = userdata;

        (void) source, (void) usec;
        return sd_event_source_set_enabled(p->output, SD_EVENT_ON);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata) {
        struct process *p = userdata;

        (void) usec;
        kill(-p->pid, p->out_of_time ? SIGKILL : SIGTERM);
        if (p->out_of_time)
                return 0;
        p->out_of_time = true;
        sd_event_source_set_time_relative(source, HOOK_GRACE_US);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* The tail as one line of text. */
static const char *last_words(struct process *p) {
        for (size_t i = 0; i < p->tail_length; i++)
                if (p->tail[i] == '\n' || p->tail[i] == '\0')
                        p->tail[i] = ' ';
        while (p->tail_length > 0 && p->tail[p->tail_length - 1] == ' ')
                p->tail_length--;
        p->tail[p->tail_length] = '\0';
        return printable(p->tail);
}

static bool describe_end(const struct process *p, const siginfo_t *si, char why[HOOK_WHY_MAX]) {
        if (p->out_of_time)
                snprintf(why, HOOK_WHY_MAX, "took longer than %" PRIu64 " ms", p->timeout_us / 1000);
        else if (si->si_code != CLD_EXITED)
                snprintf(why, HOOK_WHY_MAX, "killed by signal %i (%s)", si->si_status, strsignal(si->si_status));
        else
                snprintf(why, HOOK_WHY_MAX, "exit status %i", si->si_status);
        return p->out_of_time || si->si_code != CLD_EXITED || si->si_status != 0;
}

static int on_exit_of_child(sd_event_source *source, const siginfo_t *si, void *userdata) {
        struct process *p = userdata;
        struct hook_runner *r = p->runner;
        char why[HOOK_WHY_MAX];
        bool failed;

        (void) source;
        /* It is not reaped before we return, so the group's number is still its own. */
        kill(-p->pid, SIGKILL);
        read_output(p); /* what it said last; a grandchild may hold the pipe open for ever */
        failed = describe_end(p, si, why);
        process_unlink(p);
        if (failed) {
                struct hook_failure failure = {
                        .command = p->command,
                        .event = p->event,
                        .sequence = p->sequence,
                        .why = why,
                        .output = last_words(p),
                };

                r->failed(&failure, r->userdata);
        }
        process_free(p);
        return 0;
}

static int watch(struct process *p) {
        sd_event *event = p->runner->event;
        int r = sd_event_add_child(event, &p->child, p->pid, WEXITED, on_exit_of_child, p);

        if (r >= 0)
                r = sd_event_add_io(event, &p->output, p->output_fd, EPOLLIN, on_output, p);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &p->pause, CLOCK_MONOTONIC, PAUSE_US, 0, on_pause_over, p);
        if (r >= 0)
                r = sd_event_source_set_enabled(p->pause, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &p->limit, CLOCK_MONOTONIC, p->timeout_us, 0, on_limit, p);
        /* A hook's output can wait for everything else. */
        if (r >= 0)
                r = sd_event_source_set_priority(p->output, SD_EVENT_PRIORITY_IDLE);
        return r;
}

static int run(struct hook_runner *r, const struct settings_hook *hook, const struct event *e) {
        struct process *p = calloc(1, sizeof *p);
        int result;

        if (!p)
                return -ENOMEM;
        p->runner = r;
        p->event = e->type;
        p->sequence = e->sequence;
        p->timeout_us = r->timeout_us;
        p->output_fd = -1;
        snprintf(p->command, sizeof p->command, "%s", hook->argv[0]);
        result = start(hook, e, &p->pid, &p->output_fd);
        if (result < 0) {
                process_free(p);
                return result;
        }
        result = watch(p);
        if (result < 0) {
                kill(-p->pid, SIGKILL);
                waitpid(p->pid, NULL, 0);
                process_free(p);
                return result;
        }
        p->next = r->processes;
        r->processes = p;
        r->running++;
        return 0;
}

void hook_run(struct hook_runner *r, const struct settings_hook *hook, const struct event *e) {
        char why[HOOK_WHY_MAX];
        struct hook_failure failure = {
                .command = hook->argv[0],
                .event = e->type,
                .sequence = e->sequence,
                .why = why,
                .output = "",
        };

        if (r->running >= r->at_once) {
                r->dropped++;
                snprintf(why, sizeof why, "not started: %u hooks are running", r->running);
        } else {
                int result = run(r, hook, e);

                if (result >= 0)
                        return;
                snprintf(why, sizeof why, "cannot be started: %s", strerror(-result));
        }
        r->failed(&failure, r->userdata);
}

struct event hook_failed_event(const struct hook_failure *failure) {
        enum { LAST_WORDS = 200 };
        struct event e = event_make(EVENT_HOOK_FAILED);
        size_t length = strlen(failure->output);
        const char *last = failure->output + (length > LAST_WORDS ? length - LAST_WORDS : 0);

        /* Not to begin within a character of UTF-8. */
        while (length > LAST_WORDS && ((unsigned char) *last & 0xc0) == 0x80)
                last++;
        snprintf(e.message, sizeof e.message, "hook %s for %s: %s%s%s%s", failure->command,
                 event_type_name(failure->event), failure->why, *last ? ": " : "", length > LAST_WORDS ? "…" : "",
                 last);
        return e;
}
