/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/ledger_sources.h"

#include <errno.h>
#include <stdlib.h>

#include "replay/ledger_hash.h"

enum {
        SETS = 1 << 12,
        WAYS = 4,
        PORT_STEP_MAX = 16,
};

struct source {
        struct address address;
        uint32_t score; /* what others have to outweigh to take its place */
        uint32_t handshakes, finished, reset, refused, ttl_differs, ports_in_order;
        uint16_t last_port, reset_at;
        bool reset_several;
        uint8_t ttl;
        uint64_t reset_delay_us;
};

struct source_set {
        struct source ways[WAYS];
};

struct ledger_sources {
        struct source_set sets[2][SETS]; /* addresses, networks */
};

int ledger_sources_new(struct ledger_sources **ret) {
        struct ledger_sources *t = calloc(1, sizeof *t);

        if (!t)
                return -ENOMEM;
        *ret = t;
        return 0;
}

struct ledger_sources *ledger_sources_free(struct ledger_sources *t) {
        free(t);
        return NULL;
}

static struct address network_of(const struct address *a) {
        return address_mask(a, address_is_ipv4(a) ? ADDRESS_IPV4_OFFSET_BITS + 24 : 64);
}

/* admit: it may take another's place, whose weight falls until it has none. */
static struct source *source_for(struct ledger_sources *t, unsigned kind, const struct address *a, uint64_t hash,
                                 bool admit) {
        struct source_set *set = &t->sets[kind][hash >> 40 & (SETS - 1)];
        struct source *lightest = &set->ways[0];

        for (unsigned i = 0; i < WAYS; i++) {
                struct source *s = &set->ways[i];

                if (s->score > 0 && address_equal(&s->address, a))
                        return s;
                if (s->score < lightest->score)
                        lightest = s;
        }
        if (!admit)
                return NULL;
        if (lightest->score > 0) {
                lightest->score--;
                return NULL;
        }
        *lightest = (struct source) { .address = *a };
        return lightest;
}

void ledger_sources_begin(struct ledger_sources *t, const struct ledger_note *n, uint8_t ttl, uint64_t hash) {
        struct address network = network_of(&n->client);
        struct source *s[2] = {
                source_for(t, 0, &n->client, hash, true),
                source_for(t, 1, &network, ledger_hash(&network), true),
        };

        for (unsigned kind = 0; kind < 2; kind++) {
                uint16_t step;

                if (!s[kind])
                        continue;
                step = (uint16_t) (n->client_port - s[kind]->last_port);
                s[kind]->handshakes++;
                s[kind]->score++;
                s[kind]->ports_in_order += step >= 1 && step <= PORT_STEP_MAX;
                s[kind]->last_port = n->client_port;
                s[kind]->ttl = ttl;
        }
}

void ledger_sources_end(struct ledger_sources *t, const struct ledger_note *n, unsigned service, uint8_t ttl,
                        uint32_t age_ms) {
        struct address keys[2] = { n->client, network_of(&n->client) };

        for (unsigned kind = 0; kind < 2; kind++) {
                struct source *s = source_for(t, kind, &keys[kind], ledger_hash(&keys[kind]), false);

                if (!s)
                        continue;
                s->finished += n->news == LEDGER_FINISHED;
                s->refused += n->news == LEDGER_REFUSED;
                if (n->news != LEDGER_RESET)
                        continue;
                s->reset_several |= s->reset > 0 && s->reset_at != service;
                s->reset_at = (uint16_t) service;
                s->reset++;
                s->ttl_differs += ttl != s->ttl;
                s->reset_delay_us += UINT64_C(1000) * age_ms;
        }
}

static struct ledger_source describe(const struct source *s, bool network) {
        bool v4 = address_is_ipv4(&s->address);

        return (struct ledger_source) {
                .prefix = { .address = s->address,
                            .length = !network ? ADDRESS_BITS
                                      : v4     ? ADDRESS_IPV4_OFFSET_BITS + 24
                                               : 64 },
                .handshakes = s->handshakes,
                .finished = s->finished,
                .reset = s->reset,
                .refused = s->refused,
                .reset_delay_us = s->reset_delay_us,
                .ttl_differs = s->ttl_differs,
                .ports_in_order = s->ports_in_order,
                .reset_at = s->reset_several ? CAPTURE_NO_SERVICE : (int) s->reset_at,
        };
}

unsigned ledger_sources_heaviest(const struct ledger_sources *t, bool networks, unsigned max,
                                 struct ledger_source *ret) {
        unsigned count = 0;

        for (unsigned i = 0; i < SETS * WAYS; i++) {
                const struct source *s = &t->sets[networks][i / WAYS].ways[i % WAYS];
                unsigned at;

                if (s->score == 0 || (count == max && s->handshakes <= ret[count - 1].handshakes))
                        continue;
                for (at = count < max ? count++ : count - 1; at > 0 && ret[at - 1].handshakes < s->handshakes; at--)
                        ret[at] = ret[at - 1];
                ret[at] = describe(s, networks);
        }
        return count;
}
