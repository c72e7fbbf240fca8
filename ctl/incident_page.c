/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <math.h>
#include <string.h>

#include "ctl/course.h"
#include "ctl/ctl.h"
#include "ctl/html.h"
#include "ctl/incident.h"
#include "ctl/incident_account.h"
#include "ctl/incident_chart.h"
#include "ctl/incident_impact.h"

enum { EVENTS_TOLD = 100, TTLS_TOLD = 16 };

/* The page runs nothing and loads nothing, whatever gets into it. */
static const char head[] =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n";

static const char style[] =
        "<style>\n"
        ":root { --fg: #1b1f24; --bg: #fff; --dim: #57606a; --line: #d0d7de; --syn: #0969da; --fin: #1a7f37;\n"
        "  --unf: #cf222e; --bad: #cf222e22; --warn: #bf870026; }\n"
        "@media (prefers-color-scheme: dark) { :root { --fg: #e6edf3; --bg: #0d1117; --dim: #9198a1;\n"
        "  --line: #3d444d; --syn: #58a6ff; --fin: #3fb950; --unf: #ff7b72; --bad: #ff7b7233; --warn: #d2992230; } }\n"
        "@media print { :root { --fg: #000; --bg: #fff; --dim: #333; --line: #bbb; --syn: #0550ae; --fin: #116329;\n"
        "  --unf: #a40e26; } svg, table { break-inside: avoid; }\n"
        "  h2, h3, .legend, caption { break-after: avoid; } pre { white-space: pre-wrap; } }\n"
        "body { font: 15px/1.45 system-ui, sans-serif; color: var(--fg); background: var(--bg);\n"
        "  max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; }\n"
        "h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .4rem;\n"
        "  border-bottom: 1px solid var(--line); } h3 { font-size: .95rem; margin: 1rem 0 0; }\n"
        "dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }\n"
        "dt, .note, .legend, caption { color: var(--dim); } dd { margin: 0; } .legend { margin: 0; }\n"
        "table { border-collapse: collapse; } th, td { text-align: right; padding: .15rem .9rem .15rem 0;\n"
        "  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }\n"
        "th:first-child, td:first-child, caption { text-align: left; } td, dd, li, h1 { overflow-wrap: anywhere; }\n"
        "th[scope=row] { font-weight: normal; overflow-wrap: break-word; }\n"
        ".figures th[scope=row] { overflow-wrap: anywhere; } .figures td { overflow-wrap: normal; }\n"
        "pre { border: 1px solid var(--line); padding: .6rem; overflow-x: auto; font-size: .85rem; }\n"
        "svg { vertical-align: middle; } .chart { width: 100%; height: auto; }\n"
        "path { fill: none; stroke-width: 1.6; } .syn { stroke: var(--syn); } .fin { stroke: var(--fin);\n"
        "  stroke-dasharray: 7 3; } .unf { stroke: var(--unf); stroke-width: 2; } .lim { stroke: var(--dim);\n"
        "  stroke-dasharray: 2 3; } .grid { stroke: var(--line); } .act { stroke: var(--fg); stroke-dasharray: 1 2; }\n"
        ".bad { fill: var(--bad); } .warn { fill: var(--warn); } .bar { fill: var(--syn); }\n"
        "text { fill: var(--dim); font-size: 12px; } .y { text-anchor: end; } .num { fill: var(--fg); }\n"
        /* A chart is as narrow as the screen, its letters with it. */
        "@media (max-width: 40rem) { .chart { overflow: visible; margin: .4rem 0; } .chart text { font-size: 21px; }\n"
        "  .chart path { stroke-width: 3; } th, td { padding-right: .5rem; } }\n"
        "</style>\n";

static void put_row(FILE *f, const char *term, const char *text) {
        html(f, "<dt>%s</dt><dd>%s</dd>\n", term, text);
}

static void put_summary(FILE *f, const json_t *n) {
        char text[512], a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX];
        const char *end = ctl_text(n, "end"), *listener = ctl_text(n, "listener");
        bool always;

        fputs("<dl>\n", f);
        put_row(f, "At", *listener ? listener : "several listeners");
        snprintf(text, sizeof text, "%.19sZ to %.19s%s, %s", ctl_text(n, "start"),
                 *end                                           ? end
                 : strcmp(ctl_text(n, "state"), "present") == 0 ? "now"
                                                                : "an unknown time",
                 *end ? "Z" : "", term_duration(ctl_number(n, "duration_s"), a));
        put_row(f, "From", text);
        snprintf(text, sizeof text, "%s in all, at most %s a second", term_figure(ctl_number(n, "total_syns"), 0, a),
                 term_figure(ctl_number(n, "peak_syn_per_s"), 0, b));
        put_row(f, "SYNs", text);
        (void) incident_queueless(n, &always);
        snprintf(text, sizeof text, "at most %s%s", term_figure(ctl_number(n, "peak_half_open"), 0, a),
                 always ? ", for tcp_syncookies was 2" : "");
        put_row(f, "Half-open", text);
        put_row(f, "Blocked", incident_blocked(n, text, sizeof text));
        put_row(f, "Record",
                json_is_false(json_object_get(n, "complete"))
                        ? "not complete: parts could not be written, or had no room"
                        : "complete");
        fputs("</dl>\n", f);
}

static void put_effect(FILE *f, const json_t *n) {
        static const char *const names[] = { "syn_per_s", "completed_per_s", "unanswered_per_s", "queue_drops_per_s" };
        struct course c = course_of(json_object_get(n, "timeline"));
        struct course_phase phases[COURSE_PHASES_MAX];
        size_t count = course_phases(&c, n, phases);
        char text[TERM_FIGURE_MAX];

        if (count == 0)
                return;
        fputs("<table><caption>What it did to honest handshakes, which are those that finish (a second, means; "
              "half-open: the most)</caption>\n<tr><th scope=\"col\">time</th><th scope=\"col\">SYNs</th>"
              "<th scope=\"col\">finished</th><th scope=\"col\">unfinished</th><th scope=\"col\">refused</th>"
              "<th scope=\"col\">half-open</th></tr>\n",
              f);
        for (size_t i = 0; i < count; i++) {
                html(f, "<tr><th scope=\"row\">%s</th>", phases[i].name);
                for (size_t k = 0; k < 4; k++)
                        html(f, "<td>%s</td>", term_short(course_mean(&c, &phases[i], names[k]), text));
                html(f, "<td>%s</td></tr>\n", term_short(course_most(&c, &phases[i], "half_open"), text));
        }
        fputs("</table>\n", f);
}

static void put_impact(FILE *f, const json_t *n) {
        struct impact_row rows[IMPACT_ROWS_MAX];
        size_t count = incident_impact_rows(n, rows);

        if (count == 0)
                return;
        fputs("<section><h2>What honest clients felt</h2>\n<table><tr><th></th><th scope=\"col\">in the minute before"
              "</th><th scope=\"col\">during</th></tr>\n",
              f);
        for (size_t i = 0; i < count; i++) {
                html(f, "<tr><th scope=\"row\">%s</th>", rows[i].name);
                html(f, "<td>%s</td>", rows[i].before);
                html(f, "<td>%s</td></tr>\n", rows[i].during);
        }
        fputs("</table>\n<p class=\"note\">Known clients are addresses that finished a handshake in the minutes "
              "before; one that gets no answer sends its SYN again. The probe connects to a listener from this "
              "host itself.</p></section>\n",
              f);
}

static void put_listener(FILE *f, const struct account_listener *l) {
        const double counts[] = { l->syns, l->finished, l->unfinished, l->refused };
        char text[TERM_FIGURE_MAX], limit[TERM_FIGURE_MAX];

        html(f, "<tr><th scope=\"row\">%s</th>", l->name);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
                html(f, "<td>%s</td>", term_figure(counts[i], 0, text));
        html(f, "<td>%s of %s</td></tr>\n", term_figure(l->half_open, 0, text), term_figure(l->limit, 0, limit));
}

static void put_listeners(FILE *f, const json_t *n) {
        struct account_listener rows[ACCOUNT_LISTENERS_MAX];
        double more;
        size_t count = account_listeners(n, rows, &more);
        char text[TERM_FIGURE_MAX];

        if (count == 0)
                return;
        fputs("<section><h2>What it did at each listener</h2>\n"
              "<table class=\"figures\"><caption>Handshakes while the listener was flooded</caption>"
              "<tr><th scope=\"col\">listener</th><th scope=\"col\">SYNs</th><th scope=\"col\">finished</th>"
              "<th scope=\"col\">unfinished</th><th scope=\"col\">refused</th>"
              "<th scope=\"col\">half-open, at most</th></tr>\n",
              f);
        for (size_t i = 0; i < count; i++)
                put_listener(f, &rows[i]);
        fputs("</table>\n", f);
        if (more > 0)
                html(f, "<p class=\"note\">Flooded as well, and hurt less: %s more.</p>\n", term_figure(more, 0, text));
        fputs("</section>\n", f);
}

/* A bar of that share. */
static void put_bar(FILE *f, double share) {
        fprintf(f,
                "<td><svg width=\"160\" height=\"10\" aria-hidden=\"true\"><rect class=\"bar\" width=\"%.1f\" "
                "height=\"10\"/></svg></td></tr>\n",
                160 * fmin(1, fmax(0, share)));
}

static void put_account(FILE *f, const json_t *n) {
        struct account_row rows[ACCOUNT_ROWS_MAX];
        size_t count = account_rows(n, rows);
        char text[512], figure[TERM_FIGURE_MAX], share[TERM_FIGURE_MAX];

        fputs("<section><h2>Could it have been something else?</h2>\n", f);
        if (!account_is_known(n)) {
                fputs("<p>The record does not say.</p></section>\n", f);
                return;
        }
        html(f, "<p>%s</p>\n", account_finished(n, text, sizeof text));
        if (count == 0)
                fputs("<p>No innocent cause accounts for any of them.</p>\n", f);
        else
                fputs("<table><caption>What is innocent and leaves handshakes unfinished too</caption><tr><th "
                      "scope=\"col\">cause</th><th scope=\"col\">handshakes, at most</th>"
                      "<th scope=\"col\">share</th><th></th></tr>\n",
                      f);
        for (size_t i = 0; i < count; i++) {
                html(f, "<tr><th scope=\"row\">%s (%s)</th><td>%s</td><td>%s</td>", rows[i].words, rows[i].name,
                     term_figure(rows[i].handshakes, 0, figure), term_percent(rows[i].share, share));
                put_bar(f, rows[i].share);
        }
        if (count > 0)
                fputs("</table>\n", f);
        html(f, "<p>%s</p></section>\n", account_rest(n, text, sizeof text));
}

static void put_senders(FILE *f, const json_t *list, const char *title) {
        char a[TERM_FIGURE_MAX];
        const json_t *s;
        size_t i;

        if (json_array_size(list) == 0)
                return;
        html(f,
             "<table><tr><th scope=\"col\">%s</th><th scope=\"col\">SYN/s, at least</th>"
             "<th scope=\"col\">unfinished/s, at least</th><th scope=\"col\">half-open, at most</th></tr>\n",
             title);
        json_array_foreach(list, i, s) {
                html(f, "<tr><td>%s</td>", ctl_text(s, "source"));
                html(f, "<td>%s</td>", term_short(ctl_number(s, "syn_per_s"), a));
                html(f, "<td>%s</td>", term_short(ctl_number(s, "unfinished_per_s"), a));
                html(f, "<td>%s</td></tr>\n", term_short(ctl_number(s, "half_open"), a));
        }
        fputs("</table>\n", f);
}

static void put_who(FILE *f, const json_t *n) {
        const char *nobody = incident_nobody(n);

        fputs("<section><h2>From whom</h2>\n", f);
        if (nobody)
                html(f, "<p>%s</p>\n", nobody);
        else {
                put_senders(f, json_object_get(n, "top_sources"), "source");
                put_senders(f, json_object_get(n, "top_prefixes"), "network");
        }
        fputs("</section>\n", f);
}

static void put_ttls(FILE *f, const json_t *prints, double syns) {
        json_t *ttls = json_object_get(prints, "ttl"), *count;
        unsigned told = 0;
        const char *ttl;

        fputs("<table><caption>TTL as it arrived</caption><tr><th scope=\"col\">TTL</th><th scope=\"col\">share</th>"
              "<th></th></tr>\n",
              f);
        json_object_foreach(ttls, ttl, count) {
                double share = json_number_value(count) / syns;
                char text[TERM_FIGURE_MAX];

                if (share < 0.01 || told++ >= TTLS_TOLD)
                        continue;
                html(f, "<tr><th scope=\"row\">%s</th><td>%s</td>", ttl, term_percent(share, text));
                put_bar(f, share);
        }
        fputs("</table>\n", f);
}

/* "window 64240, mss 1460, scale 7; mss sack timestamp" */
static char *print_of(const json_t *p, char *text, size_t size) {
        char window[TERM_FIGURE_MAX], mss[TERM_FIGURE_MAX] = "-", scale[TERM_FIGURE_MAX] = "-";
        const json_t *option;
        size_t i, used;

        snprintf(window, sizeof window, "%.0f", ctl_number(p, "window"));
        if (json_is_number(json_object_get(p, "mss")))
                snprintf(mss, sizeof mss, "%.0f", ctl_number(p, "mss"));
        if (json_is_number(json_object_get(p, "window_scale")))
                snprintf(scale, sizeof scale, "%.0f", ctl_number(p, "window_scale"));
        used = (size_t) snprintf(text, size, "window %s, mss %s, scale %s; options:", window, mss, scale);
        json_array_foreach(json_object_get(p, "options"), i, option)
                if (used < size && json_is_string(option))
                        used += (size_t) snprintf(text + used, size - used, " %s", json_string_value(option));
        if (json_array_size(json_object_get(p, "options")) == 0 && used < size)
                snprintf(text + used, size - used, " none");
        return text;
}

static void put_prints(FILE *f, const json_t *n) {
        const json_t *prints = json_object_get(n, "fingerprints"), *p;
        double syns = ctl_number(prints, "syns");
        size_t i;

        fputs("<section><h2>What its SYNs look like</h2>\n", f);
        if (!(syns > 0)) {
                fputs("<p>None was logged.</p></section>\n", f);
                return;
        }
        put_ttls(f, prints, syns);
        fputs("<table><caption>Window and options: each kind of sender has its own</caption><tr><th scope=\"col\">SYN"
              "</th><th scope=\"col\">TTL</th><th scope=\"col\">share, at most</th><th></th></tr>\n",
              f);
        json_array_foreach(json_object_get(prints, "fingerprints"), i, p) {
                double share = ctl_number(p, "syns") / syns;
                char text[512], ttl[TERM_FIGURE_MAX], part[TERM_FIGURE_MAX];

                html(f, "<tr><td>%s</td><td>%s</td><td>%s</td>", print_of(p, text, sizeof text),
                     term_short(ctl_number(p, "ttl"), ttl), term_percent(share, part));
                put_bar(f, share);
        }
        fputs("</table></section>\n", f);
}

static void put_done(FILE *f, const json_t *n) {
        const json_t *e;
        size_t i;

        fputs("<section><h2>What was done</h2>\n", f);
        if (json_array_size(json_object_get(n, "done")) == 0)
                fputs("<p>Nothing.</p>\n", f);
        fputs("<ol>\n", f);
        json_array_foreach(json_object_get(n, "done"), i, e)
                html(f, "<li>%s %s: %s</li>\n", ctl_text(e, "time"), ctl_text(e, "event"), ctl_text(e, "message"));
        fputs("</ol>\n", f);
        put_effect(f, n);
        fputs("</section>\n", f);
}

static void put_events(FILE *f, const json_t *n) {
        const json_t *events = json_object_get(n, "events"), *e;
        size_t i, count = json_array_size(events);

        fputs("<section><h2>Evidence, as it was told</h2>\n<ul>\n", f);
        json_array_foreach(events, i, e) {
                char left_out[TERM_FIGURE_MAX];

                if (count > EVENTS_TOLD && i == EVENTS_TOLD / 2)
                        html(f, "<li>%s more are left out here</li>\n",
                             term_figure((double) (count - EVENTS_TOLD), 0, left_out));
                if (count <= EVENTS_TOLD || i < EVENTS_TOLD / 2 || i >= count - EVENTS_TOLD / 2)
                        html(f, "<li>%s <b>%s</b>: %s</li>\n", ctl_text(e, "time"), ctl_text(e, "event"),
                             ctl_text(e, "message"));
        }
        fputs("</ul></section>\n", f);
}

static void put_rest(FILE *f, const json_t *n) {
        const json_t *files = json_object_get(n, "files");
        const char *directory = ctl_text(n, "directory");

        fputs("<section><h2>To look into it, on that host</h2>\n<pre>", f);
        if (json_object_get(files, "observations.jsonl"))
                html(f, "synwardd -c %s/policy.yaml --replay %s/observations.jsonl\n", directory, directory);
        if (json_object_get(files, "sample.pcap"))
                html(f, "tcpdump -nr %s/sample.pcap\n", directory);
        fprintf(f, "synwardctl --json incidents %.0f\n</pre></section>\n", ctl_number(n, "id"));
        if (*ctl_text(n, "policy"))
                html(f, "<section><h2>The policy in force at its start</h2>\n<pre>%s</pre></section>\n",
                     ctl_text(n, "policy"));
}

void incident_page(FILE *f, const json_t *n) {
        fputs(head, f);
        fprintf(f, "<title>SYN flood %.0f</title>\n", ctl_number(n, "id"));
        fputs(style, f);
        fputs("</head>\n<body>\n<main>\n", f);
        html(f, "<h1>%s</h1>\n",
             json_is_true(json_object_get(n, "damaged")) ? "This incident's record cannot be read" : incident_words(n));
        html(f, "<p class=\"note\">%s, ", ctl_text(n, "diagnosis"));
        fprintf(f, "incident %.0f, ", ctl_number(n, "id"));
        html(f, "by synward %s. Times are UTC.</p>\n", ctl_text(n, "version"));
        put_summary(f, n);
        fputs("<section><h2>Timeline</h2>\n", f);
        incident_charts(f, n);
        fputs("</section>\n", f);
        put_listeners(f, n);
        put_impact(f, n);
        put_done(f, n);
        put_account(f, n);
        put_who(f, n);
        put_prints(f, n);
        put_events(f, n);
        put_rest(f, n);
        fputs("</main>\n</body>\n</html>\n", f);
}
