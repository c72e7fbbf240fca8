/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether two settings are the same in every field; padding and unused entries do not count. */

#include <string.h>

#include "config/keys.h"

static inline bool same_scalars(const struct settings *a, const struct settings *b) {
        for (size_t i = 0; i < keys_count; i++) {
                const struct key *k = &keys_table[i];
                const void *in_a = keys_base_const(k, a), *in_b = keys_base_const(k, b);

                if (k->type == KEY_LIST)
                        continue;
                if (k->type == KEY_ADDRESS) {
                        const struct settings_address *p = keys_get_address(k, in_a), *q = keys_get_address(k, in_b);

                        if (!address_equal(&p->address, &q->address) || p->port != q->port)
                                return false;
                        continue;
                }
                if (k->type == KEY_PATH ? strcmp(keys_get_path(k, in_a), keys_get_path(k, in_b)) != 0
                                        : keys_get(k, in_a) != keys_get(k, in_b))
                        return false;
        }
        return true;
}

static inline bool same_prefix(const struct prefix *a, const struct prefix *b) {
        return address_equal(&a->address, &b->address) && a->length == b->length;
}

static inline bool same_range(struct settings_port_range a, struct settings_port_range b) {
        return a.first == b.first && a.last == b.last;
}

static inline bool same_listener(const struct settings_listener *a, const struct settings_listener *b) {
        if (a->any_address != b->any_address || a->ports_count != b->ports_count || a->detect_set != b->detect_set)
                return false;
        if (!a->any_address && !same_prefix(&a->address, &b->address))
                return false;
        for (uint32_t i = 0; i < a->ports_count; i++)
                if (!same_range(a->ports[i], b->ports[i]))
                        return false;
        for (size_t i = 0; i < keys_count; i++)
                if (keys_table[i].place == KEY_IN_DETECT &&
                    keys_get(&keys_table[i], &a->detect) != keys_get(&keys_table[i], &b->detect))
                        return false;
        return true;
}

static inline bool same_rule(const struct settings_rule *a, const struct settings_rule *b) {
        if (a->states != b->states || a->diagnoses != b->diagnoses || a->pressure != b->pressure ||
            a->alert != b->alert || a->syncookies != b->syncookies || a->block != b->block ||
            a->hook.argc != b->hook.argc)
                return false;
        for (uint32_t i = 0; i < a->hook.argc; i++)
                if (strcmp(a->hook.argv[i], b->hook.argv[i]) != 0)
                        return false;
        return a->hook.argv[a->hook.argc] == NULL && b->hook.argv[b->hook.argc] == NULL;
}

static inline bool same_mute(const struct settings_mute *a, const struct settings_mute *b) {
        return a->any_listener == b->any_listener && a->from_us == b->from_us && a->until_us == b->until_us &&
               (a->any_listener || same_range(a->ports, b->ports));
}

/* What is in force: the built-in policy is the same as its rules written out. */
static inline bool same_policy(const struct settings *a, const struct settings *b) {
        uint32_t count, other;
        const struct settings_rule *r = settings_rules(a, &count), *q = settings_rules(b, &other);

        if (count != other)
                return false;
        for (uint32_t i = 0; i < count; i++)
                if (!same_rule(&r[i], &q[i]))
                        return false;
        return true;
}

static inline bool same_settings(const struct settings *a, const struct settings *b) {
        if (!same_scalars(a, b) || a->listeners_count != b->listeners_count || a->allow_count != b->allow_count ||
            !same_policy(a, b) || a->mutes_count != b->mutes_count)
                return false;
        for (uint32_t i = 0; i < a->listeners_count; i++)
                if (!same_listener(&a->listeners[i], &b->listeners[i]))
                        return false;
        for (uint32_t i = 0; i < a->allow_count; i++)
                if (!same_prefix(&a->allow[i], &b->allow[i]))
                        return false;
        for (uint32_t i = 0; i < a->mutes_count; i++)
                if (!same_mute(&a->mutes[i], &b->mutes[i]))
                        return false;
        return true;
}
