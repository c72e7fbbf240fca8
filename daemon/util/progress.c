/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/progress.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct progress progress_open(FILE *f) {
        const char *term = getenv("TERM");
        bool capable = isatty(fileno(f)) && term && strcmp(term, "dumb") != 0;

        return (struct progress) { .file = capable ? f : NULL };
}

static int width(FILE *f) {
        struct winsize size;

        return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 79;
}

void progress_show(struct progress *p, const char *format, ...) {
        char text[256];
        va_list args;

        if (!p->file)
                return;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        fprintf(p->file, "\r%.*s\033[K", width(p->file), text);
        fflush(p->file);
        p->shown = true;
}

void progress_clear(struct progress *p) {
        if (!p->shown)
                return;
        fputs("\r\033[K", p->file);
        fflush(p->file);
        p->shown = false;
}
