/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Listeners in the order that people want them in. */

#include <jansson.h>

enum worst_order { WORST_FIRST, WORST_FILL, WORST_SYNS, WORST_UNFINISHED, WORST_PORT, WORST_ORDERS };

const char *worst_order_name(enum worst_order o);

/* The listeners of an answer, sorted; to be freed, the objects are the array's. NULL: none, or
 * no memory. */
const json_t **worst_sort(const json_t *listeners, enum worst_order order);
/* "22 more, all normal", "22 more, 3 of them not normal": those from first on. Returns text. */
char *worst_rest(const json_t *const *sorted, size_t first, size_t count, char *text, size_t size);
