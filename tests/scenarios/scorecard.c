/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scorecard: every scenario through synward and the baselines, one row
 * each, totals, and whether what was promised holds.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/recorded.h"
#include "tests/scenarios/report.h"
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/trial.h"

struct options {
        struct report_options report;
        const char *only, *recordings;
        unsigned workers;
        bool verbose, list;
};

/* --- work shared among processes ------------------------------------------------------ */

struct board {
        atomic_uint next;
        struct row rows[];
};

static bool wanted(const struct scenario *s, const struct options *o) {
        return !o->only || strstr(s->name, o->only) || strstr(s->family, o->only);
}

/* The longest first, so that no process is left alone with one at the end. */
static void work(struct board *b, const struct catalogue *c, const struct options *o) {
        unsigned i;

        while ((i = atomic_fetch_add(&b->next, 1)) < c->count) {
                i = c->count - 1 - i;
                if (wanted(&c->list[i], o))
                        trial_run(&c->list[i], o->verbose, &b->rows[i]);
        }
}

static int run_all(struct board *b, const struct catalogue *c, const struct options *o) {
        int status, failed = 0;

        for (unsigned i = 1; i < o->workers; i++) {
                pid_t pid = fork();

                if (pid == 0) {
                        work(b, c, o);
                        _exit(0);
                }
        }
        work(b, c, o);
        while (wait(&status) > 0)
                failed |= status;
        return failed ? -ECHILD : 0;
}

static void usage(void) {
        puts("scorecard [--days N] [--seed N] [--only TEXT] [--recordings DIR] [--svg FILE] [--jobs N] [--list] "
             "[--totals] [--strict] [--verbose]\n"
             "Runs the labelled scenarios whose name or family contains TEXT.\n"
             "  --days N          the honest families last so long together (default 30)\n"
             "  --recordings DIR  what the lab recorded, too\n"
             "  --strict          what is only wanted so far counts, too: families by chance, names, figures\n"
             "  --verbose         every change of state, with its figures, on stderr");
}

static int parse(int argc, char **argv, struct options *ret) {
        static const struct option options[] = {
                { "days", required_argument, NULL, 'd' },
                { "seed", required_argument, NULL, 's' },
                { "only", required_argument, NULL, 'o' },
                { "svg", required_argument, NULL, 'g' },
                { "jobs", required_argument, NULL, 'j' },
                { "list", no_argument, NULL, 'l' },
                { "totals", no_argument, NULL, 't' },
                { "verbose", no_argument, NULL, 'v' },
                { "recordings", required_argument, NULL, 'r' },
                { "strict", no_argument, NULL, 'S' },
                { "help", no_argument, NULL, 'h' },
                { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "d:s:o:g:j:r:ltvSh", options, NULL)) >= 0)
                switch (c) {
                case 'd':
                        ret->report.days = strtod(optarg, NULL);
                        break;
                case 's':
                        ret->report.seed = strtoull(optarg, NULL, 0);
                        break;
                case 'o':
                        ret->only = optarg;
                        break;
                case 'g':
                        ret->report.svg = optarg;
                        break;
                case 'j':
                        ret->workers = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                case 'r':
                        ret->recordings = optarg;
                        break;
                case 'l':
                        ret->list = true;
                        break;
                case 't':
                        ret->report.totals_only = true;
                        break;
                case 'v':
                        ret->verbose = true;
                        break;
                case 'S':
                        ret->report.strict = true;
                        break;
                case 'h':
                        usage();
                        exit(0);
                default:
                        usage();
                        return -EINVAL;
                }
        return optind == argc && ret->report.days > 0 ? 0 : -EINVAL;
}

int main(int argc, char **argv) {
        struct options o = {
                .report = { .seed = 1, .days = 30 },
                .workers = (unsigned) sysconf(_SC_NPROCESSORS_ONLN),
        };
        struct catalogue c;
        struct board *b;
        size_t size;
        bool ok;

        if (parse(argc, argv, &o) < 0)
                return 2;
        catalogue_make(o.report.seed, o.report.days, &c);
        if (o.recordings)
                recorded_add_all(&c, o.recordings);
        if (o.list) {
                for (unsigned i = 0; i < c.count; i++)
                        printf("%-17s %s\n", c.list[i].family, c.list[i].name);
                catalogue_free(&c);
                return 0;
        }
        size = sizeof *b + c.count * sizeof *b->rows;
        b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (b == MAP_FAILED) {
                fprintf(stderr, "no memory for the results: %s\n", strerror(errno));
                return 1;
        }
        if (run_all(b, &c, &o) < 0) {
                fputs("a worker failed\n", stderr);
                return 1;
        }
        ok = report_print(&c, b->rows, &o.report);
        munmap(b, size);
        catalogue_free(&c);
        return ok ? 0 : 1;
}
