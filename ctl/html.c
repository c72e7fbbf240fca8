/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/html.h"

#include <stdarg.h>

#include "ctl/term.h"

/* Control characters have no place in HTML. */
static void put_text(FILE *f, const char *text) {
        bool control;
        size_t n;

        for (; *text; text += n) {
                n = term_character(text, &control);
                if (*text == '&')
                        fputs("&amp;", f);
                else if (*text == '<')
                        fputs("&lt;", f);
                else if (*text == '>')
                        fputs("&gt;", f);
                else if (*text == '"')
                        fputs("&quot;", f);
                else if (*text == '\'')
                        fputs("&#39;", f);
                else if (control && *text != '\n' && *text != '\t')
                        fputc('?', f);
                else
                        fwrite(text, 1, n, f);
        }
}

void html(FILE *f, const char *format, ...) {
        va_list args;

        va_start(args, format);
        for (; *format; format++) {
                if (*format != '%') {
                        fputc(*format, f);
                        continue;
                }
                format++;
                if (*format == 's')
                        put_text(f, va_arg(args, const char *));
                else
                        fputc('%', f);
        }
        va_end(args);
}
