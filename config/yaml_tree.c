/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct yaml_tree {
        struct yaml_node *root;
        struct yaml_node *allocated;
        uint32_t nodes_count;
};

struct builder {
        const struct config_source *source;
        struct config_errors *errors;
        struct yaml_tree *tree;
        struct yaml_node *stack[YAML_TREE_DEPTH_MAX]; /* open lists and mappings */
        uint32_t depth;
        char *key; /* of the value to come */
        struct config_position key_at;
        uint32_t documents;
};

static struct config_position position(yaml_mark_t mark) {
        return (struct config_position) { (uint32_t) mark.line + 1, (uint32_t) mark.column + 1 };
}

/* An error after which the tree would not be the one that was meant. */
#define fatal(b, at, ...) (config_errors_add((b)->errors, (b)->source, at, __VA_ARGS__), -EBADMSG)

static const struct yaml_node *find_key(const struct yaml_node *mapping, const char *key) {
        for (const struct yaml_node *n = mapping->first; n; n = n->next)
                if (strcmp(n->key, key) == 0)
                        return n;
        return NULL;
}

static void append(struct yaml_node *parent, struct yaml_node *child) {
        if (parent->last)
                parent->last->next = child;
        else
                parent->first = child;
        parent->last = child;
        parent->count++;
}

static void append_to_mapping(struct builder *b, struct yaml_node *parent, struct yaml_node *child) {
        const struct yaml_node *twin;

        child->key = b->key;
        child->key_at = b->key_at;
        b->key = NULL;
        twin = find_key(parent, child->key);
        if (twin)
                config_errors_add(b->errors, b->source, child->key_at, "%.64s: named twice; first in line %u",
                                  child->key, twin->key_at.line);
        else
                append(parent, child);
}

static int node_add(struct builder *b, enum yaml_kind kind, yaml_mark_t mark, struct yaml_node **ret) {
        struct yaml_node *parent = b->depth > 0 ? b->stack[b->depth - 1] : NULL, *n;

        if (b->tree->nodes_count++ == YAML_TREE_NODES_MAX)
                return fatal(b, position(mark), "more than %d values", YAML_TREE_NODES_MAX);
        n = calloc(1, sizeof *n);
        if (!n)
                return -ENOMEM;
        n->kind = kind;
        n->at = position(mark);
        n->allocated = b->tree->allocated;
        b->tree->allocated = n;
        if (!parent)
                b->tree->root = n;
        else if (parent->kind == YAML_KIND_MAPPING)
                append_to_mapping(b, parent, n);
        else
                append(parent, n);
        *ret = n;
        return 0;
}

static bool awaits_key(const struct builder *b) {
        return b->depth > 0 && b->stack[b->depth - 1]->kind == YAML_KIND_MAPPING && !b->key;
}

static int take_text(struct builder *b, const yaml_event_t *event, char **ret) {
        const char *text = (const char *) event->data.scalar.value;
        char *copy;

        if (memchr(text, '\0', event->data.scalar.length))
                return fatal(b, position(event->start_mark), "a zero byte in a text");
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

static int take_key(struct builder *b, const yaml_event_t *event) {
        if (b->stack[b->depth - 1]->count == YAML_TREE_KEYS_MAX)
                return fatal(b, position(event->start_mark), "more than %d keys in one place", YAML_TREE_KEYS_MAX);
        b->key_at = position(event->start_mark);
        return take_text(b, event, &b->key);
}

/* True when neither is there. */
static bool check_properties(struct builder *b, yaml_mark_t mark, const yaml_char_t *anchor, const yaml_char_t *tag) {
        if (anchor)
                config_errors_add(b->errors, b->source, position(mark),
                                  "anchors (&%.32s) are not taken; write the value where it is needed",
                                  (const char *) anchor);
        if (tag)
                config_errors_add(b->errors, b->source, position(mark), "tags (!) are not taken; write the bare value");
        return !anchor && !tag;
}

static int take_scalar(struct builder *b, const yaml_event_t *event) {
        struct yaml_node *n;
        bool good;
        int r;

        good = check_properties(b, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
        if (awaits_key(b))
                return take_key(b, event);
        r = node_add(b, YAML_KIND_SCALAR, event->start_mark, &n);
        if (r < 0)
                return r;
        n->refused = !good;
        n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        return take_text(b, event, &n->text);
}

static int take_alias(struct builder *b, const yaml_event_t *event) {
        struct yaml_node *n;
        int r;

        if (awaits_key(b))
                return fatal(b, position(event->start_mark), "an alias (*) cannot be a key");
        config_errors_add(b->errors, b->source, position(event->start_mark),
                          "aliases (*%.32s) are not taken; write the value where it is needed",
                          (const char *) event->data.alias.anchor);
        r = node_add(b, YAML_KIND_SCALAR, event->start_mark, &n);
        if (r < 0)
                return r;
        n->refused = true;
        n->text = strdup("");
        return n->text ? 0 : -ENOMEM;
}

static int open_node(struct builder *b, enum yaml_kind kind, yaml_mark_t mark, bool good) {
        struct yaml_node *n;
        int r;

        if (awaits_key(b))
                return fatal(b, position(mark), "a key must be a word");
        if (b->depth == YAML_TREE_DEPTH_MAX)
                return fatal(b, position(mark), "more than %d levels deep", YAML_TREE_DEPTH_MAX);
        r = node_add(b, kind, mark, &n);
        if (r < 0)
                return r;
        n->refused = !good;
        b->stack[b->depth++] = n;
        return 0;
}

static int start_document(struct builder *b, const yaml_event_t *event) {
        if (++b->documents > 1)
                return fatal(b, position(event->start_mark), "a second document begins; write one");
        if (event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
                return fatal(b, position(event->start_mark), "%%TAG is not taken");
        return 0;
}

static int take_event(struct builder *b, const yaml_event_t *event) {
        switch (event->type) {
        case YAML_DOCUMENT_START_EVENT:
                return start_document(b, event);
        case YAML_SCALAR_EVENT:
                return take_scalar(b, event);
        case YAML_ALIAS_EVENT:
                return take_alias(b, event);
        case YAML_SEQUENCE_START_EVENT:
                return open_node(b, YAML_KIND_LIST, event->start_mark,
                                 check_properties(b, event->start_mark, event->data.sequence_start.anchor,
                                                  event->data.sequence_start.tag));
        case YAML_MAPPING_START_EVENT:
                return open_node(b, YAML_KIND_MAPPING, event->start_mark,
                                 check_properties(b, event->start_mark, event->data.mapping_start.anchor,
                                                  event->data.mapping_start.tag));
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                b->depth--;
                return 0;
        case YAML_NO_EVENT:
        case YAML_STREAM_START_EVENT:
        case YAML_STREAM_END_EVENT:
        case YAML_DOCUMENT_END_EVENT:
                return 0;
        }
        return 0;
}

/* libyaml reads "[::1]" and "[2001:db8::]" as punctuation. */
static const char *hint(const struct builder *b, const yaml_parser_t *parser) {
        if (parser->problem && strchr(parser->problem, '\'') && strchr(parser->problem, ':'))
                return "; an address that begins or ends with a colon needs quotes";
        if (parser->problem && strstr(parser->problem, "cannot start any token") &&
            memchr(b->source->text, '\t', b->source->size))
                return "; indent with spaces, not with tabs";
        return "";
}

static int syntax_error(struct builder *b, const yaml_parser_t *parser) {
        const char *problem = parser->problem ? parser->problem : "cannot be read";

        switch (parser->error) {
        case YAML_MEMORY_ERROR:
                return -ENOMEM;
        case YAML_READER_ERROR:
                return fatal(b, config_source_position(b->source, parser->problem_offset), "not a text in UTF-8: %s",
                             problem);
        case YAML_SCANNER_ERROR:
        case YAML_PARSER_ERROR:
        case YAML_NO_ERROR:
        case YAML_COMPOSER_ERROR:
        case YAML_WRITER_ERROR:
        case YAML_EMITTER_ERROR:
                break;
        }
        if (!parser->context)
                return fatal(b, position(parser->problem_mark), "not YAML: %s%s", problem, hint(b, parser));
        return fatal(b, position(parser->problem_mark), "not YAML: %s %s (line %zu)%s", problem, parser->context,
                     parser->context_mark.line + 1, hint(b, parser));
}

static int build(struct builder *b, yaml_parser_t *parser) {
        bool done = false;

        while (!done) {
                yaml_event_t event;
                int r;

                if (!yaml_parser_parse(parser, &event))
                        return syntax_error(b, parser);
                done = event.type == YAML_STREAM_END_EVENT;
                r = take_event(b, &event);
                yaml_event_delete(&event);
                if (r < 0)
                        return r;
        }
        return 0;
}

int yaml_tree_parse(const struct config_source *source, struct config_errors *errors, struct yaml_tree **ret) {
        struct builder b = { .source = source, .errors = errors };
        yaml_parser_t parser;
        int r;

        if (source->size > YAML_TREE_SIZE_MAX)
                return fatal(&b, (struct config_position) { 1, 1 }, "larger than 1 MiB");
        b.tree = calloc(1, sizeof *b.tree);
        if (!b.tree || !yaml_parser_initialize(&parser)) {
                free(b.tree);
                return -ENOMEM;
        }
        /* Said rather than guessed, or a UTF-16 byte order mark would be obeyed. */
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *) source->text, source->size);
        r = build(&b, &parser);
        yaml_parser_delete(&parser);
        free(b.key);
        if (r < 0) {
                yaml_tree_free(b.tree);
                return r;
        }
        *ret = b.tree;
        return 0;
}

const struct yaml_node *yaml_tree_root(const struct yaml_tree *tree) {
        return tree->root;
}

struct yaml_tree *yaml_tree_free(struct yaml_tree *tree) {
        if (!tree)
                return NULL;
        for (struct yaml_node *n = tree->allocated, *next; n; n = next) {
                next = n->allocated;
                free(n->text);
                free(n->key);
                free(n);
        }
        free(tree);
        return NULL;
}
