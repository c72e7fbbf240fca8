/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * JSON as text, and back, also when memory is short. jansson (2.14) does not look at every allocation: of
 * a key for which there was no memory it writes nothing (do_dump()), so that what came of it only looks
 * whole; and of a letter that it could not keep while it reads it says nothing (lex_save()): where that was
 * a closing quote it writes behind the end of its memory. So its failures are counted, and end a reading
 * at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* To be called before anything else of JSON is, and what jansson returns to be free()d is not any more
 * (json_dumps()). Without it only what jansson tells is known. */
void json_text_watch(void);
/* How often there was no memory so far: who makes a value of many parts can tell whether all are there. */
uint64_t json_text_failures(void);

/* As json_dumps(3), with end behind it; to be freed. NULL: no value, or no memory. */
char *json_text_write(const json_t *value, size_t flags, const char *end);
/* As json_loadb(3). *ret_no_memory (may be NULL): whether it is only that; error may be NULL. */
json_t *json_text_read(const char *text, size_t length, size_t flags, json_error_t *error, bool *ret_no_memory);
