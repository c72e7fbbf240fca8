/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/schema.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "config/keys.h"
#include "config/lists.h"
#include "config/value.h"
#include "core/verdict.h"

/* jansson's "o" steals references and fails as a whole when one is NULL, so
 * only the last result needs a look. */

static json_t *reference(const char *name) {
        return json_pack("{s:s+}", "$ref", "#/definitions/", name);
}

static json_t *text_like(const char *pattern) {
        return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *one_of_words(const char *const *names) {
        json_t *words = json_array();

        for (; words && *names; names++)
                (void) json_array_append_new(words, json_string(*names));
        return json_pack("{s:o}", "enum", words);
}

static json_t *one_or_list(const char *name, int max) {
        return json_pack("{s:[o, {s:s, s:o, s:i, s:i}]}", "anyOf", reference(name), "type", "array",
                         "items", reference(name), "minItems", 1, "maxItems", max);
}

static json_t *default_of(const struct key *k) {
        char text[VALUE_TEXT_MAX];

        switch (k->type) {
        case KEY_BOOL:
                return json_boolean(k->initial);
        case KEY_COUNT:
                return json_integer((json_int_t) k->initial);
        case KEY_PATH:
        case KEY_ADDRESS:
                return json_string(k->initial_text);
        case KEY_DURATION:
        case KEY_SIZE:
        case KEY_PERCENT:
        case KEY_ENUM:
                return json_string(value_format(k, k->initial, text));
        case KEY_LIST:
                break;
        }
        return json_array();
}

static json_t *shape_of_path(const struct key *k) {
        return json_pack("{s:s, s:s, s:I}", "type", "string", "pattern",
                         k->credential ? "^(/.*|[^/]*)$" : k->min == 0 ? "^(/.*)?$" : "^/",
                         "maxLength", (json_int_t) k->max);
}

static json_t *shape_of(const struct key *k) {
        switch (k->type) {
        case KEY_BOOL:
                return json_pack("{s:s}", "type", "boolean");
        case KEY_DURATION:
                return text_like("^(0|[1-9][0-9]*)(ms|s|m|h|d|y)$");
        case KEY_SIZE:
                return text_like("^(0|[1-9][0-9]*)(KiB|MiB|GiB)$");
        case KEY_PERCENT:
                return text_like("^(0|[1-9][0-9]*)(\\.[0-9])?%$");
        case KEY_COUNT:
                return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
                                 (json_int_t) k->min, "maximum", (json_int_t) k->max);
        case KEY_ENUM:
                return one_of_words(k->names);
        case KEY_PATH:
                return shape_of_path(k);
        case KEY_ADDRESS:
                return text_like(k->max > 0 ? "^(([0-9.]+|\\[[0-9A-Fa-f.:]+\\]):[1-9][0-9]{0,4})?$"
                                            : "^[0-9A-Fa-f.:]*$");
        case KEY_LIST:
                return json_pack("{s:s, s:o, s:I}", "type", "array", "items", reference(k->path),
                                 "maxItems", (json_int_t) k->max);
        }
        return NULL;
}

static json_t *describe_key(const struct key *k, bool with_default) {
        char range[VALUE_NAMES_MAX];
        json_t *shape = shape_of(k);

        if (!shape)
                return NULL;
        (void) json_object_set_new(shape, "description",
                                   json_sprintf("%s (%s)", k->help, value_format_range(k, range)));
        if (with_default && (k->type != KEY_LIST || k->initial_text))
                (void) json_object_set_new(shape, "default", default_of(k));
        return shape;
}

static json_t *describe_group(const char *prefix, const char *help, bool with_default) {
        char names[KEYS_CHILDREN_MAX][KEYS_NAME_MAX];
        size_t n = keys_children(prefix, names);
        json_t *properties = json_object();

        for (size_t i = 0; i < n; i++) {
                char path[KEYS_PATH_MAX];
                const struct key_group *group;
                const struct key *k;
                json_t *shape;

                (void) snprintf(path, sizeof path - 1, "%s%s", prefix, names[i]);
                k = keys_find(path);
                group = keys_find_group(path);
                assert(k || group);
                shape = k ? describe_key(k, with_default)
                          : describe_group(strcat(path, "."), group->help, with_default);
                (void) json_object_set_new(properties, names[i], shape);
        }
        /* A group whose keys are all commented out is null. */
        return json_pack("{s:[s, s], s:s, s:o, s:b}", "type", "object", "null", "description", help,
                         "properties", properties, "additionalProperties", 0);
}

static json_t *match_shape(void) {
        return json_pack("{s:s, s:{s:o, s:o, s:o}, s:b, s:i}", "type", "object", "properties",
                         "port", reference("ports"), "ports", reference("ports"), "address",
                         reference("network"), "additionalProperties", 0, "minProperties", 1);
}

static json_t *listener_shape(void) {
        return json_pack("{s:s, s:{s:o, s:o}, s:[s], s:b}", "type", "object", "properties", "match",
                         match_shape(), "detect",
                         describe_group("detect.", "Other thresholds for these listeners.", false),
                         "required", "match", "additionalProperties", 0);
}

static json_t *when_shape(void) {
        return json_pack("{s:s, s:{s:o, s:o, s:{s:s}}, s:b, s:i}", "type", "object", "properties",
                         "state", one_or_list("state", STATES), "diagnosis",
                         one_or_list("diagnosis", DIAGNOSES), "pressure", "type", "boolean",
                         "additionalProperties", 0, "minProperties", 1);
}

static json_t *hook_shape(void) {
        json_t *argument = json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");
        json_t *words = json_pack("{s:s, s:s, s:[o], s:o, s:i, s:i}", "type", "array",
                                  "description",
                                  "A command (an absolute path) and its arguments, "
                                  "run without a shell.",
                                  "items", text_like("^/"), "additionalItems", argument,
                                  "minItems", 1, "maxItems", SETTINGS_HOOK_ARGS_MAX);

        return json_pack("{s:s, s:{s:o}, s:[s], s:b}", "type", "object", "properties", "hook", words,
                         "required", "hook", "additionalProperties", 0);
}

static json_t *do_shape(void) {
        const char *words[] = { lists_actions[0], lists_actions[1], lists_actions[2], NULL };

        return json_pack("{s:s, s:i, s:b, s:{s:[o, o]}}", "type", "array", "minItems", 1,
                         "uniqueItems", 1, "items", "anyOf", one_of_words(words), hook_shape());
}

static json_t *policy_shape(void) {
        return json_pack("{s:s, s:{s:o, s:o}, s:[s, s], s:b}", "type", "object", "properties",
                         "when", when_shape(), "do", do_shape(), "required", "when", "do",
                         "additionalProperties", 0);
}

static json_t *mute_shape(void) {
        return json_pack("{s:s, s:{s:o, s:o, s:o, s:o}, s:[s], s:b}", "type", "object",
                         "properties", "port", reference("port"), "ports", reference("port"),
                         "from", reference("time"), "until", reference("time"), "required",
                         "until", "additionalProperties", 0);
}

static json_t *port_shape(void) {
        return json_pack("{s:[{s:s, s:i, s:i}, o]}", "anyOf", "type", "integer", "minimum", 1,
                         "maximum", UINT16_MAX,
                         text_like("^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?$"));
}

static json_t *states_shape(void) {
        const char *names[STATES + 1] = { NULL };

        for (unsigned i = 0; i < STATES; i++)
                names[i] = flood_state_name((enum flood_state) i);
        return one_of_words(names);
}

static json_t *diagnoses_shape(void) {
        const char *names[DIAGNOSES + 1] = { NULL };

        for (unsigned i = 0; i < DIAGNOSES; i++)
                names[i] = diagnosis_name((enum diagnosis) i);
        return one_of_words(names);
}

static json_t *definitions(void) {
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                         "port", port_shape(), "ports", one_or_list("port", SETTINGS_PORTS_MAX),
                         "network", text_like("^[0-9A-Fa-f.:]+(/(0|[1-9][0-9]{0,2}))?$"),
                         "state", states_shape(), "diagnosis", diagnoses_shape(),
                         "time", text_like("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                                           "(Z|[+-][0-9]{2}:[0-9]{2})$"),
                         "listeners", listener_shape(), "allow", reference("network"),
                         "policy", policy_shape(), "mute", mute_shape());
}

int config_schema(FILE *f) {
        json_t *schema, *body;
        int r;

        body = describe_group("", "Configuration of synwardd, see synward.yaml(5).", true);
        schema = json_pack("{s:s, s:s, s:o}", "$schema", "http://json-schema.org/draft-07/schema#",
                           "title", "synward.yaml", "definitions", definitions());
        if (!body || !schema || json_object_update(schema, body) < 0) {
                json_decref(body);
                json_decref(schema);
                return -ENOMEM;
        }
        json_decref(body);
        r = json_dumpf(schema, f, JSON_INDENT(2));
        json_decref(schema);
        return r < 0 || fputc('\n', f) == EOF ? -EIO : 0;
}
