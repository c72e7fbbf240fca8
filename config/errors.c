/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/errors.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum {
        EXCERPT_BEFORE = 48, /* characters shown at most before the caret … */
        EXCERPT_LENGTH = 76, /* … and in all */
};

/* Bytes of the character at p; a broken sequence counts as one byte. */
static size_t character_size(const char *p, size_t left) {
        unsigned char c = (unsigned char) *p;
        size_t size = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 1;

        if (size > left)
                return 1;
        for (size_t i = 1; i < size; i++)
                if (((unsigned char) p[i] & 0xc0) != 0x80)
                        return 1;
        return size;
}

/* Bytes of the line break at p, 0: none. YAML 1.1 knows CR, LF, CRLF, NEL, LS and PS. */
static size_t break_size(const char *p, size_t left) {
        if (left >= 2 && p[0] == '\r' && p[1] == '\n')
                return 2;
        if (p[0] == '\r' || p[0] == '\n')
                return 1;
        if (left >= 2 && memcmp(p, "\xc2\x85", 2) == 0)
                return 2;
        if (left >= 3 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 || memcmp(p, "\xe2\x80\xa9", 3) == 0))
                return 3;
        return 0;
}

struct config_position config_source_position(const struct config_source *source, size_t offset) {
        struct config_position at = { .line = 1, .column = 1 };

        for (size_t i = 0; i < source->size && i < offset;) {
                size_t n = break_size(source->text + i, source->size - i);

                if (n > 0) {
                        at.line++;
                        at.column = 1;
                } else {
                        n = character_size(source->text + i, source->size - i);
                        at.column++;
                }
                i += n;
        }
        return at;
}

/* C0 and C1 control characters, and whatever is not UTF-8, would reach a terminal. */
static bool printable(const char *p, size_t size) {
        unsigned char c = (unsigned char) *p;

        if (size == 1)
                return c >= 0x20 && c < 0x7f;
        return !(size == 2 && c == 0xc2 && (unsigned char) p[1] < 0xa0);
}

static void make_printable(char *text) {
        char *to = text;

        for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
                n = character_size(text, left);
                if (printable(text, n)) {
                        memmove(to, text, n);
                        to += n;
                } else {
                        *to++ = '?';
                }
        }
        *to = '\0';
}

static const char *line_start(const struct config_source *source, uint32_t line) {
        const char *p = source->text, *end = source->text + source->size;

        while (line > 1 && p < end) {
                size_t n = break_size(p, (size_t) (end - p));

                if (n > 0)
                        line--;
                p += n > 0 ? n : character_size(p, (size_t) (end - p));
        }
        return p;
}

static void quote_line(struct config_error *e, const struct config_source *source) {
        const char *p = line_start(source, e->at.line), *end = source->text + source->size;
        uint32_t skip = e->at.column > EXCERPT_BEFORE ? e->at.column - EXCERPT_BEFORE : 0;
        char *to = e->excerpt;

        e->caret = e->at.column - 1 - skip;
        for (uint32_t i = 0; p < end && i < skip + EXCERPT_LENGTH; i++) {
                size_t n;

                if (break_size(p, (size_t) (end - p)) > 0)
                        break;
                n = character_size(p, (size_t) (end - p));
                if (i >= skip) {
                        if (*p == '\t')
                                *to++ = ' '; /* one column, as the caret counts it */
                        else if (!printable(p, n))
                                *to++ = '?';
                        else
                                to = (char *) memcpy(to, p, n) + n;
                }
                p += n;
        }
        *to = '\0';
}

void config_errors_add(struct config_errors *errors, const struct config_source *source, struct config_position at,
                       const char *format, ...) {
        struct config_error *e;
        va_list arguments;

        if (errors->count == CONFIG_ERRORS_MAX) {
                errors->dropped++;
                return;
        }
        e = &errors->items[errors->count++];
        *e = (struct config_error) { .at = at };
        (void) snprintf(e->file, sizeof e->file, "%s", source->name);
        va_start(arguments, format);
        (void) vsnprintf(e->message, sizeof e->message, format, arguments);
        va_end(arguments);
        make_printable(e->message);
        if (at.line > 0 && source->text)
                quote_line(e, source);
}

static bool comes_before(struct config_position a, struct config_position b) {
        return a.line < b.line || (a.line == b.line && a.column < b.column);
}

void config_errors_sort(struct config_errors *errors, uint32_t first) {
        for (uint32_t i = first + 1; i < errors->count; i++)
                for (uint32_t j = i; j > first; j--) {
                        struct config_error *a = &errors->items[j - 1], *b = &errors->items[j], t;

                        if (!comes_before(b->at, a->at))
                                break;
                        t = *a;
                        *a = *b;
                        *b = t;
                }
}

void config_errors_print(const struct config_errors *errors, FILE *f) {
        for (uint32_t i = 0; i < errors->count; i++) {
                const struct config_error *e = &errors->items[i];

                if (e->at.line == 0) {
                        (void) fprintf(f, "%s: %s\n", e->file, e->message);
                        continue;
                }
                (void) fprintf(f, "%s:%u:%u: %s\n", e->file, e->at.line, e->at.column, e->message);
                if (e->excerpt[0])
                        (void) fprintf(f, "    %s\n    %*s^\n", e->excerpt, (int) e->caret, "");
        }
        if (errors->dropped > 0)
                (void) fprintf(f, "%u more error%s not shown\n", errors->dropped, errors->dropped == 1 ? "" : "s");
}
