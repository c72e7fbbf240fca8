/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/lists.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/loader.h"
#include "config/value.h"
#include "core/verdict.h"

const char *const lists_actions[] = { "alert", "syncookies", "block", "hook", NULL };
enum action { ACTION_ALERT, ACTION_SYNCOOKIES, ACTION_BLOCK, ACTION_HOOK };

static bool expect_mapping(struct loader *l, const struct yaml_node *node, const char *what, const char *example) {
        if (node->refused)
                return false;
        if (node->kind == YAML_KIND_MAPPING)
                return true;
        loader_error(l, node->at, "%s: expected keys, like %s", what, example);
        return false;
}

/* The index of a mapping's key among names, or -1 with an error. */
static int field(struct loader *l, const struct yaml_node *node, const char *const *names, const char *what) {
        const char *near;

        for (int i = 0; names[i]; i++)
                if (strcmp(names[i], node->key) == 0)
                        return node->refused ? -1 : i;
        near = value_suggest(node->key, names);
        if (near)
                loader_error(l, node->key_at, "%s.%.64s: unknown key; did you mean %s?", what, node->key, near);
        else
                loader_error(l, node->key_at, "%s.%.64s: unknown key", what, node->key);
        return -1;
}

static bool expect_scalar(struct loader *l, const struct yaml_node *node, const char *what) {
        if (node->refused)
                return false;
        if (node->kind == YAML_KIND_SCALAR && (*node->text || !node->plain))
                return true;
        loader_error(l, node->at, "%s: expected one value", what);
        return false;
}

/* The entries of a list; a single value stands for a list of itself. */
static const struct yaml_node *first_of(const struct yaml_node *node) {
        return node->kind == YAML_KIND_LIST ? node->first : node;
}

static const struct yaml_node *next_of(const struct yaml_node *node, const struct yaml_node *n) {
        return node->kind == YAML_KIND_LIST ? n->next : NULL;
}

static void load_prefix(struct loader *l, const struct yaml_node *node, const char *what, struct prefix *ret) {
        if (!expect_scalar(l, node, what))
                return;
        switch (prefix_parse(node->text, ret)) {
        case 0:
                return;
        case -ERANGE:
                loader_error(l, node->at, "%s: %.64s: no such prefix length", what, node->text);
                return;
        case -EDOM:
                loader_error(l, node->at, "%s: %.64s has bits set beyond its prefix length", what, node->text);
                return;
        }
        loader_error(l, node->at, "%s: '%.64s' is neither an address nor a network", what, node->text);
}

static void load_range(struct loader *l, const struct yaml_node *node, const char *what,
                       struct settings_port_range *ret) {
        if (!expect_scalar(l, node, what))
                return;
        if (value_parse_ports(node->text, ret) < 0)
                loader_error(l, node->at, "%s: '%.32s' is not a port or a range like 8000-8080, from 1 to 65535", what,
                             node->text);
}

static void load_ports(struct loader *l, const struct yaml_node *node, const char *what,
                       struct settings_listener *ret) {
        if (node->kind == YAML_KIND_LIST && (node->count == 0 || node->count > SETTINGS_PORTS_MAX)) {
                loader_error(l, node->at, "%s: expected 1 to %d entries", what, SETTINGS_PORTS_MAX);
                return;
        }
        if (ret->ports_count > 0) {
                loader_error(l, node->key_at, "%s: name either port or ports", what);
                return;
        }
        for (const struct yaml_node *n = first_of(node); n; n = next_of(node, n))
                load_range(l, n, what, &ret->ports[ret->ports_count++]);
}

static void load_match(struct loader *l, const struct yaml_node *node, struct settings_listener *ret) {
        static const char *const names[] = { "port", "ports", "address", NULL };

        if (!expect_mapping(l, node, "listeners.match", "{ port: 443 }"))
                return;
        if (node->count == 0)
                loader_error(l, node->at, "listeners.match: expected port, ports or address");
        for (const struct yaml_node *n = node->first; n; n = n->next)
                switch (field(l, n, names, "listeners.match")) {
                case 0:
                case 1:
                        load_ports(l, n, "listeners.match.ports", ret);
                        break;
                case 2:
                        ret->any_address = false;
                        load_prefix(l, n, "listeners.match.address", &ret->address);
                        break;
                }
}

static void load_listener(struct loader *l, const struct yaml_node *node) {
        static const char *const names[] = { "match", "detect", NULL };
        struct settings_listener *ret = &l->settings->listeners[l->settings->listeners_count++];
        bool match = false;

        memset(ret, 0, sizeof *ret);
        ret->any_address = true;
        if (!expect_mapping(l, node, "listeners", "match: { port: 443 }"))
                return;
        for (const struct yaml_node *n = node->first; n; n = n->next)
                switch (field(l, n, names, "listeners")) {
                case 0:
                        match = true;
                        load_match(l, n, ret);
                        break;
                case 1:
                        if (expect_mapping(l, n, "listeners.detect", "{ fill: 30% }"))
                                loader_group(l, n, "detect.", ret);
                        break;
                }
        if (!match)
                loader_error(l, node->at, "listeners: an entry without match");
}

static void load_allow(struct loader *l, const struct yaml_node *node) {
        load_prefix(l, node, "allow", &l->settings->allow[l->settings->allow_count++]);
}

/* A word or a list of words as bits: 1 << index of the name. */
static void load_words(struct loader *l, const struct yaml_node *node, const char *const *names, const char *what,
                       uint32_t *ret) {
        const char *near;

        if (node->kind == YAML_KIND_LIST && node->count == 0)
                loader_error(l, node->at, "%s: an empty list never matches", what);
        for (const struct yaml_node *n = first_of(node); n; n = next_of(node, n)) {
                int i = 0;

                if (!expect_scalar(l, n, what))
                        continue;
                while (names[i] && strcmp(names[i], n->text) != 0)
                        i++;
                if (names[i]) {
                        *ret |= UINT32_C(1) << i;
                        continue;
                }
                near = value_suggest(n->text, names);
                loader_error(l, n->at, "%s: there is no '%.32s'%s%s%s", what, n->text, near ? "; did you mean " : "",
                             near ? near : "", near ? "?" : "");
        }
}

static void load_pressure(struct loader *l, const struct yaml_node *node, struct settings_rule *ret) {
        static const struct key shape = { .path = "policy.when.pressure", .type = KEY_BOOL };
        struct value_why why;
        uint64_t value;

        if (!expect_scalar(l, node, shape.path))
                return;
        if (value_parse(&shape, node->text, node->plain, &value, &why) < 0)
                loader_error(l, node->at, "%s: %s", shape.path, why.text);
        else
                ret->pressure = value ? PRESSURE_YES : PRESSURE_NO;
}

static void load_when(struct loader *l, const struct yaml_node *node, struct settings_rule *ret) {
        static const char *const names[] = { "state", "diagnosis", "pressure", NULL };
        const char *states[STATES + 1] = { NULL }, *diagnoses[DIAGNOSES + 1] = { NULL };

        if (!expect_mapping(l, node, "policy.when", "{ state: flood }"))
                return;
        for (unsigned i = 0; i < STATES; i++)
                states[i] = flood_state_name((enum flood_state) i);
        for (unsigned i = 0; i < DIAGNOSES; i++)
                diagnoses[i] = diagnosis_name((enum diagnosis) i);
        if (node->count == 0)
                loader_error(l, node->at, "policy.when: expected state, diagnosis or pressure");
        for (const struct yaml_node *n = node->first; n; n = n->next)
                switch (field(l, n, names, "policy.when")) {
                case 0:
                        load_words(l, n, states, "policy.when.state", &ret->states);
                        break;
                case 1:
                        load_words(l, n, diagnoses, "policy.when.diagnosis", &ret->diagnoses);
                        break;
                case 2:
                        load_pressure(l, n, ret);
                        break;
                }
}

static void load_hook(struct loader *l, const struct yaml_node *node, struct settings_hook *ret) {
        if (node->kind != YAML_KIND_LIST || node->count == 0) {
                loader_error(l, node->at,
                             "policy.do.hook: expected a command and its arguments, like "
                             "[ /usr/local/bin/page-me, --urgent ]");
                return;
        }
        if (node->count > SETTINGS_HOOK_ARGS_MAX) {
                loader_error(l, node->at, "policy.do.hook: more than %d words", SETTINGS_HOOK_ARGS_MAX);
                return;
        }
        if (node->first->kind == YAML_KIND_SCALAR && !node->first->refused && node->first->text[0] != '/')
                loader_error(l, node->first->at,
                             "policy.do.hook: '%.64s' is not an absolute path; no shell looks for it",
                             node->first->text);
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                if (!expect_scalar(l, n, "policy.do.hook"))
                        continue;
                ret->argv[ret->argc] = strdup(n->text);
                if (!ret->argv[ret->argc]) {
                        l->out_of_memory = true;
                        return;
                }
                ret->argv[++ret->argc] = NULL;
        }
}

/* "alert", or { hook: [ … ] }. */
static void load_action(struct loader *l, const struct yaml_node *node, struct settings_rule *ret) {
        static const char *const hook_only[] = { "hook", NULL };
        const struct yaml_node *hook = NULL;
        uint32_t word = 0, had;

        if (node->kind == YAML_KIND_MAPPING && node->count == 1) {
                hook = node->first;
                if (field(l, hook, hook_only, "policy.do") < 0)
                        return;
                word = UINT32_C(1) << ACTION_HOOK;
        } else if (node->kind != YAML_KIND_SCALAR) {
                loader_error(l, node->at,
                             "policy.do: expected alert, syncookies, block or { hook: "
                             "[ COMMAND ] }");
        } else if (strcmp(node->text, "hook") == 0) {
                loader_error(l, node->at, "policy.do: write a hook as { hook: [ COMMAND ] }");
        } else {
                load_words(l, node, lists_actions, "policy.do", &word);
        }
        had = (ret->alert ? 1u << ACTION_ALERT : 0) | (ret->syncookies ? 1u << ACTION_SYNCOOKIES : 0) |
              (ret->block ? 1u << ACTION_BLOCK : 0) | (ret->hook.argc > 0 ? 1u << ACTION_HOOK : 0);
        if (word & had) {
                loader_error(l, node->at, "policy.do: named twice in one rule");
                return;
        }
        ret->alert |= (word & 1u << ACTION_ALERT) != 0;
        ret->syncookies |= (word & 1u << ACTION_SYNCOOKIES) != 0;
        ret->block |= (word & 1u << ACTION_BLOCK) != 0;
        if (hook)
                load_hook(l, hook, &ret->hook);
}

static void load_do(struct loader *l, const struct yaml_node *node, struct settings_rule *ret) {
        if (node->kind != YAML_KIND_LIST || node->count == 0) {
                loader_error(l, node->at, "policy.do: expected a list, like [ alert ]");
                return;
        }
        for (const struct yaml_node *n = node->first; n; n = n->next)
                if (!n->refused)
                        load_action(l, n, ret);
}

static void load_rule(struct loader *l, const struct yaml_node *node) {
        static const char *const names[] = { "when", "do", NULL };
        struct settings_rule *ret = &l->settings->rules[l->settings->rules_count++];
        bool named[2] = { false, false };

        memset(ret, 0, sizeof *ret);
        if (!expect_mapping(l, node, "policy", "when: { state: flood }"))
                return;
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                int i = field(l, n, names, "policy");

                if (i == 0)
                        load_when(l, n, ret);
                else if (i == 1)
                        load_do(l, n, ret);
                if (i >= 0)
                        named[i] = true;
        }
        for (size_t i = 0; i < 2; i++)
                if (!named[i])
                        loader_error(l, node->at, "policy: a rule without %s", names[i]);
}

static void load_time(struct loader *l, const struct yaml_node *node, const char *what, uint64_t *ret) {
        if (!expect_scalar(l, node, what))
                return;
        if (value_parse_time(node->text, ret) < 0)
                loader_error(l, node->at, "%s: '%.40s' is not a time like 2030-11-22T20:00:00Z", what, node->text);
}

static void load_mute(struct loader *l, const struct yaml_node *node) {
        static const char *const names[] = { "port", "ports", "from", "until", NULL };
        struct settings_mute *ret = &l->settings->mutes[l->settings->mutes_count++];
        bool until = false;

        *ret = (struct settings_mute) { .any_listener = true };
        if (!expect_mapping(l, node, "mute", "until: 2030-11-22T22:00:00Z"))
                return;
        for (const struct yaml_node *n = node->first; n; n = n->next)
                switch (field(l, n, names, "mute")) {
                case 0:
                case 1:
                        if (!ret->any_listener)
                                loader_error(l, n->key_at, "mute: name either port or ports");
                        ret->any_listener = false;
                        load_range(l, n, "mute.ports", &ret->ports);
                        break;
                case 2:
                        load_time(l, n, "mute.from", &ret->from_us);
                        break;
                case 3:
                        until = true;
                        load_time(l, n, "mute.until", &ret->until_us);
                        break;
                }
        if (!until)
                loader_error(l, node->at, "mute: an entry without until");
        else if (ret->until_us > 0 && ret->until_us <= ret->from_us)
                loader_error(l, node->at, "mute: until is not after from");
}

/* Forgets what an earlier file had there. */
static void clear(struct settings *s, const char *path) {
        if (strcmp(path, "listeners") == 0)
                s->listeners_count = 0;
        else if (strcmp(path, "allow") == 0)
                s->allow_count = 0;
        else if (strcmp(path, "mute") == 0)
                s->mutes_count = 0;
        else
                settings_release(s);
}

void lists_load(struct loader *l, const struct key *key, const struct yaml_node *node) {
        static const struct {
                const char *path;
                void (*load)(struct loader *, const struct yaml_node *);
        } loaders[] = {
                { "listeners", load_listener },
                { "allow", load_allow },
                { "policy", load_rule },
                { "mute", load_mute },
        };
        size_t i = 0;

        while (i < sizeof loaders / sizeof *loaders && strcmp(loaders[i].path, key->path) != 0)
                i++;
        assert(i < sizeof loaders / sizeof *loaders);
        if (node->kind != YAML_KIND_LIST) {
                loader_error(l, node->at, "%s: expected a list; [] is an empty one", key->path);
                return;
        }
        if (node->count > key->max) {
                loader_error(l, node->at, "%s: more than %u entries", key->path, (unsigned) key->max);
                return;
        }
        clear(l->settings, key->path);
        if (strcmp(key->path, "policy") == 0)
                l->settings->rules_given = true;
        for (const struct yaml_node *n = node->first; n; n = n->next)
                loaders[i].load(l, n);
}
