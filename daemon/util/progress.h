/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One line on a terminal that is written over again and again; nothing at all
 * anywhere else. Clear it before anything else is printed to the same terminal.
 */

#include <stdbool.h>
#include <stdio.h>

struct progress {
        FILE *file; /* NULL: not a terminal */
        bool shown;
};

/* f is not owned. */
struct progress progress_open(FILE *f);
/* Cut to the terminal's width. */
void progress_show(struct progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_clear(struct progress *p);
