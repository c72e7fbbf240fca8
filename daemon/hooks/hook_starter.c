/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* heap.h */

#include "hooks/hook_starter.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <systemd/sd-event.h>

#include "hooks/hook.h"
#include "hooks/hook_message.h"
#include "util/child.h"
#include "util/heap.h"
#include "util/supervisor.h"

struct starter {
        int fd;
        uint32_t generation;
        const struct hook_starter_config *config;
        struct settings *settings; /* what is in force here: config->settings */
        uint64_t digest;           /* of them */
        struct hook_runner *runner;
        uint32_t told_running;
        uint64_t told_dropped;
};

/* --- reports ------------------------------------------------------------------------- */

/* A daemon that does not listen misses it: hooks go on. */
static void report(struct starter *s, struct hook_report *r) {
        r->running = s->told_running = hook_runner_running(s->runner);
        r->dropped = s->told_dropped = hook_runner_dropped(s->runner);
        (void) send(s->fd, r, sizeof *r, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void report_plain(struct starter *s, enum hook_report_kind kind) {
        struct hook_report r;

        hook_report_begin(&r, kind, s->generation);
        report(s, &r);
}

static void on_failed(const struct hook_failure *failure, void *userdata) {
        struct starter *s = userdata;
        struct hook_report r;

        hook_report_begin(&r, HOOK_REPORT_FAILED, s->generation);
        r.event_type = failure->event;
        r.sequence = failure->sequence;
        snprintf(r.command, sizeof r.command, "%s", failure->command);
        snprintf(r.why, sizeof r.why, "%s", failure->why);
        snprintf(r.output, sizeof r.output, "%s", failure->output);
        report(s, &r);
}

/* After each round of the loop. */
static int on_round(sd_event_source *source, void *userdata) {
        struct starter *s = userdata;

        (void) source;
        if (s->told_running != hook_runner_running(s->runner) || s->told_dropped != hook_runner_dropped(s->runner))
                report_plain(s, HOOK_REPORT_STATE);
        return 0;
}

/* --- orders -------------------------------------------------------------------------- */

/* Whether the daemon and we mean the same commands, if need be after a look at the files. */
static bool follow(struct starter *s, uint64_t digest) {
        struct settings fresh;

        if (digest == s->digest)
                return true;
        if (s->config->load(s->config->userdata, &fresh) < 0)
                return false;
        settings_release(s->settings);
        *s->settings = fresh;
        s->digest = settings_hooks_digest(&fresh);
        hook_runner_configure(s->runner, fresh.alerts.hook_timeout_us, fresh.alerts.hooks_at_once);
        heap_give_back();
        return digest == s->digest;
}

static void run(struct starter *s, const struct hook_order *o) {
        struct hook_failure failure = {
                .command = "of another configuration",
                .event = o->event.type,
                .sequence = o->event.sequence,
                .why = "not started: the configuration was changed since it was read: reload it",
                .output = "",
        };
        struct event e;

        if (!follow(s, o->digest)) {
                on_failed(&failure, s);
                return;
        }
        if (o->rule >= s->settings->rules_count || !s->settings->rules[o->rule].hook.argc)
                return;
        hook_order_event(o, &e);
        hook_run(s->runner, &s->settings->rules[o->rule].hook, &e);
}

static void take(struct starter *s, const struct hook_order *o) {
        switch ((enum hook_order_kind) o->kind) {
        case HOOK_ORDER_FOLLOW:
                if (!follow(s, o->digest))
                        report_plain(s, HOOK_REPORT_OTHER);
                break;
        case HOOK_ORDER_RUN:
                run(s, o);
                break;
        case HOOK_ORDERS:
                break;
        }
}

static int on_order(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct starter *s = userdata;
        struct hook_order o;
        ssize_t n = recv(fd, &o, sizeof o, MSG_DONTWAIT | MSG_TRUNC);

        (void) revents;
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                return sd_event_exit(sd_event_source_get_event(source), 0);
        if (n > 0 && hook_order_check(&o, (size_t) n) == 0)
                take(s, &o);
        return 0;
}

/* --- the process --------------------------------------------------------------------- */

static int listen_and_run(struct starter *s, sd_event *event) {
        int r = sd_event_add_io(event, NULL, s->fd, EPOLLIN, on_order, s);

        if (r >= 0)
                r = sd_event_add_post(event, NULL, on_round, s);
        if (r < 0)
                return r;
        report_plain(s, HOOK_REPORT_STATE); /* says that we are there */
        return sd_event_loop(event);
}

int hook_starter_run(int fd, uint32_t generation, const struct hook_starter_config *config) {
        struct starter s = {
                .fd = fd,
                .generation = generation,
                .config = config,
                .settings = config->settings,
                .digest = settings_hooks_digest(config->settings),
        };
        sd_event *event = NULL;
        sigset_t child;
        int r;

        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &child, NULL) < 0)
                return -errno;
        r = sd_event_new(&event);
        if (r >= 0)
                r = hook_runner_new(event, s.settings->alerts.hook_timeout_us, s.settings->alerts.hooks_at_once,
                                    on_failed, &s, &s.runner);
        if (r >= 0)
                r = listen_and_run(&s, event);
        hook_runner_free(s.runner);
        sd_event_unref(event);
        settings_release(s.settings);
        return r;
}

static int run_supervised(uint32_t generation, void *userdata) {
        return hook_starter_run(CHILD_PAIR_FD, generation, userdata);
}

int hook_starter_launch(const struct hook_starter_config *config, int *ret_fd, pid_t *ret_pid) {
        struct hook_starter_config copy = *config;
        const struct supervised starter = {
                .name = "synwardd-hooks",
                .supervisor_name = "synwardd-hookup",
                .run = run_supervised,
                .userdata = &copy,
                .kill_orphans = true,
        };

        return supervisor_start(&starter, ret_fd, ret_pid);
}
