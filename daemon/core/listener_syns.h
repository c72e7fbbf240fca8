/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * SYNs counted by the listener that they are for, in fixed memory.
 *
 * The listener with the most specific address gets a SYN, as in the kernel
 * (inet_lookup_listener(), net/ipv4/inet_hashtables.c); the device is not known.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"

/* All zeros: no listeners are known. Private to listener_syns.c, here so that it can be embedded. */
struct listener_syns {
        bool known;
        uint32_t count;
        struct listener_slot {
                struct listener_key key;
                uint64_t syns, told;
                uint8_t next; /* index + 1 of another listener of the same port */
        } slots[OBS_LISTENERS_MAX];
        uint8_t port_slot[65536]; /* index + 1 of the first listener of a port */
};

/* The listeners there are now; those that stay keep their counts. Returns whether they are
 * others than before. */
bool listener_syns_set(struct listener_syns *l, const struct obs_listener *list, uint32_t count);
/* Returns whether there is a listener for it. */
bool listener_syns_add(struct listener_syns *l, const struct address *destination, uint16_t port,
                       uint32_t syns);
/* Sets each one's syns, since it was told last, and OBS_L_SYNS. */
void listener_syns_tell(struct listener_syns *l, struct obs_listener *list, uint32_t count);
