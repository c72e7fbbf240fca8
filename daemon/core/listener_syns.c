/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/listener_syns.h"

#include <string.h>

static bool is_same(const struct listener_syns *l, const struct obs_listener *list, uint32_t count) {
        if (!l->known || l->count != count)
                return false;
        for (uint32_t i = 0; i < count; i++)
                if (!listener_key_equal(&l->slots[l->order[i]].key, &list[i].key))
                        return false;
        return true;
}

static struct listener_slot *find_key(struct listener_syns *l, const struct listener_key *key) {
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++)
                if (l->slots[i].in_use && listener_key_equal(&l->slots[i].key, key))
                        return &l->slots[i];
        return NULL;
}

/* As many slots as there can be listeners, so one is free. */
static struct listener_slot *take_slot(struct listener_syns *l, const struct listener_key *key) {
        uint32_t i = 0, id;

        while (i + 1 < OBS_LISTENERS_MAX && l->slots[i].in_use)
                i++;
        id = l->slots[i].id ? l->slots[i].id + OBS_LISTENERS_MAX : OBS_LISTENERS_MAX + i;
        l->slots[i] = (struct listener_slot) { .in_use = true, .key = *key, .id = id };
        return &l->slots[i];
}

static void free_others(struct listener_syns *l, const struct obs_listener *list, uint32_t count) {
        bool stays[OBS_LISTENERS_MAX] = { false };

        for (uint32_t i = 0; i < count; i++) {
                struct listener_slot *s = find_key(l, &list[i].key);

                if (s)
                        stays[s - l->slots] = true;
        }
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++)
                l->slots[i].in_use = stays[i];
}

bool listener_syns_set(struct listener_syns *l, const struct obs_listener *list, uint32_t count) {
        if (count > OBS_LISTENERS_MAX)
                count = OBS_LISTENERS_MAX;
        if (is_same(l, list, count))
                return false;

        free_others(l, list, count);
        memset(l->port_slot, 0, sizeof l->port_slot);
        for (uint32_t i = 0; i < count; i++) {
                struct listener_slot *s = find_key(l, &list[i].key);
                uint8_t *first;

                if (!s)
                        s = take_slot(l, &list[i].key);
                first = &l->port_slot[s->key.port];
                s->index = (uint16_t) i;
                s->next = *first;
                *first = (uint8_t) (s - l->slots + 1);
                l->order[i] = (uint8_t) (s - l->slots);
        }
        l->count = count;
        l->known = true;
        return true;
}

void listener_syns_set_ports(struct listener_syns *l, const uint8_t ports[static 65536 / 8]) {
        memcpy(l->port_listens, ports, sizeof l->port_listens);
}

bool listener_syns_listens(const struct listener_syns *l, uint16_t port) {
        return l->port_listens[port / 8] & 1u << port % 8;
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

struct listener_slot *listener_syns_find(struct listener_syns *l, const struct address *destination, uint16_t port) {
        struct listener_slot *best = NULL;
        unsigned best_fit = 0;

        for (uint8_t i = l->port_slot[port]; i; i = l->slots[i - 1].next) {
                unsigned f = fit(&l->slots[i - 1].key, destination);

                if (f > best_fit) {
                        best = &l->slots[i - 1];
                        best_fit = f;
                }
        }
        return best;
}

uint32_t listener_syns_id(const struct listener_syns *l, uint32_t index) {
        return index < l->count ? l->slots[l->order[index]].id : LISTENER_SYNS_NONE;
}

const struct listener_slot *listener_syns_of(const struct listener_syns *l, uint32_t id) {
        const struct listener_slot *s = &l->slots[id % OBS_LISTENERS_MAX];

        return id != LISTENER_SYNS_NONE && s->in_use && s->id == id ? s : NULL;
}

void listener_syns_halve(struct listener_syns *l) {
        for (uint32_t i = 0; i < OBS_LISTENERS_MAX; i++) {
                l->slots[i].weighed /= 2;
                l->slots[i].weighed_ended /= 2;
        }
}

void listener_syns_tell(struct listener_syns *l, struct obs_listener *list, uint32_t count) {
        for (uint32_t i = 0; i < count; i++)
                for (uint8_t n = l->port_slot[list[i].key.port]; n; n = l->slots[n - 1].next) {
                        struct listener_slot *slot = &l->slots[n - 1];

                        if (!listener_key_equal(&slot->key, &list[i].key))
                                continue;
                        list[i].syns = slot->syns - slot->told;
                        list[i].syns_again = slot->again - slot->told_again;
                        list[i].syns_known = slot->from_known - slot->told_known;
                        list[i].ended = slot->ended - slot->told_ended;
                        list[i].known |= OBS_L_SYNS;
                        slot->told = slot->syns;
                        slot->told_again = slot->again;
                        slot->told_known = slot->from_known;
                        slot->told_ended = slot->ended;
                }
}
