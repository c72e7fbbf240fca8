/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl check: one line for a monitoring system, and an exit status of its own. */
#include "config.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/judge.h"
#include "ctl/range.h"

enum { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

enum metric { METRIC_FILL, METRIC_HALF_OPEN, METRIC_AGED, METRIC_SYNS, METRIC_PROBE, METRIC_CONNECTED, METRICS };

struct limit {
        const char *text; /* as given, for the perfdata; NULL: none */
        struct range range;
};

static const struct {
        const char *name, *label, *unit;
} metrics[METRICS] = {
        [METRIC_FILL] = { "fill", "fill", "%" },
        [METRIC_HALF_OPEN] = { "half-open", "half_open", "" },
        [METRIC_AGED] = { "aged", "half_open_aged", "" },
        [METRIC_SYNS] = { "syns", "syn_per_s", "" },
        [METRIC_PROBE] = { "probe", "probe", "ms" },
        [METRIC_CONNECTED] = { "probe-connected", "probe_connected", "%" },
};

struct check {
        struct limit warning[METRICS], critical[METRICS];
        double values[METRICS];
};

/* "RANGE" is of the fill, "METRIC=RANGE" of another. */
static int read_limit(char *text, struct limit limits[static METRICS]) {
        char *equals = strchr(text, '=');
        const char *range = equals ? equals + 1 : text;

        for (unsigned i = 0; i < METRICS; i++) {
                size_t n = strlen(metrics[i].name);

                if (equals ? (size_t) (equals - text) != n || strncmp(text, metrics[i].name, n) != 0 : i != METRIC_FILL)
                        continue;
                limits[i].text = range;
                return range_parse(range, &limits[i].range);
        }
        return -1;
}

static int read_arguments(struct check *check, int argc, char **argv) {
        static const struct option options[] = {
                { "warning", required_argument, NULL, 'w' },
                { "critical", required_argument, NULL, 'c' },
                { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "w:c:", options, NULL)) != -1) {
                if (c == '?')
                        return -1;
                if (read_limit(optarg, c == 'w' ? check->warning : check->critical) < 0) {
                        ctl_usage("check", "not [fill|half-open|aged|syns|probe|probe-connected=]RANGE", optarg);
                        return -1;
                }
        }
        if (optind < argc)
                ctl_usage("check", "too many arguments", argv[optind]);
        return optind < argc ? -1 : 0;
}

static bool is_limited(const struct limit limits[static METRICS]) {
        for (unsigned i = 0; i < METRICS; i++)
                if (limits[i].text)
                        return true;
        return false;
}

static int judge_state(const char *state) {
        if (strcmp(state, "flood") == 0)
                return CHECK_CRITICAL;
        return strcmp(state, "normal") == 0 ? CHECK_OK : CHECK_WARNING;
}

static int judge_metrics(const struct check *check) {
        int worst = CHECK_OK;

        for (unsigned i = 0; i < METRICS; i++) {
                if (check->warning[i].text && worst < CHECK_WARNING &&
                    range_alerts(&check->warning[i].range, check->values[i]))
                        worst = CHECK_WARNING;
                if (check->critical[i].text && range_alerts(&check->critical[i].range, check->values[i]))
                        worst = CHECK_CRITICAL;
        }
        return worst;
}

/* One that is switched off is as the administrator wants it. */
static const char *broken_sensor(json_t *sensors) {
        const char *name;
        json_t *s;

        json_object_foreach(sensors, name, s)
                if (strcmp(ctl_text(s, "state"), "failed") == 0)
                        return name;
        return NULL;
}

/* No line break, no '|': these end the text or begin the perfdata. */
static void print_plain(const char *text) {
        bool control;
        size_t n;

        for (; *text; text += n) {
                n = term_character(text, &control);
                if (control || *text == '|')
                        putchar(' ');
                else
                        fwrite(text, 1, n, stdout);
        }
}

static void print_perfdata(const struct check *check) {
        const char *separator = " | ";

        for (unsigned i = 0; i < METRICS; i++) {
                if (isnan(check->values[i]))
                        continue;
                printf("%s%s=%.10g%s;%s;%s;0", separator, metrics[i].label, check->values[i], metrics[i].unit,
                       check->warning[i].text ? check->warning[i].text : "",
                       check->critical[i].text ? check->critical[i].text : "");
                separator = " ";
        }
        putchar('\n');
}

static void read_figures(struct check *check, const json_t *status) {
        const json_t *host = json_object_get(status, "host"), *probe = json_object_get(status, "probe");

        check->values[METRIC_FILL] = round(ctl_number(host, "fill") * 1000) / 10;
        check->values[METRIC_HALF_OPEN] = ctl_number(host, "half_open");
        check->values[METRIC_AGED] = ctl_number(host, "half_open_aged");
        check->values[METRIC_SYNS] = ctl_number(host, "syn_per_s");
        check->values[METRIC_PROBE] = ctl_number(probe, "slowest_ms");
        check->values[METRIC_CONNECTED] = round(ctl_number(probe, "connected_share") * 1000) / 10;
}

/* Only what is wrong with it: the last one did not connect. */
static void print_probe(const json_t *status) {
        const json_t *probe = json_object_get(status, "probe");
        const char *last = ctl_text(probe, "last");
        char text[512];

        if (!*last || strcmp(last, "connected") == 0)
                return;
        printf(", probe of ");
        print_plain(ctl_text(probe, "listener"));
        printf(" ");
        print_plain(judge_probe(status, text, sizeof text));
}

static int report(struct check *check, json_t *status) {
        const char *sensor = broken_sensor(json_object_get(status, "sensors"));
        const char *reason = json_string_value(json_array_get(json_object_get(status, "reasons"), 0));
        int state = judge_state(ctl_text(status, "state")), figures, worst;

        read_figures(check, status);
        figures = judge_metrics(check);
        worst = state > figures ? state : figures;
        if ((sensor || judge_probe_fails(status)) && worst < CHECK_WARNING)
                worst = CHECK_WARNING;
        printf("SYNWARD %s: ", words[worst]);
        print_plain(ctl_text(status, "state"));
        printf(", ");
        print_plain(ctl_text(status, "diagnosis"));
        if (reason) {
                printf(", ");
                print_plain(reason);
        }
        if (figures > state)
                printf(", a figure is out of its range");
        if (sensor) {
                printf(", sensor ");
                print_plain(sensor);
                printf(" has failed");
        }
        print_probe(status);
        print_perfdata(check);
        return worst;
}

/* Monitoring shows standard output only. */
static const char *words_for(enum ctl_exit status) {
        switch (status) {
        case EXIT_NOT_PERMITTED:
                return "not permitted to ask the daemon: the plugin's user must be in the socket's group";
        case EXIT_REFUSED:
                return "the daemon has only just started";
        case EXIT_NO_DAEMON:
        case EXIT_USAGE:
        case EXIT_OK:
                break;
        }
        return "the daemon is not there, or does not answer: see systemctl status synward";
}

int command_check(struct ctl *ctl, int argc, char **argv) {
        struct check check = { 0 };
        static char usual[] = "80";
        json_t *status;
        int worst, asked;

        if (read_arguments(&check, argc, argv) < 0) {
                puts("SYNWARD UNKNOWN: usage");
                return CHECK_UNKNOWN;
        }
        if (!is_limited(check.warning))
                read_limit(usual, check.warning);
        asked = ctl_ask(ctl, "io.synward.GetStatus", NULL, CLIENT_TIMEOUT_MS, &status);
        if (asked != EXIT_OK) {
                printf("SYNWARD UNKNOWN: %s\n", words_for((enum ctl_exit) asked));
                return CHECK_UNKNOWN;
        }
        worst = report(&check, status);
        json_decref(status);
        return worst;
}
