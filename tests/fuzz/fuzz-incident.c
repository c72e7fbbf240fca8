/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A file of an incident's record, read back; the first byte says which. Whatever it holds, the answer
 * to GetIncidents with it in it is one that a client can read. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actions/incident_parse.h"
#include "control/varlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ID = 7, KINDS = 4 };

static json_t *read_as(unsigned kind, const char *text, size_t length) {
        switch (kind) {
        case 0:
                return incident_parse_summary(text, length, ID);
        case 1:
                return incident_parse_events(text, length);
        case 2:
                return incident_parse_json(text, length);
        default:
                return incident_parse_text(text, length);
        }
}

static void require_readable(json_t *o) {
        json_t *incident = json_pack("{s:[{s:O}]}", "incidents", "part", o);
        json_t *answer = varlink_reply(incident, false), *again;
        size_t size;
        char *text = varlink_encode(answer, &size);

        if (!text)
                abort();
        again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        if (!again)
                abort();
        json_decref(again);
        json_decref(answer);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        unsigned kind;
        char *copy;
        json_t *o;

        if (size < 1)
                return 0;
        copy = malloc(size > 1 ? size - 1 : 1); /* to the byte, so that a read beyond it is seen */
        if (!copy)
                return 0;
        memcpy(copy, data + 1, size - 1);
        kind = data[0] % KINDS;
        o = read_as(kind, copy, size - 1);
        if (!o || (kind == 0 && json_integer_value(json_object_get(o, "id")) != ID) ||
            (kind == 1 && json_array_size(o) > INCIDENT_PARSE_EVENTS_MAX))
                abort();
        require_readable(o);
        json_decref(o);
        free(copy);
        return 0;
}
