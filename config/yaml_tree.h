/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A YAML document as a small tree with positions.
 *
 * What a configuration has no use for is refused with its place: duplicate
 * keys, anchors and aliases, tags, several documents, keys that are not plain
 * words, text that is not UTF-8, control characters, and whatever is larger,
 * deeper or longer than the limits below.
 */

#include <stdbool.h>
#include <stdint.h>

#include "config/errors.h"

enum {
        YAML_TREE_SIZE_MAX = 1024 * 1024, /* bytes */
        YAML_TREE_DEPTH_MAX = 16,
        YAML_TREE_NODES_MAX = 8192,
        YAML_TREE_KEYS_MAX = 128, /* in one mapping */
};

enum yaml_kind { YAML_KIND_SCALAR, YAML_KIND_LIST, YAML_KIND_MAPPING };

struct yaml_node {
        enum yaml_kind kind;
        struct config_position at;
        bool refused; /* reported already: look no further */
        bool plain;   /* of a scalar: written without quotes */
        char *text;   /* of a scalar, never NULL */
        char *key;    /* NULL unless the parent is a mapping */
        struct config_position key_at;
        uint32_t count; /* of children */
        struct yaml_node *first, *last; /* children */
        struct yaml_node *next;         /* sibling */
        struct yaml_node *allocated;    /* the tree's own list */
};

struct yaml_tree;

/*
 * What can be read in spite of an error is read, so that all errors come at
 * once. 0: there is a tree, whether or not errors were added. -EBADMSG: there
 * is none, and an error says why. -ENOMEM.
 */
int yaml_tree_parse(const struct config_source *source, struct config_errors *errors, struct yaml_tree **ret);
/* NULL for an empty document. */
const struct yaml_node *yaml_tree_root(const struct yaml_tree *tree);
struct yaml_tree *yaml_tree_free(struct yaml_tree *tree);
