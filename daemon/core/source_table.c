/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/source_table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/distinct.h"
#include "core/heavy_hitters.h"
#include "core/listener_syns.h"
#include "core/open_connections.h"
#include "core/rotating_filter.h"
#include "core/share_bounds.h"
#include "core/source_window.h"

enum class { CLASS_ADDRESS, CLASS_IPV4_24, CLASS_IPV6_64, CLASS_IPV6_48, CLASSES };

enum {
        PENDING_MAX = 2048, /* SYNs kept until they are counted */
        SIDE_BY_SIDE = 32,  /* of them looked up at once */
        /* A source is worth naming when it is sure to send this share of all SYNs … */
        NAMED_SHARE_INVERSE = 2000,
        NAMED_SYNS_MIN = 2,       /* … and at least so many in the window, */
        NAMED_HALF_OPEN_MIN = 16, /* or when it holds so many half-opens. */
        DOUBTED_PER_S_MIN = 20,
};

#define SECOND_US 1e6
#define DOUBTED_COMPLETION_MAX 0.5
#define RATE_WINDOW_MIN_US UINT64_C(200000)

/* Who finished a handshake is a known client for one to two of these … */
#define CLIENT_PERIOD_US UINT64_C(300000000)
/* … a handshake is the same as long as a client sends its SYN again (1, 3, 7 s: RFC 6298) … */
#define HANDSHAKE_PERIOD_US UINT64_C(5000000)
/* … and who answered by RST has disowned what comes under its name for a minute or two. */
#define DISOWN_PERIOD_US UINT64_C(60000000)
enum {
        CLIENT_BLOCKS = 1024, /* 64 KiB: 16,000 clients, with their networks, at one wrongly known in 1,000 */
        HANDSHAKE_BLOCKS = 1024, /* 64 KiB: 50,000 handshakes; when more come they are known for less long */
        DISOWN_BLOCKS = 1024,
        PORTS_COUNTED = 256,
};

/* Uses of a hash besides the classes, which have their own index. */
enum use { USE_LISTENER = CLASSES, USE_HANDSHAKE };

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
        struct rotating_filter *handshakes; /* begun lately: address, port, sequence number */
        struct rotating_filter *disowning;  /* of all classes, who answered by RST */
        struct known_clients *remembered;   /* who finished, for others; NULL: not wanted */
        struct heavy_hitters *ports;        /* on which somebody listens, by SYNs */

        struct listener_syns listeners;
};

static struct address class_key(enum class c, const struct address *a) {
        struct address key = *a;

        if (c != CLASS_ADDRESS)
                memset(key.bytes + classes[c].length / 8, 0, 16u - classes[c].length / 8);
        return key;
}

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
        rotating_filter_free(t->handshakes);
        rotating_filter_free(t->disowning);
        heavy_hitters_free(t->ports);
        free(t);
        return NULL;
}

/* --- adding -------------------------------------------------------------------- */

/* An address as a class counts it, for a listener. */
struct place {
        struct heavy_key key;
        uint64_t hash;
};

static uint64_t class_hash(const struct source_table *t, enum class c, const struct address *key) {
        return keyed_hash_for(&t->key, keyed_hash_address(&t->key, key), c);
}

static uint64_t place_hash(const struct source_table *t, enum class c, const struct heavy_key *key) {
        return keyed_hash_for(&t->key, class_hash(t, c, &key->address), (uint64_t) key->of << 8 | USE_LISTENER);
}

static struct place place_of(const struct source_table *t, enum class c, const struct address *a,
                             uint32_t of) {
        struct place p = { .key = { .address = class_key(c, a), .of = of } };

        p.hash = place_hash(t, c, &p.key);
        return p;
}

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
                                              ((uint64_t) p->source_port << 16 | p->destination_port) << 8 | USE_HANDSHAKE);
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

void source_table_add(struct source_table *t, const struct syn *s, enum source_sample sample,
                      uint32_t one_in) {
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

void source_table_set_sampling(struct source_table *t, uint32_t by_packet, uint32_t by_source,
                               uint64_t now_us) {
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

bool source_table_set_listeners(struct source_table *t, const struct obs_listener *list,
                                uint32_t count) {
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

void source_table_completed(struct source_table *t, const struct address *remote,
                            const struct address *local, uint16_t port) {
        struct listener_slot *l = listener_syns_find(&t->listeners, local, port);

        if (l) {
                l->ended++;
                l->weighed_ended++;
        }
        add_one(t, t->completed, remote, l);
        remember(t, t->clients, remote);
        if (t->remembered)
                known_clients_add(t->remembered, remote);
}

void source_table_set_clients(struct source_table *t, struct known_clients *clients) {
        t->remembered = clients;
}

void source_table_disowned(struct source_table *t, const struct address *remote) {
        remember(t, t->disowning, remote);
}

void source_table_half_open_begin(struct source_table *t) {
        for (unsigned c = 0; c < CLASSES; c++)
                heavy_hitters_clear(t->half_open_next[c]);
}

void source_table_half_open(struct source_table *t, const struct address *remote,
                            const struct address *local, uint16_t port) {
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

static void halve(struct source_table *t) {
        for (unsigned c = 0; c < CLASSES; c++) {
                heavy_hitters_decay(t->syns[c]);
                heavy_hitters_decay(t->completed[c]);
        }
        heavy_hitters_decay(t->ports);
        listener_syns_halve(&t->listeners);
        open_connections_halve(&t->open, t->halved_us, SOURCE_TABLE_HALVING_US);
        t->weighed_us /= 2;
        t->lost /= 2;
        t->by_packet_most = t->by_packet;
}

static void pass_time(struct source_table *t, uint64_t now_us) {
        uint64_t passed_us = now_us - t->halved_us;

        /* A tick comes late: what arrived until now is halved, so the time until now is too. */
        if (passed_us >= SOURCE_TABLE_HALVING_US) {
                t->weighed_us += (double) passed_us;
                t->halved_us = now_us;
                /* After 32 there is nothing left to halve. */
                for (unsigned i = 0; i < 32 && passed_us >= SOURCE_TABLE_HALVING_US; i++) {
                        halve(t);
                        passed_us -= SOURCE_TABLE_HALVING_US;
                }
        }
        source_window_pass(&t->window, now_us);
        rotating_filter_pass(t->clients, now_us);
        rotating_filter_pass(t->handshakes, now_us);
        rotating_filter_pass(t->disowning, now_us);
}

/* Seconds behind the counts, and what makes up for lost messages. */
struct scale {
        double per_s, sampled;
        double loss;
};

static struct scale make_scale(const struct source_table *t, uint64_t now_us) {
        double us = t->weighed_us + (double) (now_us - t->halved_us);
        double total = heavy_hitters_total(t->syns[CLASS_ADDRESS]);

        return (struct scale) {
                .per_s = SECOND_US / fmax(us, (double) RATE_WINDOW_MIN_US),
                .sampled = t->by_packet_most,
                .loss = total > 0 ? (total + t->lost) / total : 1,
        };
}

static void fill_syns(const struct scale *k, const struct heavy_hitter *e, struct obs_source *s) {
        /* Twice the standard error of a count from one in n. */
        double chance = 2 * sqrt(e->count * (k->sampled * k->loss - 1));

        s->syn_per_s = e->count * k->loss * k->per_s;
        s->syn_error_per_s = fmin(e->count, e->error + chance) * k->loss * k->per_s;
        s->known |= OBS_S_SYNS;
}

/* Both counts are only bounded: takes the worse end of each. */
static void fill_completed(const struct source_table *t, const struct scale *k, enum class c,
                           const struct place *p, const struct heavy_hitter *syns, struct obs_source *s) {
        struct heavy_hitter ended = heavy_hitters_get(t->completed[c], &p->key, p->hash);
        const struct open_connections_of *open = open_connections_get(&t->open, &s->prefix);
        double low = ended.count - ended.error, high = ended.count, unused;

        if (open) {
                low = fmax(0, low + open->gained);
                high = fmax(0, high + open->gained) + open->at_first;
        }
        s->completed_per_s = low * k->per_s;
        s->known |= OBS_S_COMPLETED;
        share_bounds(low / (k->sampled * k->loss), syns->count / k->sampled, &s->completion_low,
                     &unused);
        share_bounds(high / (k->sampled * k->loss), (syns->count - syns->error) / k->sampled,
                     &unused, &s->completion_high);
}

static void fill_source(const struct source_table *t, const struct scale *k, enum class c,
                        const struct heavy_key *named, struct obs_source *s) {
        struct place p = { .key = *named, .hash = place_hash(t, c, named) };
        struct heavy_hitter syns = heavy_hitters_get(t->syns[c], &p.key, p.hash);
        const struct listener_slot *l = listener_syns_of(&t->listeners, named->of);
        uint64_t hash = class_hash(t, c, &named->address);

        *s = (struct obs_source) {
                .prefix = { .address = named->address, .length = classes[c].length },
                .listener = l ? l->index : OBS_LISTENER_NONE,
                .completion_high = 1,
        };
        if (rotating_filter_has(t->clients, hash))
                s->is |= OBS_S_CLIENT;
        if (rotating_filter_has(t->disowning, hash))
                s->is |= OBS_S_DISOWNS;
        if (t->syns_known)
                fill_syns(k, &syns, s);
        if (t->completions_known)
                fill_completed(t, k, c, &p, &syns, s);
        if (t->half_open_known) {
                struct heavy_hitter h = heavy_hitters_get(t->half_open[c], &p.key, p.hash);

                s->half_open = (uint32_t) (h.count - h.error + 0.5);
                s->known |= OBS_S_HALF_OPEN;
        }
}

static bool is_named(const struct heavy_hitter *list, size_t count, const struct heavy_key *k) {
        for (size_t i = 0; i < count; i++)
                if (list[i].key.of == k->of && address_equal(&list[i].key.address, &k->address))
                        return true;
        return false;
}

/* The heaviest of a class: by SYNs, then those that stand out by half-opens only. */
static void name_class(const struct source_table *t, const struct scale *k, enum class c,
                       struct obs_sources *ret) {
        struct heavy_hitter named[OBS_SOURCES_MAX], holders[OBS_SOURCES_MAX];
        double total = heavy_hitters_total(t->syns[CLASS_ADDRESS]);
        size_t n = 0, holders_count, max = classes[c].named;

        if (t->syns_known)
                n = heavy_hitters_top(t->syns[c], fmax(NAMED_SYNS_MIN, total / (double) NAMED_SHARE_INVERSE),
                                      max, named);
        holders_count = heavy_hitters_top(t->half_open[c], NAMED_HALF_OPEN_MIN, max, holders);
        for (size_t i = 0; i < holders_count && n < max; i++)
                if (!is_named(named, n, &holders[i].key))
                        named[n++] = holders[i];
        for (size_t i = 0; i < n; i++)
                fill_source(t, k, c, &named[i].key, &ret->list[ret->count++]);
}

static bool heavier(const struct obs_source *a, const struct obs_source *b) {
        double da = a->syn_per_s - a->syn_error_per_s, db = b->syn_per_s - b->syn_error_per_s;

        return da > db || (da >= db && a->half_open > b->half_open);
}

/* By insertion: qsort(3) allocates for an array of this size. */
static void sort_list(struct obs_sources *l) {
        for (uint32_t i = 1; i < l->count; i++) {
                struct obs_source s = l->list[i];
                uint32_t at = i;

                for (; at > 0 && heavier(&s, &l->list[at - 1]); at--)
                        l->list[at] = l->list[at - 1];
                l->list[at] = s;
        }
}

static void tell_window(const struct source_table *t, uint64_t now_us, struct obs_sources *ret) {
        const struct source_window_part *w = source_window_tells(&t->window, now_us);
        struct seen_once_tally all;

        if (t->by_source) {
                ret->distinct = t->by_source *
                                distinct_estimate(&t->window.now->distinct,
                                                  t->window.before ? &t->window.before->distinct : NULL);
                ret->known |= OBS_SS_DISTINCT;
        }
        if (!w)
                return;
        all = seen_once_all(&w->strangers);
        if (t->by_source && all.seen > 0) {
                ret->seen_once_share = (double) all.once / (double) all.seen;
                ret->known |= OBS_SS_SEEN_ONCE;
        }
        if (!t->listeners.known || w->syns == 0)
                return;
        ret->stray_share = (double) w->stray_syns / (double) w->syns;
        ret->stray_ports = w->stray_ports;
        ret->known |= OBS_SS_STRAY;
}

void source_table_observe(struct source_table *t, uint64_t now_us, struct obs_sources *ret) {
        struct scale k;

        settle(t);
        pass_time(t, now_us);
        k = make_scale(t, now_us);
        ret->count = 0;
        ret->known = 0;
        ret->distinct = ret->seen_once_share = ret->stray_share = 0;
        ret->stray_ports = 0;
        for (unsigned c = 0; c < CLASSES; c++)
                name_class(t, &k, (enum class) c, ret);
        sort_list(ret);
        ret->tracked = heavy_hitters_tracked(t->syns[CLASS_ADDRESS]);
        ret->syn_per_s = heavy_hitters_total(t->syns[CLASS_ADDRESS]) * k.loss * k.per_s;
        if (t->resets_known)
                ret->known |= OBS_SS_DISOWNED;
        if (t->syns_known)
                tell_window(t, now_us, ret);
}

bool source_table_doubts(const struct obs_source *s) {
        const uint32_t both = OBS_S_SYNS | OBS_S_COMPLETED;

        return (s->known & both) == both && s->completion_low < DOUBTED_COMPLETION_MAX &&
               (s->syn_per_s - s->syn_error_per_s >= (double) DOUBTED_PER_S_MIN ||
                s->half_open >= NAMED_HALF_OPEN_MIN);
}

static enum class class_of(const struct prefix *p) {
        enum class c = CLASS_ADDRESS;

        /* An IPv4 /24 is a /120 here: no two classes have the same length. */
        while (c + 1 < CLASSES && classes[c].length != p->length)
                c++;
        return c;
}

void source_table_open(struct source_table *t, uint32_t connections, uint64_t now_us,
                       struct obs_source *s) {
        const struct scale k = make_scale(t, now_us);
        enum class c = class_of(&s->prefix);
        uint32_t of = s->listener < t->listeners.count
                              ? t->listeners.slots[t->listeners.order[s->listener]].id : LISTENER_SYNS_NONE;
        struct place p = place_of(t, c, &s->prefix.address, of);
        struct heavy_hitter syns = heavy_hitters_get(t->syns[c], &p.key, p.hash);

        open_connections_look(&t->open, &s->prefix, connections, now_us);
        fill_completed(t, &k, c, &p, &syns, s);
        if (connections == 0)
                return;
        rotating_filter_add(t->clients, class_hash(t, c, &s->prefix.address));
        s->is |= OBS_S_CLIENT;
        if (t->remembered && s->prefix.length == ADDRESS_BITS)
                known_clients_add(t->remembered, &s->prefix.address);
}

/* What one part of the window says of each one's strangers, where it says more than another did:
 * whether addresses come again shows by how many did. */
static void tell_strangers(const struct source_table *t, const struct source_window_part *w, uint64_t now_us,
                           struct obs_listener *list, const uint32_t *ids, uint32_t count) {
        struct seen_once_tally tallies[OBS_LISTENERS_MAX];

        seen_once_tell(&w->strangers, ids, count, tallies);
        for (uint32_t i = 0; i < count; i++) {
                struct obs_senders *s = &list[i].senders;
                uint64_t again = s->begun - s->addresses, again_here = tallies[i].seen - tallies[i].keys;

                if (again_here < again || (again_here == again && tallies[i].seen <= s->begun))
                        continue;
                s->begun = tallies[i].seen;
                s->addresses = tallies[i].keys;
                s->once = tallies[i].once;
                s->one_in = tallies[i].one_in * t->by_source;
                s->span_s = source_window_span_s(&t->window, w, now_us);
        }
}

/* What the sample says of each one's senders. */
static void tell_senders(const struct source_table *t, uint64_t now_us, struct obs_listener *list,
                         uint32_t count) {
        struct scale k = make_scale(t, now_us);
        uint32_t ids[OBS_LISTENERS_MAX];

        for (uint32_t i = 0; i < count; i++) {
                const struct listener_slot *slot = &t->listeners.slots[t->listeners.order[i]];

                ids[i] = slot->id;
                list[i].senders = (struct obs_senders) {
                        .syn_per_s = slot->weighed * k.loss * k.per_s,
                        .ended_per_s = slot->weighed_ended * k.per_s,
                        .one_in = t->by_source,
                };
                if (t->completions_known)
                        list[i].known |= OBS_L_ENDED;
                if (t->by_source)
                        list[i].known |= OBS_L_SENDERS;
        }
        tell_strangers(t, t->window.now, now_us, list, ids, count);
        if (t->window.before)
                tell_strangers(t, t->window.before, now_us, list, ids, count);
}

void source_table_listener_syns(struct source_table *t, uint64_t now_us, struct obs_listener *list,
                                uint32_t count) {
        if (!t->syns_known)
                return;
        settle(t);
        listener_syns_tell(&t->listeners, list, count);
        if (count == t->listeners.count)
                tell_senders(t, now_us, list, count);
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
                       rotating_filter_memory(t->handshakes) + rotating_filter_memory(t->disowning);

        for (unsigned c = 0; c < CLASSES; c++)
                bytes += heavy_hitters_memory(t->syns[c]) + heavy_hitters_memory(t->completed[c]) +
                         heavy_hitters_memory(t->half_open[c]) +
                         heavy_hitters_memory(t->half_open_next[c]);
        return bytes;
}
