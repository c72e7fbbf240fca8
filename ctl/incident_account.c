/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/incident_account.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

/* Less than so many handshakes are not worth a line. */
#define LEAST 0.5

static const char *const explanations[][2] = {
        { "noise", "strays that are always about: scanners, clients that went away" },
        { "loss", "packets lost on the way, twice in a row" },
        { "far-clients", "clients so far away that their answer was still under way" },
        { "accept-queue", "the application did not accept: its queue was full, and clients' last ACKs were dropped" },
        { "half-open-checks", "load balancers and monitors, which end their checks by RST" },
        { "retries", "clients that were there and sent their SYN again" },
        { "way-back", "an outage: what we sent, or what everybody sent back, was lost" },
};

static const char *const patterns[][2] = {
        { "overwhelming", "so many that one look was enough" },
        { "surge", "most of a strong stream was not finished" },
        { "sustained", "more stayed unfinished than noise and loss leave" },
        { "held", "what nobody finished held the queue" },
        { "refusing", "SYNs were turned away for handshakes that nobody finished" },
        { "bouncing", "whoever got our SYN-ACKs answered by RST" },
        { "choking", "a trickle kept a short queue shut" },
};

static const char *words_of(const char *const (*table)[2], size_t count, const char *name) {
        for (size_t i = 0; i < count; i++)
                if (strcmp(table[i][0], name) == 0)
                        return table[i][1];
        return name;
}

bool account_is_known(const json_t *incident) {
        return ctl_number(json_object_get(incident, "account"), "flood_s") > 0;
}

char *account_finished(const json_t *incident, char *text, size_t size) {
        const json_t *a = json_object_get(incident, "account");
        char time[TERM_FIGURE_MAX], done[TERM_FIGURE_MAX], left[TERM_FIGURE_MAX], refused[TERM_FIGURE_MAX];

        snprintf(text, size,
                 "In %s of flood, at the flooded listeners: %s handshakes finished, %s that nobody "
                 "finished, %s SYNs refused for a full queue.",
                 term_duration(ctl_number(a, "flood_s"), time), term_figure(ctl_number(a, "finished"), 0, done),
                 term_figure(ctl_number(a, "unfinished"), 0, left), term_figure(ctl_number(a, "refused"), 0, refused));
        return text;
}

size_t account_rows(const json_t *incident, struct account_row rows[static ACCOUNT_ROWS_MAX]) {
        const json_t *a = json_object_get(incident, "account");
        json_t *explained = json_object_get(a, "explained"), *value;
        double unfinished = ctl_number(a, "unfinished");
        const char *name;
        size_t count = 0;

        json_object_foreach(explained, name, value) {
                double handshakes = json_number_value(value);

                if (count == ACCOUNT_ROWS_MAX || !(handshakes >= LEAST))
                        continue;
                rows[count++] = (struct account_row) {
                        .name = name,
                        .words = words_of(explanations, sizeof explanations / sizeof *explanations, name),
                        .handshakes = handshakes,
                        .share = unfinished > 0 ? fmin(1, handshakes / unfinished) : (double) NAN,
                };
        }
        return count;
}

size_t account_listeners(const json_t *incident, struct account_listener rows[static ACCOUNT_LISTENERS_MAX],
                         double *ret_more) {
        const json_t *a = json_object_get(incident, "account"), *list = json_object_get(a, "listeners"), *l;
        double more = ctl_number(a, "listeners_left_out");
        size_t i, count = 0;

        json_array_foreach(list, i, l)
                if (count < ACCOUNT_LISTENERS_MAX)
                        rows[count++] = (struct account_listener) {
                                .name = ctl_text(l, "listener"),
                                .syns = ctl_number(l, "syns"),
                                .finished = ctl_number(l, "finished"),
                                .unfinished = ctl_number(l, "unfinished"),
                                .refused = ctl_number(l, "refused"),
                                .half_open = ctl_number(l, "peak_half_open"),
                                .limit = ctl_number(l, "peak_backlog"),
                        };
        *ret_more = (more > 0 ? more : 0) + (double) (json_array_size(list) - count);
        return count;
}

/* Of the first event that names one; "": none does. */
static const char *pattern_of(const json_t *incident) {
        const json_t *e;
        size_t i;

        json_array_foreach(json_object_get(incident, "events"), i, e)
                if (*ctl_text(e, "pattern"))
                        return ctl_text(e, "pattern");
        return "";
}

char *account_rest(const json_t *incident, char *text, size_t size) {
        struct account_row rows[ACCOUNT_ROWS_MAX];
        size_t count = account_rows(incident, rows);
        double unfinished = ctl_number(json_object_get(incident, "account"), "unfinished"), rest = unfinished;
        const char *pattern = pattern_of(incident);
        char figure[TERM_FIGURE_MAX], share[TERM_FIGURE_MAX];

        for (size_t i = 0; i < count; i++)
                rest -= rows[i].handshakes;
        text[0] = '\0';
        if (rest >= LEAST)
                ctl_append(text, size, "Nothing innocent accounts for at least %s of them (%s).",
                           term_figure(rest, 0, figure), term_percent(rest / unfinished, share));
        else if (count > 0)
                ctl_append(text, size,
                           "Together, each at its most, these could account for all that nobody finished: "
                           "it was not their number that told it.");
        if (*pattern)
                ctl_append(text, size, "%sWhat told it: %s (%s).", *text ? " " : "",
                           words_of(patterns, sizeof patterns / sizeof *patterns, pattern), pattern);
        return text;
}
