/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/rules.h"

static bool matches(const struct settings_rule *r, enum flood_state state, enum diagnosis diagnosis, bool pressure) {
        if (r->states && !(r->states & (1u << state)))
                return false;
        if (r->diagnoses && !(r->diagnoses & (1u << diagnosis)))
                return false;
        return r->pressure == PRESSURE_ANY || (r->pressure == PRESSURE_YES) == pressure;
}

struct rules_wish rules_apply(const struct settings *s, enum flood_state state, enum diagnosis diagnosis,
                              bool pressure) {
        struct rules_wish wish = { .hooks = 0 };
        uint32_t count;
        const struct settings_rule *rules = settings_rules(s, &count);

        for (uint32_t i = 0; i < count; i++) {
                if (!matches(&rules[i], state, diagnosis, pressure))
                        continue;
                wish.alert |= rules[i].alert;
                wish.syncookies |= rules[i].syncookies;
                wish.block |= rules[i].block;
                if (rules[i].hook.argc)
                        wish.hooks |= UINT32_C(1) << i;
        }
        return wish;
}

bool rules_mute(const struct settings *s, uint64_t realtime_us, const struct listener_key *listener) {
        for (uint32_t i = 0; i < s->mutes_count; i++) {
                const struct settings_mute *m = &s->mutes[i];

                if (realtime_us < m->from_us || realtime_us >= m->until_us)
                        continue;
                if (m->any_listener)
                        return true;
                if (listener && listener->port >= m->ports.first && listener->port <= m->ports.last)
                        return true;
        }
        return false;
}
