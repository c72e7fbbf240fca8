/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "service.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "configuration.h"
#include "confine.h"
#include "control/control.h"
#include "fleet_key.h"
#include "loop.h"
#include "privileged/message.h"
#include "tick.h"
#include "util/claim.h"
#include "util/heap.h"
#include "util/log.h"

struct service {
        struct service_parts *parts;
        struct loop *loop;
        struct tick *tick;
        struct control *control;
        bool control_missing; /* for want of memory: tried again with every tick */
        sd_event_source *launcher_ended;
};

/* --- what may be in force -------------------------------------------------------- */

/* Two that both change tcp_syncookies would take each other's values for those of a stranger. */
#define CLAIM_ACTS "io.synward"
static int is_only_one = -1; /* the claim, as long as we live */

/* Whoever only looks may be one of many. */
static int claim(const struct options *o, const struct settings *settings, char *error, size_t size) {
        pid_t pid = 0;
        int r;

        if (o->dry_run || settings->mode == MODE_OBSERVE || is_only_one >= 0)
                return 0;
        r = claim_take(CLAIM_ACTS, &is_only_one, &pid);
        if (r == -EPERM) {
                log_warning("Somebody else has the name @" CLAIM_ACTS ": whether another synwardd works here cannot be "
                            "told");
                return 0;
        }
        if (r == -EBUSY)
                snprintf(error, size,
                         "another synwardd (process %d) acts in this network namespace already: stop it, "
                         "or run this one with --dry-run or mode: observe",
                         (int) pid);
        else if (r < 0)
                snprintf(error, size, "cannot make sure of being the only synwardd here: %s", strerror(-r));
        return r;
}

/* Whether this process may be what the settings ask for; it may have been started for less. */
static int admit(const struct service *s, struct settings *fresh, char *error, size_t size) {
        int r;

        if (*fresh->alerts.file && !confine_may_write(s->parts->confine, fresh->alerts.file)) {
                snprintf(error, size,
                         "alerts.file.path: %s is in no folder that this process has kept for writing: restart "
                         "synwardd to write there",
                         fresh->alerts.file);
                return -EROFS;
        }
        if (fresh->probe.listener.port && !confine_may_connect(s->parts->confine, fresh->probe.listener.port)) {
                snprintf(error, size,
                         "probe.listener: this process has not kept port %u to connect to: restart synwardd "
                         "to probe there",
                         (unsigned) fresh->probe.listener.port);
                return -EACCES;
        }
        r = fleet_key_load(fresh, error, size);
        return r < 0 ? r : claim(s->parts->options, fresh, error, size);
}

/* 0, or -errno with the messages in error: what was in force stays. */
static int reload(struct service *s, char *error, size_t size) {
        struct loop_time now = loop_time_now();
        struct settings fresh;
        FILE *f = fmemopen(error, size, "w");
        bool found;
        int r = f ? 0 : -errno;

        loop_notify_reloading();
        snprintf(error, size, "%s", f ? "" : strerror(-r));
        if (f) {
                r = configuration_load(s->parts->options, &fresh, &found, f);
                fclose(f);
        }
        error[size - 1] = '\0';
        if (r >= 0) {
                r = admit(s, &fresh, error, size);
                if (r < 0)
                        settings_release(&fresh);
        }
        if (r < 0) {
                tick_reject(s->tick, error, &now);
        } else {
                r = tick_configure(s->tick, &fresh, &now);
                if (r < 0) {
                        settings_release(&fresh);
                        snprintf(error, size, "cannot apply the configuration: %s", strerror(-r));
                        tick_reject(s->tick, error, &now);
                } else
                        loop_set_interval(s->loop, tick_settings(s->tick)->poll.fast_interval_us);
        }
        loop_notify_ready(r < 0 ? "configuration refused, the old one stays" : "configuration reloaded");
        return r < 0 ? -EINVAL : 0;
}

/* --- what the loop and the socket ask for ------------------------------------------ */

static void on_hangup(void *userdata) {
        char error[API_RELOAD_ERROR_SIZE];

        /* tick_reject() and tick_configure() tell of it. */
        (void) reload(userdata, error, sizeof error);
}

static void note_clients(struct service *s) {
        const struct server_stats *stats = control_stats(s->control);

        tick_note_clients(s->tick, &(struct snapshot_clients) {
                                           .now = stats->clients,
                                           .accepted = stats->accepted,
                                           .refused = stats->refused,
                                           .dropped = stats->dropped,
                                           .accept_failed = stats->accept_failed,
                                   });
}

static void open_control(struct service *s);

static void on_tick(void *userdata, const struct loop_time *time) {
        struct service *s = userdata;
        bool first = tick_snapshot(s->tick) == NULL;

        if (s->control_missing)
                open_control(s);
        if (s->control)
                note_clients(s);
        tick_run(s->tick, time);
        if (!first)
                return;
        if (tick_is_blind(s->tick)) {
                log_error("No sensor works here: nothing to watch with");
                loop_stop(s->loop, EXIT_STATUS_MISSING);
                return;
        }
        /* What starting took is given back: a watcher should not be noticed. */
        heap_give_back();
        loop_notify_ready("watching");
}

static const struct snapshot *get_snapshot(void *userdata) {
        return tick_snapshot(((struct service *) userdata)->tick);
}

static const struct event_log *get_events(void *userdata) {
        return tick_events(((struct service *) userdata)->tick);
}

static json_t *get_blocked(void *userdata) {
        return tick_blocked(((struct service *) userdata)->tick);
}

static int ask_incidents(void *userdata, const char *id, uint64_t *ret_ticket) {
        return tick_ask_incidents(((struct service *) userdata)->tick, id, ret_ticket);
}

static int incidents_answer(void *userdata, uint64_t ticket, const char **ret_text, size_t *ret_length) {
        return tick_incidents_answer(((struct service *) userdata)->tick, ticket, ret_text, ret_length);
}

static void end_incidents(void *userdata, uint64_t ticket) {
        tick_end_incidents(((struct service *) userdata)->tick, ticket);
}

static const struct history *get_history(void *userdata) {
        return tick_history(((struct service *) userdata)->tick);
}

static const struct fleet_sketch *get_fleet(void *userdata) {
        return tick_fleet(((struct service *) userdata)->tick);
}

static int api_reload(void *userdata, char *error, size_t size) {
        return reload(userdata, error, size);
}

static void on_news(void *userdata) {
        control_wake(((struct service *) userdata)->control);
}

static const struct loop_ops loop_ops = { .tick = on_tick, .reload = on_hangup };
static const struct api_ops api_ops = {
        .snapshot = get_snapshot,
        .events = get_events,
        .reload = api_reload,
        .incidents = ask_incidents,
        .incidents_answer = incidents_answer,
        .incidents_end = end_incidents,
        .blocked = get_blocked,
        .history = get_history,
        .fleet = get_fleet,
};

/* --- from beginning to end -------------------------------------------------------- */

/* Without its socket the daemon still watches and alerts. */
static void open_control(struct service *s) {
        char path[PATH_MAX];
        struct server_options options = { .path = path, .group = "synward" };
        bool again = s->control_missing;
        int r;

        options_control_path(s->parts->options, path);
        r = control_new(loop_event(s->loop), &options, &api_ops, s, &s->control);
        s->control_missing = r == -ENOMEM;
        if (r == -EADDRINUSE)
                log_error("Somebody answers on %s already (another synwardd?), working without a control socket", path);
        else if (r < 0 && !(again && s->control_missing))
                log_error("Cannot listen on %s: %s, working without a control socket", path, strerror(-r));
        else if (r >= 0 && again)
                log_notice("Listening on %s now", path);
}

static void say_hello(const struct service *s, bool found) {
        const struct settings *settings = tick_settings(s->tick);

        if (!found)
                log_notice("%s is not there: the built-in policy is in force", configuration_name(s->parts->options));
        if (s->parts->options->dry_run || settings->mode == MODE_OBSERVE)
                log_notice("Dry run: everything is decided and reported, nothing is touched");
        log_info("synward " PACKAGE_VERSION " watches this host");
}

static int on_launcher_ended(sd_event_source *source, const siginfo_t *info, void *userdata) {
        (void) source;
        (void) info;
        ((struct service *) userdata)->parts->launcher = 0;
        log_warning("The process that starts the privileged one again has ended: the next time it ends it stays away");
        return 0;
}

static int run(struct service *s, struct settings *settings, bool found) {
        struct tick_options tick_options = {
                .act = {
                        .state_dir = s->parts->options->state_dir,
                        .runtime_dir = s->parts->options->own_runtime_dir,
                        .dry_run = s->parts->options->dry_run,
                        .privileged = s->parts->privileged,
                        .hooks = s->parts->hooks,
                },
                .recording = s->parts->recording,
                .news = on_news,
                .userdata = s,
        };
        struct loop_time now;
        int r;

        r = loop_new(&loop_ops, s, settings->poll.fast_interval_us, &s->loop);
        if (r < 0) {
                log_error("Cannot make an event loop: %s", strerror(-r));
                settings_release(settings);
                return EXIT_STATUS_FAILURE;
        }
        r = tick_new(loop_event(s->loop), settings, &tick_options, &s->tick);
        if (r < 0) {
                log_error("Cannot start: %s", strerror(-r));
                settings_release(settings);
                s->loop = loop_free(s->loop);
                return EXIT_STATUS_FAILURE;
        }
        if (s->parts->launcher > 0)
                r = sd_event_add_child(loop_event(s->loop), &s->launcher_ended, s->parts->launcher, WEXITED,
                                       on_launcher_ended, s);
        if (r < 0)
                log_warning("Cannot watch the process that starts the privileged one: %s, ignoring", strerror(-r));
        open_control(s);
        say_hello(s, found);

        r = loop_run(s->loop);
        if (r < 0)
                log_error("The event loop failed: %s", strerror(-r));

        loop_notify_stopping();
        now = loop_time_now();
        tick_stop(s->tick, &now);
        s->control = control_free(s->control);
        s->tick = tick_free(s->tick);
        s->launcher_ended = sd_event_source_disable_unref(s->launcher_ended);
        s->loop = loop_free(s->loop);
        return r < 0 ? EXIT_STATUS_FAILURE : r;
}

int service_run(struct service_parts *parts, struct settings *settings, bool found) {
        struct service s = { .parts = parts };
        char error[FLEET_KEY_ERROR_SIZE];

        /* Now, so that what can be read at the start can be at a reload. */
        if (fleet_key_load(settings, error, sizeof error) < 0) {
                log_error("Not started: %s", error);
                settings_release(settings);
                return EXIT_STATUS_CONFIG;
        }
        /* By the user we are now, so that two of them know each other. */
        if (claim(parts->options, settings, error, sizeof error) < 0) {
                log_error("Not started: %s", error);
                settings_release(settings);
                return EXIT_STATUS_FAILURE;
        }
        if (is_only_one >= 0)
                claim_wait_until_free(MESSAGE_WRITER_NAME, MESSAGE_WRITER_LIMIT_MS);
        return run(&s, settings, found);
}
