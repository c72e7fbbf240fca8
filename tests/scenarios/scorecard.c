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

#include "tests/scenarios/baselines.h"
#include "tests/scenarios/judge_synward.h"
#include "tests/scenarios/chart.h"
#include "tests/scenarios/scenario.h"

enum { JUDGES = 5, FAMILIES_MAX = 40 };

/* An alarm so soon after a flood is still its own. */
#define GRACE_S 30.0
/* What was promised. */
#define STRONG_PER_S 1000.0
#define STRONG_DELAY_S 1.0
#define SLOW_FILL_S 5.0
#define FILL_LIMIT 0.8
#define END_LIMIT_S 15.0
#define DIAGNOSIS_SHARE 0.95

static const struct judge *const judges[JUDGES] = {
        &judge_synward, &judge_syn_fin, &judge_adaptive, &judge_cusum, &judge_syn_recv,
};

/* What one judge made of one scenario. */
struct result {
        bool found, in_time_named, ended;
        double delay_s, end_s, fill;
        uint32_t false_alarms, suspicions;
        uint32_t named[DIAGNOSES]; /* ticks with each diagnosis that count */
};

struct row {
        struct result results[JUDGES];
        double days;
        uint64_t asked, connected;
        bool done;
};

struct options {
        uint64_t seed;
        double days;
        const char *only, *svg;
        unsigned workers;
        bool verbose, list, quiet_rows;
};

static bool in_interval(const struct scenario *s, double now_s) {
        return s->to_s > s->from_s && now_s > s->from_s && now_s <= s->to_s;
}

static bool flood_or_its_wake(const struct scenario *s, double now_s) {
        return s->attack && now_s > s->from_s && now_s <= s->to_s + GRACE_S;
}

/* A diagnosis counts while a flood is called one, and all through an event after its first 3 s. */
static bool diagnosis_counts(const struct scenario *s, enum flood_state state, double now_s) {
        if (!in_interval(s, now_s))
                return false;
        return s->attack ? state == STATE_FLOOD : now_s > s->from_s + 3;
}

static void judge_tick(const struct scenario *s, const struct traffic_truth *truth,
                       enum flood_state before, enum flood_state state, enum diagnosis d,
                       struct result *r) {
        bool flood = state == STATE_FLOOD;

        if (diagnosis_counts(s, state, truth->now_s))
                r->named[d]++;
        /* One that was already called a flood for no reason is not found. */
        if (flood && before != STATE_FLOOD && !r->found && s->attack && in_interval(s, truth->now_s)) {
                r->found = true;
                r->delay_s = truth->now_s - s->from_s;
                r->fill = truth->fill;
        }
        if (flood && before != STATE_FLOOD && !flood_or_its_wake(s, truth->now_s))
                r->false_alarms++;
        if (state == STATE_SUSPECT && before != STATE_SUSPECT)
                r->suspicions++;
        if (s->attack && truth->now_s > s->to_s) {
                if (flood)
                        r->ended = false;
                else if (!r->ended) {
                        r->ended = true;
                        r->end_s = truth->now_s - s->to_s;
                }
        }
}

static void tell_change(const struct scenario *s, const struct traffic_truth *truth,
                        enum flood_state state, enum diagnosis d, const void *judge) {
        fprintf(stderr, "%s: %.1f s: %s, %s: ", s->name, truth->now_s, flood_state_name(state),
                diagnosis_name(d));
        judge_synward_explain(judge, stderr);
        fputc('\n', stderr);
}

static void run(const struct scenario *s, bool verbose, struct row *ret) {
        static struct observation o;
        struct traffic *t = traffic_new(&s->traffic);
        struct traffic_truth truth = { 0 };
        enum flood_state states[JUDGES] = { 0 };
        enum diagnosis last = DIAGNOSIS_UNKNOWN;
        void *instances[JUDGES];

        for (unsigned j = 0; j < JUDGES; j++) {
                instances[j] = judges[j]->new();
                if (!instances[j])
                        abort();
        }
        while (truth.now_s < s->length_s) {
                traffic_step(t, judge_synward_alert(instances[0]), &o, &truth);
                for (unsigned j = 0; j < JUDGES; j++) {
                        enum diagnosis d;
                        enum flood_state now = judges[j]->step(instances[j], &o, &truth, &d);

                        judge_tick(s, &truth, states[j], now, d, &ret->results[j]);
                        if (verbose && j == 0 && (now != states[0] || d != last)) {
                                tell_change(s, &truth, now, d, instances[0]);
                                last = d;
                        }
                        states[j] = now;
                }
        }
        for (unsigned j = 0; j < JUDGES; j++)
                instances[j] = judges[j]->free(instances[j]);
        t = traffic_free(t);
        ret->days = truth.now_s / 86400;
        ret->asked = truth.honest_asked;
        ret->connected = truth.honest_connected;
        ret->done = true;
}

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
                        run(&c->list[i], o->verbose, &b->rows[i]);
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

static enum diagnosis mostly(const struct result *r, uint32_t *ret_ticks) {
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
static bool diagnosed_right(const struct scenario *s, const struct result *r) {
        uint32_t ticks;
        enum diagnosis d = mostly(r, &ticks);

        if (!s->expected)
                return r->false_alarms == 0 && (!s->attack || r->found);
        return ticks > 0 && (s->expected & UINT32_C(1) << d) && (s->attack || r->false_alarms == 0);
}

static void print_row(const struct scenario *s, const struct row *row) {
        const struct result *r = &row->results[0];
        uint32_t ticks;
        enum diagnosis d = mostly(r, &ticks);
        char delay[16] = "-", end[16] = "-", fill[16] = "-";

        if (s->attack && r->found) {
                snprintf(delay, sizeof delay, "%.1f", r->delay_s);
                snprintf(fill, sizeof fill, "%.0f%%", 100 * r->fill);
        }
        if (s->attack && r->found)
                snprintf(end, sizeof end, r->ended ? "%.1f" : "never", r->end_s);
        printf("%-17s %-44s %-6s %6s %5s %6s %5u %5u  %-18s %s\n", s->family, s->name,
               !s->attack ? "-" : r->found ? "found" : "MISSED", delay, fill, end, r->false_alarms,
               r->suspicions, ticks ? diagnosis_name(d) : "-", diagnosed_right(s, r) ? "" : "WRONG");
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static double median(double *values, unsigned count) {
        if (count == 0)
                return NAN;
        qsort(values, count, sizeof *values, compare);
        return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct totals {
        unsigned attacks, found, early, strong, late_fill, slow_ends, rows, right;
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
                const struct result *r = &b->rows[i].results[judge];

                if (!b->rows[i].done || (family && strcmp(family, s->family) != 0))
                        continue;
                t.rows++;
                t.right += diagnosed_right(s, r);
                t.false_alarms += r->false_alarms;
                if (!s->attack) {
                        t.days += b->rows[i].days;
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
                t.late_fill += s->fills_in_s >= SLOW_FILL_S && r->fill > FILL_LIMIT;
                t.slow_ends += !r->ended || r->end_s > END_LIMIT_S;
                t.worst_end_s = fmax(t.worst_end_s, r->ended ? r->end_s : INFINITY);
        }
        t.delay_s = median(delays, n);
        t.strong_delay_s = median(strong, t.strong);
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
                        printf("%-17s %5u %3u/%-3u %7.1f %6u %6u\n", c->list[i].family, t.rows, t.found,
                               t.attacks, t.delay_s, t.false_alarms, t.right);
        }
}

static void print_judges(const struct totals t[static JUDGES]) {
        printf("\n%-20s %9s %12s %14s %13s %10s\n", "judge", "found", "median delay", ">= 1000/s", 
               "false alarms", "per day");
        for (unsigned j = 0; j < JUDGES; j++)
                printf("%-20s %4u/%-4u %10.1f s %12.1f s %13u %10.2f\n", judges[j]->name, t[j].found,
                       t[j].attacks, t[j].delay_s, t[j].strong_delay_s, t[j].false_alarms,
                       t[j].false_alarms / t[j].days);
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

/* A threshold on SYN_RECV is no published detector: it shows what delay is to be had
 * for any price in false alarms, and is not raced for it. */
static bool better_than(const struct totals *s, const struct totals *t, bool published) {
        bool quicker = t->found * 2 < t->attacks || s->delay_s < t->delay_s;

        if (!published && !quicker)
                printf("note  %s is quicker (%.1f s), finds %u of %u and raises %.0f false alarms a day\n",
                       judges[JUDGES - 1]->name, t->delay_s, t->found, t->attacks,
                       t->false_alarms / t->days);
        return s->found >= t->found && s->false_alarms <= t->false_alarms && (quicker || !published);
}

static bool print_criteria(const struct catalogue *c, const struct board *b,
                           const struct totals t[static JUDGES]) {
        const struct totals *s = &t[0];
        bool all = true, better = true;
        unsigned families;
        char text[160];

        printf("\n");
        families = print_missed(c, b);
        for (unsigned j = 1; j < JUDGES; j++)
                better &= better_than(s, &t[j], j != JUDGES - 1);
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
        snprintf(text, sizeof text, "diagnosis right in 95 %% of rows (%u of %u)", s->right, s->rows);
        all &= criterion(s->right >= DIAGNOSIS_SHARE * s->rows, text);
        all &= criterion(better, "better than each published baseline in what is found, delay and false alarms");
        return all;
}

static int draw(const char *path, const struct totals t[static JUDGES]) {
        struct chart_point points[JUDGES];
        FILE *f;

        for (unsigned j = 0; j < JUDGES; j++)
                points[j] = (struct chart_point) {
                        .name = judges[j]->name,
                        .false_alarms_per_day = t[j].false_alarms / t[j].days,
                        .delay_s = t[j].delay_s,
                        .found_share = t[j].attacks ? (double) t[j].found / t[j].attacks : 0,
                };
        f = fopen(path, "we");
        if (!f)
                return -errno;
        chart_write(f, points, JUDGES, t[0].days);
        return fclose(f) == 0 ? 0 : -errno;
}

static bool report(const struct catalogue *c, const struct board *b, const struct options *o) {
        struct totals t[JUDGES];
        int r;

        printf("seed %" PRIu64 ", %.1f honest days\n\n", o->seed, o->days);
        printf("%-17s %-44s %-6s %6s %5s %6s %5s %5s  %s\n", "family", "scenario", "", "delay", "fill",
               "end", "false", "susp.", "diagnosis");
        for (unsigned i = 0; i < c->count; i++)
                if (b->rows[i].done && !o->quiet_rows)
                        print_row(&c->list[i], &b->rows[i]);
        print_families(c, b);
        for (unsigned j = 0; j < JUDGES; j++)
                t[j] = sum_up(c, b, j, NULL);
        print_judges(t);
        if (o->svg) {
                r = draw(o->svg, t);
                if (r < 0)
                        fprintf(stderr, "%s: %s\n", o->svg, strerror(-r));
        }
        return print_criteria(c, b, t);
}

static void usage(void) {
        puts("scorecard [--days N] [--seed N] [--only TEXT] [--svg FILE] [--jobs N] [--list] [--totals] "
             "[--verbose]\n"
             "Runs the labelled scenarios whose name or family contains TEXT.\n"
             "  --days N    the honest families last so long together (default 30)\n"
             "  --verbose   every change of state, with its figures, on stderr");
}

static int parse(int argc, char **argv, struct options *ret) {
        static const struct option options[] = {
                { "days", required_argument, NULL, 'd' }, { "seed", required_argument, NULL, 's' },
                { "only", required_argument, NULL, 'o' }, { "svg", required_argument, NULL, 'g' },
                { "jobs", required_argument, NULL, 'j' }, { "list", no_argument, NULL, 'l' },
                { "totals", no_argument, NULL, 't' },     { "verbose", no_argument, NULL, 'v' },
                { "help", no_argument, NULL, 'h' },       { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "d:s:o:g:j:ltvh", options, NULL)) >= 0)
                switch (c) {
                case 'd': ret->days = strtod(optarg, NULL); break;
                case 's': ret->seed = strtoull(optarg, NULL, 0); break;
                case 'o': ret->only = optarg; break;
                case 'g': ret->svg = optarg; break;
                case 'j': ret->workers = (unsigned) strtoul(optarg, NULL, 10); break;
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
