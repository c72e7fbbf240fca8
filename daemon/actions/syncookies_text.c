/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/syncookies_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "util/json_text.h"

static const char record_schema[] = "synward.syncookies.v1";

char *syncookies_text_write(const struct cookie_record *r) {
        uint64_t before = json_text_failures();
        json_t *changes = json_array(), *o;
        char *text = NULL;

        for (uint32_t i = 0; i < r->changes_count; i++)
                json_array_append_new(changes, json_integer((json_int_t) r->changes_us[i]));
        o = json_pack("{s:s, s:b, s:s, s:i, s:i, s:i, s:o}", "schema", record_schema,
                      "owned", (int) r->owned, "epoch", r->epoch, "original", (int) r->original,
                      "previous", (int) r->previous, "written", (int) r->written,
                      "changes_us", changes);
        if (json_text_failures() == before)
                text = json_text_write(o, JSON_INDENT(2), "");
        json_decref(o);
        return text;
}

static int parse_changes(const json_t *changes, struct cookie_record *r) {
        size_t count = json_array_size(changes);

        if (!json_is_array(changes) || count > COOKIE_CHANGES_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < count; i++) {
                const json_t *at = json_array_get(changes, i);
                json_int_t us = json_integer_value(at);

                if (!json_is_integer(at) || us < 0 || (i > 0 && (uint64_t) us < r->changes_us[i - 1]))
                        return -EBADMSG;
                r->changes_us[i] = (uint64_t) us;
        }
        r->changes_count = (uint32_t) count;
        return 0;
}

static int parse_object(json_t *o, struct cookie_record *ret) {
        struct cookie_record r = { 0 };
        const char *schema, *epoch;
        json_int_t original, previous, written;
        int owned;
        json_t *changes;

        if (json_unpack(o, "{s:s, s:b, s:s, s:I, s:I, s:I, s:o}", "schema", &schema, "owned", &owned, "epoch", &epoch,
                        "original", &original, "previous", &previous, "written", &written, "changes_us", &changes) < 0)
                return -EBADMSG;
        if (strcmp(schema, record_schema) != 0 || epoch[0] == '\0' || strlen(epoch) >= sizeof r.epoch || original < 0 ||
            original > UINT8_MAX || previous < 0 || previous > UINT8_MAX || written < 0 || written > UINT8_MAX)
                return -EBADMSG;
        r.owned = owned;
        strcpy(r.epoch, epoch);
        r.original = (uint8_t) original;
        r.previous = (uint8_t) previous;
        r.written = (uint8_t) written;
        if (parse_changes(changes, &r) < 0)
                return -EBADMSG;
        *ret = r;
        return 0;
}

int syncookies_text_read(const char *text, size_t length, struct cookie_record *ret) {
        uint64_t before = json_text_failures();
        json_t *o = json_text_read(text, length, JSON_REJECT_DUPLICATES, NULL, NULL);
        int r = o ? parse_object(o, ret) : -EBADMSG;

        json_decref(o);
        /* json_unpack() takes memory too. What is not a record is moved away, and the old value with it. */
        return r < 0 && json_text_failures() != before ? -ENOMEM : r;
}
