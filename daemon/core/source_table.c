/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/source_table.h"

#include <errno.h>
#include <stdlib.h>

#include "core/retries.h"
#include "core/source_table_state.h"
#include "core/sources_told.h"

enum { SIDE_BY_SIDE = 32 }; /* SYNs looked up at once */

/* Who finished a handshake is a known client for one to two of these … */
#define CLIENT_PERIOD_US UINT64_C(300000000)
/* … a handshake is the same as long as a client sends its SYN again (1, 3, 7 s: RFC 6298) … */
#define HANDSHAKE_PERIOD_US UINT64_C(5000000)
/* … and who answered by RST has disowned what comes under its name for a minute or two. */
#define DISOWN_PERIOD_US HALF_OPEN_LIFE_US
enum {
        CLIENT_BLOCKS = 1024, /* 64 KiB: 16,000 clients, with their networks, at one wrongly known in 1,000 */
        HANDSHAKE_BLOCKS = 1024, /* 64 KiB: 50,000 handshakes; when more come they are known for less long */
        DISOWN_BLOCKS = 1024,
        PORTS_COUNTED = 256,
};

static bool is_of_class(const struct address *a, enum class c) {
        return c == CLASS_ADDRESS || (c == CLASS_IPV4_24) == address_is_ipv4(a);
}

static int new_tables(struct heavy_hitters *tables[CLASSES], bool syns) {
        for (unsigned c = 0; c < CLASSES; c++) {
                int r = heavy_hitters_new(syns ? classes[c].syns : classes[c].others, &tables[c]);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int new_filters(struct source_table *t, uint64_t now_us) {
        int r = rotating_filter_new(CLIENT_BLOCKS, CLIENT_PERIOD_US, now_us, &t->clients);

        if (r >= 0)
                r = rotating_filter_new(CLIENT_BLOCKS, CLIENT_PERIOD_US, now_us, &t->steady);
        if (r >= 0)
                r = rotating_filter_new(HANDSHAKE_BLOCKS, HANDSHAKE_PERIOD_US, now_us, &t->handshakes);
        if (r >= 0) {
                /* One that is taken for a repeat is missing from the flood, and the log seems blind. */
                rotating_filter_forget_when_full(t->handshakes);
                r = rotating_filter_new(DISOWN_BLOCKS, DISOWN_PERIOD_US, now_us, &t->disowning);
        }
        if (r >= 0)
                r = heavy_hitters_new(PORTS_COUNTED, &t->ports);
        return r;
}

int source_table_new(const struct keyed_hash *key, uint64_t now_us, struct source_table **ret) {
        struct source_table *t = calloc(1, sizeof *t);

        if (!t)
                return -ENOMEM;
        t->key = *key;
        t->by_packet = t->by_packet_most = t->by_source = 1;
        t->halved_us = now_us;
        source_window_init(&t->window, now_us);
        if (new_tables(t->syns, true) < 0 || new_tables(t->completed, false) < 0 ||
            new_tables(t->half_open, false) < 0 || new_tables(t->half_open_next, false) < 0 ||
            new_filters(t, now_us) < 0) {
                source_table_free(t);
                return -ENOMEM;
        }
        *ret = t;
        return 0;
}

struct source_table *source_table_free(struct source_table *t) {
        if (!t)
                return NULL;
        for (unsigned c = 0; c < CLASSES; c++) {
                heavy_hitters_free(t->syns[c]);
                heavy_hitters_free(t->completed[c]);
                heavy_hitters_free(t->half_open[c]);
                heavy_hitters_free(t->half_open_next[c]);
        }
        rotating_filter_free(t->clients);
        rotating_filter_free(t->steady);
        rotating_filter_free(t->handshakes);
        rotating_filter_free(t->disowning);
        heavy_hitters_free(t->ports);
        free(t);
        return NULL;
}

/* --- adding -------------------------------------------------------------------- */

static void add_to_class(struct source_table *t, enum class c, const struct pending *list, unsigned count) {
        struct place places[SIDE_BY_SIDE];
        uint32_t weights[SIDE_BY_SIDE];
        unsigned n = 0;

        for (unsigned i = 0; i < count; i++) {
                if (!(list[i].sample & SOURCE_BY_PACKET) || !is_of_class(&list[i].source, c))
                        continue;
                places[n] = place_of(t, c, &list[i].source, list[i].of);
                heavy_hitters_prefetch(t->syns[c], places[n].hash);
                weights[n++] = list[i].one_in;
        }
        for (unsigned i = 0; i < n; i++)
                heavy_hitters_add(t->syns[c], &places[i].key, places[i].hash, weights[i]);
}

static void count_for_port(struct source_table *t, const struct pending *s) {
        struct heavy_key port = { .of = s->destination_port };

        heavy_hitters_add(t->ports, &port, place_hash(t, CLASS_ADDRESS, &port), s->one_in);
}

/* Finds out whose each is, and counts it there. */
static void route(struct source_table *t, struct pending *list, unsigned count) {
        for (unsigned i = 0; i < count; i++) {
                struct pending *s = &list[i];
                struct listener_slot *l = listener_syns_find(&t->listeners, &s->destination, s->destination_port);
                bool beyond = !l && listener_syns_listens(&t->listeners, s->destination_port);

                s->of = l ? l->id : LISTENER_SYNS_NONE;
                if (!(s->sample & SOURCE_BY_PACKET))
                        continue;
                source_window_count(&t->window, s->destination_port, !l && !beyond, s->one_in);
                if (l) {
                        l->syns += s->one_in;
                        l->weighed += s->one_in;
                } else if (beyond)
                        count_for_port(t, s);
        }
}

struct sender {
        uint64_t hash, handshake;
        const struct pending *syn;
};

/* Nobody but a forger of just this address sends a handshake's first SYN in a client's name, and a client that
 * is not answered sends it again. */
static void count_known(struct source_table *t, const struct pending *p, uint64_t handshake, bool again) {
        if (address_equal(&p->source, &p->destination) || address_equal(&p->source, &t->probe_from) ||
            !rotating_filter_has(t->steady, steady_hash(t, &p->source)))
                return;
        if (!again)
                t->known_begun++;
        else if (!rotating_filter_again(t->handshakes, keyed_hash_for(&t->key, handshake, USE_REPEATED)))
                t->known_again++;
}

/* Of those who are sampled whole: who is known, which SYNs begin a handshake, and whose. */
static void add_to_window(struct source_table *t, const struct pending *list, unsigned count) {
        struct source_window_part *w = t->window.now;
        struct sender senders[SIDE_BY_SIDE];
        unsigned n = 0;

        for (unsigned i = 0; i < count; i++) {
                const struct pending *p = &list[i];
                struct sender *s = &senders[n];

                /* Of another sample of the addresses: of no use for this window. */
                if (!(p->sample & SOURCE_BY_SOURCE) || p->one_in != t->by_source)
                        continue;
                s->syn = p;
                s->hash = class_hash(t, CLASS_ADDRESS, &p->source);
                s->handshake = keyed_hash_for(&t->key, s->hash ^ (uint64_t) p->sequence << 32,
                                              ((uint64_t) p->source_port << 16 | p->destination_port) << 8 |
                                                      USE_HANDSHAKE);
                rotating_filter_prefetch(t->clients, s->hash);
                rotating_filter_prefetch(t->handshakes, s->handshake);
                distinct_prefetch(&w->distinct, s->hash);
                n++;
        }
        for (unsigned i = 0; i < n; i++) {
                const struct pending *p = senders[i].syn;
                const struct listener_slot *of = listener_syns_of(&t->listeners, p->of);
                struct listener_slot *l = of ? &t->listeners.slots[of - t->listeners.slots] : NULL;
                bool again = rotating_filter_again(t->handshakes, senders[i].handshake);
                bool known = rotating_filter_has(t->clients, senders[i].hash);
                /* What a checker opens it ends itself; whoever was forged is not who sent it. */
                bool disowns = rotating_filter_has(t->disowning, senders[i].hash);

                distinct_add(&w->distinct, senders[i].hash);
                if (l) {
                        l->again += again ? p->one_in : 0;
                        l->from_known += known ? p->one_in : 0;
                }
                if (known && l)
                        count_known(t, p, senders[i].handshake, again);
                if (!again && !known && !disowns)
                        seen_once_add(&w->strangers, place_of(t, CLASS_ADDRESS, &p->source, p->of).hash, p->of);
        }
}

/* Between two batches of the log the tables leave the cache, and a SYN touches six places of
 * them: one table after the other they come back once for many SYNs, and fetched for some SYNs
 * at a time they arrive side by side. */
static void settle(struct source_table *t) {
        route(t, t->pending, t->pending_count);
        for (unsigned c = 0; c <= CLASSES; c++)
                for (unsigned done = 0, n; done < t->pending_count; done += n) {
                        const struct pending *list = &t->pending[done];

                        n = t->pending_count - done < SIDE_BY_SIDE ? t->pending_count - done : SIDE_BY_SIDE;
                        if (c < CLASSES)
                                add_to_class(t, (enum class) c, list, n);
                        else
                                add_to_window(t, list, n);
                }
        t->pending_count = 0;
}

void source_table_add(struct source_table *t, const struct syn *s, enum source_sample sample, uint32_t one_in) {
        t->pending[t->pending_count++] = (struct pending) {
                .source = s->source,
                .destination = s->destination,
                .source_port = s->source_port,
                .destination_port = s->destination_port,
                .sequence = s->sequence,
                .sample = (uint8_t) sample,
                .one_in = one_in,
        };
        if (t->pending_count == PENDING_MAX)
                settle(t);
}

/* --- what it goes by -------------------------------------------------------------- */

void source_table_set_sampling(struct source_table *t, uint32_t by_packet, uint32_t by_source, uint64_t now_us) {
        settle(t);
        t->by_packet = by_packet;
        t->by_source = by_source;
        if (t->by_packet_most < by_packet)
                t->by_packet_most = by_packet;
        /* Another sample of the addresses: what was seen once cannot be carried over. */
        source_window_restart(&t->window, now_us);
}

void source_table_set_known(struct source_table *t, bool syns, bool completions) {
        t->syns_known = syns;
        t->completions_known = completions;
}

void source_table_set_resets_known(struct source_table *t) {
        t->resets_known = true;
}

bool source_table_set_listeners(struct source_table *t, const struct obs_listener *list, uint32_t count) {
        settle(t);
        return listener_syns_set(&t->listeners, list, count);
}

/* --- what else is known of the sources ---------------------------------------------- */

void source_table_lost(struct source_table *t, uint64_t messages) {
        /* So many messages come of one SYN, of both samples together. */
        double by_source = t->by_source ? 1.0 / t->by_source : 0;
        double per_syn = t->by_packet > 1 ? 1.0 / t->by_packet + by_source : 1;

        t->lost += (double) messages / per_syn;
}

static void add_one(const struct source_table *t, struct heavy_hitters *const tables[CLASSES],
                    const struct address *remote, const struct listener_slot *l) {
        for (unsigned c = 0; c < CLASSES; c++)
                if (is_of_class(remote, (enum class) c)) {
                        struct place p = place_of(t, (enum class) c, remote, l ? l->id : LISTENER_SYNS_NONE);

                        heavy_hitters_add(tables[c], &p.key, p.hash, 1);
                }
}

/* An address, and the prefixes it is in. */
static void remember(const struct source_table *t, struct rotating_filter *f, const struct address *a) {
        for (unsigned c = 0; c < CLASSES; c++)
                if (is_of_class(a, (enum class) c)) {
                        struct address key = class_key((enum class) c, a);

                        rotating_filter_add(f, class_hash(t, (enum class) c, &key));
                }
}

static void remember_client(const struct source_table *t, const struct address *a) {
        remember(t, t->clients, a);
        rotating_filter_add(t->steady, steady_hash(t, a));
}

void source_table_completed(struct source_table *t, const struct address *remote, const struct address *local,
                            uint16_t port) {
        struct listener_slot *l = listener_syns_find(&t->listeners, local, port);

        if (l) {
                l->ended++;
                l->weighed_ended++;
        }
        add_one(t, t->completed, remote, l);
        remember_client(t, remote);
        if (t->remembered)
                known_clients_add(t->remembered, remote);
}

void source_table_set_clients(struct source_table *t, struct known_clients *clients) {
        t->remembered = clients;
}

void source_table_set_probe(struct source_table *t, const struct address *from) {
        t->probe_from = *from;
}

void source_table_disowned(struct source_table *t, const struct address *remote) {
        remember(t, t->disowning, remote);
}

void source_table_half_open_begin(struct source_table *t) {
        for (unsigned c = 0; c < CLASSES; c++)
                heavy_hitters_clear(t->half_open_next[c]);
}

void source_table_half_open(struct source_table *t, const struct address *remote, const struct address *local,
                            uint16_t port) {
        add_one(t, t->half_open_next, remote, listener_syns_find(&t->listeners, local, port));
}

void source_table_half_open_end(struct source_table *t) {
        for (unsigned c = 0; c < CLASSES; c++) {
                struct heavy_hitters *swap = t->half_open[c];

                t->half_open[c] = t->half_open_next[c];
                t->half_open_next[c] = swap;
        }
        t->half_open_known = true;
}

static void halve(struct source_table *t, unsigned times) {
        for (unsigned c = 0; c < CLASSES; c++) {
                heavy_hitters_decay(t->syns[c], times);
                heavy_hitters_decay(t->completed[c], times);
        }
        heavy_hitters_decay(t->ports, times);
        for (unsigned i = 0; i < times; i++) {
                listener_syns_halve(&t->listeners);
                open_connections_halve(&t->open, t->halved_us, SOURCE_TABLE_HALVING_US);
                t->weighed_us /= 2;
                t->lost /= 2;
        }
        t->by_packet_most = t->by_packet;
}

static void pass_time(struct source_table *t, uint64_t now_us) {
        uint64_t passed_us = now_us - t->halved_us, times = passed_us / SOURCE_TABLE_HALVING_US;

        /* A tick comes late: what arrived until now is halved, so the time until now is too. */
        if (times > 0) {
                t->weighed_us += (double) passed_us;
                t->halved_us = now_us;
                /* After 32 there is nothing left to halve. */
                halve(t, times < 32 ? (unsigned) times : 32);
        }
        source_window_pass(&t->window, now_us);
        rotating_filter_pass(t->clients, now_us);
        rotating_filter_pass(t->steady, now_us);
        rotating_filter_pass(t->handshakes, now_us);
        rotating_filter_pass(t->disowning, now_us);
}

static enum class class_of(const struct prefix *p) {
        enum class c = CLASS_ADDRESS;

        /* An IPv4 /24 is a /120 here: no two classes have the same length. */
        while (c + 1 < CLASSES && classes[c].length != p->length) c++;
        return c;
}

void source_table_observe(struct source_table *t, uint64_t now_us, struct obs_sources *ret) {
        settle(t);
        pass_time(t, now_us);
        sources_told(t, now_us, ret);
        t->known_begun = t->known_again = 0;
}

void source_table_open(struct source_table *t, uint32_t connections, uint64_t now_us, struct obs_source *s) {
        enum class c = class_of(&s->prefix);

        open_connections_look(&t->open, &s->prefix, connections, now_us);
        if (t->completions_known)
                sources_told_completed(t, now_us, c, s);
        if (connections == 0)
                return;
        rotating_filter_add(t->clients, class_hash(t, c, &s->prefix.address));
        s->is |= OBS_S_CLIENT;
        if (s->prefix.length == ADDRESS_BITS)
                rotating_filter_add(t->steady, steady_hash(t, &s->prefix.address));
        if (t->remembered && s->prefix.length == ADDRESS_BITS)
                known_clients_add(t->remembered, &s->prefix.address);
}

void source_table_listener_syns(struct source_table *t, uint64_t now_us, struct obs_listener *list, uint32_t count) {
        if (!t->syns_known)
                return;
        settle(t);
        listener_syns_tell(&t->listeners, list, count);
        if (count == t->listeners.count)
                sources_told_senders(t, now_us, list, count);
}

void source_table_set_ports(struct source_table *t, const uint8_t ports[static 65536 / 8]) {
        listener_syns_set_ports(&t->listeners, ports);
}

uint32_t source_table_busy_ports(const struct source_table *t, uint32_t max, uint16_t *ret) {
        struct heavy_hitter top[SOURCE_TABLE_BUSY_PORTS];
        size_t n = heavy_hitters_top(t->ports, NAMED_SYNS_MIN,
                                     max < SOURCE_TABLE_BUSY_PORTS ? max : SOURCE_TABLE_BUSY_PORTS, top);

        for (size_t i = 0; i < n; i++)
                ret[i] = (uint16_t) top[i].key.of;
        return (uint32_t) n;
}

size_t source_table_memory(const struct source_table *t) {
        size_t bytes = sizeof *t + heavy_hitters_memory(t->ports) + rotating_filter_memory(t->clients) +
                       rotating_filter_memory(t->steady) + rotating_filter_memory(t->handshakes) +
                       rotating_filter_memory(t->disowning);

        for (unsigned c = 0; c < CLASSES; c++)
                bytes += heavy_hitters_memory(t->syns[c]) + heavy_hitters_memory(t->completed[c]) +
                         heavy_hitters_memory(t->half_open[c]) + heavy_hitters_memory(t->half_open_next[c]);
        return bytes;
}
