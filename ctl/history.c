/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl history */
#include "config.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/course.h"
#include "ctl/ctl.h"
#include "util/json_text.h"

/* The last ones, for those who have a probe. */
enum { PROBE_COLUMNS = 2 };

static void add_value(struct table *t, double number, bool share) {
        char text[TERM_FIGURE_MAX];

        table_add(t, PAINT_NONE, share ? term_percent(number, text) : term_short(number, text));
}

static bool is_share(const char *name) {
        const char *suffix = strrchr(name, '_');

        return strcmp(name, "fill") == 0 || (suffix && strcmp(suffix, "_share") == 0);
}

static bool has_any(const struct course *c, const char *name) {
        size_t field = course_field(c, name);

        for (size_t i = 0; i < c->count; i++)
                if (isfinite(course_value(c, i, field)))
                        return true;
        return false;
}

static void print_table(const struct ctl *ctl, const json_t *answer) {
        static const struct table_column columns[] = {
                { "TIME", false },      { "FOR", true },          { "STATE", false },    { "SYN/s", true },
                { "FINISHED/s", true }, { "UNFINISHED/s", true }, { "HALF-OPEN", true }, { "FILL", true },
                { "COOKIES/s", true },  { "REFUSED/s", true },    { "KNOWN", true },     { "PROBE", true },
                { "PROBE ms", true },
        };
        static const char *const names[] = {
                "syn_per_s",
                "completed_per_s",
                "unanswered_per_s",
                "half_open",
                "fill",
                "cookies_sent_per_s",
                "queue_drops_per_s",
                "known_finished_share",
                "probe_connected_share",
                "probe_slowest_ms",
        };
        struct course c = course_of(answer);
        bool probe = has_any(&c, "probe_connected_share");
        size_t shown = sizeof names / sizeof *names - (probe ? 0 : PROBE_COLUMNS);
        struct table *t = table_new(columns, sizeof columns / sizeof *columns - (probe ? 0 : PROBE_COLUMNS));
        size_t step = course_field(&c, "step_s");

        for (size_t i = 0; i < c.count; i++) {
                const char *state = course_text(&c, i, "state");
                char text[TERM_FIGURE_MAX];

                snprintf(text, sizeof text, "%.19sZ", course_text(&c, i, "time"));
                table_add(t, PAINT_NONE, text);
                table_add(t, PAINT_DIM, term_duration(course_value(&c, i, step), text));
                table_add(t, term_state_paint(state), state);
                for (size_t k = 0; k < shown; k++)
                        add_value(t, course_value(&c, i, course_field(&c, names[k])), is_share(names[k]));
        }
        table_print(t, &ctl->term);
        table_free(t);
        if (c.count == 0)
                puts("(nothing yet: the daemon has only just started)");
}

static void print_value(const json_t *value) {
        char *text = json_is_string(value) || json_is_null(value)
                             ? NULL
                             : json_text_write(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15), "");

        term_say(stdout, "%s", text ? text : ctl_string(value));
        free(text);
}

/* RFC 4180 but for its CRs: names and values of ours, none of which needs quotes. Empty: not
 * known. */
static void print_csv(const json_t *answer) {
        const json_t *row, *value;
        size_t i, k;

        json_array_foreach(json_object_get(answer, "fields"), k, value)
                term_say(stdout, "%s%s", k ? "," : "", ctl_string(value));
        putchar('\n');
        json_array_foreach(json_object_get(answer, "points"), i, row) {
                json_array_foreach(row, k, value) {
                        if (k)
                                putchar(',');
                        print_value(value);
                }
                putchar('\n');
        }
}

/* { "points": [ { "time": …, … } ] }: longer than what the daemon sends, and easier to use. */
static int print_objects(const json_t *answer) {
        json_t *points = json_array(), *o;
        const json_t *row, *field;
        size_t i, k;
        int status;

        json_array_foreach(json_object_get(answer, "points"), i, row) {
                o = json_object();
                json_array_foreach(json_object_get(answer, "fields"), k, field)
                        json_object_set(o, json_string_value(field), json_array_get(row, k));
                json_array_append_new(points, o);
        }
        o = json_pack("{s:o}", "points", points);
        status = o ? ctl_print_json(o) : EXIT_REFUSED;
        json_decref(o);
        return status;
}

int command_history(struct ctl *ctl, int argc, char **argv) {
        static const struct option options[] = {
                { "number", required_argument, NULL, 'n' },
                { "csv", no_argument, NULL, 'c' },
                { 0 },
        };
        unsigned limit = 60;
        bool csv = false;
        json_t *answer;
        int c, status;

        while ((c = getopt_long(argc, argv, "n:", options, NULL)) != -1)
                if (c == 'c')
                        csv = true;
                else if (c != 'n')
                        return EXIT_USAGE;
                else if (!ctl_read_number(optarg, 100000, &limit))
                        return ctl_usage("history", "not a number from 0 to 100000", optarg);
        if (optind < argc)
                return ctl_usage("history", "too many arguments", argv[optind]);
        if (csv && ctl->json)
                return ctl_usage("history", "choose one of", "--csv, --json");
        status = ctl_ask(ctl, "io.synward.GetHistory",
                         json_pack("{s:i}", "limit", (int) limit), CLIENT_TIMEOUT_MS, &answer);
        if (status != EXIT_OK)
                return status;
        if (ctl->json)
                status = print_objects(answer);
        else if (csv)
                print_csv(answer);
        else
                print_table(ctl, answer);
        json_decref(answer);
        return status;
}
