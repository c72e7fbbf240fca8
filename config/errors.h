/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is wrong with a configuration, and where: a list that keeps the first
 * CONFIG_ERRORS_MAX and counts the rest.
 *
 * Lines and columns begin at 1 and are counted as libyaml counts them: a
 * column is a character, not a byte. Messages and excerpts are free of control
 * characters, whatever the file holds.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CONFIG_ERRORS_MAX = 20 };

struct config_position {
        uint32_t line, column; /* from 1; line 0: the file as a whole */
};

/* A file's text, to quote from. Not owned. */
struct config_source {
        const char *name;
        const char *text;
        size_t size; /* bytes */
};

struct config_error {
        char file[512];
        struct config_position at;
        char message[320];
        char excerpt[400];    /* of the line; empty: none */
        uint32_t caret;       /* characters of the excerpt before the one in question */
};

struct config_errors {
        uint32_t count;   /* kept */
        uint32_t dropped; /* found beyond CONFIG_ERRORS_MAX */
        struct config_error items[CONFIG_ERRORS_MAX];
};

/* source.text may be NULL when the file could not be read. */
void config_errors_add(struct config_errors *errors, const struct config_source *source, struct config_position at,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Orders those from first on by their place in the file. */
void config_errors_sort(struct config_errors *errors, uint32_t first);
/* "FILE:LINE:COLUMN: message", the line, and a caret below it, for each. */
void config_errors_print(const struct config_errors *errors, FILE *f);

/* Where a byte stands. */
struct config_position config_source_position(const struct config_source *source, size_t offset);
