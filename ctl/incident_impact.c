/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/incident_impact.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

static char *share_text(const json_t *t, const char *name, double of, char text[static IMPACT_TEXT_MAX]) {
        char share[TERM_FIGURE_MAX], count[TERM_FIGURE_MAX];

        if (isnan(ctl_number(t, name)))
                snprintf(text, IMPACT_TEXT_MAX, "%s", of > 0 ? "too few to say" : "-");
        else
                snprintf(text, IMPACT_TEXT_MAX, "%s of %s", term_percent(ctl_number(t, name), share),
                         term_figure(of, 0, count));
        return text;
}

static char *count_text(const json_t *t, const char *name, char text[static IMPACT_TEXT_MAX]) {
        char count[TERM_FIGURE_MAX];

        snprintf(text, IMPACT_TEXT_MAX, "%s", term_figure(ctl_number(json_object_get(t, "probe"), name), 0, count));
        return text;
}

/* Short ones are within the host, long ones are SYNs that were sent again. */
static char *slowest_text(const json_t *t, char text[static IMPACT_TEXT_MAX]) {
        double ms = ctl_number(t, "probe_slowest_ms");
        char figure[TERM_FIGURE_MAX];

        if (isnan(ms))
                snprintf(text, IMPACT_TEXT_MAX, "-");
        else
                snprintf(text, IMPACT_TEXT_MAX, "%s ms", term_figure(ms, ms < 10 ? 2 : 0, figure));
        return text;
}

static double made(const json_t *t) {
        const json_t *probe = json_object_get(t, "probe");
        double sum = ctl_number(probe, "connected") + ctl_number(probe, "refused") + ctl_number(probe, "timed_out");

        return isnan(sum) ? 0 : sum;
}

size_t incident_impact_rows(const json_t *incident, struct impact_row rows[static IMPACT_ROWS_MAX]) {
        const json_t *t[2] = { json_object_get(incident, "impact_before"), json_object_get(incident, "impact") };
        size_t n = 0;

        if (ctl_number(t[0], "known_begun") + ctl_number(t[1], "known_begun") > 0) {
                rows[n].name = "known clients served at the first SYN";
                share_text(t[0], "known_finished_share", ctl_number(t[0], "known_begun"), rows[n].before);
                share_text(t[1], "known_finished_share", ctl_number(t[1], "known_begun"), rows[n++].during);
        }
        if (made(t[0]) + made(t[1]) <= 0)
                return n;
        rows[n].name = "handshakes of the probe that connected";
        share_text(t[0], "probe_connected_share", made(t[0]), rows[n].before);
        share_text(t[1], "probe_connected_share", made(t[1]), rows[n++].during);
        rows[n].name = "the slowest of these";
        slowest_text(t[0], rows[n].before);
        slowest_text(t[1], rows[n++].during);
        rows[n].name = "of the others timed out";
        count_text(t[0], "timed_out", rows[n].before);
        count_text(t[1], "timed_out", rows[n++].during);
        rows[n].name = "were refused";
        count_text(t[0], "refused", rows[n].before);
        count_text(t[1], "refused", rows[n++].during);
        return n;
}
