/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl incidents */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/incident.h"

static void print_incidents(const struct ctl *ctl, const json_t *incidents) {
        static const struct table_column columns[] = {
                { "ID", true },         { "START", false },     { "DURATION", true }, { "LISTENER", false },
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
        if (json_array_size(incidents) == 0)
                puts("(no flood is on record)");
}

enum form { FORM_TEXT, FORM_PAGE };

static void print_one(const json_t *incident, enum form form) {
        if (form == FORM_PAGE)
                incident_page(stdout, incident);
        else
                incident_text(stdout, incident);
}

int command_incidents(struct ctl *ctl, int argc, char **argv) {
        static const struct option options[] = {
                { "html", no_argument, NULL, 'H' },
                { "text", no_argument, NULL, 'T' },
                { 0 },
        };
        enum form form = FORM_TEXT;
        json_t *answer, *incidents;
        const char *id;
        int c, status, forms = 0;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (c != 'H' && c != 'T')
                        return EXIT_USAGE;
                form = c == 'H' ? FORM_PAGE : FORM_TEXT;
                forms++;
        }
        id = optind < argc ? argv[optind] : NULL;
        if (argc - optind > 1)
                return ctl_usage("incidents", "too many arguments", argv[optind + 1]);
        if (id && (!*id || id[strspn(id, "0123456789")]))
                return ctl_usage("incidents", "not the number of an incident", id);
        if (forms > 0 && (!id || forms > 1 || ctl->json))
                return ctl_usage("incidents", id ? "choose one of" : "needs the number of an incident",
                                 "--html, --text, --json");
        status = ctl_ask(ctl, "io.synward.GetIncidents",
                         id ? json_pack("{s:s}", "id", id) : NULL, CLIENT_TIMEOUT_MS, &answer);
        if (status != EXIT_OK)
                return status;
        incidents = json_object_get(answer, "incidents");
        if (ctl->json)
                status = ctl_print_json(answer);
        else if (id)
                print_one(json_array_get(incidents, 0), form);
        else
                print_incidents(ctl, incidents);
        json_decref(answer);
        return status;
}
