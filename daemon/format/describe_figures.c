/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Fills templates with what the table of figures says: standard input to standard output, where a
 * line that is one of these becomes
 *
 *   @HOST_FIGURES@, @LISTENER_FIGURES@  fields of the control socket's interface
 *   @FIGURES@                           the list in synward(7)
 *
 * Used while building, not installed. The interface is a part of libsynward.a, which this program
 * therefore cannot be linked with.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/figures.h"
#include "util/mdoc.h"

enum { TEXT_MAX_BYTES = 1024 };

static void interface_fields(enum figure_place place) {
        for (const struct figure *f = figures; f->name; f++)
                if (f->places & place)
                        (void) printf("  # %s%s\n  %s: ?%s,\n", f->help, f->unit == FIGURE_SHARE ? " 0 to 1." : "",
                                      f->name, f->unit == FIGURE_COUNT ? "int" : "float");
}

/* "In: events, host, history.", and metrics by their names. */
static void manual_of_places(const struct figure *f) {
        static const struct {
                enum figure_place place;
                const char *word;
        } words[] = {
                { FIGURE_IN_EVENT, "events" },
                { FIGURE_OF_HOST, "host" },
                { FIGURE_OF_LISTENER, "listeners" },
                { FIGURE_IN_HISTORY, "history" },
        };
        const char *before = "In: ";

        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                if (f->places & words[i].place) {
                        (void) printf("%s%s", before, words[i].word);
                        before = ", ";
                }
        (void) puts(".");
        if (f->host_metric && f->listener_metric)
                (void) printf("Metrics:\n.Va %s ,\n.Va %s .\n", f->host_metric, f->listener_metric);
        else if (f->host_metric || f->listener_metric)
                (void) printf("Metric:\n.Va %s .\n", f->host_metric ? f->host_metric : f->listener_metric);
}

static void manual(void) {
        (void) puts(".Bl -tag -width indent");
        for (const struct figure *f = figures; f->name; f++) {
                char text[TEXT_MAX_BYTES];

                (void) printf(".It Va %s\n", f->name);
                mdoc_sentences(f->help);
                (void) snprintf(text, sizeof text, "Unit: %s, %s.", figure_unit_text(f->unit),
                                figure_kind_text(f->kind));
                (void) puts(".br");
                mdoc_sentences(text);
                (void) snprintf(text, sizeof text, "From: %s", f->source);
                (void) puts(".br");
                mdoc_sentences(text);
                (void) puts(".br");
                manual_of_places(f);
        }
        (void) puts(".El");
}

/* False: a line that looks like a place to fill, and is none. */
static bool fill(const char *line) {
        if (strcmp(line, "@HOST_FIGURES@\n") == 0)
                interface_fields(FIGURE_OF_HOST);
        else if (strcmp(line, "@LISTENER_FIGURES@\n") == 0)
                interface_fields(FIGURE_OF_LISTENER);
        else if (strcmp(line, "@FIGURES@\n") == 0)
                manual();
        else if (*line == '@')
                return false;
        else
                (void) fputs(line, stdout);
        return true;
}

int main(void) {
        char *line = NULL;
        size_t size = 0;
        bool good = true;

        while (good && getline(&line, &size, stdin) >= 0)
                good = fill(line);
        free(line);
        return good && !ferror(stdin) && fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
