/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        OPT_PRINT_CONFIG = 256,
        OPT_CONTROL,
        OPT_STATE_DIR,
        OPT_RUNTIME_DIR,
        OPT_DRY_RUN,
        OPT_RESTORE,
        OPT_REPLAY,
        OPT_RECORD,
        OPT_DIAGNOSE,
        OPT_JSON,
        OPT_VERSION,
};

static const struct option long_options[] = {
        { "config", required_argument, NULL, 'c' },
        { "check-config", no_argument, NULL, 't' },
        { "print-config", no_argument, NULL, OPT_PRINT_CONFIG },
        { "control", required_argument, NULL, OPT_CONTROL },
        { "state-dir", required_argument, NULL, OPT_STATE_DIR },
        { "runtime-dir", required_argument, NULL, OPT_RUNTIME_DIR },
        { "dry-run", no_argument, NULL, OPT_DRY_RUN },
        { "restore", no_argument, NULL, OPT_RESTORE },
        { "replay", required_argument, NULL, OPT_REPLAY },
        { "record", required_argument, NULL, OPT_RECORD },
        { "diagnose", optional_argument, NULL, OPT_DIAGNOSE },
        { "json", no_argument, NULL, OPT_JSON },
        { "verbose", no_argument, NULL, 'v' },
        { "version", no_argument, NULL, OPT_VERSION },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
};

void options_help(void) {
        puts("Usage: synwardd [OPTION]...\n"
             "Watch this host for SYN floods, say so, and help while one lasts.\n"
             "\n"
             "  -c, --config FILE        this file and no drop-ins\n"
             "  -t, --check-config       validate the configuration, change nothing\n"
             "      --print-config       print the effective configuration as YAML\n"
             "      --dry-run            decide and report everything, touch nothing\n"
             "      --restore            put back what an earlier run left changed, then exit\n"
             "      --diagnose[=TIME]    watch for TIME (default 10s), say what it is, exit 10 for a flood\n"
             "      --json               with --diagnose: as one JSON document\n"
             "      --record FILE        append every observation to FILE as a JSON line\n"
             "      --replay FILE        run a recording through detector and policy, print the events\n"
             "      --control PATH       the control socket\n"
             "      --state-dir DIR      what must survive a reboot\n"
             "      --runtime-dir DIR    what need not\n"
             "  -v, --verbose            say more (repeatable)\n"
             "      --version            print the version\n"
             "  -h, --help               print this\n"
             "\n"
             "Stays in the foreground. See synwardd(8) and synward.yaml(5).");
}

/* "10s", "500ms", "2m": for the command line, where the configuration's parser is not at hand. */
static int parse_duration(const char *text, uint64_t *ret_us) {
        static const struct {
                const char *unit;
                uint64_t us;
        } units[] = { { "ms", 1000 }, { "s", 1000000 }, { "m", 60000000 }, { "min", 60000000 } };
        unsigned long value;
        char *end;

        if (text[0] < '0' || text[0] > '9')
                return -EINVAL;
        errno = 0;
        value = strtoul(text, &end, 10);
        if (errno || value == 0 || value > 3600000)
                return -ERANGE;
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
                if (strcmp(end, units[i].unit) == 0) {
                        *ret_us = value * units[i].us;
                        return *ret_us <= UINT64_C(3600000000) ? 0 : -ERANGE;
                }
        return -EINVAL;
}

static int take(struct options *o, int option) {
        switch (option) {
        case 'c': o->config = optarg; return 0;
        case 't': o->command = COMMAND_CHECK_CONFIG; return 0;
        case OPT_PRINT_CONFIG: o->command = COMMAND_PRINT_CONFIG; return 0;
        case OPT_CONTROL: o->control = optarg; return 0;
        case OPT_STATE_DIR: o->state_dir = optarg; return 0;
        case OPT_RUNTIME_DIR: o->runtime_dir = optarg; return 0;
        case OPT_DRY_RUN: o->dry_run = true; return 0;
        case OPT_RESTORE: o->command = COMMAND_RESTORE; return 0;
        case OPT_REPLAY: o->command = COMMAND_REPLAY; o->replay = optarg; return 0;
        case OPT_RECORD: o->record = optarg; return 0;
        case OPT_JSON: o->json = true; return 0;
        case 'v': o->verbosity++; return 0;
        case OPT_VERSION: o->command = COMMAND_VERSION; return 0;
        case 'h': o->command = COMMAND_HELP; return 0;
        case OPT_DIAGNOSE:
                o->command = COMMAND_DIAGNOSE;
                if (!optarg || parse_duration(optarg, &o->diagnose_us) >= 0)
                        return 0;
                fprintf(stderr, "synwardd: --diagnose=%s: not a time from 1ms to 1h, as in 10s\n", optarg);
                return -EINVAL;
        default: return -EINVAL; /* getopt has said why */
        }
}

int options_parse(int argc, char **argv, struct options *ret) {
        struct options o = {
                .command = COMMAND_RUN,
                .state_dir = LOCALSTATEDIR "/lib/synward",
                .runtime_dir = RUNSTATEDIR "/synward",
                .diagnose_us = 10000000,
        };
        int option, r;

        while ((option = getopt_long(argc, argv, "c:tvh", long_options, NULL)) != -1) {
                r = take(&o, option);
                if (r < 0) {
                        fputs("Try 'synwardd --help'.\n", stderr);
                        return r;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "synwardd: unexpected argument '%s'\nTry 'synwardd --help'.\n", argv[optind]);
                return -EINVAL;
        }
        *ret = o;
        return 0;
}
