/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/listener_syns.h"

#include <string.h>

static bool is_same(const struct listener_syns *l, const struct obs_listener *list, uint32_t count) {
        if (!l->known || l->count != count)
                return false;
        for (uint32_t i = 0; i < count; i++)
                if (!listener_key_equal(&l->slots[i].key, &list[i].key))
                        return false;
        return true;
}

bool listener_syns_set(struct listener_syns *l, const struct obs_listener *list, uint32_t count) {
        struct listener_slot old[OBS_LISTENERS_MAX];
        uint32_t old_count = l->count;

        if (count > OBS_LISTENERS_MAX)
                count = OBS_LISTENERS_MAX;
        if (is_same(l, list, count))
                return false;

        memcpy(old, l->slots, sizeof old);
        memset(l->port_slot, 0, sizeof l->port_slot);
        for (uint32_t i = 0; i < count; i++) {
                struct listener_slot slot = { .key = list[i].key };

                for (uint32_t k = 0; k < old_count; k++)
                        if (listener_key_equal(&old[k].key, &slot.key))
                                slot = old[k];
                slot.next = l->port_slot[slot.key.port];
                l->slots[i] = slot;
                l->port_slot[slot.key.port] = (uint8_t) (i + 1);
        }
        l->count = count;
        l->known = true;
        return true;
}

/* How well a listener fits a destination; 0: not at all. */
static unsigned fit(const struct listener_key *k, const struct address *destination) {
        if (address_equal(&k->address, destination))
                return 3;
        if (!address_is_wildcard(&k->address))
                return 0;
        if (address_is_ipv4(&k->address) == address_is_ipv4(destination))
                return 2;
        return address_is_ipv4(destination); /* :: takes IPv4 too, unless IPV6_V6ONLY */
}

bool listener_syns_add(struct listener_syns *l, const struct address *destination, uint16_t port,
                       uint32_t syns) {
        struct listener_slot *best = NULL;
        unsigned best_fit = 0;

        for (uint8_t i = l->port_slot[port]; i; i = l->slots[i - 1].next) {
                unsigned f = fit(&l->slots[i - 1].key, destination);

                if (f > best_fit) {
                        best = &l->slots[i - 1];
                        best_fit = f;
                }
        }
        if (best)
                best->syns += syns;
        return best != NULL;
}

void listener_syns_tell(struct listener_syns *l, struct obs_listener *list, uint32_t count) {
        for (uint32_t i = 0; i < count; i++)
                for (uint8_t n = l->port_slot[list[i].key.port]; n; n = l->slots[n - 1].next) {
                        struct listener_slot *slot = &l->slots[n - 1];

                        if (!listener_key_equal(&slot->key, &list[i].key))
                                continue;
                        list[i].syns = slot->syns - slot->told;
                        list[i].known |= OBS_L_SYNS;
                        slot->told = slot->syns;
                }
}
