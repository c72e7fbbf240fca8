/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/worst.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

const char *worst_order_name(enum worst_order o) {
        static const char *const names[] = {
                [WORST_FIRST] = "worst",           [WORST_FILL] = "fill", [WORST_SYNS] = "SYN/s",
                [WORST_UNFINISHED] = "unfinished", [WORST_PORT] = "port",
        };

        return names[o];
}

static int state_rank(const json_t *l) {
        static const char *const states[] = { "normal", "recovering", "suspect", "flood" };
        const char *state = ctl_text(l, "state");

        for (int i = 0; i < 4; i++)
                if (strcmp(states[i], state) == 0)
                        return i;
        return -1;
}

/* The higher figure first; what is not known comes last. */
static int by_figure(const json_t *a, const json_t *b, const char *name) {
        double x = ctl_number(a, name), y = ctl_number(b, name);

        if (isnan(x) || isnan(y))
                return isnan(x) - isnan(y);
        return (x < y) - (x > y);
}

static int by_name(const json_t *a, const json_t *b) {
        int r = by_figure(b, a, "port"); /* the lower first */

        if (r != 0)
                return r;
        return strcmp(ctl_text(a, "address"), ctl_text(b, "address"));
}

static int by_worst(const json_t *a, const json_t *b) {
        static const char *const names[] = { "strength", "fill", "unanswered_per_s", "half_open", "syn_per_s" };
        int r = state_rank(b) - state_rank(a);

        for (size_t i = 0; r == 0 && i < sizeof names / sizeof *names; i++)
                r = by_figure(a, b, names[i]);
        return r;
}

#define COMPARE(name, how) \
        static int name(const void *a, const void *b) { \
                const json_t *x = *(const json_t *const *) a, *y = *(const json_t *const *) b; \
                int r = how; \
                return r ? r : by_name(x, y); \
        }

COMPARE(compare_worst, by_worst(x, y))
COMPARE(compare_fill, by_figure(x, y, "fill"))
COMPARE(compare_syns, by_figure(x, y, "syn_per_s"))
COMPARE(compare_unfinished, by_figure(x, y, "unanswered_per_s"))
COMPARE(compare_port, 0)

const json_t **worst_sort(const json_t *listeners, enum worst_order order) {
        static int (*const compare[])(const void *, const void *) = {
                [WORST_FIRST] = compare_worst,           [WORST_FILL] = compare_fill, [WORST_SYNS] = compare_syns,
                [WORST_UNFINISHED] = compare_unfinished, [WORST_PORT] = compare_port,
        };
        size_t count = json_array_size(listeners);
        const json_t **sorted = count ? calloc(count, sizeof *sorted) : NULL;

        for (size_t i = 0; sorted && i < count; i++)
                sorted[i] = json_array_get(listeners, i);
        if (sorted)
                qsort(sorted, count, sizeof *sorted, compare[order]);
        return sorted;
}

char *worst_rest(const json_t *const *sorted, size_t first, size_t count, char *text, size_t size) {
        size_t bad = 0;

        for (size_t i = first; i < count; i++)
                bad += strcmp(ctl_text(sorted[i], "state"), "normal") != 0;
        if (bad == 0)
                snprintf(text, size, "%zu more, all normal", count - first);
        else
                snprintf(text, size, "%zu more, %zu of them not normal", count - first, bad);
        return text;
}
