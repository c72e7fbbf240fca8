/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The points of GetHistory or of an incident's timeline, by names. NAN: not known. */

#include <stddef.h>

#include <jansson.h>

struct course {
        const json_t *fields, *points;
        size_t count;
};

/* history: the object with fields and points; anything else has no points. */
struct course course_of(const json_t *history);
enum { COURSE_FIELDS_MAX = 512 }; /* that are looked at; a daemon has two a listener and some */

/* SIZE_MAX: there is no such field. */
size_t course_field(const struct course *c, const char *name);
double course_value(const struct course *c, size_t point, size_t field);
const char *course_text(const struct course *c, size_t point, const char *name);
/* When the point ends, in seconds since 1970. */
double course_time(const struct course *c, size_t point);

/* A stretch of an incident, for people: what was usual, what it did, what acting did. */
struct course_phase {
        const char *name;
        double from, to; /* seconds since 1970 */
};

enum { COURSE_PHASES_MAX = 4 };

/* before, the flood until synward acted, from then on, and what came until it was told to be
 * over. Returns how many there are. */
size_t course_phases(const struct course *c, const json_t *incident,
                     struct course_phase phases[static COURSE_PHASES_MAX]);
/* Of the points that end within it, each weighed by its length. */
double course_mean(const struct course *c, const struct course_phase *p, const char *name);
double course_most(const struct course *c, const struct course_phase *p, const char *name);
