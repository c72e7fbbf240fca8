/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a source table is made of: for core/source_table.c, which fills it, and core/sources_told.c, which
 * reads it, only.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/address.h"
#include "core/distinct.h"
#include "core/heavy_hitters.h"
#include "core/keyed_hash.h"
#include "core/listener_syns.h"
#include "core/open_connections.h"
#include "core/rotating_filter.h"
#include "core/source_table.h"
#include "core/source_window.h"

enum class { CLASS_ADDRESS, CLASS_IPV4_24, CLASS_IPV6_64, CLASS_IPV6_48, CLASSES };

enum {
        PENDING_MAX = 2048, /* SYNs kept until they are counted */
        NAMED_SYNS_MIN = 2, /* fewer in the window are nobody's */
};

/* Uses of a hash besides the classes, which have their own index. */
enum use { USE_LISTENER = CLASSES, USE_HANDSHAKE, USE_STEADY, USE_REPEATED };

static const struct class_facts {
        uint8_t length;
        uint32_t syns, others; /* counters */
        uint32_t named;        /* at most so many in an observation; together OBS_SOURCES_MAX */
} classes[CLASSES] = {
        [CLASS_ADDRESS] = { 128, 4096, 1024, 32 },
        [CLASS_IPV4_24] = { 120, 4096, 512, 16 },
        [CLASS_IPV6_64] = { 64, 1024, 512, 8 },
        [CLASS_IPV6_48] = { 48, 1024, 512, 8 },
};

/* A SYN that is not counted yet. */
struct pending {
        struct address source, destination;
        uint32_t one_in;
        uint32_t sequence;
        uint16_t source_port, destination_port;
        uint8_t sample; /* enum source_sample */
        uint32_t of;    /* the listener's id, LISTENER_SYNS_NONE */
};

struct source_table {
        struct keyed_hash key;
        uint32_t by_packet, by_source; /* one in so many is logged */
        uint32_t by_packet_most;       /* since the last halving */
        bool syns_known, completions_known, resets_known, half_open_known;

        struct heavy_hitters *syns[CLASSES];
        struct heavy_hitters *completed[CLASSES];
        struct heavy_hitters *half_open[CLASSES];  /* of the last whole walk */
        struct heavy_hitters *half_open_next[CLASSES];
        struct open_connections open;

        uint64_t halved_us;
        double weighed_us; /* time behind the counts, up to halved_us, weighed as they are */
        double lost;       /* SYNs, weighed as the counts */

        unsigned pending_count;
        struct pending pending[PENDING_MAX];

        struct source_window window;
        struct rotating_filter *clients;    /* of all classes, who finished lately */
        struct rotating_filter *steady;     /* the same, addresses only, by another hash: who is in both by chance
                                         * is one in millions, where forged addresses are many */
        struct rotating_filter *handshakes; /* begun lately: address, port, sequence number */
        struct rotating_filter *disowning;  /* of all classes, who answered by RST */
        struct known_clients *remembered;   /* who finished, for others; NULL: not wanted */
        struct heavy_hitters *ports;        /* on which somebody listens, by SYNs */

        struct listener_syns listeners;

        struct address probe_from;         /* whose SYNs are the daemon's own; a wildcard: nobody's */
        uint32_t known_begun, known_again; /* see struct obs_sources; since they were told */
};

static inline struct address class_key(enum class c, const struct address *a) {
        struct address key = *a;

        if (c != CLASS_ADDRESS)
                memset(key.bytes + classes[c].length / 8, 0, 16u - classes[c].length / 8);
        return key;
}

/* An address as a class counts it, for a listener. */
struct place {
        struct heavy_key key;
        uint64_t hash;
};

static inline uint64_t class_hash(const struct source_table *t, enum class c, const struct address *key) {
        return keyed_hash_for(&t->key, keyed_hash_address(&t->key, key), c);
}

static inline uint64_t steady_hash(const struct source_table *t, const struct address *a) {
        return keyed_hash_for(&t->key, keyed_hash_address(&t->key, a), USE_STEADY);
}

static inline uint64_t place_hash(const struct source_table *t, enum class c, const struct heavy_key *key) {
        return keyed_hash_for(&t->key, class_hash(t, c, &key->address), (uint64_t) key->of << 8 | USE_LISTENER);
}

static inline struct place place_of(const struct source_table *t, enum class c, const struct address *a, uint32_t of) {
        struct place p = { .key = { .address = class_key(c, a), .of = of } };

        p.hash = place_hash(t, c, &p.key);
        return p;
}
