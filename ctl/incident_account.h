/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What became of the handshakes while it was a flood, and how many of those that nobody finished each
 * innocent explanation accounts for, in words. Of one incident in full; a record of an older synward
 * has none of it. */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct account_row {
        const char *name;  /* as status and events have it */
        const char *words;
        double handshakes; /* at most */
        double share;      /* of those that nobody finished, 0..1 */
};

enum { ACCOUNT_ROWS_MAX = 16 };

/* False: the record does not say. */
bool account_is_known(const json_t *incident);
/* "In 118 s of flood, 1,200 handshakes were finished at …": a sentence. Returns text. */
char *account_finished(const json_t *incident, char *text, size_t size);
/* Those that account for some, in the record's order; returns how many. */
size_t account_rows(const json_t *incident, struct account_row rows[static ACCOUNT_ROWS_MAX]);

/* What it did to one of the flooded listeners. NAN: not known. */
struct account_listener {
        const char *name;
        double syns, finished, unfinished, refused;
        double half_open, limit; /* at its fullest */
};

enum { ACCOUNT_LISTENERS_MAX = 8 };

/* Those that most was kept from, in the record's order; returns how many, 0 for a record of an older
 * synward, which does not tell them apart. *ret_more: so many were flooded besides. */
size_t account_listeners(const json_t *incident, struct account_listener rows[static ACCOUNT_LISTENERS_MAX],
                         double *ret_more);

/* What no explanation accounts for, and by what it was told: a sentence or two. Returns text. */
char *account_rest(const json_t *incident, char *text, size_t size);
