/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/mdoc.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 78, TEXT_MAX_BYTES = 1024 };

void mdoc_sentences(const char *text) {
        char copy[TEXT_MAX_BYTES], *state = NULL;
        int column = 0;

        (void) snprintf(copy, sizeof copy, "%s", text);
        for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
                int length = (int) strlen(word);

                if (column > 0 && column + 1 + length > WIDTH) {
                        (void) putchar('\n');
                        column = 0;
                }
                /* At the start of a line these two would be requests. */
                column += printf("%s%s%s", column > 0 ? " " : "",
                                 column == 0 && (*word == '.' || *word == '\'') ? "\\&" : "", word);
                if (word[length - 1] == '.') {
                        (void) putchar('\n');
                        column = 0;
                }
        }
        if (column > 0)
                (void) putchar('\n');
}
