/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/hook_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "hooks/hook_message.h"
#include "util/log.h"
#include "util/printable.h"

struct hook_client {
        int fd; /* -1: gone */
        const struct settings *settings;
        hook_failed_fn failed;
        void *userdata;
        sd_event_source *reports;
        uint32_t generation, running;
        uint64_t dropped;
};

unsigned hook_client_running(const struct hook_client *c) {
        return c->running;
}

uint64_t hook_client_dropped(const struct hook_client *c) {
        return c->dropped;
}

/* --- what it is told ----------------------------------------------------------------- */

static void lose(struct hook_client *c) {
        c->fd = -1;
        c->running = 0;
        c->reports = sd_event_source_disable_unref(c->reports);
        log_warning("The process that runs hooks has ended, and will not be started again: no hook runs any more");
}

static void note(struct hook_client *c, const struct hook_report *r) {
        if (c->generation && r->generation != c->generation)
                log_warning("The process that runs hooks was started anew; hooks that ran (%u) were ended", c->running);
        c->generation = r->generation;
        c->running = r->running;
        c->dropped = r->dropped;
}

static void take(struct hook_client *c, struct hook_report *r) {
        note(c, r);
        switch ((enum hook_report_kind) r->kind) {
        case HOOK_REPORT_STATE:
        case HOOK_REPORTS:
                break;
        case HOOK_REPORT_OTHER:
                log_warning("The process that runs hooks read another configuration than this one: "
                            "hooks do not run until the next reload");
                break;
        case HOOK_REPORT_FAILED: {
                const struct hook_failure failure = {
                        .command = printable(r->command),
                        .event = (enum event_type) r->event_type,
                        .sequence = r->sequence,
                        .why = printable(r->why),
                        .output = printable(r->output),
                };

                c->failed(&failure, c->userdata);
                break;
        }
        }
}

static int on_report(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct hook_client *c = userdata;
        struct hook_report r;
        ssize_t n = recv(fd, &r, sizeof r, MSG_DONTWAIT | MSG_TRUNC);

        (void) source, (void) revents;
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                lose(c);
        else if (n > 0 && hook_report_check(&r, (size_t) n) == 0)
                take(c, &r);
        return 0;
}

/* --- what it says -------------------------------------------------------------------- */

static int say(struct hook_client *c, const struct hook_order *o) {
        if (c->fd < 0)
                return -EPIPE;
        return send(c->fd, o, sizeof *o, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

void hook_client_configure(struct hook_client *c, const struct settings *settings) {
        struct hook_order o;

        c->settings = settings;
        hook_order_begin(&o, HOOK_ORDER_FOLLOW, settings_hooks_digest(settings));
        /* If it does not take it, it follows with the next event. */
        (void) say(c, &o);
}

void hook_client_run(struct hook_client *c, uint32_t rule, const struct event *e) {
        struct hook_failure failure = {
                .command = c->settings->rules[rule].hook.argv[0],
                .event = e->type,
                .sequence = e->sequence,
                .output = "",
        };
        struct hook_order o;
        int r;

        hook_order_begin(&o, HOOK_ORDER_RUN, settings_hooks_digest(c->settings));
        hook_order_set(&o, rule, e);
        r = say(c, &o);
        if (r >= 0)
                return;
        failure.why = r == -EAGAIN ? "not started: the process that runs hooks does not answer"
                                   : "not started: the process that runs hooks is gone";
        c->failed(&failure, c->userdata);
}

int hook_client_new(sd_event *event, int fd, const struct settings *settings, hook_failed_fn failed, void *userdata,
                    struct hook_client **ret) {
        struct hook_client *c = calloc(1, sizeof *c);
        int r = 0;

        if (!c)
                return -ENOMEM;
        *c = (struct hook_client) { .fd = fd, .settings = settings, .failed = failed, .userdata = userdata };
        if (fd >= 0)
                r = sd_event_add_io(event, &c->reports, fd, EPOLLIN, on_report, c);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}

struct hook_client *hook_client_free(struct hook_client *c) {
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->reports);
        free(c);
        return NULL;
}
