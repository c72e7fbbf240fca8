/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Output for people: colours and bars on a terminal, plain text elsewhere. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct term {
        bool tty;
        bool colour; /* a terminal, and neither NO_COLOR nor TERM=dumb */
        bool utf8;
        unsigned width, height; /* 80 and 0 (no end) where it is no terminal */
};

enum paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_GOOD, PAINT_WARN, PAINT_BAD, PAINT_INFO };

struct term term_open(int fd);
/* normal: good, suspect and recovering: warn, flood: bad. */
enum paint term_state_paint(const char *state);
/* Text from elsewhere: control characters, which could drive the terminal, become '?'. */
void term_put(const struct term *t, enum paint paint, const char *text);
/* As fprintf(3); the same is done to all of it, but for the line breaks at the format's end. */
void term_say(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next character of text, which must not be at its end: how many bytes it takes, and whether it
 * could drive a terminal. Bytes of UTF-8 pass; of these only U+0080..9F are controls. */
size_t term_character(const char *text, bool *ret_control);

/* The same into a buffer; what does not fit is cut behind a whole character. Returns to. */
char *term_clean(const char *text, char *to, size_t size);

enum { TERM_FIGURE_MAX = 40 };

/* As short as it can be told: "0.4", "12", "4,200", "1.2M"; "-" for NAN. */
char *term_short(double value, char text[static TERM_FIGURE_MAX]);
/* "-" for NAN. Thousands are grouped: "12,345", "0.5", "1,240.4" (decimals of them). */
char *term_figure(double value, int decimals, char text[static TERM_FIGURE_MAX]);
/* 0.16 is "16 %". */
char *term_percent(double share, char text[static TERM_FIGURE_MAX]);
enum { TERM_LISTENER_MAX = 96 };

/* "0.0.0.0:80", "[::]:443": a listener of the daemon's. Returns text. */
char *term_listener(const char *address, double port, char *text, size_t size);
/* "3 s", "4 min 10 s", "1 d 2 h"; "-" for NAN. */
char *term_duration(double seconds, char text[static TERM_FIGURE_MAX]);
/* Seconds since 1970 of an RFC 3339 time in UTC; NAN if it is none. */
double term_seconds(const char *text);
/* How long ago an RFC 3339 time of the other text is, as a duration. */
char *term_age(const char *then, const char *now, char text[static TERM_FIGURE_MAX]);

enum { TERM_BAR_MAX = 64 };

/* A bar of that many cells, filled by share (0..1, more is full); empty unless on a terminal. */
char *term_bar(const struct term *t, double share, unsigned cells, char text[static TERM_BAR_MAX]);

/* Columns as wide as they must be. */
struct table;

enum { TABLE_COLUMNS_MAX = 16 };

struct table_column {
        const char *title;
        bool right; /* aligned */
};

struct table *table_new(const struct table_column *columns, unsigned count);
struct table *table_free(struct table *t);
/* The next cell, row by row; copies text. Memory that is lacking leaves cells out. */
void table_add(struct table *t, enum paint paint, const char *text);
void table_print(const struct table *t, const struct term *term);
