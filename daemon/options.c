/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/kernel_model.h"

/* Less shows no second of anything, and more is a service's work. */
#define DIAGNOSE_MIN_US UINT64_C(1000000)
#define DIAGNOSE_MAX_US UINT64_C(3600000000)

enum {
        OPT_PRINT_CONFIG = 256,
        OPT_CONTROL,
        OPT_STATE_DIR,
        OPT_RUNTIME_DIR,
        OPT_DRY_RUN,
        OPT_RESTORE,
        OPT_REPLAY,
        OPT_REPLAY_BACKLOG,
        OPT_REPLAY_SYNCOOKIES,
        OPT_REPLAY_LOCAL,
        OPT_REPLAY_LISTEN,
        OPT_COMPARE,
        OPT_RECORD,
        OPT_DIAGNOSE,
        OPT_SELF_TEST,
        OPT_NO_PRIVILEGE_DROP,
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
        { "replay-backlog", required_argument, NULL, OPT_REPLAY_BACKLOG },
        { "replay-syncookies", required_argument, NULL, OPT_REPLAY_SYNCOOKIES },
        { "replay-local", required_argument, NULL, OPT_REPLAY_LOCAL },
        { "replay-listen", required_argument, NULL, OPT_REPLAY_LISTEN },
        { "compare", required_argument, NULL, OPT_COMPARE },
        { "record", required_argument, NULL, OPT_RECORD },
        { "diagnose", optional_argument, NULL, OPT_DIAGNOSE },
        { "self-test", no_argument, NULL, OPT_SELF_TEST },
        { "no-privilege-drop", no_argument, NULL, OPT_NO_PRIVILEGE_DROP },
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
             "      --dry-run            decide and report everything, act on nothing\n"
             "      --restore            put back what an earlier run left changed, then exit\n"
             "      --diagnose[=TIME]    watch for TIME (default 10s), say what it is, exit 10 for a flood\n"
             "      --self-test          what it needs of this host: is it there, and what is lost if not\n"
             "      --json               with --diagnose: one JSON document; with --compare: JSON lines\n"
             "      --record FILE        append every observation to FILE as a JSON line\n"
             "      --replay FILE        run a recording or capture (pcap, pcapng; -: standard input) through\n"
             "                           detector and policy, print the events and what the file is\n"
             "      --replay-backlog N   of each listener in a capture (4096)\n"
             "      --replay-syncookies N  tcp_syncookies of the captured host: 0, 1 or 2 (1)\n"
             "      --replay-local PREFIX  the captured host's addresses (guessed); repeatable\n"
             "      --replay-listen ADDR:PORT  a listener in a capture (guessed; * for any address);\n"
             "                           repeatable\n"
             "      --compare FILE       with --replay: where this configuration does otherwise,\n"
             "                           exit 11 if anywhere\n"
             "      --control PATH       the control socket\n"
             "      --state-dir DIR      what must survive a reboot\n"
             "      --runtime-dir DIR    what need not\n"
             "      --no-privilege-drop  started by root: stay root (debugging)\n"
             "  -v, --verbose            log every look that is not calm; twice: every look\n"
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
        } units[] = {
                { "ms", 1000 }, { "s", 1000000 }, { "m", 60000000 }, { "min", 60000000 }, { "h", UINT64_C(3600000000) }
        };
        unsigned long value;
        uint64_t us;
        char *end;

        if (text[0] < '0' || text[0] > '9')
                return -EINVAL;
        errno = 0;
        value = strtoul(text, &end, 10);
        if (errno || value > 3600000)
                return -ERANGE;
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
                if (strcmp(end, units[i].unit) == 0) {
                        us = value * units[i].us;
                        if (us < DIAGNOSE_MIN_US || us > DIAGNOSE_MAX_US)
                                return -ERANGE;
                        *ret_us = us;
                        return 0;
                }
        return -EINVAL;
}

static int parse_number(const char *text, unsigned long max, unsigned long *ret) {
        unsigned long value;
        char *end;

        if (text[0] < '0' || text[0] > '9')
                return -EINVAL;
        errno = 0;
        value = strtoul(text, &end, 10);
        if (*end)
                return -EINVAL;
        if (errno || value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

static int take_backlog(struct options *o) {
        unsigned long n;

        if (parse_number(optarg, KERNEL_MODEL_BACKLOG_MAX, &n) < 0 || n == 0) {
                fprintf(stderr, "synwardd: --replay-backlog=%s: not a number from 1 to %d\n", optarg,
                        KERNEL_MODEL_BACKLOG_MAX);
                return -EINVAL;
        }
        o->model.backlog = (uint32_t) n;
        o->model_given = true;
        return 0;
}

static int take_syncookies(struct options *o) {
        unsigned long n;

        if (parse_number(optarg, 2, &n) < 0) {
                fprintf(stderr, "synwardd: --replay-syncookies=%s: not 0, 1 or 2\n", optarg);
                return -EINVAL;
        }
        o->model.syncookies = (uint8_t) n;
        o->model_given = true;
        return 0;
}

static int take_local(struct options *o) {
        struct capture_given *g = &o->model.given;

        if (g->local_count == CAPTURE_GIVEN_MAX) {
                fprintf(stderr, "synwardd: --replay-local: more than %d\n", CAPTURE_GIVEN_MAX);
                return -EINVAL;
        }
        if (prefix_parse(optarg, &g->local[g->local_count]) < 0) {
                fprintf(stderr,
                        "synwardd: --replay-local=%s: not an address or network, as in "
                        "198.51.100.0/24\n",
                        optarg);
                return -EINVAL;
        }
        g->local_count++;
        o->model_given = true;
        return 0;
}

/* "192.0.2.1:443", "[2001:db8::1]:443", "*:443". */
static int parse_listen(const char *text, struct capture_listen *ret) {
        const char *colon = strrchr(text, ':');
        char address[ADDRESS_TEXT_MAX];
        size_t length = colon ? (size_t) (colon - text) : 0;
        unsigned long port;

        if (!colon || length == 0 || length >= sizeof address || parse_number(colon + 1, UINT16_MAX, &port) < 0 ||
            port == 0)
                return -EINVAL;
        if (text[0] == '[') {
                if (text[length - 1] != ']' || length < 3)
                        return -EINVAL;
                text++;
                length -= 2;
        }
        memcpy(address, text, length);
        address[length] = '\0';
        ret->port = (uint16_t) port;
        ret->any = strcmp(address, "*") == 0;
        if (ret->any)
                return 0;
        if (address_parse(address, &ret->address) < 0 || (strchr(address, ':') && text[-1] != '['))
                return -EINVAL;
        ret->any = address_is_wildcard(&ret->address);
        return 0;
}

static int take_listen(struct options *o) {
        struct capture_given *g = &o->model.given;

        if (g->listen_count == CAPTURE_GIVEN_MAX) {
                fprintf(stderr, "synwardd: --replay-listen: more than %d\n", CAPTURE_GIVEN_MAX);
                return -EINVAL;
        }
        if (parse_listen(optarg, &g->listen[g->listen_count]) < 0) {
                fprintf(stderr,
                        "synwardd: --replay-listen=%s: not ADDR:PORT, as in 192.0.2.1:443, "
                        "[2001:db8::1]:443 or *:443\n",
                        optarg);
                return -EINVAL;
        }
        g->listen_count++;
        o->model_given = true;
        return 0;
}

static int take_diagnose(struct options *o) {
        if (!optarg || parse_duration(optarg, &o->diagnose_us) >= 0)
                return 0;
        fprintf(stderr, "synwardd: --diagnose=%s: not a time from 1s to 1h, as in 10s\n", optarg);
        return -EINVAL;
}

/* Which command an option stands for; COMMAND_RUN: none. */
static enum command command_of(int option) {
        switch (option) {
        case 't':
                return COMMAND_CHECK_CONFIG;
        case OPT_PRINT_CONFIG:
                return COMMAND_PRINT_CONFIG;
        case OPT_RESTORE:
                return COMMAND_RESTORE;
        case OPT_REPLAY:
                return COMMAND_REPLAY;
        case OPT_DIAGNOSE:
                return COMMAND_DIAGNOSE;
        case OPT_SELF_TEST:
                return COMMAND_SELF_TEST;
        case OPT_VERSION:
                return COMMAND_VERSION;
        case 'h':
                return COMMAND_HELP;
        }
        return COMMAND_RUN;
}

static const char *command_option(enum command c) {
        switch (c) {
        case COMMAND_RUN:
                return "";
        case COMMAND_CHECK_CONFIG:
                return "--check-config";
        case COMMAND_PRINT_CONFIG:
                return "--print-config";
        case COMMAND_RESTORE:
                return "--restore";
        case COMMAND_REPLAY:
                return "--replay";
        case COMMAND_DIAGNOSE:
                return "--diagnose";
        case COMMAND_SELF_TEST:
                return "--self-test";
        case COMMAND_VERSION:
                return "--version";
        case COMMAND_HELP:
                return "--help";
        }
        return "";
}

static bool only_asks(enum command c) {
        return c == COMMAND_VERSION || c == COMMAND_HELP;
}

/* Who asks for help gets it, whatever else is on the line. */
static int take_command(struct options *o, enum command c) {
        if (c == COMMAND_RUN || only_asks(o->command))
                return 0;
        if (o->command != COMMAND_RUN && o->command != c && !only_asks(c)) {
                fprintf(stderr, "synwardd: %s and %s exclude each other\n", command_option(o->command),
                        command_option(c));
                return -EINVAL;
        }
        o->command = c;
        return 0;
}

static int take(struct options *o, int option) {
        int r = take_command(o, command_of(option));

        if (r < 0)
                return r;
        switch (option) {
        case 'c':
                o->config = optarg;
                return 0;
        case OPT_CONTROL:
                o->control = optarg;
                return 0;
        case OPT_STATE_DIR:
                o->state_dir = optarg;
                return 0;
        case OPT_RUNTIME_DIR:
                o->runtime_dir = optarg;
                return 0;
        case OPT_DRY_RUN:
                o->dry_run = true;
                return 0;
        case OPT_REPLAY:
                o->replay = optarg;
                return 0;
        case OPT_REPLAY_BACKLOG:
                return take_backlog(o);
        case OPT_REPLAY_SYNCOOKIES:
                return take_syncookies(o);
        case OPT_REPLAY_LOCAL:
                return take_local(o);
        case OPT_REPLAY_LISTEN:
                return take_listen(o);
        case OPT_COMPARE:
                o->compare = optarg;
                return 0;
        case OPT_RECORD:
                o->record = optarg;
                return 0;
        case OPT_NO_PRIVILEGE_DROP:
                o->no_privilege_drop = true;
                return 0;
        case OPT_JSON:
                o->json = true;
                return 0;
        case OPT_DIAGNOSE:
                return take_diagnose(o);
        case 'v':
                o->verbosity++;
                return 0;
        case 't':
        case OPT_PRINT_CONFIG:
        case OPT_RESTORE:
        case OPT_SELF_TEST:
        case OPT_VERSION:
        case 'h':
                return 0;
        default:
                return -EINVAL; /* getopt has said why */
        }
}

/* Options that would do nothing here: somebody meant something else. */
static int check_company(const struct options *o) {
        const char *option = NULL, *wanted = NULL;

        if (only_asks(o->command))
                return 0;
        if (o->command != COMMAND_REPLAY && (o->compare || o->model_given)) {
                option = o->compare ? "--compare" : "--replay-…";
                wanted = "--replay";
        } else if (o->json && o->command != COMMAND_DIAGNOSE && o->command != COMMAND_REPLAY) {
                option = "--json";
                wanted = "--diagnose or --compare";
        } else if (o->record && o->command != COMMAND_RUN) {
                fprintf(stderr, "synwardd: --record and %s exclude each other\n", command_option(o->command));
                return -EINVAL;
        }
        if (!option)
                return 0;
        fprintf(stderr, "synwardd: %s goes only with %s\n", option, wanted);
        return -EINVAL;
}

int options_parse(int argc, char **argv, struct options *ret) {
        struct options o = {
                .command = COMMAND_RUN,
                .state_dir = LOCALSTATEDIR "/lib/synward",
                .runtime_dir = RUNSTATEDIR "/synward",
                .diagnose_us = 10000000,
                .model = pcap_replay_defaults(),
        };
        const char *usual_state_dir = o.state_dir, *usual_runtime_dir = o.runtime_dir;
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
        r = check_company(&o);
        if (r < 0) {
                fputs("Try 'synwardd --help'.\n", stderr);
                return r;
        }
        if (o.state_dir == usual_state_dir || o.runtime_dir != usual_runtime_dir)
                o.own_runtime_dir = o.runtime_dir;
        *ret = o;
        return 0;
}

void options_control_path(const struct options *o, char ret[static PATH_MAX]) {
        if (o->control)
                snprintf(ret, PATH_MAX, "%s", o->control);
        else
                snprintf(ret, PATH_MAX, "%s/control.sock", o->runtime_dir);
}
