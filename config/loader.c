/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/value.h"
#include "config/value_address.h"

void loader_error(struct loader *l, struct config_position at, const char *format, ...) {
        char message[sizeof l->errors->items[0].message];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        config_errors_add(l->errors, l->source, at, "%s", message);
}

static void load_scalar(struct loader *l, const struct key *key, const struct yaml_node *node,
                        struct settings_listener *listener) {
        void *base = listener ? &listener->detect : keys_base(key, l->settings);
        struct settings_address address;
        struct value_why why;
        uint64_t value = 0;
        int r;

        if (node->kind != YAML_KIND_SCALAR) {
                loader_error(l, node->at, "%s: expected one value", key->path);
                return;
        }
        if (key->type != KEY_ADDRESS || (*node->text == '\0' && node->plain))
                r = value_parse(key, node->text, node->plain, &value, &why);
        else
                r = value_parse_address(key, node->text, &address, &why);
        if (r < 0) {
                loader_error(l, node->at, "%s: %s", key->path, why.text);
                return;
        }
        if (key->type == KEY_PATH)
                keys_set_path(key, base, node->text);
        else if (key->type == KEY_ADDRESS)
                keys_set_address(key, base, &address);
        else
                keys_set(key, base, value);
        if (listener)
                listener->detect_set |= keys_detect_bit(key);
        else
                l->origins[key - keys_table] = (struct origin) { l->source, node->at };
}

/* A key of another group, for those who forgot which. */
static const struct key *find_elsewhere(const char *name) {
        for (size_t i = 0; i < keys_count; i++) {
                const char *dot = strrchr(keys_table[i].path, '.');

                if (dot && strcmp(dot + 1, name) == 0)
                        return &keys_table[i];
        }
        return NULL;
}

static void unknown_key(struct loader *l, const struct yaml_node *node, const char *prefix) {
        char storage[KEYS_CHILDREN_MAX][KEYS_NAME_MAX];
        const char *names[KEYS_CHILDREN_MAX + 1], *near;
        const struct key *elsewhere;
        size_t n = keys_children(prefix, storage);

        for (size_t i = 0; i < n; i++)
                names[i] = storage[i];
        names[n] = NULL;
        near = value_suggest(node->key, names);
        elsewhere = find_elsewhere(node->key);
        if (near)
                loader_error(l, node->key_at, "%s%.64s: unknown key; did you mean %s%s?", prefix, node->key, prefix,
                             near);
        else if (elsewhere)
                loader_error(l, node->key_at, "%s%.64s: unknown key; did you mean %s?", prefix, node->key,
                             elsewhere->path);
        else
                loader_error(l, node->key_at, "%s%.64s: unknown key", prefix, node->key);
}

void loader_group(struct loader *l, const struct yaml_node *mapping, const char *prefix,
                  struct settings_listener *listener) {
        for (const struct yaml_node *n = mapping->first; n; n = n->next) {
                char path[KEYS_PATH_MAX];
                const struct key *key;
                int length = snprintf(path, sizeof path, "%s%s", prefix, n->key);

                key = length < (int) sizeof path ? keys_find(path) : NULL;
                if (n->refused)
                        continue;
                if (key && key->type == KEY_LIST)
                        l->list(l, key, n);
                else if (key)
                        load_scalar(l, key, n, listener);
                else if (length + 1 >= (int) sizeof path || !keys_find_group(path))
                        unknown_key(l, n, prefix);
                else if (n->kind == YAML_KIND_MAPPING)
                        loader_group(l, n, strcat(path, "."), listener);
                else if (n->kind != YAML_KIND_SCALAR || !n->plain || *n->text)
                        loader_error(l, n->at, "%s: expected keys below it", path);
        }
}
