/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/json_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

size_t json_reader_enter(struct json_reader *r, const char *format, ...) {
        size_t before = strlen(r->path);
        va_list args;

        va_start(args, format);
        vsnprintf(r->path + before, sizeof r->path - before, format, args);
        va_end(args);
        return before;
}

void json_reader_leave(struct json_reader *r, size_t before) {
        r->path[before] = '\0';
}

void json_reader_wrong(struct json_reader *r, const char *name, const char *format, ...) {
        va_list args;
        int n;

        if (r->result < 0)
                return;
        r->result = -EBADMSG;
        n = snprintf(r->error, r->error_size, "%s%.40s: ", r->path, name);
        va_start(args, format);
        vsnprintf(r->error + n, r->error_size - (size_t) n, format, args);
        va_end(args);
}

json_t *json_reader_field(struct json_reader *r, const json_t *object, const char *name, bool required) {
        json_t *value = json_object_get(object, name);

        if (!value && required)
                json_reader_wrong(r, name, "missing");
        return value;
}

json_t *json_reader_field_of(struct json_reader *r, const json_t *object, const char *name, json_type type,
                             const char *type_name, bool required) {
        json_t *value = json_reader_field(r, object, name, required);

        if (value && json_typeof(value) != type) {
                json_reader_wrong(r, name, "not %s", type_name);
                return NULL;
        }
        return value;
}

json_t *json_reader_object(struct json_reader *r, const json_t *object, const char *name) {
        return json_reader_field_of(r, object, name, JSON_OBJECT, "an object", false);
}

void json_reader_names(struct json_reader *r, json_t *object, const char *const *names) {
        const char *name;
        json_t *value;

        json_object_foreach(object, name, value) {
                const char *const *n = names;

                while (*n && strcmp(*n, name) != 0)
                        n++;
                if (!*n)
                        json_reader_wrong(r, name, "no such field");
        }
}

uint64_t json_reader_integer(struct json_reader *r, const char *name, const json_t *value, uint64_t max) {
        if (!value)
                return 0;
        if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t) json_integer_value(value) > max) {
                json_reader_wrong(r, name, "not a whole number from 0 to %" PRIu64, max);
                return 0;
        }
        return (uint64_t) json_integer_value(value);
}

uint64_t json_reader_u64(struct json_reader *r, const json_t *object, const char *name) {
        return json_reader_integer(r, name, json_reader_field(r, object, name, true), JSON_READER_INTEGER_MAX);
}

uint64_t json_reader_u64_or_0(struct json_reader *r, const json_t *object, const char *name) {
        return json_reader_integer(r, name, json_reader_field(r, object, name, false), JSON_READER_INTEGER_MAX);
}

uint32_t json_reader_u32(struct json_reader *r, const json_t *object, const char *name) {
        return (uint32_t) json_reader_integer(r, name, json_reader_field(r, object, name, true), UINT32_MAX);
}

uint32_t json_reader_u32_or_0(struct json_reader *r, const json_t *object, const char *name) {
        return (uint32_t) json_reader_integer(r, name, json_reader_field(r, object, name, false), UINT32_MAX);
}

double json_reader_real(struct json_reader *r, const json_t *object, const char *name, double max) {
        const json_t *value = json_reader_field(r, object, name, true);
        double d = json_number_value(value); /* 0 for what is no number */

        if (value && (!json_is_number(value) || d < 0 || d > max)) {
                if (max < HUGE_VAL)
                        json_reader_wrong(r, name, "not a number from 0 to %g", max);
                else
                        json_reader_wrong(r, name, "not a number from 0 up");
                return 0;
        }
        return d;
}

const char *json_reader_text(struct json_reader *r, const json_t *object, const char *name) {
        const json_t *value = json_reader_field_of(r, object, name, JSON_STRING, "a text", true);
        const char *text = value ? json_string_value(value) : "";

        /* "192.0.2.1\u0000x" is no address, though strlen() would say so. */
        if (value && strlen(text) != json_string_length(value))
                json_reader_wrong(r, name, "contains a NUL");
        return text;
}
