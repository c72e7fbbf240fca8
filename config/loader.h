/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From a tree to settings: scalars and groups, and what config/load.c and
 * config/lists.c share.
 */

#include <stdbool.h>

#include "config/errors.h"
#include "config/keys.h"
#include "config/yaml_tree.h"

/* Where a key was last set; source NULL: nowhere. */
struct origin {
        const struct config_source *source;
        struct config_position at;
};

/* One load, over all its files. */
struct loader {
        struct settings *settings;
        struct config_errors *errors;
        /* Loads the list of that key (config/lists.h), which may come back for groups in it. */
        void (*list)(struct loader *l, const struct key *key, const struct yaml_node *node);
        const struct config_source *source; /* being read now */
        struct origin origins[KEYS_MAX];    /* in the table's order */
        bool out_of_memory;
};

/* An error in the present file. */
void loader_error(struct loader *l, struct config_position at, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/*
 * Every key of a mapping; prefix is "" or ends in a dot. With a listener, the
 * values are its own and not the host's.
 */
void loader_group(struct loader *l, const struct yaml_node *mapping, const char *prefix,
                  struct settings_listener *listener);
