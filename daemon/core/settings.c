/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/settings.h"

static bool listener_matches(const struct settings_listener *l, const struct address *address,
                             uint16_t port) {
        if (!l->any_address && !prefix_contains(&l->address, address))
                return false;
        if (l->ports_count == 0)
                return true;
        for (uint32_t i = 0; i < l->ports_count; i++)
                if (port >= l->ports[i].first && port <= l->ports[i].last)
                        return true;
        return false;
}

const struct settings_detect *settings_detect_for(const struct settings *s,
                                                  const struct address *address, uint16_t port) {
        for (uint32_t i = 0; i < s->listeners_count; i++)
                if (listener_matches(&s->listeners[i], address, port))
                        return &s->listeners[i].detect;
        return &s->detect;
}

bool settings_allows(const struct settings *s, const struct address *a) {
        for (uint32_t i = 0; i < s->allow_count; i++)
                if (prefix_contains(&s->allow[i], a))
                        return true;
        return false;
}
