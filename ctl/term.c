/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/term.h"

#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

struct term term_open(int fd) {
        const char *no_color = getenv("NO_COLOR"), *type = getenv("TERM");
        struct winsize size;
        struct term t = { .tty = isatty(fd), .width = 80, .height = 0 };

        t.colour = t.tty && !(no_color && *no_color) && type && strcmp(type, "dumb") != 0;
        t.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
        if (t.tty && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
                t.width = size.ws_col;
                t.height = size.ws_row;
        }
        return t;
}

enum paint term_state_paint(const char *state) {
        if (strcmp(state, "flood") == 0)
                return PAINT_BAD;
        if (strcmp(state, "suspect") == 0 || strcmp(state, "recovering") == 0)
                return PAINT_WARN;
        return strcmp(state, "normal") == 0 ? PAINT_GOOD : PAINT_NONE;
}

size_t term_character(const char *text, bool *ret_control) {
        unsigned char c = (unsigned char) *text, next = (unsigned char) text[1];
        size_t n = 1;

        if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
                *ret_control = true;
                return 2;
        }
        while (c >= 0xc0 && ((unsigned char) text[n] & 0xc0) == 0x80)
                n++;
        /* From 0x80 on: what a cut left of a character, and a control where a byte is one. */
        *ret_control = c < 0x20 || (c >= 0x7f && c < 0xa0);
        return n;
}

char *term_clean(const char *text, char *to, size_t size) {
        size_t used = 0, n;
        bool control;

        for (; *text; text += n) {
                n = term_character(text, &control);
                if (used + (control ? 1 : n) >= size)
                        break;
                memcpy(to + used, control ? "?" : text, control ? 1 : n);
                used += control ? 1 : n;
        }
        to[used] = '\0';
        return to;
}

static void put_harmless(FILE *f, const char *text) {
        bool control;
        size_t n;

        for (; *text; text += n) {
                n = term_character(text, &control);
                fwrite(control ? "?" : text, 1, control ? 1 : n, f);
        }
}

void term_say(FILE *f, const char *format, ...) {
        size_t breaks = 0, length = strlen(format), n;
        char *text = NULL;
        va_list args;
        int r;

        while (breaks < length && format[length - 1 - breaks] == '\n')
                breaks++;
        va_start(args, format);
        r = vasprintf(&text, format, args);
        va_end(args);
        if (r < 0)
                return;
        n = (size_t) r;
        text[n - breaks] = '\0';
        put_harmless(f, text);
        while (breaks-- > 0)
                fputc('\n', f);
        free(text);
}

void term_put(const struct term *t, enum paint paint, const char *text) {
        static const char *const codes[] = {
                [PAINT_NONE] = "",         [PAINT_BOLD] = "\033[1m",  [PAINT_DIM] = "\033[2m",
                [PAINT_GOOD] = "\033[32m", [PAINT_WARN] = "\033[33m", [PAINT_BAD] = "\033[1;31m",
                [PAINT_INFO] = "\033[36m",
        };
        bool painted = t->colour && paint != PAINT_NONE;

        if (painted)
                fputs(codes[paint], stdout);
        put_harmless(stdout, text);
        if (painted)
                fputs("\033[0m", stdout);
}

static void group_thousands(const char *digits, char *to) {
        size_t whole = strcspn(digits, ".");
        bool negative = digits[0] == '-';

        for (size_t i = 0; digits[i]; i++) {
                if (i < whole && i > (negative ? 1U : 0U) && (whole - i) % 3 == 0)
                        *to++ = ',';
                *to++ = digits[i];
        }
        *to = '\0';
}

char *term_figure(double value, int decimals, char text[static TERM_FIGURE_MAX]) {
        char digits[TERM_FIGURE_MAX * 2];

        if (!isfinite(value) || fabs(value) >= 1e20) {
                strcpy(text, "-");
                return text;
        }
        snprintf(digits, sizeof digits, "%.*f", decimals, value);
        group_thousands(digits, text);
        return text;
}

char *term_short(double value, char text[static TERM_FIGURE_MAX]) {
        if (fabs(value) >= 999999.5 && fabs(value) < 1e15)
                snprintf(text, TERM_FIGURE_MAX, "%.1fM", value / 1e6);
        else
                term_figure(value, fabs(value) < 9.95 && fabs(value) > 0.05 && fabs(value - round(value)) > 0.05, text);
        return text;
}

char *term_listener(const char *address, double port, char *text, size_t size) {
        snprintf(text, size, strchr(address, ':') ? "[%s]:%.0f" : "%s:%.0f", address, port);
        return text;
}

char *term_percent(double share, char text[static TERM_FIGURE_MAX]) {
        if (isfinite(share) && fabs(share) < 1e6)
                snprintf(text, TERM_FIGURE_MAX, "%.0f %%", share * 100);
        else
                strcpy(text, "-");
        return text;
}

char *term_duration(double seconds, char text[static TERM_FIGURE_MAX]) {
        long s = isfinite(seconds) && fabs(seconds) < 1e12 ? lround(seconds) : -1;

        if (s < 0)
                strcpy(text, "-");
        else if (s < 60)
                snprintf(text, TERM_FIGURE_MAX, "%ld s", s);
        else if (s < 3600)
                snprintf(text, TERM_FIGURE_MAX, "%ld min %ld s", s / 60, s % 60);
        else if (s < 86400)
                snprintf(text, TERM_FIGURE_MAX, "%ld h %ld min", s / 3600, s % 3600 / 60);
        else
                snprintf(text, TERM_FIGURE_MAX, "%ld d %ld h", s / 86400, s % 86400 / 3600);
        return text;
}

double term_seconds(const char *text) {
        struct tm tm = { 0 };
        const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
        double fraction = 0;

        if (!rest)
                return NAN;
        if (*rest == '.')
                fraction = strtod(rest, NULL);
        return (double) timegm(&tm) + (fraction < 1 ? fraction : 0);
}

char *term_age(const char *then, const char *now, char text[static TERM_FIGURE_MAX]) {
        return term_duration(fmax(0, term_seconds(now) - term_seconds(then)), text);
}

char *term_bar(const struct term *t, double share, unsigned cells, char text[static TERM_BAR_MAX]) {
        unsigned full;

        text[0] = '\0';
        if (!t->tty || !isfinite(share) || cells * 3 >= TERM_BAR_MAX)
                return text;
        full = (unsigned) lround(fmin(1, fmax(0, share)) * cells);
        for (unsigned i = 0; i < cells; i++)
                strcat(text, t->utf8 ? (i < full ? "█" : "░") : (i < full ? "#" : "."));
        return text;
}

struct cell {
        enum paint paint;
        char *text;
};

struct table {
        const struct table_column *columns;
        unsigned columns_count;
        struct cell *cells;
        size_t count, size;
};

struct table *table_new(const struct table_column *columns, unsigned count) {
        struct table *t = count <= TABLE_COLUMNS_MAX ? calloc(1, sizeof *t) : NULL;

        if (!t)
                return NULL;
        t->columns = columns;
        t->columns_count = count;
        for (unsigned i = 0; i < count; i++)
                table_add(t, PAINT_BOLD, columns[i].title);
        return t;
}

struct table *table_free(struct table *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->count; i++)
                free(t->cells[i].text);
        free(t->cells);
        free(t);
        return NULL;
}

void table_add(struct table *t, enum paint paint, const char *text) {
        char *copy;

        if (!t)
                return;
        if (t->count == t->size) {
                size_t size = t->size ? t->size * 2 : 64;
                struct cell *cells = realloc(t->cells, size * sizeof *cells);

                if (!cells)
                        return;
                t->cells = cells;
                t->size = size;
        }
        copy = strdup(text);
        if (copy)
                t->cells[t->count++] = (struct cell) { paint, copy };
}

/* Characters, for UTF-8: its continuation bytes do not count. */
static int text_width(const char *text) {
        int n = 0;

        for (; *text; text++)
                n += ((unsigned char) *text & 0xc0) != 0x80;
        return n;
}

static void find_widths(const struct table *t, int widths[static TABLE_COLUMNS_MAX]) {
        for (size_t i = 0; i < t->count; i++) {
                int width = text_width(t->cells[i].text), *widest = &widths[i % t->columns_count];

                if (width > *widest)
                        *widest = width;
        }
}

void table_print(const struct table *t, const struct term *term) {
        int widths[TABLE_COLUMNS_MAX] = { 0 };

        if (t)
                find_widths(t, widths);
        for (size_t i = 0; t && i < t->count; i++) {
                unsigned column = (unsigned) (i % t->columns_count);
                bool last = column == t->columns_count - 1;
                int gap = widths[column] - text_width(t->cells[i].text);

                if (t->columns[column].right)
                        printf("%*s", gap, "");
                term_put(term, t->cells[i].paint, t->cells[i].text);
                if (!t->columns[column].right && !last)
                        printf("%*s", gap, "");
                fputs(last ? "\n" : "  ", stdout);
        }
}
