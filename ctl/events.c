/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl events */
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
        const char *name = ctl_text(e, "event"), *severity = ctl_text(e, "severity");

        term_put(&ctl->term, PAINT_DIM, ctl_text(e, "time"));
        printf("  ");
        term_put(&ctl->term, severity_paint(severity), severity);
        printf("%*s  ", strlen(severity) < 7 ? (int) (7 - strlen(severity)) : 0, "");
        term_put(&ctl->term, severity_paint(severity), name);
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
                { "number", required_argument, NULL, 'n' },
                { "follow", no_argument, NULL, 'f' },
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
