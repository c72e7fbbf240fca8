/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "util/json_text.h"

static const struct command {
        const char *name;
        int (*run)(struct ctl *ctl, int argc, char **argv);
        const char *arguments, *help;
} commands[] = {
        { "status", command_status, "", "state, diagnosis and why" },
        { "listeners", command_listeners, "[-n N]", "every listening socket, the worst first" },
        { "sources", command_sources, "[--prefix|--bucket R:N]", "who sends the SYNs" },
        { "blocked", command_blocked, "", "sources that are dropped or limited, and why" },
        { "events", command_events, "[-f] [-n N]", "what happened; -f: and what happens" },
        { "history", command_history, "[-n N] [--csv]", "figures of the last minutes and hours" },
        { "incidents", command_incidents, "[ID [--html|--text]]", "past and present floods; one as a page" },
        { "top", command_top, "", "live full-screen view" },
        { "metrics", command_metrics, "[--http]", "Prometheus text exposition" },
        { "check", command_check, "[-w RANGE] [-c RANGE]", "monitoring plugin" },
        { "doctor", command_doctor, "[--fix]", "is this host ready for a SYN flood?" },
        { "reload", command_reload, "", "read the configuration again" },
        { "ping", command_ping, "", "is the daemon there?" },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *f) {
        fputs("Usage: synwardctl [--socket PATH] [--json] COMMAND [ARGUMENTS]\n\n", f);
        for (unsigned i = 0; i < COMMANDS; i++)
                fprintf(f, "  %-9s %-23s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
        fputs("\n  -s, --socket PATH   the daemon's control socket\n"
              "                      (" RUNSTATEDIR "/synward/control.sock)\n"
              "  -j, --json          one JSON document instead of text\n"
              "      --version, --help\n\n"
              "Exit status: 0 ok, 1 the daemon said no, 2 usage, 3 no daemon, 4 not permitted;\n"
              "check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n",
              f);
}

/* EXIT_OK and the options read, or -1 when there is nothing left to do, or an exit status. */
static int read_options(struct ctl *ctl, int argc, char **argv) {
        static const struct option options[] = {
                { "socket", required_argument, NULL, 's' },
                { "json", no_argument, NULL, 'j' },
                { "version", no_argument, NULL, 'V' },
                { "help", no_argument, NULL, 'h' },
                { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "+s:jh", options, NULL)) != -1)
                switch (c) {
                case 's':
                        ctl->socket = optarg;
                        break;
                case 'j':
                        ctl->json = true;
                        break;
                case 'V':
                        puts("synwardctl " PACKAGE_VERSION);
                        return -1;
                case 'h':
                        print_help(stdout);
                        return -1;
                default:
                        return EXIT_USAGE;
                }
        return EXIT_OK;
}

/* --json is also taken behind the command, where people put it. */
static void move_options(int *argc, char **argv, struct ctl *ctl) {
        int kept = 1;

        for (int i = 1; i < *argc; i++) {
                if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
                        ctl->json = true;
                else
                        argv[kept++] = argv[i];
        }
        argv[kept] = NULL;
        *argc = kept;
}

/* How many letters are to be put in, taken out or changed to make one word of the other: the
 * row-by-row way of Wagner and Fischer; many for long words. */
static unsigned distance(const char *a, const char *b) {
        enum { LONGEST = 16 };
        unsigned row[LONGEST + 1], width = (unsigned) strlen(b);

        if (strlen(a) > LONGEST || width > LONGEST)
                return LONGEST;
        for (unsigned i = 0; i <= width; i++)
                row[i] = i;
        for (; *a; a++) {
                unsigned diagonal = row[0]++;

                for (unsigned i = 1; i <= width; i++) {
                        unsigned change = diagonal + (*a != b[i - 1]);
                        unsigned one = (row[i] < row[i - 1] ? row[i] : row[i - 1]) + 1;

                        diagonal = row[i];
                        row[i] = change < one ? change : one;
                }
        }
        return row[width];
}

/* What was meant, if it is near; NULL: it is not. */
static const char *nearest_command(const char *word) {
        const char *nearest = NULL;
        unsigned least = 3;

        for (unsigned i = 0; i < COMMANDS; i++) {
                unsigned d = strncmp(commands[i].name, word, strlen(word)) == 0 ? 1 : distance(word, commands[i].name);

                if (d < least && d < strlen(word)) {
                        least = d;
                        nearest = commands[i].name;
                }
        }
        return nearest;
}

static int run_command(struct ctl *ctl, int argc, char **argv) {
        for (unsigned i = 0; i < COMMANDS; i++)
                if (strcmp(commands[i].name, argv[0]) == 0) {
                        move_options(&argc, argv, ctl);
                        optind = 0; /* getopt starts afresh with the command's arguments */
                        return commands[i].run(ctl, argc, argv);
                }
        fprintf(stderr, "synwardctl: no such command: %s (", argv[0]);
        if (nearest_command(argv[0]))
                fprintf(stderr, "%s? ", nearest_command(argv[0]));
        fputs("see synwardctl --help)\n", stderr);
        return EXIT_USAGE;
}

int main(int argc, char **argv) {
        struct ctl ctl = { .socket = RUNSTATEDIR "/synward/control.sock" };
        int status;

        setlocale(LC_CTYPE, "");
        json_text_watch();
        ctl.term = term_open(STDOUT_FILENO);
        status = read_options(&ctl, argc, argv);
        if (status == EXIT_OK && optind >= argc) {
                print_help(stderr);
                return EXIT_USAGE;
        }
        if (status == EXIT_OK)
                status = run_command(&ctl, argc - optind, argv + optind);
        if (fflush(stdout) != 0) {
                fprintf(stderr, "synwardctl: cannot write: %s\n", strerror(errno));
                return EXIT_REFUSED;
        }
        return status < 0 ? EXIT_OK : status;
}
