/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/incident_chart.h"

#include <math.h>
#include <string.h>

#include "ctl/course.h"
#include "ctl/ctl.h"
#include "ctl/html.h"
#include "ctl/incident.h"

enum {
        WIDTH = 900,
        LEFT = 70,
        RIGHT = 10,
        TOP = 14,
        BOTTOM = 26,
        HEIGHT = 170,
        QUEUE_HEIGHT = 120,
        LINES_MAX = 3,
        MARKS_MAX = 40,
        QUEUES_DRAWN = 6,
        FIELD_MAX = 24,
};

struct chart {
        const char *title, *unit;
        int height;
        struct {
                const char *label, *name, *style; /* style: a class of the page's */
        } lines[LINES_MAX];
};

static const struct chart charts[] = {
        { "Handshakes",
          "a second",
          HEIGHT,
          { { "SYNs", "syn_per_s", "syn" },
            { "finished", "completed_per_s", "fin" },
            { "unfinished", "unanswered_per_s", "unf" } } },
        { "SYN cookies and refusals",
          "a second",
          HEIGHT,
          { { "cookies sent", "cookies_sent_per_s", "syn" },
            { "came back", "cookies_received_per_s", "fin" },
            { "refused", "queue_drops_per_s", "unf" } } },
};

/* Of the listener that was filled most at each moment: all that an older record has. */
static const struct chart fullest = {
        "Half-open against the limit, of the listener filled most",
        "entries",
        HEIGHT,
        { { "half-open", "listener_half_open", "unf" }, { "limit", "listener_backlog", "lim" }, { NULL, NULL, NULL } },
};

struct frame {
        const struct course *timeline; /* for the states behind the lines */
        int height;
        double from, to, most; /* of time and of the values */
};

static double x_of(const struct frame *f, double time) {
        return (double) LEFT + (time - f->from) / (f->to - f->from) * (double) (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct frame *f, double value) {
        return (double) (f->height - BOTTOM) - value / f->most * (double) (f->height - TOP - BOTTOM);
}

/* A round figure that is not much more: the axis ends there. */
static double round_up(double value) {
        double power = pow(10, floor(log10(fmax(value, 1))));

        for (size_t i = 0; i < 7; i++) {
                static const double steps[7] = { 1, 2, 3, 4, 5, 6, 8 };

                if (steps[i] * power >= value)
                        return steps[i] * power;
        }
        return 10 * power;
}

static double most_of(const struct course *c, const struct chart *chart) {
        double most = 0;

        for (unsigned k = 0; k < LINES_MAX && chart->lines[k].name; k++)
                for (size_t i = 0; i < c->count; i++)
                        most = fmax(most, course_value(c, i, course_field(c, chart->lines[k].name)));
        return most;
}

/* States that are not normal, behind the lines. */
static void put_states(FILE *out, const struct frame *f) {
        const struct course *c = f->timeline;

        for (size_t i = 0; i < c->count;) {
                const char *state = course_text(c, i, "state");
                size_t end = i + 1;
                double from;

                while (end < c->count && strcmp(course_text(c, end, "state"), state) == 0)
                        end++;
                from = course_time(c, i) - course_value(c, i, course_field(c, "step_s"));
                if (strcmp(state, "normal") != 0)
                        fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>",
                                strcmp(state, "flood") == 0 ? "bad" : "warn", fmax((double) LEFT, x_of(f, from)), TOP,
                                fmax(1, x_of(f, course_time(c, end - 1)) - fmax((double) LEFT, x_of(f, from))),
                                f->height - TOP - BOTTOM);
                i = end;
        }
}

/* What was done, as numbers over the lines; the list of what was done has the same numbers. */
static void put_acts(FILE *out, const struct frame *f, const json_t *incident) {
        const json_t *e;
        size_t i;

        json_array_foreach(json_object_get(incident, "done"), i, e) {
                double time = term_seconds(ctl_text(e, "time"));

                if (i >= MARKS_MAX || !(time >= f->from && time <= f->to))
                        continue;
                fprintf(out,
                        "<line class=\"act\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
                        "<text class=\"num\" x=\"%.1f\" y=\"%d\">%zu</text>",
                        x_of(f, time), TOP, x_of(f, time), f->height - BOTTOM, x_of(f, time) + 2, TOP - 3, i + 1);
        }
}

/* Whether the line goes on as it came, so that nothing is to be drawn there. */
static bool is_flat(const struct course *c, size_t i, size_t field) {
        double value = course_value(c, i, field);

        return i > 0 && i + 1 < c->count && course_value(c, i - 1, field) >= value &&
               course_value(c, i - 1, field) <= value && course_value(c, i + 1, field) >= value &&
               course_value(c, i + 1, field) <= value;
}

/* A gap where the figure was not known. */
static void put_line(FILE *out, const struct frame *f, const struct course *c, const char *name, const char *style) {
        size_t field = course_field(c, name);
        bool drawing = false;

        html(out, "<path class=\"%s\" d=\"", style);
        for (size_t i = 0; i < c->count; i++) {
                double value = course_value(c, i, field);

                if (!isnan(value) && !is_flat(c, i, field))
                        fprintf(out, "%c%.1f %.1f", drawing ? 'L' : 'M', x_of(f, fmin(course_time(c, i), f->to)),
                                y_of(f, value));
                drawing = !isnan(value);
        }
        fputs("\"/>", out);
}

static void put_axes(FILE *out, const struct frame *f) {
        const char *first = course_text(f->timeline, 0, "time");
        const char *last = course_text(f->timeline, f->timeline->count - 1, "time");
        char text[TERM_FIGURE_MAX];

        for (int i = 0; i <= 2; i++) {
                double y = y_of(f, f->most * i / 2);

                fprintf(out, "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>", LEFT, y,
                        WIDTH - RIGHT, y);
                fprintf(out, "<text class=\"y\" x=\"%d\" y=\"%.1f\">", LEFT - 6, y + 4);
                html(out, "%s</text>", term_short(f->most * i / 2, text));
        }
        snprintf(text, sizeof text, "%.8sZ", strlen(first) > 18 ? first + 11 : first);
        fprintf(out, "<text x=\"%d\" y=\"%d\">", LEFT, f->height - 8);
        html(out, "%s</text>", text);
        snprintf(text, sizeof text, "%.8sZ", strlen(last) > 18 ? last + 11 : last);
        fprintf(out, "<text class=\"y\" x=\"%d\" y=\"%d\">", WIDTH - RIGHT, f->height - 8);
        html(out, "%s</text>", text);
}

static void put_legend(FILE *out, const struct chart *chart) {
        fputs("<p class=\"legend\" aria-hidden=\"true\">", out);
        for (unsigned k = 0; k < LINES_MAX && chart->lines[k].name; k++) {
                html(out, "<svg width=\"26\" height=\"10\"><path class=\"%s\" d=\"M0 5L26 5\"/></svg> %s ",
                     chart->lines[k].style, chart->lines[k].label);
        }
        fputs("</p>\n", out);
}

/* What a screen reader says in its place. */
static void put_description(FILE *out, const struct course *c, const struct chart *chart) {
        struct course_phase all = { "", 0, INFINITY };

        html(out, "<desc>%s, %s.", chart->title, chart->unit);
        for (unsigned k = 0; k < LINES_MAX && chart->lines[k].name; k++) {
                char text[TERM_FIGURE_MAX];

                html(out, " %s: at most %s.", chart->lines[k].label,
                     term_short(course_most(c, &all, chart->lines[k].name), text));
        }
        fputs("</desc>", out);
}

/* c: where the lines are; timeline: the host's. */
static void put_chart(FILE *out, const struct course *timeline, const struct course *c, const struct chart *chart,
                      const json_t *incident) {
        double step = course_value(timeline, 0, course_field(timeline, "step_s"));
        struct frame f = {
                .timeline = timeline,
                .height = chart->height,
                .from = course_time(timeline, 0) - step,
                .to = course_time(timeline, timeline->count - 1),
                .most = round_up(most_of(c, chart)),
        };

        if (!(f.to > f.from))
                return;
        html(out, "<h3>%s, %s</h3>\n", chart->title, chart->unit);
        put_legend(out, chart);
        fprintf(out, "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 %d %d\">", WIDTH, chart->height);
        html(out, "<title>%s</title>", chart->title);
        put_description(out, c, chart);
        put_states(out, &f);
        put_axes(out, &f);
        for (unsigned k = 0; k < LINES_MAX && chart->lines[k].name; k++)
                put_line(out, &f, c, chart->lines[k].name, chart->lines[k].style);
        put_acts(out, &f, incident);
        fputs("</svg>\n", out);
}

static void put_queue(FILE *out, const struct course *timeline, const struct course *queues, size_t place,
                      const char *listener, const json_t *incident) {
        char title[TERM_LISTENER_MAX + 64], half_open[FIELD_MAX], backlog[FIELD_MAX];
        struct chart chart = {
                .title = title,
                .unit = "entries",
                .height = QUEUE_HEIGHT,
                .lines = { { "half-open", half_open, "unf" }, { "limit", backlog, "lim" } },
        };

        snprintf(title, sizeof title, "Half-open at %s against its limit", listener);
        snprintf(half_open, sizeof half_open, "%zu half_open", place);
        snprintf(backlog, sizeof backlog, "%zu backlog", place);
        put_chart(out, timeline, queues, &chart, incident);
}

/* Of each listener that was flooded, the fullest first. */
static void put_queues(FILE *out, const struct course *timeline, const json_t *incident) {
        const json_t *queues = json_object_get(incident, "queues"), *list = json_object_get(queues, "listeners"), *q;
        struct course c = course_of(queues);
        size_t i, count = json_array_size(list);
        double more = ctl_number(queues, "left_out") + (double) (count > QUEUES_DRAWN ? count - QUEUES_DRAWN : 0);
        bool always;
        const char *queueless = incident_queueless(incident, &always);
        char text[TERM_FIGURE_MAX];

        if (queueless)
                html(out, "<p class=\"note\">%s</p>\n", queueless);
        if (always)
                return;
        if (count == 0 || c.count < 2) {
                put_chart(out, timeline, timeline, &fullest, incident);
                return;
        }
        json_array_foreach(list, i, q)
                if (i < QUEUES_DRAWN)
                        put_queue(out, timeline, &c, i, ctl_text(q, "listener"), incident);
        if (more > 0)
                html(out, "<p class=\"note\">Flooded as well, and less full: %s more.</p>\n",
                     term_figure(more, 0, text));
}

void incident_charts(FILE *f, const json_t *incident) {
        struct course c = course_of(json_object_get(incident, "timeline"));

        if (c.count < 2) {
                fputs("<p>No timeline is on record.</p>\n", f);
                return;
        }
        put_chart(f, &c, &c, &charts[0], incident);
        put_queues(f, &c, incident);
        put_chart(f, &c, &c, &charts[1], incident);
        fputs("<p class=\"note\">Red: flood. Yellow: suspect or recovering. Numbers: what was done, as in the "
              "list below. Levels are the highest of each point, rates its mean.</p>\n",
              f);
}
