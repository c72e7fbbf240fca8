/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_heaviest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOLD = 10 };

/* A free place is the lightest. */
static bool is_lighter(const struct incident_heaviest_entry *a, const struct incident_heaviest_entry *b) {
        if (a->prefix.length == 0 || b->prefix.length == 0)
                return a->prefix.length == 0 && b->prefix.length > 0;
        if (a->syn_per_s < b->syn_per_s || a->syn_per_s > b->syn_per_s)
                return a->syn_per_s < b->syn_per_s;
        return a->half_open < b->half_open;
}

void incident_heaviest_add(struct incident_heaviest *h, const struct obs_source *s) {
        double certain = s->known & OBS_S_SYNS ? fmax(0, s->syn_per_s - s->syn_error_per_s) : 0;
        uint32_t half_open = s->known & OBS_S_HALF_OPEN ? s->half_open : 0;
        struct incident_heaviest_entry *list = h->list, *place = &list[0];
        struct incident_heaviest_entry fresh = { s->prefix, certain, half_open };

        for (unsigned i = 0; i < INCIDENT_HEAVIEST; i++) {
                if (list[i].prefix.length == s->prefix.length &&
                    address_equal(&list[i].prefix.address, &s->prefix.address)) {
                        list[i].syn_per_s = fmax(list[i].syn_per_s, certain);
                        if (half_open > list[i].half_open)
                                list[i].half_open = half_open;
                        return;
                }
                if (is_lighter(&list[i], place))
                        place = &list[i];
        }
        if (is_lighter(place, &fresh))
                *place = fresh;
}

static int heavier_first(const void *a, const void *b) {
        const struct incident_heaviest_entry *x = a, *y = b;

        if (x->syn_per_s < y->syn_per_s || x->syn_per_s > y->syn_per_s)
                return x->syn_per_s < y->syn_per_s ? 1 : -1;
        return (x->half_open < y->half_open) - (x->half_open > y->half_open);
}

json_t *incident_heaviest_json(const struct incident_heaviest *h) {
        struct incident_heaviest_entry sorted[INCIDENT_HEAVIEST];
        json_t *array = json_array();
        char name[ADDRESS_TEXT_MAX];

        memcpy(sorted, h->list, sizeof sorted);
        qsort(sorted, INCIDENT_HEAVIEST, sizeof *sorted, heavier_first);
        for (unsigned i = 0; i < TOLD; i++)
                if (sorted[i].prefix.length > 0)
                        json_array_append_new(
                                array, json_pack("{s:s, s:f, s:I}", "source",
                                                 prefix_format(&sorted[i].prefix, name),
                                                 "syn_per_s", round(sorted[i].syn_per_s * 10) / 10,
                                                 "half_open", (json_int_t) sorted[i].half_open));
        return array;
}
