/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Single values as they are written in YAML, and back. Strict: true and false
 * only, decimal numbers, units where there is a unit, and what is refused is
 * told together with what to write instead.
 */

#include <stdbool.h>
#include <stdint.h>

#include "config/keys.h"

enum {
        VALUE_TEXT_MAX = 96,
        VALUE_WHY_MAX = 200,
        VALUE_NAMES_MAX = 400,
};

/* Why a value was refused. */
struct value_why {
        char text[VALUE_WHY_MAX];
};

/* A decimal number without sign or leading zeros. -EINVAL, -ERANGE: beyond 64 bits. */
int value_parse_number(const char *text, uint64_t *ret);
/*
 * A value of a key, in the unit in which it is kept, within the key's range.
 * plain: written without quotes. Not for lists and addresses (config/value_address.h). Of a path: checks it, and *ret
 * is its length. -EINVAL or -ERANGE, with ret_why set.
 */
int value_parse(const struct key *key, const char *text, bool plain, uint64_t *ret, struct value_why *ret_why);
/* Not for paths, addresses and lists. Writes what value_parse() reads back. Returns text. */
char *value_format(const struct key *key, uint64_t value, char text[static VALUE_TEXT_MAX]);
/* "100ms to 1m", "enforce, observe", "true or false". Returns text. */
char *value_format_range(const struct key *key, char text[static VALUE_NAMES_MAX]);

/* "443" or "8000-8080", within 1..65535. -EINVAL, -ERANGE. */
int value_parse_ports(const char *text, struct settings_port_range *ret);
char *value_format_ports(struct settings_port_range p, char text[static VALUE_TEXT_MAX]);

/* "2026-11-22T20:00:00Z" or with an offset; microseconds of CLOCK_REALTIME. -EINVAL. */
int value_parse_time(const char *text, uint64_t *ret_us);
/* Whole seconds, in UTC. */
char *value_format_time(uint64_t us, char text[static VALUE_TEXT_MAX]);

/* The one of names (NULL-terminated) that was probably meant, NULL: none is near. */
const char *value_suggest(const char *text, const char *const *names);
