/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_heaviest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/json_value.h"

enum { TOLD = 10 };

/* A source that may finish so much of what it began is not accused. */
#define HONEST_COMPLETION 0.5

static double weight(const struct incident_heaviest_entry *e) {
        return isnan(e->unfinished_per_s) ? e->syn_per_s : e->unfinished_per_s;
}

static int compare(const struct incident_heaviest_entry *a, const struct incident_heaviest_entry *b) {
        if (weight(a) < weight(b) || weight(a) > weight(b))
                return weight(a) < weight(b) ? -1 : 1;
        return (a->half_open > b->half_open) - (a->half_open < b->half_open);
}

/* A free place is the lightest. */
static bool is_lighter(const struct incident_heaviest_entry *a, const struct incident_heaviest_entry *b) {
        if (a->prefix.length == 0 || b->prefix.length == 0)
                return a->prefix.length == 0 && b->prefix.length > 0;
        return compare(a, b) < 0;
}

void incident_heaviest_add(struct incident_heaviest *h, const struct obs_source *s) {
        bool followed = (s->known & OBS_S_SYNS) && (s->known & OBS_S_COMPLETED);
        double certain = s->known & OBS_S_SYNS ? fmax(0, s->syn_per_s - s->syn_error_per_s) : 0;
        uint32_t half_open = s->known & OBS_S_HALF_OPEN ? s->half_open : 0;
        struct incident_heaviest_entry *list = h->list, *place = &list[0];
        struct incident_heaviest_entry fresh = {
                s->prefix,
                certain,
                followed ? certain * (1 - s->completion_high) : NAN,
                half_open,
        };

        if (followed && s->completion_high > HONEST_COMPLETION)
                return;
        for (unsigned i = 0; i < INCIDENT_HEAVIEST; i++) {
                if (list[i].prefix.length == s->prefix.length &&
                    address_equal(&list[i].prefix.address, &s->prefix.address)) {
                        list[i].syn_per_s = fmax(list[i].syn_per_s, certain);
                        list[i].unfinished_per_s = fmax(list[i].unfinished_per_s, fresh.unfinished_per_s);
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
        return -compare(a, b);
}

json_t *incident_heaviest_json(const struct incident_heaviest *h) {
        struct incident_heaviest_entry sorted[INCIDENT_HEAVIEST];
        json_t *array = json_array();
        char name[ADDRESS_TEXT_MAX];

        memcpy(sorted, h->list, sizeof sorted);
        qsort(sorted, INCIDENT_HEAVIEST, sizeof *sorted, heavier_first);
        for (unsigned i = 0; i < TOLD; i++)
                if (sorted[i].prefix.length > 0)
                        json_array_append_new(array,
                                              json_pack("{s:s, s:o, s:o, s:I}", "source",
                                                 prefix_format(&sorted[i].prefix, name),
                                                 "syn_per_s", json_value_rate(sorted[i].syn_per_s),
                                                 "unfinished_per_s",
                                                 json_value_rate(sorted[i].unfinished_per_s),
                                                 "half_open", (json_int_t) sorted[i].half_open));
        return array;
}
