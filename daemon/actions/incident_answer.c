/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/incident_store.h"

void incident_answer_shorten(json_t *o) {
        static const char *const longer[] = { "done", "top_sources", "top_prefixes", "account" };

        for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
                json_object_del(o, longer[i]);
}

/* Its daemon ended before it did. */
static void settle_state(json_t *o) {
        const char *state = json_string_value(json_object_get(o, "state"));

        if (state && strcmp(state, "present") == 0)
                json_object_set_new(o, "state", json_string("interrupted"));
}

json_t *incident_answer_list(const char *state_dir, uint64_t present_id, json_t *present) {
        json_t *array = json_array(), *o;
        size_t count = 0, from;
        uint64_t *ids = NULL;

        /* A directory that cannot be read holds none. */
        (void) incident_store_ids(state_dir, present_id, &ids, &count);
        from = count > INCIDENT_STORE_LIST_MAX ? count - INCIDENT_STORE_LIST_MAX : 0;
        for (size_t i = from; array && i < count; i++) {
                o = incident_store_summary(state_dir, ids[i]);
                if (!o)
                        continue;
                incident_answer_shorten(o);
                settle_state(o);
                json_array_append_new(array, o);
        }
        free(ids);
        if (present)
                json_array_append_new(array, present);
        return array;
}

static void add_file(json_t *o, const char *field, const char *state_dir, uint64_t id, const char *name) {
        if (!json_object_get(o, field))
                json_object_set_new(o, field, incident_store_json(state_dir, id, name));
}

json_t *incident_answer_read(const char *state_dir, uint64_t id, json_t *present) {
        json_t *o = present;

        if (!o) {
                o = incident_store_summary(state_dir, id);
                settle_state(o);
        }
        if (!o)
                return NULL;
        /* What a page of it is made from. The present one's is newer than its files. */
        add_file(o, "timeline", state_dir, id, "timeline.json");
        add_file(o, "queues", state_dir, id, "queues.json");
        add_file(o, "fingerprints", state_dir, id, "fingerprints.json");
        json_object_set_new(o, "policy", incident_store_text(state_dir, id, "policy.yaml"));
        json_object_set_new(o, "directory", json_sprintf("%s/incidents/%" PRIu64, state_dir, id));
        json_object_set_new(o, "files", incident_store_files(state_dir, id));
        json_object_set_new(o, "events", incident_store_events(state_dir, id));
        return json_pack("[o]", o);
}
