/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/settings.h"

#include <stdlib.h>
#include <string.h>

#include "core/keyed_hash.h"
#include "core/verdict.h"

/* Without a policy in the configuration: tell, and save the service. */
static const struct settings_rule built_in[] = {
        { .states = 1u << STATE_FLOOD, .alert = true },
        { .states = 1u << STATE_FLOOD, .pressure = PRESSURE_YES, .syncookies = true },
};

static bool listener_matches(const struct settings_listener *l, const struct address *address, uint16_t port) {
        if (!l->any_address && !prefix_contains(&l->address, address))
                return false;
        if (l->ports_count == 0)
                return true;
        for (uint32_t i = 0; i < l->ports_count; i++)
                if (port >= l->ports[i].first && port <= l->ports[i].last)
                        return true;
        return false;
}

const struct settings_detect *settings_detect_for(const struct settings *s, const struct address *address,
                                                  uint16_t port) {
        for (uint32_t i = 0; i < s->listeners_count; i++)
                if (listener_matches(&s->listeners[i], address, port))
                        return &s->listeners[i].detect;
        return &s->detect;
}

const struct settings_rule *settings_rules(const struct settings *s, uint32_t *ret_count) {
        *ret_count = s->rules_given ? s->rules_count : sizeof built_in / sizeof *built_in;
        return s->rules_given ? s->rules : built_in;
}

bool settings_allows(const struct settings *s, const struct address *a) {
        for (uint32_t i = 0; i < s->allow_count; i++)
                if (prefix_contains(&s->allow[i], a))
                        return true;
        return false;
}

static bool same_command(const struct settings_hook *a, const struct settings_hook *b) {
        if (a->argc != b->argc)
                return false;
        for (unsigned i = 0; i < a->argc; i++)
                if (strcmp(a->argv[i], b->argv[i]) != 0)
                        return false;
        return a->argc > 0;
}

uint32_t settings_same_hooks(const struct settings *a, const struct settings *b, uint32_t hooks) {
        for (uint32_t i = 0; i < SETTINGS_RULES_MAX; i++)
                if (i >= a->rules_count || i >= b->rules_count || !same_command(&a->rules[i].hook, &b->rules[i].hook))
                        hooks &= ~(UINT32_C(1) << i);
        return hooks;
}

static uint64_t digest_add(uint64_t digest, uint64_t value) {
        /* Odd and with as many ones as zeros: of the golden ratio, of pi. */
        return keyed_hash_fold(digest ^ UINT64_C(0x9e3779b97f4a7c15), value ^ UINT64_C(0x243f6a8885a308d3)) + value;
}

static uint64_t digest_add_text(uint64_t digest, const char *text) {
        size_t length = strlen(text);

        digest = digest_add(digest, length);
        for (size_t i = 0; i < length; i++)
                digest = digest_add(digest, (unsigned char) text[i]);
        return digest;
}

uint64_t settings_hooks_digest(const struct settings *s) {
        uint64_t digest = digest_add(s->alerts.hook_timeout_us, s->alerts.hooks_at_once);

        for (uint32_t i = 0; i < s->rules_count; i++) {
                digest = digest_add(digest, s->rules[i].hook.argc);
                for (uint32_t j = 0; j < s->rules[i].hook.argc; j++)
                        digest = digest_add_text(digest, s->rules[i].hook.argv[j]);
        }
        return digest;
}

void settings_release(struct settings *s) {
        for (uint32_t i = 0; i < s->rules_count; i++) {
                struct settings_hook *h = &s->rules[i].hook;

                for (uint32_t j = 0; j < h->argc; j++)
                        free(h->argv[j]);
                h->argc = 0;
                h->argv[0] = NULL;
        }
        s->rules_count = 0;
        explicit_bzero(&s->metrics.key, sizeof s->metrics.key);
}
