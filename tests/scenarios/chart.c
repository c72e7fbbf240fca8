/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/chart.h"

#include <math.h>

enum { WIDTH = 720, HEIGHT = 440, LEFT = 70, RIGHT = 40, TOP = 40, BOTTOM = 60 };

/* Both axes are logarithmic: 0.1 s to 100 s, 0.01 to 1000 a day; none at all stands at the left end. */
static double x_of(double per_day) {
        double decades = log10(fmin(fmax(per_day, 0.01), 1000)) + 2;

        return LEFT + decades / 5 * (WIDTH - LEFT - RIGHT);
}

static double y_of(double delay_s) {
        double decades = log10(fmin(fmax(delay_s, 0.1), 100)) + 1;

        return HEIGHT - BOTTOM - decades / 3 * (HEIGHT - TOP - BOTTOM);
}

static void axes(FILE *to, double days) {
        for (int i = -2; i <= 3; i++) {
                double x = x_of(pow(10, i));

                fprintf(to, "<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' stroke='#ddd'/>\n", x, TOP, x,
                        HEIGHT - BOTTOM);
                fprintf(to, "<text x='%.1f' y='%d' text-anchor='middle'>%s%g</text>\n", x,
                        HEIGHT - BOTTOM + 18, i == -2 ? "0 … " : "", pow(10, i));
        }
        for (int i = -1; i <= 2; i++) {
                double y = y_of(pow(10, i));

                fprintf(to, "<line x1='%d' y1='%.1f' x2='%d' y2='%.1f' stroke='#ddd'/>\n", LEFT, y,
                        WIDTH - RIGHT, y);
                fprintf(to, "<text x='%d' y='%.1f' text-anchor='end'>%g s</text>\n", LEFT - 8, y + 4,
                        pow(10, i));
        }
        fprintf(to, "<text x='%d' y='%d' text-anchor='middle'>false alarms a day (%.1f honest days)</text>\n",
                (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, days);
        fprintf(to, "<text x='%d' y='%d'>median delay; dot: share of floods found</text>\n", LEFT, TOP - 14);
}

void chart_write(FILE *to, const struct chart_point *points, unsigned count, double days) {
        fprintf(to,
                "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
                "font-family='sans-serif' font-size='13'>\n"
                "<rect width='100%%' height='100%%' fill='white'/>\n",
                WIDTH, HEIGHT);
        axes(to, days);
        for (unsigned i = 0; i < count; i++) {
                double x = x_of(points[i].false_alarms_per_day), y = y_of(points[i].delay_s);

                if (isnan(points[i].delay_s))
                        continue; /* it found nothing */
                fprintf(to, "<circle cx='%.1f' cy='%.1f' r='%.1f' fill='%s' fill-opacity='0.8'/>\n", x, y,
                        3 + 9 * sqrt(points[i].found_share), i == 0 ? "#0a7" : "#c52");
                fprintf(to, "<text x='%.1f' y='%.1f' text-anchor='%s'>%s, %.0f %%</text>\n",
                        x + (x > WIDTH / 2 ? -16 : 16), y - 12, x > WIDTH / 2 ? "end" : "start",
                        points[i].name, 100 * points[i].found_share);
        }
        fputs("</svg>\n", to);
}
