/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The paper that --diagnose writes on: lines of 78 columns, numbered steps, commands that are never broken; and
 * what both halves of the report (checkup_text.c, checkup_advice.c) have to agree on.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "format/checkup_text.h"

enum {
        REPORT_NAME_MAX = 160, /* a listener with its program */
        REPORT_TITLE_MAX = 128,
};

struct report {
        const struct checkup *c;
        const struct snapshot_listener *subject;
        char subject_name[REPORT_NAME_MAX]; /* "0.0.0.0:443 (nginx, pid 812)" */
        FILE *f;
        unsigned steps;
        bool cookies_told;
        double needed; /* connections at once that its queue was seen to need; 0: not seen */
};

/* Breaks at spaces; the first line begins at column `used`. */
void report_wrap(FILE *f, const char *text, unsigned used, unsigned indent);
/* All as of printf(3). */
void report_paragraph(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_line(struct report *r, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
void report_step(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* To copy. */
void report_command(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* NULL: not known. */
const struct checkup_owner *report_owner(const struct checkup *c, const struct listener_key *key);
char *report_listener(const struct report *r, const struct listener_key *key, char text[static REPORT_NAME_MAX]);
char *report_capital(const char *words, char text[static REPORT_TITLE_MAX]);

/* The gravest symptom says more than the diagnosis. */
bool report_is_symptom(const struct report *r);

bool report_covers(const struct prefix *outer, const struct prefix *inner);
/* A network whose SYNs nearly all come from one listed address, or network of it, is that. */
bool report_is_one_address(const struct snapshot *s, const struct snapshot_source *f);
