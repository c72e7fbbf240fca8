/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardd: puts the pieces together and keeps them running. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "checkup.h"
#include "configuration.h"
#include "confine.h"
#include "control/control.h"
#include "hooks/hook_starter.h"
#include "loop.h"
#include "options.h"
#include "places.h"
#include "playback.h"
#include "privileges.h"
#include "replay/recording.h"
#include "restoring.h"
#include "self_test.h"
#include "tick.h"
#include "util/claim.h"
#include "util/heap.h"
#include "util/json_text.h"
#include "util/log.h"
#include "util/supervisor.h"

struct service {
        const struct options *options;
        struct privileged *privileged;
        pid_t launcher; /* of whom; 0: none */
        sd_event_source *launcher_ended;
        const struct privileges_user *user; /* whom we became; NULL: we are who we were */
        int hooks;                          /* the pair of who runs them; -1: nobody */
        pid_t hooks_supervisor;             /* 0: none */
        struct confine *confine;
        struct recording_writer *recording;
        struct loop *loop;
        struct tick *tick;
        struct control *control;
        bool control_missing; /* for want of memory: tried again with every tick */
};

/* --- commands ------------------------------------------------------------------ */

static int compare(const struct options *o, const struct playback_options *playback,
                   const struct settings *first) {
        struct options other = *o;
        struct settings second;
        bool found;
        int status;

        other.config = o->compare;
        status = configuration_load_or_end(&other, &second, &found);
        if (status != EXIT_STATUS_OK)
                return status;
        status = playback_compare(playback, first, &second);
        settings_release(&second);
        return status;
}

static int replay(const struct options *o) {
        struct playback_options playback = {
                .path = o->replay,
                .model = o->model,
                .model_given = o->model_given,
                .json = o->json,
                .names = { configuration_name(o), o->compare },
        };
        struct settings s;
        bool found;
        int status = configuration_load_or_end(o, &s, &found);

        if (status != EXIT_STATUS_OK)
                return status;
        if (!found)
                playback.names[0] = "built-in policy";
        status = o->compare ? compare(o, &playback, &s) : playback_run(&playback, &s);
        settings_release(&s);
        return status;
}

static int diagnose(const struct options *o) {
        struct settings s;
        bool found;
        int status = configuration_load_or_end(o, &s, &found);

        if (status != EXIT_STATUS_OK)
                return status;
        status = checkup_run(&s, o->diagnose_us, o->json);
        settings_release(&s);
        return status;
}

static int self_test(const struct options *o) {
        struct settings s;
        bool found;
        int status = configuration_load_or_end(o, &s, &found);

        if (status != EXIT_STATUS_OK)
                return status;
        status = self_test_run(&s, o->state_dir);
        settings_release(&s);
        return status;
}

/* --- the service --------------------------------------------------------------- */

/* Whoever only looks may be one of many. */
static int claim(const struct options *o, const struct settings *settings, char *error, size_t size) {
        static int held = -1; /* as long as we live */
        pid_t pid = 0;
        int r;

        if (o->dry_run || settings->mode == MODE_OBSERVE || held >= 0)
                return 0;
        r = claim_take(CLAIM_ACTS, &held, &pid);
        if (r == -EPERM) {
                log_warning("Somebody else has the name @" CLAIM_ACTS ": whether another synwardd works here cannot be "
                            "told");
                return 0;
        }
        if (r == -EBUSY)
                snprintf(error, size, "another synwardd (process %d) acts in this network namespace already: stop it, "
                         "or run this one with --dry-run or mode: observe", (int) pid);
        else if (r < 0)
                snprintf(error, size, "cannot make sure of being the only synwardd here: %s", strerror(-r));
        return r;
}

/* Whether this process may be what the settings ask for; it may have been started for less. */
static int admit(const struct service *s, const struct settings *fresh, char *error, size_t size) {
        if (*fresh->alerts.file && !confine_may_write(s->confine, fresh->alerts.file)) {
                snprintf(error, size, "alerts.file.path: %s is in no folder that this process has kept for writing: restart "
                         "synwardd to write there", fresh->alerts.file);
                return -EROFS;
        }
        return claim(s->options, fresh, error, size);
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
                r = configuration_load(s->options, &fresh, &found, f);
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
};

static void control_path(const struct options *o, char ret[static PATH_MAX]) {
        if (o->control)
                snprintf(ret, PATH_MAX, "%s", o->control);
        else
                snprintf(ret, PATH_MAX, "%s/control.sock", o->runtime_dir);
}

/* Without its socket the daemon still watches and alerts. */
static void open_control(struct service *s) {
        char path[PATH_MAX];
        struct server_options options = { .path = path, .group = "synward" };
        bool again = s->control_missing;
        int r;

        control_path(s->options, path);
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
                log_notice("%s is not there: the built-in policy is in force", configuration_name(s->options));
        if (s->options->dry_run || settings->mode == MODE_OBSERVE)
                log_notice("Dry run: everything is decided and reported, nothing is touched");
        log_info("synward " PACKAGE_VERSION " watches this host");
}

/* --- without privileges ----------------------------------------------------------- */

static int on_launcher_ended(sd_event_source *source, const siginfo_t *info, void *userdata) {
        (void) source;
        (void) info;
        ((struct service *) userdata)->launcher = 0;
        log_warning("The process that starts the privileged one again has ended: the next time it ends it stays away");
        return 0;
}

/* Before the drop: what root may make and open. */
static int prepare(struct service *s, const struct privileges_user *user) {
        const struct options *o = s->options;
        char path[PATH_MAX];
        int r = 0;

        control_path(o, path);
        if (user && !o->dry_run)
                places_give(o->state_dir, user);
        if (user && !o->dry_run && o->own_runtime_dir)
                places_give(o->own_runtime_dir, user);
        if (user)
                places_give(dirname(path), user);
        if (o->record)
                r = recording_writer_open(o->record, &s->recording);
        if (r < 0)
                log_error("Cannot record to %s: %s", o->record, strerror(-r));
        return r;
}

static void give_up(struct service *s, const struct settings *settings, char **argv) {
        const struct options *o = s->options;
        char path[PATH_MAX];

        if (o->no_privilege_drop)
                privileges_for_nobody_else();
        else
                privileges_drop(s->user, s->privileged, s->launcher, argv);
        if (!s->user)
                return;
        control_path(o, path);
        if (!o->dry_run)
                places_check(o->state_dir, s->user);
        if (!o->dry_run && o->own_runtime_dir)
                places_check(o->own_runtime_dir, s->user);
        places_check(dirname(path), s->user);
        places_check_files(settings, s->user);
}

/* --- confined ---------------------------------------------------------------------- */

static int load_for_hooks(void *userdata, struct settings *ret) {
        const struct options *o = userdata;
        bool found;

        return configuration_load(o, ret, &found, NULL);
}

/* By the user we are now, and free to run what we may not. */
static void start_hooks(struct service *s, struct settings *settings) {
        const struct hook_starter_config config = {
                .settings = settings,
                .load = load_for_hooks,
                .userdata = (void *) (uintptr_t) s->options,
        };
        int r;

        if (s->options->dry_run)
                return;
        r = hook_starter_launch(&config, &s->hooks, &s->hooks_supervisor);
        if (r < 0)
                log_warning("Cannot start the process that runs hooks: %s, working without hooks", strerror(-r));
}

static void end_hooks(struct service *s) {
        if (s->hooks >= 0)
                close(s->hooks);
        supervisor_wait(s->hooks_supervisor);
}

static void confine(struct service *s, const struct settings *settings) {
        const struct options *o = s->options;
        char path[PATH_MAX];

        control_path(o, path);
        if (!o->no_privilege_drop)
                s->confine = confine_apply(&(struct confine_places) {
                        .state_dir = o->state_dir,
                        .runtime_dir = o->own_runtime_dir,
                        .make_state = !o->dry_run,
                        .control = path,
                        .alerts_file = settings->alerts.file,
                });
}

static int run_service(struct service *s, struct settings *settings, bool found) {
        struct tick_options tick_options = {
                .act = {
                        .state_dir = s->options->state_dir,
                        .runtime_dir = s->options->own_runtime_dir,
                        .dry_run = s->options->dry_run,
                        .privileged = s->privileged,
                        .hooks = s->hooks,
                },
                .recording = s->recording,
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
        if (s->launcher > 0)
                r = sd_event_add_child(loop_event(s->loop), &s->launcher_ended, s->launcher, WEXITED,
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

static int run_apart(struct service *s, struct settings *settings, bool found) {
        char error[256];

        /* By the user we are now, so that two of them know each other. */
        if (claim(s->options, settings, error, sizeof error) < 0) {
                log_error("Not started: %s", error);
                settings_release(settings);
                return EXIT_STATUS_FAILURE;
        }
        return run_service(s, settings, found);
}

static int part(struct service *s, struct privileges_user *user) {
        int r = s->options->no_privilege_drop ? -ENOENT : privileges_find_user(user);

        if (r >= 0)
                s->user = user;
        if (r >= 0 || r == -ENOENT)
                r = privileges_part(&s->privileged, &s->launcher);
        if (r < 0)
                log_error("Not started: %s", strerror(-r));
        return r;
}

static int run(const struct options *o, char **argv) {
        struct service s = { .options = o, .hooks = -1 };
        struct privileges_user user;
        struct settings settings;
        bool found;
        int status = configuration_load_or_end(o, &settings, &found);

        if (status != EXIT_STATUS_OK)
                return status;
        status = EXIT_STATUS_FAILURE;
        if (part(&s, &user) < 0 || prepare(&s, s.user) < 0)
                settings_release(&settings);
        else {
                give_up(&s, &settings, argv);
                start_hooks(&s, &settings);
                confine(&s, &settings);
                status = run_apart(&s, &settings, found);
        }
        end_hooks(&s);
        confine_free(s.confine);
        recording_writer_free(s.recording);
        privileges_end(s.privileged, s.launcher);
        return status;
}

int main(int argc, char **argv) {
        struct options o;

        if (options_parse(argc, argv, &o) < 0)
                return EXIT_STATUS_USAGE;
        log_setup(o.verbosity);
        heap_keep_little();
        json_text_watch();

        switch (o.command) {
        case COMMAND_RUN: return run(&o, argv);
        case COMMAND_CHECK_CONFIG: return configuration_check(&o);
        case COMMAND_PRINT_CONFIG: return configuration_print(&o);
        case COMMAND_RESTORE: return restoring_run(&o);
        case COMMAND_REPLAY: return replay(&o);
        case COMMAND_DIAGNOSE: return diagnose(&o);
        case COMMAND_SELF_TEST: return self_test(&o);
        case COMMAND_VERSION: puts("synwardd " PACKAGE_VERSION); return EXIT_STATUS_OK;
        case COMMAND_HELP: options_help(); return EXIT_STATUS_OK;
        }
        return EXIT_STATUS_FAILURE;
}
