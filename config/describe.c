/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writes what is made from the table of keys: "describe example" is
 * config/synward.yaml, "describe manual" the reference in synward.yaml(5),
 * "describe schema" the JSON Schema. Used while building, not installed.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/schema.h"
#include "config/value.h"
#include "util/mdoc.h"

enum { WIDTH = 88, LINE_MAX_BYTES = 1024 };

/* The path's last word, and how deep it stands. */
static const char *last_word(const char *path, int *ret_depth) {
        *ret_depth = 0;
        for (const char *dot; (dot = strchr(path, '.')); path = dot + 1)
                ++*ret_depth;
        return path;
}

static const char *initial_text(const struct key *k, char text[static VALUE_TEXT_MAX]) {
        if (k->type == KEY_LIST)
                return k->initial_text;
        if (k->type != KEY_PATH && k->type != KEY_ADDRESS)
                return value_format(k, k->initial, text);
        (void) snprintf(text, VALUE_TEXT_MAX, "\"%.80s\"", k->initial_text);
        return text;
}

/* --- the example -------------------------------------------------------- */

/* A comment that stays one when the leading # of every line is taken away. */
static void comment(int depth, const char *text) {
        int room = WIDTH - 2 * depth - 3, column = 0;
        char copy[LINE_MAX_BYTES], *state = NULL;

        (void) snprintf(copy, sizeof copy, "%s", text);
        for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
                int length = (int) strlen(word);

                if (column > 0 && column + 1 + length > room) {
                        (void) putchar('\n');
                        column = 0;
                }
                if (column == 0)
                        column = length + (printf("#%*s# %s", 2 * depth, "", word) < 0);
                else
                        column += 1 + length + (printf(" %s", word) < 0);
        }
        (void) putchar('\n');
}

static void example_of_list(int depth, const char *name, const char *lines) {
        (void) printf("#%*s# %s:\n", 2 * depth, "", name);
        for (const char *end; *lines; lines = end + 1) {
                end = strchr(lines, '\n');
                (void) printf("#%*s#   %.*s\n", 2 * depth, "", (int) (end - lines), lines);
        }
}

static void example_of_key(const struct key *k) {
        char range[VALUE_NAMES_MAX], text[VALUE_TEXT_MAX], line[LINE_MAX_BYTES];
        int depth;
        const char *name = last_word(k->path, &depth), *initial = initial_text(k, text);

        comment(depth, k->help);
        (void) snprintf(line, sizeof line, "Range: %s. Default: %s.", value_format_range(k, range),
                        initial ? initial : "built-in");
        comment(depth, line);
        if (k->example)
                example_of_list(depth, name, k->example);
        if (initial)
                (void) printf("#%*s%s: %s\n", 2 * depth, "", name, initial);
}

/* The headings of the groups that this key opens. */
static void example_of_groups(const char *path, const char *before) {
        for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
                char group[KEYS_PATH_MAX];
                const char *name;
                int depth;
                size_t n = (size_t) (dot - path);

                if (strncmp(before, path, n + 1) == 0)
                        continue;
                memcpy(group, path, n);
                group[n] = '\0';
                name = last_word(group, &depth);
                comment(depth, keys_find_group(group)->help);
                (void) printf("#%*s%s:\n", 2 * depth, "", name);
        }
}

static void example(void) {
        const char *before = "";

        (void) puts("# SPDX-License-Identifier: GPL-2.0-or-later\n"
                    "# yaml-language-server: $schema=/usr/share/synward/synward.schema.json\n"
                    "#\n"
                    "# Configuration of synwardd, see synward.yaml(5). What stands here are the\n"
                    "# defaults, commented out; an empty file means the same. Put your own settings\n"
                    "# into synward.d/NAME.yaml beside this file. After a change:\n"
                    "#   synwardd --check-config && systemctl reload synward");
        for (size_t i = 0; i < keys_count; i++) {
                const struct key *k = &keys_table[i];
                size_t group = strcspn(k->path, ".");

                if (strncmp(before, k->path, group) != 0 || strchr(k->path, '.') == NULL)
                        (void) putchar('\n');
                example_of_groups(k->path, before);
                example_of_key(k);
                before = k->path;
        }
}

/* --- the manual --------------------------------------------------------- */

static void manual_of_example(const char *name, const char *lines) {
        (void) printf(".Bd -literal -offset indent\n%s:\n", name);
        for (const char *end; *lines; lines = end + 1) {
                end = strchr(lines, '\n');
                (void) printf("  %.*s\n", (int) (end - lines), lines);
        }
        (void) puts(".Ed");
}

static void manual_of_key(const struct key *k) {
        char range[VALUE_NAMES_MAX], text[VALUE_TEXT_MAX], line[LINE_MAX_BYTES];
        const char *initial = initial_text(k, text);

        (void) printf(".It Ic %s\n", k->path);
        mdoc_sentences(k->help);
        (void) snprintf(line, sizeof line, "Range: %s. Default: %s.", value_format_range(k, range),
                        initial ? initial : "built-in");
        (void) puts(".br");
        mdoc_sentences(line);
        if (k->example)
                manual_of_example(k->path, k->example);
}

static void manual(void) {
        const char *before = NULL;

        for (size_t i = 0; i < keys_count; i++) {
                const struct key *k = &keys_table[i];
                size_t n = strcspn(k->path, ".");
                char group[KEYS_PATH_MAX] = "";

                if (!before || strncmp(before, k->path, n) != 0 || before[n] != k->path[n]) {
                        memcpy(group, k->path, n);
                        group[n] = '\0';
                        if (before)
                                (void) puts(".El");
                        (void) printf(".Ss %s\n", group);
                        if (keys_find_group(group))
                                mdoc_sentences(keys_find_group(group)->help);
                        (void) puts(".Bl -tag -width indent");
                }
                manual_of_key(k);
                before = k->path;
        }
        (void) puts(".El");
}

int main(int argc, char *argv[]) {
        const char *what = argc == 2 ? argv[1] : "";

        if (strcmp(what, "example") == 0)
                example();
        else if (strcmp(what, "manual") == 0)
                manual();
        else if (strcmp(what, "schema") != 0 || config_schema(stdout) < 0)
                return EXIT_FAILURE;
        return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
