/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/html.h"

#include <stdarg.h>

/* Control characters have no place in HTML, those of C1 (U+0080..9F) neither. */
static void put_text(FILE *f, const char *text) {
        for (; *text; text++) {
                unsigned char c = (unsigned char) *text, next = (unsigned char) text[1];

                if (c == '&')
                        fputs("&amp;", f);
                else if (c == '<')
                        fputs("&lt;", f);
                else if (c == '>')
                        fputs("&gt;", f);
                else if (c == '"')
                        fputs("&quot;", f);
                else if (c == '\'')
                        fputs("&#39;", f);
                else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
                        fputc('?', f);
                        text++;
                } else
                        fputc((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c, f);
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
