/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The one table of configuration keys. The defaults, the loader, the printer,
 * the JSON Schema, the manual's reference and config/synward.yaml all come
 * from it: a new key is one row (and `make update-config`).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/settings.h"

enum key_type {
        KEY_BOOL,
        KEY_DURATION, /* kept in microseconds */
        KEY_SIZE,     /* kept in bytes */
        KEY_PERCENT,  /* kept in permille */
        KEY_COUNT,
        KEY_ENUM,     /* kept as the index of its name */
        KEY_PATH,     /* absolute, or empty when min is 0; kept in a char array */
        KEY_ADDRESS,  /* kept as struct settings_address: with a port when max is not 0, or none */
        KEY_LIST,     /* loader and printer know its shape */
};

enum {
        KEYS_MAX = 96,
        KEYS_PATH_MAX = 64,
        KEYS_NAME_MAX = 32,
        KEYS_CHILDREN_MAX = 32,
};

/* What the offset counts from. */
enum key_place { KEY_IN_SETTINGS, KEY_IN_DETECT };

struct key {
        const char *path; /* "poll.interval" */
        enum key_type type;
        enum key_place place;
        size_t offset, width;
        uint64_t min, max;         /* of a path: its length; of a list: its entries; of an address: its port */
        uint64_t initial;          /* the default … */
        bool credential;           /* of a path: the bare name of a systemd credential will do */
        const char *initial_text;  /* … of a path or list; NULL: nothing can be written for it */
        const char *const *names;  /* of an enum, NULL-terminated */
        const char *unit;          /* of a count; NULL: a bare number */
        const char *help;          /* whole sentences */
        const char *example;       /* of a list: YAML lines below the key */
};

struct key_group {
        const char *path; /* "poll" */
        const char *help;
};

extern const struct key keys_table[];
extern const size_t keys_count;

/* By whole path, NULL: none. */
const struct key *keys_find(const char *path);
/* NULL: no group of that path. */
const struct key_group *keys_find_group(const char *path);
/*
 * The keys and groups right below a prefix, which is "" or ends in a dot, in
 * the table's order. Returns their number.
 */
size_t keys_children(const char *prefix, char ret[static KEYS_CHILDREN_MAX][KEYS_NAME_MAX]);
/* Its bit in settings_listener.detect_set; only for keys in KEY_IN_DETECT. */
uint32_t keys_detect_bit(const struct key *key);

/* What a key's offset counts from, in the host's settings. */
void *keys_base(const struct key *key, struct settings *s);
const void *keys_base_const(const struct key *key, const struct settings *s);
/* base: a struct settings or settings_detect, as key->place has it. Not for lists. */
uint64_t keys_get(const struct key *key, const void *base);
void keys_set(const struct key *key, void *base, uint64_t value);
/* Of a path; text must be no longer than key->max. */
const char *keys_get_path(const struct key *key, const void *base);
void keys_set_path(const struct key *key, void *base, const char *text);

/* Of an address. */
const struct settings_address *keys_get_address(const struct key *key, const void *base);
void keys_set_address(const struct key *key, void *base, const struct settings_address *value);

/* Every key at its default, every list empty, nothing to release. */
void config_defaults(struct settings *ret);
