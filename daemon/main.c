/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardd: which of its commands is meant. */
#include <stdio.h>

#include "config.h"
#include "checkup.h"
#include "configuration.h"
#include "options.h"
#include "playback.h"
#include "restoring.h"
#include "self_test.h"
#include "startup.h"
#include "util/heap.h"
#include "util/json_text.h"
#include "util/log.h"

static int compare(const struct options *o, const struct playback_options *playback, const struct settings *first) {
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

int main(int argc, char **argv) {
        struct options o;

        if (options_parse(argc, argv, &o) < 0)
                return EXIT_STATUS_USAGE;
        log_setup(o.verbosity);
        heap_keep_little();
        json_text_watch();

        switch (o.command) {
        case COMMAND_RUN:
                return startup_run(&o, argv);
        case COMMAND_CHECK_CONFIG:
                return configuration_check(&o);
        case COMMAND_PRINT_CONFIG:
                return configuration_print(&o);
        case COMMAND_RESTORE:
                return restoring_run(&o);
        case COMMAND_REPLAY:
                return replay(&o);
        case COMMAND_DIAGNOSE:
                return diagnose(&o);
        case COMMAND_SELF_TEST:
                return self_test(&o);
        case COMMAND_VERSION:
                puts("synwardd " PACKAGE_VERSION);
                return EXIT_STATUS_OK;
        case COMMAND_HELP:
                options_help();
                return EXIT_STATUS_OK;
        }
        return EXIT_STATUS_FAILURE;
}
