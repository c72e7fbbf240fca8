/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One statistic or patterns: every scenario twice through the same engine, once with each, and a row for
 * each family. Scenarios in which they differ come first.
 */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/comparison.h"
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/statistic_verdict.h"
#include "tests/scenarios/trial.h"

/* As the scorecard has it. */
#define START_S 30.0

enum { BY_PATTERNS, BY_STATISTIC, BOTH };

struct options {
        double days;
        uint64_t seed;
        const char *only;
        unsigned workers;
};

struct board {
        atomic_uint next;
        struct row rows[][BOTH];
};

static void work(struct board *b, const struct catalogue *c, const struct options *o) {
        unsigned i;

        while ((i = atomic_fetch_add(&b->next, 1)) < c->count) {
                const struct scenario *s = &c->list[c->count - 1 - i];

                if (o->only && !strstr(s->name, o->only) && !strstr(s->family, o->only))
                        continue;
                for (unsigned by = 0; by < BOTH; by++) {
                        statistic_verdict_begin(by == BY_STATISTIC);
                        trial_run(s, false, &b->rows[c->count - 1 - i][by]);
                }
        }
}

static bool run_all(struct board *b, const struct catalogue *c, const struct options *o) {
        int status, failed = 0;

        for (unsigned i = 1; i < o->workers; i++)
                if (fork() == 0) {
                        work(b, c, o);
                        _exit(0);
                }
        work(b, c, o);
        while (wait(&status) > 0)
                failed |= status;
        return !failed;
}

static const struct score *score_of(const struct row *r) {
        return &r->scores[0][SWEEP_PLAIN];
}

struct family {
        unsigned rows, attacks, found, false_floods, false_ends, wrong_names;
        double start_s, later_s; /* median delays */
};

static bool delay_counts(const struct scenario *s, const struct row *r) {
        return s->attack && !s->gradual && score_of(r)->found;
}

static struct family sum_up(const struct catalogue *c, const struct board *b, const char *name, unsigned by) {
        double *start = calloc(2 * c->count, sizeof *start), *later = start + c->count;
        struct family f = { 0 };
        unsigned starts = 0, laters = 0;

        if (!start)
                abort();
        for (unsigned i = 0; i < c->count; i++) {
                const struct scenario *s = &c->list[i];
                const struct row *r = &b->rows[i][by];

                if (!r->done || (name && strcmp(s->family, name) != 0))
                        continue;
                f.rows++;
                f.attacks += s->attack;
                f.found += s->attack && score_of(r)->found;
                f.false_floods += score_of(r)->false_alarms;
                f.false_ends += r->early_ends;
                f.wrong_names += r->said.wrong_names > 0;
                if (!delay_counts(s, r))
                        continue;
                if (s->from_s < START_S)
                        start[starts++] = score_of(r)->delay_s;
                else
                        later[laters++] = score_of(r)->delay_s;
        }
        f.start_s = comparison_median(start, starts);
        f.later_s = comparison_median(later, laters);
        free(start);
        return f;
}

/* No worse in anything; a delay by a tick is chance. */
static bool as_good(const struct family *p, const struct family *s) {
        return s->found >= p->found && s->false_floods <= p->false_floods && s->false_ends <= p->false_ends &&
               s->wrong_names <= p->wrong_names && !(s->start_s > p->start_s + 0.1) && !(s->later_s > p->later_s + 0.1);
}

static void print_delays(double p, double s) {
        if (isnan(p) && isnan(s))
                printf("  %6s %6s", "-", "-");
        else
                printf("  %6.2f %6.2f", p, s);
}

static bool print_family(const struct catalogue *c, const struct board *b, const char *name) {
        struct family p = sum_up(c, b, name, BY_PATTERNS), s = sum_up(c, b, name, BY_STATISTIC);
        bool good = as_good(&p, &s);
        char found[2][16];

        if (!p.rows)
                return true;
        snprintf(found[0], sizeof found[0], "%u/%u", p.found, p.attacks);
        snprintf(found[1], sizeof found[1], "%u/%u", s.found, s.attacks);
        printf("%-20s %7s %7s", name ? name : "all", found[0], found[1]);
        print_delays(p.start_s, s.start_s);
        print_delays(p.later_s, s.later_s);
        printf("  %5u %5u  %5u %5u  %5u %5u  %s\n", p.false_floods, s.false_floods, p.false_ends, s.false_ends,
               p.wrong_names, s.wrong_names, good ? "" : "worse");
        return good;
}

/* Where one finds what the other misses, calls a flood what the other does not, or is later by a second. */
static void print_differences(const struct catalogue *c, const struct board *b) {
        for (unsigned i = 0; i < c->count; i++) {
                const struct score *p = score_of(&b->rows[i][BY_PATTERNS]), *s = score_of(&b->rows[i][BY_STATISTIC]);

                if (p->found == s->found && p->false_alarms == s->false_alarms &&
                    !(p->found && fabs(p->delay_s - s->delay_s) >= 1))
                        continue;
                printf("%-17s %-50s", c->list[i].family, c->list[i].name);
                if (c->list[i].attack)
                        printf("  %s %.2f, %s %.2f", p->found ? "found" : "MISSED", p->delay_s,
                               s->found ? "found" : "MISSED", s->delay_s);
                printf("  false %u, %u\n", p->false_alarms, s->false_alarms);
        }
}

static bool print_all(const struct catalogue *c, const struct board *b, const struct options *o) {
        bool all = true;

        printf("seed %" PRIu64
               ", %.1f honest days; of each pair the first are the patterns, the second the statistic\n\n",
               o->seed, o->days);
        print_differences(c, b);
        printf("\n%-20s %15s  %13s  %13s  %11s  %11s  %11s\n", "family", "found", "first 30 s", "later, s", "false",
               "early ends", "wrong names");
        for (unsigned i = 0; i < c->count; i++) {
                bool first = true;

                for (unsigned k = 0; k < i; k++)
                        first = first && strcmp(c->list[k].family, c->list[i].family) != 0;
                if (first)
                        all &= print_family(c, b, c->list[i].family);
        }
        (void) print_family(c, b, NULL);
        printf("\nThe statistic is %s.\n",
               all ? "as good in every family" : "worse in some families: the patterns stay");
        return all;
}

static int parse(int argc, char **argv, struct options *ret) {
        int c;

        while ((c = getopt(argc, argv, "d:s:o:j:")) >= 0)
                switch (c) {
                case 'd':
                        ret->days = strtod(optarg, NULL);
                        break;
                case 's':
                        ret->seed = strtoull(optarg, NULL, 0);
                        break;
                case 'o':
                        ret->only = optarg;
                        break;
                case 'j':
                        ret->workers = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                default:
                        return -1;
                }
        return optind == argc && ret->days > 0 && ret->workers > 0 ? 0 : -1;
}

int main(int argc, char **argv) {
        struct options o = { .seed = 1, .days = 10, .workers = (unsigned) sysconf(_SC_NPROCESSORS_ONLN) };
        struct catalogue c;
        struct board *b;
        bool ok;

        if (parse(argc, argv, &o) < 0) {
                puts("statistic [-d DAYS] [-s SEED] [-o TEXT] [-j JOBS]");
                return 2;
        }
        catalogue_make(o.seed, o.days, &c);
        b = mmap(NULL, sizeof *b + c.count * sizeof *b->rows, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                 0);
        if (b == MAP_FAILED) {
                perror("no memory for the results");
                return 1;
        }
        ok = run_all(b, &c, &o);
        if (!ok)
                fputs("a worker failed\n", stderr);
        else
                (void) print_all(&c, b, &o);
        catalogue_free(&c);
        return ok ? 0 : 1;
}
