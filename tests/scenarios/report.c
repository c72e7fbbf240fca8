/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/chart.h"
#include "tests/scenarios/comparison.h"

/* What was promised. */
#define STRONG_PER_S 1000.0
#define STRONG_DELAY_S 1.0
#define SLOW_FILL_S 5.0
#define FILL_LIMIT 0.8
#define END_LIMIT_S 15.0
#define LISTENER_DELAY_S 2.0
#define DIAGNOSIS_SHARE 0.95
/* What is wanted. */
#define START_S 30.0
#define START_DELAY_S 1.2
#define WARM_DELAY_S 0.5
#define NAME_SHARE 0.99

/* Where judges are compared: with so many false alarms a day at most. */
static const double budgets[] = { 0, 1 };

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

static void print_figure(const struct said_figure *f, const char *name) {
        if (f->asked && f->wrong)
                printf("  %s %.1f, sent %.1f", name, f->said_per_s, f->sent_per_s);
}

/* What was said beside the alarm, and is not true. */
static void print_untrue(const struct said *s) {
        char name[ADDRESS_TEXT_MAX];

        if (s->wrong_names)
                printf("  wrong name %u of %u ticks", s->wrong_names, s->flood_ticks);
        if (s->names_at_once > 1)
                printf("  %u names in one flood", s->names_at_once);
        if (s->honest_named)
                printf("  names %s, %u times", prefix_format(&s->named, name), s->honest_named);
        for (unsigned f = 0; f < FIGURES; f++)
                print_figure(&s->host[f], said_figure_name((enum figure) f));
        if (s->listeners_wrong)
                printf("  figures of %u of %u listeners", s->listeners_wrong, s->listeners_asked);
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
        printf("%-17s %-50s %-6s %6s %5s %6s %5u %5u %5u %5u  %-18s%s%s%s", s->family, s->name,
               !s->attack     ? "-"
               : score->found ? "found"
                              : "MISSED",
               delay, fill, end, row->early_ends, row->incidents, score->false_alarms, row->suspicions,
               ticks ? diagnosis_name(d) : "-", diagnosed_right(s, row) ? "" : " WRONG",
               told_once(s, row) ? "" : " NOT ONCE", listeners_told(s, row) ? "" : " LISTENERS");
        print_listeners(s, row);
        print_untrue(&row->said);
        putchar('\n');
}

struct totals {
        unsigned attacks, found, strong, late_fill, slow_ends, not_once, listeners_wrong, rows, right;
        uint32_t false_alarms;
        double delay_s, strong_delay_s, days, worst_end_s;
};

static struct totals sum_up(const struct catalogue *c, const struct row *rows, unsigned judge, const char *family) {
        struct totals t = { 0 };
        double *delays = calloc(2 * c->count, sizeof *delays), *strong = delays + c->count;
        unsigned n = 0;

        if (!delays)
                abort();
        for (unsigned i = 0; i < c->count; i++) {
                const struct scenario *s = &c->list[i];
                const struct row *row = &rows[i];
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

/* Rows in which what was said of a flood is not true. */
struct untrue {
        unsigned floods;    /* … that were called one */
        unsigned wrong_name, two_names, honest_named;
        unsigned asked[FIGURES], wrong[FIGURES];
        unsigned listeners_asked, listeners_wrong;
};

/* family NULL: all. */
static struct untrue sum_up_untrue(const struct catalogue *c, const struct row *rows, const char *family) {
        struct untrue u = { 0 };

        for (unsigned i = 0; i < c->count; i++) {
                const struct said *s = &rows[i].said;

                if (!rows[i].done || (family && strcmp(family, c->list[i].family) != 0))
                        continue;
                u.floods += s->flood_ticks > 0;
                u.wrong_name += s->wrong_names > 0;
                u.two_names += s->names_at_once > 1;
                u.honest_named += s->honest_named > 0;
                for (unsigned f = 0; f < FIGURES; f++) {
                        u.asked[f] += s->host[f].asked;
                        u.wrong[f] += s->host[f].wrong;
                }
                u.listeners_asked += s->listeners_asked;
                u.listeners_wrong += s->listeners_wrong;
        }
        return u;
}

static void print_share(unsigned wrong, unsigned asked) {
        char text[16] = "-";

        if (asked)
                snprintf(text, sizeof text, "%u/%u", wrong, asked);
        printf(" %7s", text);
}

static void print_family(const char *family, const struct totals *t, const struct untrue *u) {
        printf("%-17s %5u %3u/%-3u %7.2f %6u %6u", family, t->rows, t->found, t->attacks, t->delay_s, t->false_alarms,
               t->right);
        print_share(u->wrong_name, u->floods);
        print_share(u->two_names, u->floods);
        print_share(u->honest_named, t->rows);
        for (unsigned f = 0; f < FIGURES; f++)
                print_share(u->wrong[f], u->asked[f]);
        print_share(u->listeners_wrong, u->listeners_asked);
        putchar('\n');
}

static void print_families(const struct catalogue *c, const struct row *rows) {
        printf("\n%-17s %5s %6s %8s %6s %6s | not true: %s\n%-54s %7s %7s %7s %7s %7s %7s %7s\n", "family", "rows",
               "found", "delay s", "false", "right", "rows of those asked", "", "name", "names", "whom", "unfin.",
               "refused", "finish.", "listen.");
        for (unsigned i = 0; i < c->count; i++) {
                bool first = true;
                struct untrue u;
                struct totals t;

                for (unsigned k = 0; k < i; k++)
                        first = first && strcmp(c->list[k].family, c->list[i].family) != 0;
                if (!first)
                        continue;
                t = sum_up(c, rows, 0, c->list[i].family);
                u = sum_up_untrue(c, rows, c->list[i].family);
                if (t.rows)
                        print_family(c->list[i].family, &t, &u);
        }
}

/* Delays of what each found, with the published thresholds. */
static void print_judges(const struct totals t[static JUDGES]) {
        printf("\n%-20s %9s %12s %14s %13s %10s\n", "judge", "found", "median delay", ">= 1000/s", "false alarms",
               "per day");
        for (unsigned j = 0; j < JUDGES; j++)
                printf("%-20s %4u/%-4u %10.2f s %12.2f s %13u %10.2f\n", judges[j]->name, t[j].found, t[j].attacks,
                       t[j].delay_s, t[j].strong_delay_s, t[j].false_alarms, t[j].false_alarms / t[j].days);
}

static void print_standing(const struct judge *judge, const struct standing *s) {
        char threshold[40];

        snprintf(threshold, sizeof threshold, "%s %.4g", judge->parameter, s->threshold);
        printf("%-20s %-16s %4u/%-4u %9.2f s %9.2f s %10.2f\n", judge->name, threshold, s->found, s->attacks, s->mean_s,
               s->median_s, s->false_per_day);
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
static unsigned print_missed(const struct catalogue *c, const struct row *rows) {
        unsigned families = 0;

        for (size_t i = 0; i < c->count; i++) {
                const char *family = c->list[i].family;
                bool first = true;
                struct totals t;

                for (size_t k = 0; k < i; k++)
                        first = first && strcmp(c->list[k].family, family) != 0;
                if (!first)
                        continue;
                t = sum_up(c, rows, 0, family);
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
               "day\n",
               scripts->found, scripts->attacks, judges[JUDGES - 1]->name, scripts->delay_s,
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

static bool print_criteria(const struct catalogue *c, const struct row *rows, const struct totals t[static JUDGES],
                           struct standing all_standings[static JUDGES][SWEEP_THRESHOLDS]) {
        const struct totals *s = &t[0];
        bool all = true;
        unsigned families;
        char text[160];

        printf("\n");
        families = print_missed(c, rows);
        snprintf(text, sizeof text, "every attack family found (%u of %u attacks; %u families missed)", s->found,
                 s->attacks, families);
        all &= criterion(families == 0, text);
        snprintf(text, sizeof text, "no false flood in %.1f honest days (%u)", s->days, s->false_alarms);
        all &= criterion(s->false_alarms == 0, text);
        snprintf(text, sizeof text, "median delay at most 1 s from 1000 SYN/s on (%.2f s of %u)", s->strong_delay_s,
                 s->strong);
        all &= criterion(s->strong_delay_s <= STRONG_DELAY_S, text);
        snprintf(text, sizeof text, "found before 80 %% full where filling takes 5 s (%u later)", s->late_fill);
        all &= criterion(s->late_fill == 0, text);
        snprintf(text, sizeof text, "end told within 15 s (%u later, worst %.1f s)", s->slow_ends, s->worst_end_s);
        all &= criterion(s->slow_ends == 0, text);
        snprintf(text, sizeof text, "an incident for each flood, its end never told while it goes on (%u not so)",
                 s->not_once);
        all &= criterion(s->not_once == 0, text);
        snprintf(text, sizeof text, "of several listeners each attacked one told within %g s, and no other (%u not so)",
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

/* --- what is only wanted so far -------------------------------------------------------------- */

static bool wish(bool holds, bool counts, const char *text) {
        printf("%s  %s\n", holds ? "ok  " : counts ? "FAIL" : "want", text);
        return holds || !counts;
}

/* Of floods of 1000/s and more that begin within START_S of ours, or later. */
static double median_delay(const struct catalogue *c, const struct row *rows, bool at_start, unsigned *ret_of) {
        double *delays = calloc(c->count, sizeof *delays), median;
        unsigned n = 0;

        if (!delays)
                abort();
        for (unsigned i = 0; i < c->count; i++) {
                const struct scenario *s = &c->list[i];

                if (rows[i].done && s->attack && !s->gradual && s->flood_per_s >= STRONG_PER_S &&
                    plain_score(&rows[i], 0)->found && (s->from_s < START_S) == at_start)
                        delays[n++] = plain_score(&rows[i], 0)->delay_s;
        }
        median = comparison_median(delays, n);
        free(delays);
        *ret_of = n;
        return median;
}

static bool wish_delays(const struct catalogue *c, const struct row *rows, bool counts) {
        unsigned of;
        double median_s = median_delay(c, rows, true, &of);
        char text[160];
        bool all;

        snprintf(text, sizeof text, "median delay from 1000/s on in the first %.0f s at most %.1f s (%.2f s of %u)",
                 START_S, START_DELAY_S, median_s, of);
        all = wish(of == 0 || median_s <= START_DELAY_S, counts, text);
        median_s = median_delay(c, rows, false, &of);
        snprintf(text, sizeof text, "… and later at most %.1f s (%.2f s of %u)", WARM_DELAY_S, median_s, of);
        return wish(of == 0 || median_s <= WARM_DELAY_S, counts, text) && all;
}

static bool wish_truth(const struct untrue *u, bool counts) {
        unsigned wrong = 0, asked = 0;
        char text[160];
        bool all;

        snprintf(text, sizeof text, "the right name all along in 99 %% of floods (not in %u of %u)", u->wrong_name,
                 u->floods);
        all = wish(u->wrong_name <= (1 - NAME_SHARE) * u->floods, counts, text);
        snprintf(text, sizeof text, "never two names in one flood (%u have)", u->two_names);
        all &= wish(u->two_names == 0, counts, text);
        snprintf(text, sizeof text, "nobody honest is named (in %u)", u->honest_named);
        all &= wish(u->honest_named == 0, counts, text);
        for (unsigned f = 0; f < FIGURES; f++) {
                wrong += u->wrong[f];
                asked += u->asked[f];
        }
        snprintf(text, sizeof text,
                 "what is said within 15 %% of what was sent (host: %u of %u not so, listeners: "
                 "%u of %u)",
                 wrong, asked, u->listeners_wrong, u->listeners_asked);
        all &= wish(wrong == 0 && u->listeners_wrong == 0, counts, text);
        return all;
}

static bool print_wanted(const struct catalogue *c, const struct row *rows, bool counts) {
        struct untrue u = sum_up_untrue(c, rows, NULL);
        struct totals t = sum_up(c, rows, 0, NULL);
        char text[160];
        bool all;

        printf("\nOf all families, %s:\n", counts ? "all of which count" : "whether they count yet or not");
        snprintf(text, sizeof text, "every attack found (%u of %u)", t.found, t.attacks);
        all = wish(t.found == t.attacks, counts, text);
        snprintf(text, sizeof text, "no false flood in %.1f honest days (%u)", t.days, t.false_alarms);
        all &= wish(t.false_alarms == 0, counts, text);
        all &= wish_delays(c, rows, counts);
        all &= wish_truth(&u, counts);
        return all;
}

/* --- all of it ----------------------------------------------------------------------------------- */

/* The scenarios that count, with their rows. */
static struct catalogue those_that_count(const struct catalogue *c, const struct row *rows, bool strict,
                                         struct row **ret_rows) {
        struct catalogue counting = { .list = calloc(c->count, sizeof *counting.list) };
        struct row *of_them = calloc(c->count, sizeof *of_them);

        if (!counting.list || !of_them)
                abort();
        for (unsigned i = 0; i < c->count; i++)
                if (strict || !c->list[i].by_chance) {
                        counting.list[counting.count] = c->list[i];
                        of_them[counting.count++] = rows[i];
                }
        *ret_rows = of_them;
        return counting;
}

static void print_rows(const struct catalogue *c, const struct row *rows) {
        printf("%-17s %-50s %-6s %6s %5s %6s %5s %5s %5s %5s  %s\n", "family", "scenario", "", "delay", "fill", "end",
               "early", "told", "false", "susp.", "diagnosis");
        for (unsigned i = 0; i < c->count; i++)
                if (rows[i].done)
                        print_row(&c->list[i], &rows[i]);
}

static bool print_judged(const struct catalogue *c, const struct row *rows, const char *svg) {
        struct standing standings[JUDGES][SWEEP_THRESHOLDS];
        struct totals t[JUDGES];
        int r;

        for (unsigned j = 0; j < JUDGES; j++)
                t[j] = sum_up(c, rows, j, NULL);
        for (unsigned j = 0; j < JUDGES; j++)
                comparison_make(c, rows, j, t[0].days, standings[j]);
        print_judges(t);
        print_standings(standings);
        if (svg) {
                r = draw(svg, standings, t[0].days);
                if (r < 0)
                        fprintf(stderr, "%s: %s\n", svg, strerror(-r));
        }
        return print_criteria(c, rows, t, standings);
}

bool report_print(const struct catalogue *c, const struct row *rows, const struct report_options *o) {
        struct row *counting_rows;
        struct catalogue counting = those_that_count(c, rows, o->strict, &counting_rows);
        bool ok;

        printf("seed %" PRIu64 ", %.1f honest days\n\n", o->seed, o->days);
        if (!o->totals_only)
                print_rows(c, rows);
        print_families(c, rows);
        ok = print_judged(&counting, counting_rows, o->svg);
        ok &= print_wanted(c, rows, o->strict);
        free(counting_rows);
        free(counting.list);
        return ok;
}
