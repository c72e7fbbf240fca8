/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scorecard: every scenario through synward and the baselines, one row
 * each, totals, and whether what was promised holds.
 */
#include <errno.h>
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

#include "tests/scenarios/chart.h"
#include "tests/scenarios/comparison.h"
#include "tests/scenarios/recorded.h"
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/trial.h"

/* What was promised. */
#define STRONG_PER_S 1000.0
#define STRONG_DELAY_S 1.0
#define SLOW_FILL_S 5.0
#define FILL_LIMIT 0.8
#define END_LIMIT_S 15.0
#define LISTENER_DELAY_S 2.0
#define DIAGNOSIS_SHARE 0.95

/* Where judges are compared: with so many false alarms a day at most. */
static const double budgets[] = { 0, 1 };

struct options {
        uint64_t seed;
        double days;
        const char *only, *svg, *recordings;
        unsigned workers;
        bool verbose, list, quiet_rows;
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

/* --- what came out ----------------------------------------------------------------------- */

static const struct score *plain_score(const struct row *row, unsigned judge) {
        return &row->scores[judge][SWEEP_PLAIN];
}

static enum diagnosis mostly(const struct row *r, uint32_t *ret_ticks) {
        enum diagnosis best = DIAGNOSIS_UNKNOWN;

        *ret_ticks = 0;
        for (unsigned d = 0; d < DIAGNOSES; d++)
                if (r->named[d] > *ret_ticks) {
                        *ret_ticks = r->named[d];
                        best = (enum diagnosis) d;
                }
        return best;
}

/* What a row is worth for the share of right diagnoses: an event of which
 * nothing is expected is right when it was never called a flood. */
static bool diagnosed_right(const struct scenario *s, const struct row *row) {
        const struct score *score = plain_score(row, 0);
        uint32_t ticks;
        enum diagnosis d = mostly(row, &ticks);

        if (!s->expected)
                return score->false_alarms == 0 && (!s->attack || score->found);
        return ticks > 0 && (s->expected & UINT32_C(1) << d) && (s->attack || score->false_alarms == 0);
}

/* An incident for each flood, and none told to be over before it is. */
static bool told_once(const struct scenario *s, const struct row *row) {
        return !s->attack || !plain_score(row, 0)->found ||
               (row->early_ends == 0 && row->incidents == scenario_floods(s));
}

static bool listeners_told(const struct scenario *s, const struct row *row) {
        bool right = row->blamed == 0;

        for (unsigned i = 0; i < s->attacked_count; i++)
                right &= row->attacked[i].found && row->attacked[i].delay_s <= LISTENER_DELAY_S &&
                         row->attacked[i].ended && row->attacked[i].end_s <= END_LIMIT_S;
        return right;
}

/* When each listener was found by itself, and when its end was told; how long another was blamed. */
static void print_listeners(const struct scenario *s, const struct row *row) {
        for (unsigned i = 0; i < s->attacked_count; i++) {
                char delay[16] = "never", end[16] = "never";

                if (row->attacked[i].found)
                        snprintf(delay, sizeof delay, "%.2f", row->attacked[i].delay_s);
                if (row->attacked[i].ended)
                        snprintf(end, sizeof end, "%.1f", row->attacked[i].end_s);
                printf("  :%u %s, %s", s->traffic.listeners[s->attacked[i].listener].port, delay, end);
        }
        if (row->blamed)
                printf("  others %u ticks", row->blamed);
}

static void print_row(const struct scenario *s, const struct row *row) {
        const struct score *score = plain_score(row, 0);
        uint32_t ticks;
        enum diagnosis d = mostly(row, &ticks);
        char delay[16] = "-", end[16] = "-", fill[16] = "-";

        if (score->found) {
                snprintf(delay, sizeof delay, "%.2f", score->delay_s);
                snprintf(fill, sizeof fill, "%.0f%%", 100 * row->fill);
                snprintf(end, sizeof end, row->ended ? "%.1f" : "never", row->end_s);
        }
        printf("%-17s %-44s %-6s %6s %5s %6s %5u %5u %5u %5u  %-18s%s%s%s", s->family, s->name,
               !s->attack ? "-" : score->found ? "found" : "MISSED", delay, fill, end, row->early_ends,
               row->incidents, score->false_alarms, row->suspicions, ticks ? diagnosis_name(d) : "-",
               diagnosed_right(s, row) ? "" : " WRONG", told_once(s, row) ? "" : " NOT ONCE",
               listeners_told(s, row) ? "" : " LISTENERS");
        print_listeners(s, row);
        putchar('\n');
}

struct totals {
        unsigned attacks, found, strong, late_fill, slow_ends, not_once, listeners_wrong, rows, right;
        uint32_t false_alarms;
        double delay_s, strong_delay_s, days, worst_end_s;
};

static struct totals sum_up(const struct catalogue *c, const struct board *b, unsigned judge,
                            const char *family) {
        struct totals t = { 0 };
        double *delays = calloc(2 * c->count, sizeof *delays), *strong = delays + c->count;
        unsigned n = 0;

        if (!delays)
                abort();
        for (unsigned i = 0; i < c->count; i++) {
                const struct scenario *s = &c->list[i];
                const struct row *row = &b->rows[i];
                const struct score *r = plain_score(row, judge);

                if (!row->done || (family && strcmp(family, s->family) != 0))
                        continue;
                t.rows++;
                t.right += diagnosed_right(s, row);
                t.false_alarms += r->false_alarms;
                if (!s->attack) {
                        t.days += row->days;
                        continue;
                }
                t.attacks++;
                t.found += r->found;
                if (!r->found)
                        continue;
                if (!s->gradual)
                        delays[n++] = r->delay_s;
                if (!s->gradual && s->flood_per_s >= STRONG_PER_S)
                        strong[t.strong++] = r->delay_s;
                t.late_fill += s->fills_in_s >= SLOW_FILL_S && row->fill > FILL_LIMIT;
                t.slow_ends += !row->ended || row->end_s > END_LIMIT_S;
                t.not_once += !told_once(s, row);
                t.listeners_wrong += !listeners_told(s, row);
                t.worst_end_s = fmax(t.worst_end_s, row->ended ? row->end_s : INFINITY);
        }
        t.delay_s = comparison_median(delays, n);
        t.strong_delay_s = comparison_median(strong, t.strong);
        free(delays);
        return t;
}

static void print_families(const struct catalogue *c, const struct board *b) {
        printf("\n%-17s %5s %6s %8s %6s %6s\n", "family", "rows", "found", "delay s", "false", "right");
        for (unsigned i = 0; i < c->count; i++) {
                bool first = true;
                struct totals t;

                for (unsigned k = 0; k < i; k++)
                        first = first && strcmp(c->list[k].family, c->list[i].family) != 0;
                if (!first)
                        continue;
                t = sum_up(c, b, 0, c->list[i].family);
                if (t.rows)
                        printf("%-17s %5u %3u/%-3u %7.2f %6u %6u\n", c->list[i].family, t.rows, t.found,
                               t.attacks, t.delay_s, t.false_alarms, t.right);
        }
}

/* Delays of what each found, with the published thresholds. */
static void print_judges(const struct totals t[static JUDGES]) {
        printf("\n%-20s %9s %12s %14s %13s %10s\n", "judge", "found", "median delay", ">= 1000/s",
               "false alarms", "per day");
        for (unsigned j = 0; j < JUDGES; j++)
                printf("%-20s %4u/%-4u %10.2f s %12.2f s %13u %10.2f\n", judges[j]->name, t[j].found,
                       t[j].attacks, t[j].delay_s, t[j].strong_delay_s, t[j].false_alarms,
                       t[j].false_alarms / t[j].days);
}

static void print_standing(const struct judge *judge, const struct standing *s) {
        char threshold[40];

        snprintf(threshold, sizeof threshold, "%s %.4g", judge->parameter, s->threshold);
        printf("%-20s %-16s %4u/%-4u %9.2f s %9.2f s %10.2f\n", judge->name, threshold, s->found, s->attacks,
               s->mean_s, s->median_s, s->false_per_day);
}

static void print_standings(struct standing all[static JUDGES][SWEEP_THRESHOLDS]) {
        const char *const head = "\n%-37s %9s %11s %11s %10s\n";

        printf("\nWith what was missed counted as long as it lasted:");
        printf(head, "thresholds as published", "found", "mean", "median", "false/day");
        for (unsigned j = 0; j < JUDGES; j++)
                print_standing(judges[j], &all[j][SWEEP_PLAIN]);
        for (unsigned i = 0; i < sizeof budgets / sizeof *budgets; i++) {
                char text[48];

                snprintf(text, sizeof text, "at most %g a day, or the least it can", budgets[i]);
                printf(head, text, "found", "mean", "median", "false/day");
                for (unsigned j = 0; j < JUDGES; j++)
                        print_standing(judges[j], comparison_at(all[j], budgets[i]));
        }
}

static bool criterion(bool holds, const char *text) {
        printf("%s  %s\n", holds ? "ok  " : "FAIL", text);
        return holds;
}

/* Families of which no single attack was found, and every attack that was missed. */
static unsigned print_missed(const struct catalogue *c, const struct board *b) {
        unsigned families = 0;

        for (size_t i = 0; i < c->count; i++) {
                const char *family = c->list[i].family;
                bool first = true;
                struct totals t;

                for (size_t k = 0; k < i; k++)
                        first = first && strcmp(c->list[k].family, family) != 0;
                if (!first)
                        continue;
                t = sum_up(c, b, 0, family);
                if (t.found < t.attacks)
                        printf("note  %u of %u missed: %s\n", t.attacks - t.found, t.attacks, family);
                families += t.attacks > 0 && t.found == 0;
        }
        return families;
}

/* At the same false alarms quicker than every baseline; and with the thresholds as they are
 * published too, if what was missed counts. */
static bool print_better(struct standing all[static JUDGES][SWEEP_THRESHOLDS], const struct totals *scripts) {
        const struct standing *s = &all[0][SWEEP_PLAIN];
        bool plain = true, ok = true;
        char text[160];

        printf("note  of the %u of %u that it finds, %s finds half within %.2f s; it raises %.0f false alarms a "
               "day\n", scripts->found, scripts->attacks, judges[JUDGES - 1]->name, scripts->delay_s,
               scripts->false_alarms / scripts->days);
        for (unsigned j = 1; j < JUDGES; j++) {
                const struct standing *t = &all[j][SWEEP_PLAIN];

                plain &= s->found >= t->found && s->false_per_day <= t->false_per_day && s->mean_s < t->mean_s;
        }
        ok &= criterion(plain, "as published, finds more than each baseline, with a shorter mean delay and fewer "
                               "false alarms");
        for (unsigned i = 0; i < sizeof budgets / sizeof *budgets; i++) {
                bool better = true;

                for (unsigned j = 1; j < JUDGES; j++)
                        better &= comparison_better(comparison_at(all[0], budgets[i]),
                                                    comparison_at(all[j], budgets[i]), budgets[i]);
                snprintf(text, sizeof text, "quicker than each baseline, mean and median, at %g false alarms a day",
                         budgets[i]);
                ok &= criterion(better, text);
        }
        return ok;
}

static bool print_criteria(const struct catalogue *c, const struct board *b,
                           const struct totals t[static JUDGES],
                           struct standing all_standings[static JUDGES][SWEEP_THRESHOLDS]) {
        const struct totals *s = &t[0];
        bool all = true;
        unsigned families;
        char text[160];

        printf("\n");
        families = print_missed(c, b);
        snprintf(text, sizeof text, "every attack family found (%u of %u attacks; %u families missed)",
                 s->found, s->attacks, families);
        all &= criterion(families == 0, text);
        snprintf(text, sizeof text, "no false flood in %.1f honest days (%u)", s->days, s->false_alarms);
        all &= criterion(s->false_alarms == 0, text);
        snprintf(text, sizeof text, "median delay at most 1 s from 1000 SYN/s on (%.2f s of %u)",
                 s->strong_delay_s, s->strong);
        all &= criterion(s->strong_delay_s <= STRONG_DELAY_S, text);
        snprintf(text, sizeof text, "found before 80 %% full where filling takes 5 s (%u later)", s->late_fill);
        all &= criterion(s->late_fill == 0, text);
        snprintf(text, sizeof text, "end told within 15 s (%u later, worst %.1f s)", s->slow_ends,
                 s->worst_end_s);
        all &= criterion(s->slow_ends == 0, text);
        snprintf(text, sizeof text, "an incident for each flood, its end never told while it goes on (%u not so)",
                 s->not_once);
        all &= criterion(s->not_once == 0, text);
        snprintf(text, sizeof text,
                 "of several listeners each attacked one told within %g s, and no other (%u not so)",
                 LISTENER_DELAY_S, s->listeners_wrong);
        all &= criterion(s->listeners_wrong == 0, text);
        snprintf(text, sizeof text, "diagnosis right in 95 %% of rows (%u of %u)", s->right, s->rows);
        all &= criterion(s->right >= DIAGNOSIS_SHARE * s->rows, text);
        all &= print_better(all_standings, &t[JUDGES - 1]);
        return all;
}

static int draw(const char *path, struct standing all[static JUDGES][SWEEP_THRESHOLDS], double days) {
        struct chart_curve curves[JUDGES];
        FILE *f;

        for (unsigned j = 0; j < JUDGES; j++) {
                curves[j] = (struct chart_curve) { .name = judges[j]->name, .parameter = judges[j]->parameter };
                memcpy(curves[j].standings, all[j], sizeof curves[j].standings);
        }
        f = fopen(path, "we");
        if (!f)
                return -errno;
        chart_write(f, curves, JUDGES, days);
        return fclose(f) == 0 ? 0 : -errno;
}

static bool report(const struct catalogue *c, const struct board *b, const struct options *o) {
        struct standing standings[JUDGES][SWEEP_THRESHOLDS];
        struct totals t[JUDGES];
        int r;

        printf("seed %" PRIu64 ", %.1f honest days\n\n", o->seed, o->days);
        printf("%-17s %-44s %-6s %6s %5s %6s %5s %5s %5s %5s  %s\n", "family", "scenario", "", "delay", "fill",
               "end", "early", "told", "false", "susp.", "diagnosis");
        for (unsigned i = 0; i < c->count; i++)
                if (b->rows[i].done && !o->quiet_rows)
                        print_row(&c->list[i], &b->rows[i]);
        print_families(c, b);
        for (unsigned j = 0; j < JUDGES; j++)
                t[j] = sum_up(c, b, j, NULL);
        for (unsigned j = 0; j < JUDGES; j++)
                comparison_make(c, b->rows, j, t[0].days, standings[j]);
        print_judges(t);
        print_standings(standings);
        if (o->svg) {
                r = draw(o->svg, standings, t[0].days);
                if (r < 0)
                        fprintf(stderr, "%s: %s\n", o->svg, strerror(-r));
        }
        return print_criteria(c, b, t, standings);
}

static void usage(void) {
        puts("scorecard [--days N] [--seed N] [--only TEXT] [--recordings DIR] [--svg FILE] [--jobs N] [--list] "
             "[--totals] [--verbose]\n"
             "Runs the labelled scenarios whose name or family contains TEXT.\n"
             "  --days N          the honest families last so long together (default 30)\n"
             "  --recordings DIR  what the lab recorded, too\n"
             "  --verbose         every change of state, with its figures, on stderr");
}

static int parse(int argc, char **argv, struct options *ret) {
        static const struct option options[] = {
                { "days", required_argument, NULL, 'd' }, { "seed", required_argument, NULL, 's' },
                { "only", required_argument, NULL, 'o' }, { "svg", required_argument, NULL, 'g' },
                { "jobs", required_argument, NULL, 'j' }, { "list", no_argument, NULL, 'l' },
                { "totals", no_argument, NULL, 't' },     { "verbose", no_argument, NULL, 'v' },
                { "recordings", required_argument, NULL, 'r' },
                { "help", no_argument, NULL, 'h' },       { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "d:s:o:g:j:r:ltvh", options, NULL)) >= 0)
                switch (c) {
                case 'd': ret->days = strtod(optarg, NULL); break;
                case 's': ret->seed = strtoull(optarg, NULL, 0); break;
                case 'o': ret->only = optarg; break;
                case 'g': ret->svg = optarg; break;
                case 'j': ret->workers = (unsigned) strtoul(optarg, NULL, 10); break;
                case 'r': ret->recordings = optarg; break;
                case 'l': ret->list = true; break;
                case 't': ret->quiet_rows = true; break;
                case 'v': ret->verbose = true; break;
                case 'h': usage(); exit(0);
                default: usage(); return -EINVAL;
                }
        return optind == argc && ret->days > 0 ? 0 : -EINVAL;
}

int main(int argc, char **argv) {
        struct options o = { .seed = 1, .days = 30, .workers = 2 };
        struct catalogue c;
        struct board *b;
        size_t size;
        bool ok;

        if (parse(argc, argv, &o) < 0)
                return 2;
        catalogue_make(o.seed, o.days, &c);
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
        ok = report(&c, b, &o);
        munmap(b, size);
        catalogue_free(&c);
        return ok ? 0 : 1;
}
