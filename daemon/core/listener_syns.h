/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * SYNs counted by the listener that they are for, in fixed memory.
 *
 * The listener with the most specific address gets a SYN, as in the kernel
 * (inet_lookup_listener(), net/ipv4/inet_hashtables.c); the device is not known.
 * Each listener has an id that is its own as long as it is there, and nobody's for
 * long afterwards: tables that outlive a listener count under it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"

/* The id of no listener. */
#define LISTENER_SYNS_NONE UINT32_C(0)

/* All zeros: no listeners are known. Private to listener_syns.c, here so that it can be embedded. */
struct listener_syns {
        bool known;
        uint32_t count;                     /* listeners there are now … */
        uint8_t order[OBS_LISTENERS_MAX];   /* … and the slot of each, as they were listed */
        struct listener_slot {
                bool in_use;
                struct listener_key key;
                uint32_t id;
                uint16_t index;  /* in the list */
                uint8_t next;    /* slot + 1 of another listener of the same port */
                uint64_t syns, again, from_known, ended; /* since it is there */
                uint64_t told, told_again, told_known, told_ended;
                double weighed, weighed_ended; /* SYNs and ends, halved from time to time */
        } slots[OBS_LISTENERS_MAX];
        uint8_t port_slot[65536];        /* slot + 1 of the first listener of a port */
        uint8_t port_listens[65536 / 8]; /* ports with a listener beyond the list */
};

/* The listeners there are now; those that stay keep their counts. Returns whether they are
 * others than before. */
bool listener_syns_set(struct listener_syns *l, const struct obs_listener *list, uint32_t count);
/* Ports of listeners beyond that list: a bit each. Their SYNs are no strays. */
void listener_syns_set_ports(struct listener_syns *l, const uint8_t ports[static 65536 / 8]);

/* Whose a SYN is; NULL: none of the list's. The slot may be counted in. */
struct listener_slot *listener_syns_find(struct listener_syns *l, const struct address *destination, uint16_t port);
/* Whether one beyond the list listens there. */
bool listener_syns_listens(const struct listener_syns *l, uint16_t port);
/* The id of the listener at that place of the list; LISTENER_SYNS_NONE beyond it. */
uint32_t listener_syns_id(const struct listener_syns *l, uint32_t index);
/* By its id; NULL: not there any more. */
const struct listener_slot *listener_syns_of(const struct listener_syns *l, uint32_t id);
void listener_syns_halve(struct listener_syns *l);

/* Sets each one's syns, syns_again, syns_known and ended since it was told last, and OBS_L_SYNS. */
void listener_syns_tell(struct listener_syns *l, struct obs_listener *list, uint32_t count);
