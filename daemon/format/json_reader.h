/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A JSON object read field by field, with an error that names the place.
 *
 * The first error is kept and everything after it still returns something
 * harmless (0, "", NULL), so that a parser looks at the result once, at its end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* 2^63 - 1: the largest whole number of jansson. */
#define JSON_READER_INTEGER_MAX ((uint64_t) INT64_MAX)

struct json_reader {
        char path[96];     /* where the parser is: "listeners[3].limits." */
        char *error;       /* of the caller, error_size bytes: "listeners[3].port: missing" */
        size_t error_size; /* at least 64 */
        int result;        /* 0, or -EBADMSG */
};

/* Goes into a part; the path before, for leaving it. */
size_t json_reader_enter(struct json_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void json_reader_leave(struct json_reader *r, size_t before);

/* Says what is wrong with a field of the part. */
void json_reader_wrong(struct json_reader *r, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Borrowed; NULL when absent, which is an error if it is required. */
json_t *json_reader_field(struct json_reader *r, const json_t *object, const char *name, bool required);
/* type_name: "an array", for the error. */
json_t *json_reader_field_of(struct json_reader *r, const json_t *object, const char *name, json_type type,
                             const char *type_name, bool required);
/* An object that may be absent. */
json_t *json_reader_object(struct json_reader *r, const json_t *object, const char *name);
/* Refuses names that are not in the list (ended by NULL). */
void json_reader_names(struct json_reader *r, json_t *object, const char *const *names);

/* From 0 to max; a value of NULL is 0 (its absence was told before). */
uint64_t json_reader_integer(struct json_reader *r, const char *name, const json_t *value, uint64_t max);
uint64_t json_reader_u64(struct json_reader *r, const json_t *object, const char *name);
uint32_t json_reader_u32(struct json_reader *r, const json_t *object, const char *name);
/* Absence means 0. */
uint64_t json_reader_u64_or_0(struct json_reader *r, const json_t *object, const char *name);
uint32_t json_reader_u32_or_0(struct json_reader *r, const json_t *object, const char *name);
/* From 0 to max, HUGE_VAL: without a limit. */
double json_reader_real(struct json_reader *r, const json_t *object, const char *name, double max);
/* Borrowed; without a NUL in it. */
const char *json_reader_text(struct json_reader *r, const json_t *object, const char *name);
