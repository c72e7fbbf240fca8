/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/chart.h"

#include <math.h>

enum { WIDTH = 820, HEIGHT = 480, LEFT = 70, RIGHT = 210, TOP = 40, BOTTOM = 60 };

/* Both axes are logarithmic: 0.1 s to 100 s, 0.01 to 1000 a day; none at all stands at the left end. */
static double x_of(double per_day) {
        double decades = log10(fmin(fmax(per_day, 0.01), 1000)) + 2;

        return (double) LEFT + decades / 5 * (double) (WIDTH - LEFT - RIGHT);
}

static double y_of(double delay_s) {
        double decades = log10(fmin(fmax(delay_s, 0.1), 100)) + 1;

        return HEIGHT - BOTTOM - decades / 3 * (HEIGHT - TOP - BOTTOM);
}

static void axes(FILE *to, double days) {
        for (int i = -2; i <= 3; i++) {
                double x = x_of(pow(10, i));

                fprintf(to, "<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' stroke='#ddd'/>\n", x, TOP, x, HEIGHT - BOTTOM);
                fprintf(to, "<text x='%.1f' y='%d' text-anchor='middle'>%s%g</text>\n", x, HEIGHT - BOTTOM + 18,
                        i == -2 ? "0 … " : "", pow(10, i));
        }
        for (int i = -1; i <= 2; i++) {
                double y = y_of(pow(10, i));

                fprintf(to, "<line x1='%d' y1='%.1f' x2='%d' y2='%.1f' stroke='#ddd'/>\n", LEFT, y, WIDTH - RIGHT, y);
                fprintf(to, "<text x='%d' y='%.1f' text-anchor='end'>%g s</text>\n", LEFT - 8, y + 4, pow(10, i));
        }
        fprintf(to, "<text x='%d' y='%d' text-anchor='middle'>false alarms a day (%.1f honest days)</text>\n",
                (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, days);
        fprintf(to, "<text x='%d' y='%d'>mean delay; a missed attack counts with its length</text>\n", LEFT, TOP - 14);
}

static void curve(FILE *to, const struct chart_curve *c, unsigned row, const char *colour) {
        const struct standing *plain = &c->standings[SWEEP_PLAIN];
        int y = TOP + 20 + (int) row * 42;

        fprintf(to, "<polyline fill='none' stroke='%s' stroke-width='2' points='", colour);
        for (unsigned i = 0; i < SWEEP_SWEPT; i++)
                fprintf(to, "%.1f,%.1f ", x_of(c->standings[i].false_per_day), y_of(c->standings[i].mean_s));
        fputs("'/>\n", to);
        for (unsigned i = 0; i < SWEEP_SWEPT; i++)
                fprintf(to, "<circle cx='%.1f' cy='%.1f' r='2.5' fill='%s'/>\n", x_of(c->standings[i].false_per_day),
                        y_of(c->standings[i].mean_s), colour);
        fprintf(to, "<circle cx='%.1f' cy='%.1f' r='7' fill='none' stroke='%s' stroke-width='3'/>\n",
                x_of(plain->false_per_day), y_of(plain->mean_s), colour);
        fprintf(to, "<text x='%d' y='%d' fill='%s' font-weight='bold'>%s</text>\n", WIDTH - RIGHT + 16, y, colour,
                c->name);
        fprintf(to, "<text x='%d' y='%d' fill='%s'>%s %g … %g, ring: %g</text>\n", WIDTH - RIGHT + 16, y + 17, colour,
                c->parameter, c->standings[0].threshold, c->standings[SWEEP_SWEPT - 1].threshold, plain->threshold);
}

void chart_write(FILE *to, const struct chart_curve *curves, unsigned count, double days) {
        static const char *const colours[] = { "#087", "#c52", "#75a", "#27b", "#a80" };

        fprintf(to,
                "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
                "font-family='sans-serif' font-size='13'>\n"
                "<rect width='100%%' height='100%%' fill='white'/>\n",
                WIDTH, HEIGHT);
        axes(to, days);
        for (unsigned i = count; i-- > 0;)
                curve(to, &curves[i], i, colours[i % (sizeof colours / sizeof *colours)]);
        fputs("</svg>\n", to);
}
