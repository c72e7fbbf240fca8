/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl listeners and sources */
#include "config.h"

#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/worst.h"

/* The last column is the bar, for terminals only. */
#define COUNT(columns) ((unsigned) (sizeof(columns) / sizeof *(columns)))

static void add_figure(struct table *t, const json_t *o, const char *name, int decimals) {
        char text[TERM_FIGURE_MAX];

        table_add(t, PAINT_NONE, term_figure(ctl_number(o, name), decimals, text));
}

/* A name, not a quantity: no separators. */
static void add_port(struct table *t, const json_t *o) {
        char text[TERM_FIGURE_MAX];

        snprintf(text, sizeof text, "%.0f", ctl_number(o, "port"));
        table_add(t, PAINT_NONE, text);
}

static void add_percent(struct table *t, const json_t *o, const char *name) {
        char text[TERM_FIGURE_MAX];

        table_add(t, PAINT_NONE, term_percent(ctl_number(o, name), text));
}

static enum paint fill_paint(double fill) {
        return fill >= 0.8 ? PAINT_BAD : fill >= 0.5 ? PAINT_WARN : PAINT_GOOD;
}

static void add_listener(struct table *t, const struct term *term, const json_t *l) {
        const char *state = ctl_text(l, "state");
        double fill = ctl_number(l, "fill");
        char bar[TERM_BAR_MAX];

        table_add(t, PAINT_NONE, ctl_text(l, "address"));
        add_port(t, l);
        table_add(t, term_state_paint(state), state);
        add_figure(t, l, "half_open", 0);
        add_figure(t, l, "backlog", 0);
        add_percent(t, l, "fill");
        add_figure(t, l, "accept_queue", 0);
        add_figure(t, l, "syn_per_s", 1);
        add_percent(t, l, "completion_ratio");
        if (term->tty)
                table_add(t, fill_paint(fill), term_bar(term, fill, 10, bar));
}

static void print_listeners(const struct ctl *ctl, const json_t *listeners, size_t limit) {
        static const struct table_column columns[] = {
                { "ADDRESS", false },   { "PORT", true }, { "STATE", false },  { "HALF-OPEN", true },
                { "BACKLOG", true },    { "FILL", true }, { "ACCEPTQ", true }, { "SYN/s", true },
                { "COMPLETION", true }, { "", false },
        };
        struct table *t = table_new(columns, COUNT(columns) - !ctl->term.tty);
        const json_t **sorted = worst_sort(listeners, WORST_FIRST);
        size_t count = sorted ? json_array_size(listeners) : 0;
        char rest[80];

        for (size_t i = 0; i < count && i < limit; i++)
                add_listener(t, &ctl->term, sorted[i]);
        table_print(t, &ctl->term);
        table_free(t);
        if (count > limit)
                printf("%s\n", worst_rest(sorted, limit, count, rest, sizeof rest));
        if (count == 0)
                puts("(no listener is seen)");
        free(sorted);
}

/* As many as a terminal shows beside the heading, the rest and the prompt; elsewhere all. */
static unsigned lines_for_listeners(const struct term *term) {
        enum { OTHERS = 3, LEAST = 5 };

        if (term->height == 0)
                return UINT_MAX;
        return term->height > OTHERS + LEAST ? term->height - OTHERS : LEAST;
}

int command_listeners(struct ctl *ctl, int argc, char **argv) {
        static const struct option options[] = { { "number", required_argument, NULL, 'n' }, { 0 } };
        unsigned limit = lines_for_listeners(&ctl->term);
        json_t *answer;
        int c, status;

        while ((c = getopt_long(argc, argv, "n:", options, NULL)) != -1)
                if (c != 'n')
                        return EXIT_USAGE;
                else if (!ctl_read_number(optarg, 100000, &limit))
                        return ctl_usage("listeners", "not a number from 0 to 100000", optarg);
        if (optind < argc)
                return ctl_usage("listeners", "too many arguments", argv[optind]);
        status = ctl_ask(ctl, "io.synward.GetListeners", NULL, CLIENT_TIMEOUT_MS, &answer);
        if (status != EXIT_OK)
                return status;
        if (ctl->json)
                status = ctl_print_json(answer);
        else
                print_listeners(ctl, json_object_get(answer, "listeners"), limit);
        json_decref(answer);
        return status;
}

static void add_bounds(struct table *t, const json_t *s) {
        char low[TERM_FIGURE_MAX], high[TERM_FIGURE_MAX], text[2 * TERM_FIGURE_MAX + 4];

        snprintf(text, sizeof text, "%s..%s", term_percent(ctl_number(s, "completion_low"), low),
                 term_percent(ctl_number(s, "completion_high"), high));
        table_add(t, PAINT_NONE, text);
}

static void print_sources(const struct ctl *ctl, const json_t *answer, bool prefixes) {
        const struct table_column columns[] = {
                { prefixes ? "PREFIX" : "ADDRESS", false },
                { "HALF-OPEN", true },
                { "SYN/s", true },
                { "COMPLETION", true },
                { "95 %", true },
                { "SHARE", true },
                { "ERROR", true },
                { "", false },
        };
        struct table *t = table_new(columns, COUNT(columns) - !ctl->term.tty);
        const json_t *sources = json_object_get(answer, "sources"), *s;
        size_t i;

        json_array_foreach(sources, i, s) {
                char bar[TERM_BAR_MAX];

                table_add(t, PAINT_NONE, ctl_text(s, prefixes ? "prefix" : "address"));
                add_figure(t, s, "half_open", 0);
                add_figure(t, s, "syn_per_s", 1);
                add_percent(t, s, "completion_ratio");
                add_bounds(t, s);
                add_percent(t, s, "share");
                add_percent(t, s, "error");
                if (ctl->term.tty)
                        table_add(t, PAINT_INFO, term_bar(&ctl->term, ctl_number(s, "share"), 10, bar));
        }
        table_print(t, &ctl->term);
        table_free(t);
        if (json_is_false(json_object_get(answer, "known")))
                puts("(not known: SYNs are not logged; see the nflog sensor in synwardctl status)");
        else if (json_array_size(sources) == 0)
                puts("(none sends enough to stand out)");
}

/* Who is in a cell of the fleet's sketches. */
static void print_bucket(const struct ctl *ctl, const json_t *sources) {
        static const struct table_column columns[] = {
                { "PREFIX", false },   { "UNFINISHED/s", true }, { "ERROR/s", true },
                { "HALF-OPEN", true }, { "SYN/s", true },        { "COMPLETION", true },
        };
        struct table *t = table_new(columns, COUNT(columns));
        const json_t *s;
        size_t i;

        json_array_foreach(sources, i, s) {
                table_add(t, PAINT_NONE, ctl_text(s, "prefix"));
                add_figure(t, s, "unanswered_per_s", 2);
                add_figure(t, s, "unanswered_error_per_s", 2);
                add_figure(t, s, "half_open", 0);
                add_figure(t, s, "syn_per_s", 1);
                add_percent(t, s, "completion_ratio");
        }
        table_print(t, &ctl->term);
        table_free(t);
        if (json_array_size(sources) == 0)
                puts("(nobody in it left a handshake unfinished here in the last minutes)");
}

/* "ROW:N"; which there are the daemon knows. */
static bool is_bucket(const char *text) {
        static const char digits[] = "0123456789";
        size_t row = strspn(text, digits), cell = text[row] == ':' ? strspn(text + row + 1, digits) : 0;

        return row >= 1 && row <= 3 && cell >= 1 && cell <= 3 && text[row + 1 + cell] == '\0';
}

int command_sources(struct ctl *ctl, int argc, char **argv) {
        static const struct option options[] = {
                { "number", required_argument, NULL, 'n' },
                { "prefix", no_argument, NULL, 'p' },
                { "bucket", required_argument, NULL, 'b' },
                { 0 },
        };
        const char *bucket = NULL;
        unsigned limit = 20;
        int prefixes = 0, c, status;
        json_t *answer;

        while ((c = getopt_long(argc, argv, "n:p", options, NULL)) != -1)
                if (c == 'p')
                        prefixes = 1;
                else if (c == 'b')
                        bucket = optarg;
                else if (c != 'n')
                        return EXIT_USAGE;
                else if (!ctl_read_number(optarg, 1000, &limit))
                        return ctl_usage("sources", "not a number from 0 to 1000", optarg);
        if (optind < argc)
                return ctl_usage("sources", "too many arguments", argv[optind]);
        if (bucket && !is_bucket(bucket))
                return ctl_usage("sources", "not a row and a cell, like 0:17", bucket);
        if (bucket && prefixes)
                return ctl_usage("sources", "choose one of", "--prefix, --bucket");
        status = ctl_ask(ctl, "io.synward.GetSources",
                         json_pack("{s:i, s:b, s:s*}", "limit", (int) limit, "prefixes", prefixes, "bucket", bucket),
                                   CLIENT_TIMEOUT_MS, &answer);
        if (status != EXIT_OK)
                return status;
        if (ctl->json)
                status = ctl_print_json(answer);
        else if (bucket)
                print_bucket(ctl, json_object_get(answer, "sources"));
        else
                print_sources(ctl, answer, prefixes);
        json_decref(answer);
        return status;
}

static void print_nobody_blocked(const struct ctl *ctl) {
        json_t *status = NULL;
        const json_t *block;

        if (ctl_ask(ctl, "io.synward.GetStatus", NULL, CLIENT_TIMEOUT_MS, &status) != EXIT_OK)
                return;
        block = json_object_get(status, "block");
        puts(json_is_true(json_object_get(block, "enabled"))
                     ? "(nobody: no source gave reason to; who is never blocked stands in synward.yaml(5))"
                     : "(nobody: block.enabled is not set)");
        json_decref(status);
}

static void print_blocked(const struct ctl *ctl, const json_t *answer) {
        static const struct table_column columns[] = {
                { "SOURCE", false }, { "PASS", true }, { "SINCE", false }, { "LEFT", true }, { "REASON", false },
        };
        const json_t *blocked = json_object_get(answer, "blocked"), *b;
        struct table *t = table_new(columns, COUNT(columns));
        size_t i;

        json_array_foreach(blocked, i, b) {
                const char *address = ctl_text(b, "address");
                char text[TERM_FIGURE_MAX], pass[TERM_FIGURE_MAX];

                table_add(t, PAINT_NONE, *address ? address : ctl_text(b, "prefix"));
                snprintf(pass, sizeof pass, "%.0f/s", ctl_number(b, "limit_per_s"));
                table_add(t, PAINT_NONE, ctl_number(b, "limit_per_s") > 0 ? pass : "none");
                table_add(t, PAINT_NONE, ctl_text(b, "since"));
                table_add(t, PAINT_NONE, term_duration(ctl_number(b, "remaining_s"), text));
                table_add(t, PAINT_NONE, ctl_text(b, "reason"));
        }
        if (json_array_size(blocked) > 0)
                table_print(t, &ctl->term);
        table_free(t);
        if (json_array_size(blocked) == 0)
                print_nobody_blocked(ctl);
}

int command_blocked(struct ctl *ctl, int argc, char **argv) {
        return ctl_show(ctl, argc, argv, "io.synward.GetBlocked", CLIENT_TIMEOUT_MS, print_blocked);
}
