/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "startup.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "configuration.h"
#include "confine.h"
#include "hooks/hook_starter.h"
#include "options.h"
#include "places.h"
#include "privileges.h"
#include "replay/recording.h"
#include "service.h"
#include "util/log.h"
#include "util/supervisor.h"

struct startup {
        struct service_parts parts;
        const struct privileges_user *user; /* whom we became; NULL: we are who we were */
        pid_t hooks_supervisor;             /* 0: none */
};

/* --- without privileges ----------------------------------------------------------- */

/* Before the drop: what root may make and open. */
static int prepare(struct startup *s, const struct privileges_user *user) {
        const struct options *o = s->parts.options;
        char path[PATH_MAX];
        int r = 0;

        options_control_path(o, path);
        if (user && !o->dry_run)
                places_give(o->state_dir, user);
        if (user && !o->dry_run && o->own_runtime_dir)
                places_give(o->own_runtime_dir, user);
        if (user)
                places_give(dirname(path), user);
        if (o->record)
                r = recording_writer_open(o->record, &s->parts.recording);
        if (r < 0)
                log_error("Cannot record to %s: %s", o->record, strerror(-r));
        return r;
}

static void give_up(struct startup *s, const struct settings *settings, char **argv) {
        const struct options *o = s->parts.options;
        char path[PATH_MAX];

        if (o->no_privilege_drop)
                privileges_for_nobody_else();
        else
                privileges_drop(s->user, s->parts.privileged, s->parts.launcher, argv);
        if (!s->user)
                return;
        options_control_path(o, path);
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
static void start_hooks(struct startup *s, struct settings *settings) {
        const struct hook_starter_config config = {
                .settings = settings,
                .load = load_for_hooks,
                .userdata = (void *) (uintptr_t) s->parts.options,
        };
        int r;

        if (s->parts.options->dry_run)
                return;
        r = hook_starter_launch(&config, &s->parts.hooks, &s->hooks_supervisor);
        if (r < 0)
                log_warning("Cannot start the process that runs hooks: %s, working without hooks", strerror(-r));
}

static void end_hooks(struct startup *s) {
        if (s->parts.hooks >= 0)
                close(s->parts.hooks);
        supervisor_wait(s->hooks_supervisor);
}

static void confine(struct startup *s, const struct settings *settings) {
        const struct options *o = s->parts.options;
        char path[PATH_MAX];

        options_control_path(o, path);
        if (!o->no_privilege_drop)
                s->parts.confine = confine_apply(&(struct confine_places) {
                        .state_dir = o->state_dir,
                        .runtime_dir = o->own_runtime_dir,
                        .make_state = !o->dry_run,
                        .control = path,
                        .probe_port = settings->probe.listener.port,
                        .alerts_file = settings->alerts.file,
                });
}

static int part(struct startup *s, struct privileges_user *user) {
        int r = s->parts.options->no_privilege_drop ? -ENOENT : privileges_find_user(user);

        if (r >= 0)
                s->user = user;
        if (r >= 0 || r == -ENOENT)
                r = privileges_part(&s->parts.privileged, &s->parts.launcher);
        if (r < 0)
                log_error("Not started: %s", strerror(-r));
        return r;
}

int startup_run(const struct options *o, char **argv) {
        struct startup s = { .parts = { .options = o, .hooks = -1 } };
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
                status = service_run(&s.parts, &settings, found);
        }
        end_hooks(&s);
        confine_free(s.parts.confine);
        recording_writer_free(s.parts.recording);
        privileges_end(s.parts.privileged, s.parts.launcher);
        return status;
}
