/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The event loop and the clocks: the only place where the daemon learns what
 * time it is. Stamps the time once a tick; handles signals; tells systemd that
 * it is ready, alive, reloading and stopping.
 */

#include <stdint.h>

#include <systemd/sd-event.h>

struct loop_time {
        uint64_t now_us;      /* CLOCK_BOOTTIME */
        uint64_t realtime_us; /* CLOCK_REALTIME */
};

struct loop_ops {
        void (*tick)(void *userdata, const struct loop_time *time);
        void (*reload)(void *userdata); /* SIGHUP */
};

struct loop;

/* ops and userdata must outlive the loop. SIGTERM and SIGINT end loop_run(). */
int loop_new(const struct loop_ops *ops, void *userdata, uint64_t interval_us, struct loop **ret);
struct loop *loop_free(struct loop *l);
sd_event *loop_event(struct loop *l);

/* Another interval between ticks, from the next one on. */
void loop_set_interval(struct loop *l, uint64_t interval_us);

/* Ticks until a signal or loop_stop(); the exit code that was asked for, or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int exit_code);

/* To systemd, if it listens: "STATUS=…" and so on (sd_notify(3)). */
void loop_notify_ready(const char *status);
void loop_notify_status(const char *status);
void loop_notify_reloading(void);
void loop_notify_stopping(void);

struct loop_time loop_time_now(void);
/* CPU time of this thread, for what things cost. */
uint64_t loop_cpu_us(void);
