/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/varlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/json_text.h"

enum { READER_FIRST_SIZE = 4096 };

struct varlink_reader {
        char *buffer;
        size_t size;    /* allocated */
        size_t start;   /* first byte not yet taken out */
        size_t end;     /* behind the last byte */
        size_t scanned; /* start..scanned holds no NUL */
};

struct varlink_reader *varlink_reader_new(void) {
        return calloc(1, sizeof(struct varlink_reader));
}

struct varlink_reader *varlink_reader_free(struct varlink_reader *r) {
        if (r)
                free(r->buffer);
        free(r);
        return NULL;
}

static void release_when_empty(struct varlink_reader *r) {
        if (r->start != r->end)
                return;
        free(r->buffer);
        *r = (struct varlink_reader) { 0 };
}

static int grow(struct varlink_reader *r) {
        size_t size = r->size == 0 ? READER_FIRST_SIZE : r->size * 2;
        char *buffer;

        if (r->size >= VARLINK_MESSAGE_MAX)
                return -EMSGSIZE;
        buffer = realloc(r->buffer, size);
        if (!buffer)
                return -ENOMEM;
        r->buffer = buffer;
        r->size = size;
        return 0;
}

int varlink_reader_space(struct varlink_reader *r, char **ret_space, size_t *ret_size) {
        int error;

        release_when_empty(r);
        if (r->start > 0) {
                memmove(r->buffer, r->buffer + r->start, r->end - r->start);
                r->end -= r->start;
                r->scanned -= r->start;
                r->start = 0;
        }
        if (r->end == r->size) {
                error = grow(r);
                if (error < 0)
                        return error;
        }
        *ret_space = r->buffer + r->end;
        *ret_size = r->size - r->end;
        return 0;
}

void varlink_reader_filled(struct varlink_reader *r, size_t size) {
        r->end += size;
}

bool varlink_reader_next(struct varlink_reader *r, const char **ret_text, size_t *ret_length) {
        const char *nul;

        if (r->scanned == r->end)
                return false;
        nul = memchr(r->buffer + r->scanned, '\0', r->end - r->scanned);
        if (!nul) {
                r->scanned = r->end;
                return false;
        }
        *ret_text = r->buffer + r->start;
        *ret_length = (size_t) (nul - *ret_text);
        r->start += *ret_length + 1;
        r->scanned = r->start;
        return true;
}

size_t varlink_reader_pending(const struct varlink_reader *r) {
        return r->end - r->start;
}

static bool read_flag(const json_t *message, const char *name, bool *ret) {
        const json_t *value = json_object_get(message, name);

        if (value && !json_is_boolean(value))
                return false;
        *ret = json_is_true(value);
        return true;
}

/* Others than these are ignored: a newer client may send more. */
static bool read_call(struct varlink_call *c) {
        json_t *parameters = json_object_get(c->message, "parameters");

        c->method = json_string_value(json_object_get(c->message, "method"));
        if (!c->method || !read_flag(c->message, "oneway", &c->oneway) || !read_flag(c->message, "more", &c->more) ||
            !read_flag(c->message, "upgrade", &c->upgrade))
                return false;
        if (!parameters || json_is_null(parameters)) {
                parameters = json_object();
                if (!parameters || json_object_set_new(c->message, "parameters", parameters) < 0)
                        return false;
        }
        c->parameters = parameters;
        return json_is_object(parameters);
}

int varlink_call_parse(const char *text, size_t length, struct varlink_call *ret) {
        struct varlink_call c = {
                .message = json_text_read(text, length, JSON_REJECT_DUPLICATES, NULL, NULL),
        };

        if (!c.message)
                return -EBADMSG;
        if (!json_is_object(c.message) || !read_call(&c)) {
                varlink_call_clear(&c);
                return -EBADMSG;
        }
        *ret = c;
        return 0;
}

void varlink_call_clear(struct varlink_call *c) {
        json_decref(c->message);
        *c = (struct varlink_call) { 0 };
}

size_t varlink_call_interface_length(const struct varlink_call *c) {
        const char *dot = strrchr(c->method, '.');

        return dot ? (size_t) (dot - c->method) : 0;
}

json_t *varlink_reply(json_t *parameters, bool continues) {
        json_t *message = json_pack("{s:o*}", "parameters", parameters);

        if (message && continues && json_object_set_new(message, "continues", json_true()) < 0) {
                json_decref(message);
                return NULL;
        }
        return message;
}

json_t *varlink_error(const char *error, json_t *parameters) {
        return json_pack("{s:s, s:o*}", "error", error, "parameters", parameters);
}

json_t *varlink_invalid(const char *parameter) {
        return varlink_error(VARLINK_INVALID_PARAMETER, json_pack("{s:s}", "parameter", parameter));
}

char *varlink_encode(const json_t *message, size_t *ret_size) {
        /* Fifteen digits are what a double holds of a decimal: 0.1 is written as 0.1. */
        char *text = json_text_write(message, JSON_COMPACT | JSON_REAL_PRECISION(15), "");

        if (text)
                *ret_size = strlen(text) + 1;
        return text;
}

char *varlink_encode_text(const char *field, const char *value, size_t length, size_t *ret_size) {
        static const char begin[] = "{\"parameters\":{\"", middle[] = "\":", end[] = "}}";
        size_t size = strlen(begin) + strlen(field) + strlen(middle) + length + sizeof end;
        char *text = malloc(size), *p = text;

        if (!text)
                return NULL;
        p = stpcpy(stpcpy(stpcpy(p, begin), field), middle);
        memcpy(p, value, length);
        strcpy(p + length, end);
        *ret_size = size;
        return text;
}
