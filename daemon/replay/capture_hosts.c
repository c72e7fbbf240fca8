/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_hosts_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/keyed_hash.h"

enum {
        PROBES = 8,
        GROUP_ADDRESSES = 8, /* so many of a network share a port: a listener on any address */
        SYNS_MIN = 20,       /* unanswered or refused ones, where something else is answered */
        FEW_ENDS = 16,       /* more, each with few SYNs, are a scan */
        CLIENT_ENDS = 8,     /* that one host alone asks, in so many networks: */
        CLIENT_NETWORKS = 4, /* it is the captured host, and they are others' */
};

/* Where nobody answers, a listener has at least this share of the busiest one's SYNs. */
#define GUESS_SHARE 0.01

/* Fixed: the same file gives the same answer. */
static const struct keyed_hash hash_key = { { 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
                                              0x082efa98ec4e6c89 } };

static uint64_t hash_end(const struct address *a, uint32_t port) {
        return keyed_hash_fold(keyed_hash_address(&hash_key, a) ^ port, hash_key.words[3]);
}

int capture_hosts_new(const struct capture_given *given, struct capture_hosts **ret) {
        struct capture_hosts *h = calloc(1, sizeof *h);

        if (!h)
                return -ENOMEM;
        h->given = given;
        *ret = h;
        return 0;
}

struct capture_hosts *capture_hosts_free(struct capture_hosts *h) {
        free(h);
        return NULL;
}

/* --- who was named ----------------------------------------------------------------- */

static bool given_as_local(const struct capture_hosts *h, const struct address *a) {
        for (uint32_t i = 0; i < h->given->local_count; i++)
                if (prefix_contains(&h->given->local[i], a))
                        return true;
        return false;
}

/* NULL: it is not, or nothing was named. */
static const struct capture_listen *given_as_listener(const struct capture_hosts *h, const struct address *a,
                                                      uint16_t port) {
        for (uint32_t i = 0; i < h->given->listen_count; i++) {
                const struct capture_listen *l = &h->given->listen[i];

                if (l->port == port && (l->any || address_equal(&l->address, a)))
                        return l;
        }
        return NULL;
}

static bool is_loopback(const struct address *a) {
        static const uint8_t one[16] = { [15] = 1 };

        return (address_is_ipv4(a) && a->bytes[12] == 127) || memcmp(a->bytes, one, sizeof one) == 0;
}

/* --- ends and groups ----------------------------------------------------------------- */

static struct address wildcard(const struct address *like) {
        static const uint8_t zero[16] = { 0 };

        return address_is_ipv4(like) ? address_from_ipv4(0) : address_from_ipv6(zero);
}

static struct prefix prefix_of(const struct address *a, uint8_t v4_length, uint8_t v6_length) {
        struct prefix p = { .length = address_is_ipv4(a) ? ADDRESS_IPV4_OFFSET_BITS + v4_length : v6_length };

        p.address = address_mask(a, p.length);
        return p;
}

/* What may belong to one host or service; a provider gives out no longer prefixes of IPv6. */
static struct prefix network_of(const struct address *a) {
        return prefix_of(a, 24, 48);
}

/* As it is told, if all addresses are in it. */
static struct prefix narrow_network_of(const struct address *a) {
        return prefix_of(a, 24, 64);
}

static void widen(struct prefix *p, const struct prefix *by) {
        while (p->length > 0 && !(by->length >= p->length && prefix_contains(p, &by->address))) {
                p->length--;
                p->address = address_mask(&p->address, p->length);
        }
}

static uint32_t group_for(struct capture_hosts *h, const struct address *a, uint16_t port) {
        struct prefix network = network_of(a);
        uint64_t start = hash_end(&network.address, port);
        uint32_t lightest = (uint32_t) (start % GROUPS_MAX);

        for (unsigned i = 0; i < PROBES; i++) {
                uint32_t n = (uint32_t) ((start + i) % GROUPS_MAX);
                struct group *g = &h->groups[n];

                if (g->used && g->port == port && address_equal(&g->network.address, &network.address))
                        return n;
                if (!g->used || (g->service == CAPTURE_NO_SERVICE &&
                                 g->syns + g->answers < h->groups[lightest].syns + h->groups[lightest].answers))
                        lightest = n;
                if (!g->used)
                        break;
        }
        h->groups[lightest] = (struct group) {
                .used = true,
                .network = network,
                .narrow = narrow_network_of(a),
                .port = port,
                .service = CAPTURE_NO_SERVICE,
        };
        return lightest;
}

static bool is_end(const struct end *e, const struct address *a, uint16_t port) {
        return e->used && e->port == port && address_equal(&e->address, a);
}

static struct end *end_find(struct capture_hosts *h, const struct address *a, uint16_t port) {
        uint64_t start = hash_end(a, port);

        if (h->last && is_end(h->last, a, port))
                return h->last;
        for (unsigned i = 0; i < PROBES; i++) {
                struct end *e = &h->ends[(start + i) % ENDS_MAX];

                if (is_end(e, a, port))
                        return h->last = e;
        }
        return NULL;
}

static void join_group(struct capture_hosts *h, struct end *e) {
        struct prefix network = narrow_network_of(&e->address);
        struct group *g;

        e->group = group_for(h, &e->address, e->port);
        g = &h->groups[e->group];
        g->ends++;
        widen(&g->narrow, &network);
        e->service = g->service;
        if (e->service == CAPTURE_NO_SERVICE)
                return;
        h->services[e->service].addresses++;
        widen(&h->services[e->service].network, &network);
}

/* A scan over all ports fills the table: the idlest makes room, never a service. */
static struct end *end_for(struct capture_hosts *h, const struct address *a, uint16_t port) {
        struct end *e = end_find(h, a, port), *idlest = NULL;
        uint64_t start = hash_end(a, port);

        if (e)
                return e;
        for (unsigned i = 0; i < PROBES; i++) {
                e = &h->ends[(start + i) % ENDS_MAX];
                if (!e->used) {
                        idlest = e;
                        break;
                }
                if (e->service == CAPTURE_NO_SERVICE && e->answers == 0 && (!idlest || e->syns < idlest->syns))
                        idlest = e;
        }
        if (!idlest)
                return NULL;
        *idlest = (struct end) { .used = true, .address = *a, .port = port, .service = CAPTURE_NO_SERVICE };
        h->ends_met++;
        join_group(h, idlest);
        return h->last = idlest;
}

/* --- services --------------------------------------------------------------------------- */

bool capture_hosts_is_local(const struct capture_hosts *h, const struct address *a) {
        if (h->given->local_count)
                return given_as_local(h, a);
        for (uint32_t i = 0; i < h->count; i++) {
                const struct capture_service *s = &h->services[i];

                if (address_is_wildcard(&s->key.address) ? s->network.length && prefix_contains(&s->network, a)
                                                         : address_equal(&s->key.address, a))
                        return true;
        }
        return is_loopback(a);
}

static int add_service(struct capture_hosts *h, const struct address *a, uint16_t port, const struct prefix *network,
                       bool closed) {
        struct capture_service *s = &h->services[h->count];

        for (uint32_t i = 0; i < h->count; i++)
                if (h->services[i].key.port == port && h->services[i].closed == closed &&
                    address_equal(&h->services[i].key.address, a)) {
                        if (network)
                                widen(&h->services[i].network, network);
                        return (int) i;
                }
        h->left_out += !closed && (h->count == CAPTURE_SERVICES_MAX || h->listeners == OBS_LISTENERS_MAX);
        if (h->count == CAPTURE_SERVICES_MAX)
                return CAPTURE_NO_SERVICE;
        *s = (struct capture_service) {
                .key = { .address = *a, .port = port },
                .closed = closed,
                .merged = CAPTURE_NO_SERVICE,
                .listener = closed || h->listeners == OBS_LISTENERS_MAX ? -1 : (int) h->listeners++,
        };
        if (network)
                s->network = *network;
        return (int) h->count++;
}

/* An end that only we ask, or that the link says is elsewhere, is not ours. */
static bool is_elsewhere(const struct capture_hosts *h, const struct end *e) {
        if (is_loopback(&e->address))
                return false;
        if (h->given->local_count)
                return !given_as_local(h, &e->address);
        if (e->went_out && !e->came_in)
                return true;
        return e->syns > 0 && !e->several_askers && !address_equal(&e->asker, &e->address) &&
               (capture_hosts_is_local(h, &e->asker) || (h->has_client && address_equal(&h->client, &e->asker)));
}

static bool is_closed(uint64_t syns, uint64_t answers, uint64_t refusals) {
        return answers == 0 && refusals > 0 && refusals * 2 >= syns;
}

/* Enough SYNs that nobody answers, so that it is no scan. */
static bool is_aimed_at(const struct capture_hosts *h, uint64_t syns) {
        if (syns < SYNS_MIN && (h->live || h->answered || h->ends_met > FEW_ENDS))
                return false;
        return h->live || (double) syns >= GUESS_SHARE * (double) h->most;
}

static bool is_service(const struct capture_hosts *h, const struct end *e) {
        if (h->given->listen_count)
                return given_as_listener(h, &e->address, e->port) != NULL;
        if (is_elsewhere(h, e))
                return false;
        if (e->answers > 0 && e->syns == 0) /* we see only what it sends */
                return e->unasked_several && !capture_hosts_backscatter(h);
        if (e->answers > 0)
                return true;
        if (e->refusals > 0)
                return e->syns >= SYNS_MIN;
        return is_aimed_at(h, e->syns);
}

static bool is_group_service(const struct capture_hosts *h, const struct group *g) {
        if (g->ends < GROUP_ADDRESSES || h->given->listen_count)
                return false;
        if (h->given->local_count ? !given_as_local(h, &g->network.address)
                                  : !g->several_askers && (g->answers == 0 || capture_hosts_is_local(h, &g->asker)))
                return false;
        if (g->answers > 0 && g->syns == 0)
                return !capture_hosts_backscatter(h);
        return g->answers >= GROUP_ADDRESSES / 2 || is_aimed_at(h, g->syns);
}

/* Ends of the group that were services of their own when fewer of them were known. */
static void merge_ends(struct capture_hosts *h, uint32_t group, int into) {
        for (uint32_t i = 0; i < ENDS_MAX; i++) {
                struct end *e = &h->ends[i];

                if (!e->used || e->group != group || e->service == CAPTURE_NO_SERVICE || e->service == into)
                        continue;
                h->services[e->service].merged = into;
                h->services[into].addresses++;
                e->service = (int16_t) into;
        }
}

static void found(struct capture_hosts *h, struct end *e) {
        struct group *g = &h->groups[e->group];
        const struct capture_listen *l = given_as_listener(h, &e->address, e->port);
        struct address any = wildcard(&e->address);
        static const uint8_t zero[16] = { 0 };

        if (g->service == CAPTURE_NO_SERVICE && is_group_service(h, g)) {
                g->service = (int16_t) add_service(h, &any, g->port, &g->narrow,
                                                   is_closed(g->syns, g->answers, g->refusals));
                if (g->service != CAPTURE_NO_SERVICE)
                        merge_ends(h, e->group, g->service);
        }
        if (g->service != CAPTURE_NO_SERVICE)
                e->service = g->service;
        else if (l && l->any) {
                any = address_from_ipv6(zero); /* of both families */
                e->service = (int16_t) add_service(h, &any, e->port, NULL, false);
        } else if (is_service(h, e))
                e->service = (int16_t) add_service(h, &e->address, e->port, NULL,
                                                   !l && is_closed(e->syns, e->answers, e->refusals));
        if (e->service != CAPTURE_NO_SERVICE)
                h->services[e->service].addresses++;
}

/* A closed port that answers by SYN-ACK has opened. */
static void opened(struct capture_hosts *h, struct end *e) {
        struct capture_service *s = &h->services[e->service];

        if (!s->closed || h->listeners == OBS_LISTENERS_MAX)
                return;
        s->closed = false;
        s->listener = (int) h->listeners++;
}

/* --- learning ------------------------------------------------------------------------------ */

static bool is_syn(const struct capture_segment *s) {
        return (s->flags & (CAPTURE_SYN | CAPTURE_ACK | CAPTURE_RST | CAPTURE_FIN)) == CAPTURE_SYN;
}

static bool is_syn_ack(const struct capture_segment *s) {
        return (s->flags & (CAPTURE_SYN | CAPTURE_ACK | CAPTURE_RST)) == (CAPTURE_SYN | CAPTURE_ACK);
}

static struct end *see_syn(struct capture_hosts *h, const struct capture_segment *s) {
        struct end *e = end_for(h, &s->destination, s->destination_port);
        struct group *g;

        if (!e)
                return NULL;
        g = &h->groups[e->group];
        if (e->syns++ == 0)
                e->asker = s->source;
        else if (!e->several_askers)
                e->several_askers = !address_equal(&e->asker, &s->source);
        if (g->syns++ == 0)
                g->asker = s->source;
        else if (!g->several_askers)
                g->several_askers = !address_equal(&g->asker, &s->source);
        if (g->syns > h->most)
                h->most = g->syns;
        e->came_in |= s->way == CAPTURE_IN;
        e->went_out |= s->way == CAPTURE_OUT;
        return e;
}

/* An estimate costs as much as thousands of packets. */
static void estimate_unasked(struct capture_hosts *h, uint64_t unasked) {
        if (unasked < h->estimated_at * 2)
                return;
        h->estimated_at = unasked;
        h->unasked_from_estimate = distinct_estimate(&h->unasked_from, NULL);
        h->unasked_to_estimate = distinct_estimate(&h->unasked_to, NULL);
}

static struct end *see_syn_ack(struct capture_hosts *h, const struct capture_segment *s) {
        struct end *e = end_for(h, &s->source, s->source_port);

        if (!e)
                return NULL;
        if (e->syns == 0) {
                if (e->answers == 0)
                        e->unasked_to = s->destination;
                else if (!e->unasked_several)
                        e->unasked_several = !address_equal(&e->unasked_to, &s->destination);
                distinct_add(&h->unasked_from, hash_end(&s->source, 0));
                distinct_add(&h->unasked_to, hash_end(&s->destination, 0));
                estimate_unasked(h, ++h->unasked);
        }
        e->answers++;
        h->groups[e->group].answers++;
        h->answered = true;
        e->came_in |= s->way == CAPTURE_OUT;
        e->went_out |= s->way == CAPTURE_IN;
        return e;
}

void capture_hosts_see(struct capture_hosts *h, const struct capture_segment *s, bool live) {
        struct end *e = NULL;

        h->live = live;
        if (is_syn(s))
                e = see_syn(h, s);
        else if (is_syn_ack(s))
                e = see_syn_ack(h, s);
        else if ((s->flags & (CAPTURE_RST | CAPTURE_ACK)) == (CAPTURE_RST | CAPTURE_ACK) && s->sequence == 0) {
                /* As RFC 9293 has a closed port answer: sequence 0. */
                e = end_find(h, &s->source, s->source_port);
                if (e && e->syns > 0) {
                        e->refusals++;
                        h->groups[e->group].refusals++;
                }
        }
        if (!live || !e)
                return;
        if (e->service == CAPTURE_NO_SERVICE)
                found(h, e);
        else if (e->answers > 0)
                opened(h, e);
}

/* First what is surely ours, by which the others are judged. */
static unsigned rank(const struct end *e) {
        return e->answers == 0 ? 2 : !e->several_askers;
}

static int heavier(const void *a, const void *b) {
        const struct end *const *x = a, *const *y = b;
        uint64_t wx = (uint64_t) (*x)->answers * 2 + (*x)->syns, wy = (uint64_t) (*y)->answers * 2 + (*y)->syns;

        if (rank(*x) != rank(*y))
                return rank(*x) < rank(*y) ? -1 : 1;
        return wx != wy ? (wx < wy ? 1 : -1) : memcmp(&(*x)->address, &(*y)->address, sizeof(*x)->address);
}

/* One who asks many hosts of many networks, whom nobody else asks: captured at a client. */
static void find_client(struct capture_hosts *h) {
        uint32_t lead = 0, ends = 0, networks = 0;
        struct address network = { { 0 } };

        for (uint32_t i = 0; i < ENDS_MAX; i++) { /* Boyer and Moore's majority */
                const struct end *e = &h->ends[i];

                if (!e->used || e->answers == 0 || e->syns == 0 || e->several_askers)
                        continue;
                if (lead == 0)
                        h->client = e->asker;
                lead += address_equal(&h->client, &e->asker) ? 1 : -1U;
        }
        for (uint32_t i = 0; i < ENDS_MAX; i++) {
                const struct end *e = &h->ends[i];
                struct prefix of = network_of(&e->address);

                if (!e->used || e->answers == 0 || e->syns == 0 || e->several_askers ||
                    !address_equal(&h->client, &e->asker))
                        continue;
                ends++;
                networks += !address_equal(&network, &of.address);
                network = of.address;
        }
        h->has_client = ends >= CLIENT_ENDS && networks >= CLIENT_NETWORKS;
}

/* Found as they showed, when nobody knew yet who only asks. */
static void disown(struct capture_hosts *h) {
        for (uint32_t i = 0; h->has_client && i < ENDS_MAX; i++) {
                struct end *e = &h->ends[i];

                if (!e->used || e->service == CAPTURE_NO_SERVICE || e->several_askers ||
                    !address_equal(&e->asker, &h->client) || address_is_wildcard(&h->services[e->service].key.address))
                        continue;
                h->services[e->service].merged = CAPTURE_SERVICES_MAX;
                h->left_out = 0;
        }
}

void capture_hosts_conclude(struct capture_hosts *h) {
        uint32_t n = 0;

        find_client(h);
        h->estimated_at = 0;
        estimate_unasked(h, h->unasked);
        if (h->live && !h->given->listen_count && !h->given->local_count)
                disown(h);
        if (h->live)
                return;
        for (uint32_t i = 0; i < ENDS_MAX; i++)
                if (h->ends[i].used && h->ends[i].service == CAPTURE_NO_SERVICE)
                        h->order[n++] = &h->ends[i];
        qsort(h->order, n, sizeof *h->order, heavier);
        for (uint32_t i = 0; i < n; i++)
                found(h, h->order[i]);
}

int capture_hosts_find(struct capture_hosts *h, const struct address *a, uint16_t port) {
        const struct end *e = end_find(h, a, port);

        return e ? e->service : CAPTURE_NO_SERVICE;
}
