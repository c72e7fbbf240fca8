/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl events and incidents */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

static enum paint severity_paint(const char *severity) {
        static const char *const bad[] = { "emerg", "alert", "crit", "err" };

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                if (strcmp(severity, bad[i]) == 0)
                        return PAINT_BAD;
        return strcmp(severity, "warning") == 0 ? PAINT_WARN : PAINT_NONE;
}

static void print_event(const struct ctl *ctl, const json_t *e) {
        const char *name = ctl_text(e, "event");

        term_put(&ctl->term, PAINT_DIM, ctl_text(e, "time"));
        printf("  ");
        term_put(&ctl->term, severity_paint(ctl_text(e, "severity")), name);
        printf("%*s  ", strlen(name) < 19 ? (int) (19 - strlen(name)) : 0, "");
        term_put(&ctl->term, PAINT_NONE, ctl_text(e, "message"));
        putchar('\n');
}

static int show_events(const struct ctl *ctl, const json_t *answer, bool follow) {
        double missed = ctl_number(answer, "missed");
        const json_t *e;
        size_t i;

        if (ctl->json && !follow)
                return ctl_print_json(answer);
        if (missed > 0)
                fprintf(stderr, "synwardctl: %.0f events before these were forgotten\n", missed);
        json_array_foreach(json_object_get(answer, "events"), i, e)
                if (ctl->json)
                        ctl_print_json(e);
                else
                        print_event(ctl, e);
        return EXIT_OK;
}

/* Until the daemon goes, or nobody reads our output any more. */
static int follow_events(const struct ctl *ctl, struct client *c) {
        int timeout_ms = CLIENT_TIMEOUT_MS;

        for (;;) {
                struct client_answer a;
                int error = client_receive(c, timeout_ms, &a);
                bool last;

                if (error < 0)
                        return ctl_fail(ctl, error);
                if (a.error) {
                        int status = ctl_refused(&a);

                        client_answer_clear(&a);
                        return status;
                }
                show_events(ctl, a.parameters, true);
                last = !a.continues;
                client_answer_clear(&a);
                if (last || fflush(stdout) != 0)
                        return EXIT_OK;
                timeout_ms = CLIENT_FOR_EVER;
        }
}

static int stream_events(const struct ctl *ctl, json_t *parameters) {
        struct client *c;
        int error = client_open(ctl->socket, &c);
        int status;

        if (error < 0) {
                json_decref(parameters);
                return ctl_fail(ctl, error);
        }
        error = client_send(c, "io.synward.GetEvents", parameters, true);
        status = error < 0 ? ctl_fail(ctl, error) : follow_events(ctl, c);
        client_free(c);
        return status;
}

int command_events(struct ctl *ctl, int argc, char **argv) {
        static const struct option options[] = {
                { "number", required_argument, NULL, 'n' }, { "follow", no_argument, NULL, 'f' },
                { 0 },
        };
        unsigned limit = 20;
        bool follow = false;
        json_t *parameters, *answer;
        int c, status;

        while ((c = getopt_long(argc, argv, "n:f", options, NULL)) != -1)
                if (c == 'f')
                        follow = true;
                else if (c != 'n')
                        return EXIT_USAGE;
                else if (!ctl_read_number(optarg, 100000, &limit))
                        return ctl_usage("events", "not a number from 0 to 100000", optarg);
        if (optind < argc)
                return ctl_usage("events", "too many arguments", argv[optind]);
        parameters = json_pack("{s:i}", "limit", (int) limit);
        if (follow)
                return stream_events(ctl, parameters);
        status = ctl_ask(ctl, "io.synward.GetEvents", parameters, CLIENT_TIMEOUT_MS, &answer);
        if (status != EXIT_OK)
                return status;
        status = show_events(ctl, answer, false);
        json_decref(answer);
        return status;
}

static void print_incidents(const struct ctl *ctl, const json_t *incidents) {
        static const struct table_column columns[] = {
                { "ID", true }, { "START", false }, { "DURATION", true }, { "LISTENER", false },
                { "DIAGNOSIS", false }, { "PEAK SYN/s", true }, { "SYNs", true },
        };
        struct table *t = table_new(columns, sizeof columns / sizeof *columns);
        const json_t *o;
        size_t i;

        json_array_foreach(incidents, i, o) {
                const char *listener = ctl_text(o, "listener");
                char text[TERM_FIGURE_MAX];

                /* To be typed again: no separators. */
                snprintf(text, sizeof text, "%.0f", ctl_number(o, "id"));
                table_add(t, PAINT_NONE, text);
                table_add(t, PAINT_NONE, ctl_text(o, "start"));
                table_add(t, PAINT_NONE, term_duration(ctl_number(o, "duration_s"), text));
                table_add(t, PAINT_NONE, *listener ? listener : "-");
                table_add(t, PAINT_NONE, ctl_text(o, "diagnosis"));
                table_add(t, PAINT_NONE, term_figure(ctl_number(o, "peak_syn_per_s"), 0, text));
                table_add(t, PAINT_NONE, term_figure(ctl_number(o, "total_syns"), 0, text));
        }
        table_print(t, &ctl->term);
        table_free(t);
}

static void print_plain(const struct ctl *ctl, const char *name, const json_t *value) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

        if (text) {
                term_put(&ctl->term, PAINT_DIM, name);
                printf(": ");
                term_put(&ctl->term, PAINT_NONE,
                         json_is_string(value) ? json_string_value(value)
                         : json_is_null(value) ? "-" : text);
                putchar('\n');
        }
        free(text);
}

static void print_heaviest(const struct ctl *ctl, const char *title, const json_t *list) {
        const struct table_column columns[] = { { title, false }, { "SYN/s", true }, { "HALF-OPEN", true } };
        struct table *t;
        const json_t *s;
        size_t i;

        if (json_array_size(list) == 0)
                return;
        t = table_new(columns, sizeof columns / sizeof *columns);
        json_array_foreach(list, i, s) {
                char text[TERM_FIGURE_MAX];

                table_add(t, PAINT_NONE, ctl_text(s, "source"));
                table_add(t, PAINT_NONE, term_figure(ctl_number(s, "syn_per_s"), 1, text));
                table_add(t, PAINT_NONE, term_figure(ctl_number(s, "half_open"), 0, text));
        }
        putchar('\n');
        table_print(t, &ctl->term);
        table_free(t);
}

/* One in full: every plain field by name, who sent most, its events as `events` shows them (what
 * was done is among them), and the files to look into. */
static void print_incident(const struct ctl *ctl, json_t *incident) {
        const char *name;
        json_t *value;
        size_t i;

        json_object_foreach(incident, name, value)
                if (!json_is_object(value) && !json_is_array(value))
                        print_plain(ctl, name, value);
        print_heaviest(ctl, "TOP SOURCE", json_object_get(incident, "top_sources"));
        print_heaviest(ctl, "TOP PREFIX", json_object_get(incident, "top_prefixes"));
        putchar('\n');
        json_array_foreach(json_object_get(incident, "events"), i, value)
                print_event(ctl, value);
        putchar('\n');
        json_object_foreach(json_object_get(incident, "files"), name, value) {
                printf("%10lld bytes  ", (long long) json_integer_value(value));
                term_put(&ctl->term, PAINT_NONE, name);
                putchar('\n');
        }
}

int command_incidents(struct ctl *ctl, int argc, char **argv) {
        json_t *answer, *incidents;
        int status;

        if (argc > 2)
                return ctl_usage("incidents", "too many arguments", argv[2]);
        if (argc == 2 && (!argv[1][0] || argv[1][strspn(argv[1], "0123456789")]))
                return ctl_usage("incidents", "not the number of an incident", argv[1]);
        status = ctl_ask(ctl, "io.synward.GetIncidents",
                         argc == 2 ? json_pack("{s:s}", "id", argv[1]) : NULL, CLIENT_TIMEOUT_MS,
                         &answer);
        if (status != EXIT_OK)
                return status;
        incidents = json_object_get(answer, "incidents");
        if (ctl->json)
                status = ctl_print_json(answer);
        else if (argc == 2)
                print_incident(ctl, json_array_get(incidents, 0));
        else
                print_incidents(ctl, incidents);
        json_decref(answer);
        return status;
}
