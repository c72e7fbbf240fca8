/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/print.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "config/keys.h"
#include "config/lists.h"
#include "config/value.h"
#include "config/value_address.h"
#include "core/verdict.h"

/* Remembers the first failure, so that nobody has to look at each step. */
struct printer {
        yaml_emitter_t emitter;
        bool failed;
};

static void emit(struct printer *p, yaml_event_t *event, int made) {
        /* The emitter frees the event also when it fails. */
        if (!made || p->failed || !yaml_emitter_emit(&p->emitter, event)) {
                if (made && p->failed)
                        yaml_event_delete(event);
                p->failed = true;
        }
}

static void emit_scalar(struct printer *p, const char *text, yaml_scalar_style_t style) {
        yaml_event_t e;

        emit(p, &e,
             yaml_scalar_event_initialize(&e, NULL, NULL, (const yaml_char_t *) text, (int) strlen(text), 1, 1, style));
}

/* A word of ours: never in need of quotes. */
static void emit_word(struct printer *p, const char *text) {
        emit_scalar(p, text, YAML_PLAIN_SCALAR_STYLE);
}

/* Text from outside, or text that YAML might take for something else. */
static void emit_text(struct printer *p, const char *text) {
        emit_scalar(p, text, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static void open_mapping(struct printer *p, yaml_mapping_style_t style) {
        yaml_event_t e;

        emit(p, &e, yaml_mapping_start_event_initialize(&e, NULL, NULL, 1, style));
}

static void close_mapping(struct printer *p) {
        yaml_event_t e;

        emit(p, &e, yaml_mapping_end_event_initialize(&e));
}

static void open_list(struct printer *p, yaml_sequence_style_t style) {
        yaml_event_t e;

        emit(p, &e, yaml_sequence_start_event_initialize(&e, NULL, NULL, 1, style));
}

static void close_list(struct printer *p) {
        yaml_event_t e;

        emit(p, &e, yaml_sequence_end_event_initialize(&e));
}

static void print_value(struct printer *p, const struct key *k, const void *base) {
        char text[VALUE_TEXT_MAX], address[VALUE_ADDRESS_MAX];

        if (k->type == KEY_PATH)
                emit_text(p, keys_get_path(k, base));
        else if (k->type == KEY_ADDRESS)
                emit_text(p, value_format_address(k, keys_get_address(k, base), address));
        else
                emit_word(p, value_format(k, keys_get(k, base), text));
}

static void print_prefix(struct printer *p, const struct prefix *prefix) {
        char text[ADDRESS_TEXT_MAX];

        emit_text(p, prefix_format(prefix, text));
}

static void print_range(struct printer *p, struct settings_port_range range) {
        char text[VALUE_TEXT_MAX];

        emit_word(p, value_format_ports(range, text));
}

static void print_listener(struct printer *p, const struct settings_listener *o) {
        open_mapping(p, YAML_BLOCK_MAPPING_STYLE);
        emit_word(p, "match");
        open_mapping(p, YAML_FLOW_MAPPING_STYLE);
        if (o->ports_count > 0) {
                emit_word(p, "ports");
                open_list(p, YAML_FLOW_SEQUENCE_STYLE);
                for (uint32_t i = 0; i < o->ports_count; i++)
                        print_range(p, o->ports[i]);
                close_list(p);
        }
        if (!o->any_address) {
                emit_word(p, "address");
                print_prefix(p, &o->address);
        }
        close_mapping(p);
        emit_word(p, "detect");
        open_mapping(p, YAML_FLOW_MAPPING_STYLE);
        for (size_t i = 0; i < keys_count; i++) {
                const struct key *k = &keys_table[i];

                if (k->place != KEY_IN_DETECT || !(o->detect_set & keys_detect_bit(k)))
                        continue;
                emit_word(p, strrchr(k->path, '.') + 1);
                print_value(p, k, &o->detect);
        }
        close_mapping(p);
        close_mapping(p);
}

static void print_listeners(struct printer *p, const struct settings *s) {
        for (uint32_t i = 0; i < s->listeners_count; i++)
                print_listener(p, &s->listeners[i]);
}

static void print_allow(struct printer *p, const struct settings *s) {
        for (uint32_t i = 0; i < s->allow_count; i++)
                print_prefix(p, &s->allow[i]);
}

static void print_when(struct printer *p, const struct settings_rule *rule) {
        open_mapping(p, YAML_FLOW_MAPPING_STYLE);
        if (rule->states) {
                emit_word(p, "state");
                open_list(p, YAML_FLOW_SEQUENCE_STYLE);
                for (unsigned i = 0; i < STATES; i++)
                        if (rule->states & UINT32_C(1) << i)
                                emit_word(p, flood_state_name((enum flood_state) i));
                close_list(p);
        }
        if (rule->diagnoses) {
                emit_word(p, "diagnosis");
                open_list(p, YAML_FLOW_SEQUENCE_STYLE);
                for (unsigned i = 0; i < DIAGNOSES; i++)
                        if (rule->diagnoses & UINT32_C(1) << i)
                                emit_word(p, diagnosis_name((enum diagnosis) i));
                close_list(p);
        }
        if (rule->pressure != PRESSURE_ANY) {
                emit_word(p, "pressure");
                emit_word(p, rule->pressure == PRESSURE_YES ? "true" : "false");
        }
        close_mapping(p);
}

static void print_do(struct printer *p, const struct settings_rule *rule) {
        open_list(p, YAML_FLOW_SEQUENCE_STYLE);
        if (rule->alert)
                emit_word(p, "alert");
        if (rule->syncookies)
                emit_word(p, "syncookies");
        if (rule->block)
                emit_word(p, "block");
        if (rule->hook.argc > 0) {
                open_mapping(p, YAML_FLOW_MAPPING_STYLE);
                emit_word(p, "hook");
                open_list(p, YAML_FLOW_SEQUENCE_STYLE);
                for (uint32_t i = 0; i < rule->hook.argc; i++)
                        emit_text(p, rule->hook.argv[i]);
                close_list(p);
                close_mapping(p);
        }
        close_list(p);
}

static void print_policy(struct printer *p, const struct settings *s) {
        uint32_t count;
        const struct settings_rule *rules = settings_rules(s, &count);

        for (uint32_t i = 0; i < count; i++) {
                open_mapping(p, YAML_BLOCK_MAPPING_STYLE);
                emit_word(p, "when");
                print_when(p, &rules[i]);
                emit_word(p, "do");
                print_do(p, &rules[i]);
                close_mapping(p);
        }
}

static void print_mute(struct printer *p, const struct settings *s) {
        for (uint32_t i = 0; i < s->mutes_count; i++) {
                const struct settings_mute *m = &s->mutes[i];
                char text[VALUE_TEXT_MAX];

                open_mapping(p, YAML_BLOCK_MAPPING_STYLE);
                if (!m->any_listener) {
                        emit_word(p, "ports");
                        print_range(p, m->ports);
                }
                if (m->from_us > 0) {
                        emit_word(p, "from");
                        emit_text(p, value_format_time(m->from_us, text));
                }
                emit_word(p, "until");
                emit_text(p, value_format_time(m->until_us, text));
                close_mapping(p);
        }
}

static void print_list(struct printer *p, const struct key *k, const struct settings *s) {
        static const struct {
                const char *path;
                void (*print)(struct printer *, const struct settings *);
        } printers[] = {
                { "listeners", print_listeners },
                { "allow", print_allow },
                { "policy", print_policy },
                { "mute", print_mute },
        };
        size_t i = 0;

        while (i < sizeof printers / sizeof *printers && strcmp(printers[i].path, k->path) != 0)
                i++;
        assert(i < sizeof printers / sizeof *printers);
        open_list(p, YAML_BLOCK_SEQUENCE_STYLE);
        printers[i].print(p, s);
        close_list(p);
}

static void print_group(struct printer *p, const struct settings *s, const char *prefix) {
        char names[KEYS_CHILDREN_MAX][KEYS_NAME_MAX];
        size_t n = keys_children(prefix, names);

        open_mapping(p, YAML_BLOCK_MAPPING_STYLE);
        for (size_t i = 0; i < n; i++) {
                char path[KEYS_PATH_MAX];
                const struct key *k;

                (void) snprintf(path, sizeof path - 1, "%s%s", prefix, names[i]);
                k = keys_find(path);
                emit_word(p, names[i]);
                if (!k)
                        print_group(p, s, strcat(path, "."));
                else if (k->type == KEY_LIST)
                        print_list(p, k, s);
                else
                        print_value(p, k, keys_base_const(k, s));
        }
        close_mapping(p);
}

static int write_to_file(void *data, unsigned char *buffer, size_t size) {
        return fwrite(buffer, 1, size, data) == size;
}

int config_print(const struct settings *s, FILE *f) {
        struct printer p = { .failed = false };
        yaml_event_t e;

        if (!yaml_emitter_initialize(&p.emitter))
                return -ENOMEM;
        yaml_emitter_set_output(&p.emitter, write_to_file, f);
        yaml_emitter_set_unicode(&p.emitter, 1);
        yaml_emitter_set_width(&p.emitter, -1);
        emit(&p, &e, yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING));
        emit(&p, &e, yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1));
        print_group(&p, s, "");
        emit(&p, &e, yaml_document_end_event_initialize(&e, 1));
        emit(&p, &e, yaml_stream_end_event_initialize(&e));
        yaml_emitter_delete(&p.emitter);
        return p.failed ? -EIO : 0;
}
