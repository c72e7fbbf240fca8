/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

enum {
        NO_MEMORY_PAUSE_US = 10000,
        /* Sources that may wait to be dispatched at once: two a client, four a hook, our own. */
        PENDING_MAX = 400,
        NOTIFY_TEXT_MAX = 512,
};

struct loop {
        const struct loop_ops *ops;
        void *userdata;
        uint64_t interval_us;
        sd_event *event;
        sd_event_source *timer, *hangup, *terminate, *interrupt;
};

static uint64_t clock_us(clockid_t clock) {
        struct timespec ts;

        /* Cannot fail for these clocks. */
        clock_gettime(clock, &ts);
        return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

struct loop_time loop_time_now(void) {
        return (struct loop_time) {
                .now_us = clock_us(CLOCK_BOOTTIME),
                .realtime_us = clock_us(CLOCK_REALTIME),
        };
}

uint64_t loop_cpu_us(void) {
        return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static int on_timer(sd_event_source *source, uint64_t due_us, void *userdata) {
        struct loop *l = userdata;
        struct loop_time now = loop_time_now();
        uint64_t next_us = due_us + l->interval_us;
        int r;

        l->ops->tick(l->userdata, &now);

        /* Ticks that were missed are not made up for: their time is in the next one. */
        if (next_us <= now.now_us)
                next_us = now.now_us + l->interval_us;
        r = sd_event_source_set_time(source, next_us);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        struct loop *l = userdata;

        (void) source;
        (void) info;
        l->ops->reload(l->userdata);
        return 0;
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        (void) info;
        (void) userdata;
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int block_signals(void) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        /* A client that goes away while it is written to is no reason to die. */
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        return 0;
}

static int do_nothing(sd_event_source *source, void *userdata) {
        (void) source;
        (void) userdata;
        return 0;
}

/* sd-event's list of what waits grows when it must and never shrinks. Where it cannot grow the timer that
 * was to wait there is never armed again (systemd 252, 257): it has its size before anything runs. */
static int make_room(sd_event *event) {
        sd_event_source *sources[PENDING_MAX] = { NULL };
        int r = 0;

        for (unsigned i = 0; i < PENDING_MAX && r >= 0; i++)
                r = sd_event_add_defer(event, &sources[i], do_nothing, NULL);
        for (unsigned i = 0; i < PENDING_MAX; i++)
                sd_event_source_disable_unref(sources[i]);
        return r;
}

static int add_sources(struct loop *l) {
        int r;

        r = sd_event_add_time(l->event, &l->timer, CLOCK_BOOTTIME, clock_us(CLOCK_BOOTTIME), 1000, on_timer, l);
        if (r < 0)
                return r;
        r = sd_event_add_signal(l->event, &l->hangup, SIGHUP, on_hangup, l);
        if (r < 0)
                return r;
        r = sd_event_add_signal(l->event, &l->terminate, SIGTERM, on_terminate, l);
        if (r < 0)
                return r;
        r = sd_event_add_signal(l->event, &l->interrupt, SIGINT, on_terminate, l);
        if (r < 0)
                return r;
        /* What stops ticking gets no more watchdog messages either: same loop. */
        r = sd_event_set_watchdog(l->event, 1);
        return r < 0 ? r : 0;
}

int loop_new(const struct loop_ops *ops, void *userdata, uint64_t interval_us, struct loop **ret) {
        struct loop *l;
        int r;

        r = block_signals();
        if (r < 0)
                return r;
        l = calloc(1, sizeof *l);
        if (!l)
                return -ENOMEM;
        l->ops = ops;
        l->userdata = userdata;
        l->interval_us = interval_us;

        r = sd_event_new(&l->event);
        if (r >= 0)
                r = make_room(l->event);
        if (r >= 0)
                r = add_sources(l);
        if (r < 0) {
                loop_free(l);
                return r;
        }
        *ret = l;
        return 0;
}

struct loop *loop_free(struct loop *l) {
        if (!l)
                return NULL;
        sd_event_source_unref(l->timer);
        sd_event_source_unref(l->hangup);
        sd_event_source_unref(l->terminate);
        sd_event_source_unref(l->interrupt);
        sd_event_unref(l->event);
        free(l);
        return NULL;
}

sd_event *loop_event(struct loop *l) {
        return l->event;
}

void loop_set_interval(struct loop *l, uint64_t interval_us) {
        l->interval_us = interval_us;
}

/* What it was about to do when it had no memory is still there to be done, and ticks go on. */
int loop_run(struct loop *l) {
        int r;

        while ((r = sd_event_loop(l->event)) == -ENOMEM)
                usleep(NO_MEMORY_PAUSE_US);
        return r;
}

void loop_stop(struct loop *l, int exit_code) {
        sd_event_exit(l->event, exit_code);
}

/* Nobody listening is no error, and a message that gets lost is not worth one. sd_notifyf() takes
 * memory: without it a start would never be seen to have ended. */
void loop_notify_ready(const char *status) {
        char text[NOTIFY_TEXT_MAX];

        snprintf(text, sizeof text, "READY=1\nSTATUS=%s", status);
        sd_notify(0, text);
}

void loop_notify_status(const char *status) {
        char text[NOTIFY_TEXT_MAX];

        snprintf(text, sizeof text, "STATUS=%s", status);
        sd_notify(0, text);
}

void loop_notify_reloading(void) {
        char text[NOTIFY_TEXT_MAX];

        snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_us(CLOCK_MONOTONIC));
        sd_notify(0, text);
}

void loop_notify_stopping(void) {
        sd_notify(0, "STOPPING=1");
}
