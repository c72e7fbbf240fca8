/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/sock_diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sensors/sock_diag_ask.h"

enum {
        INDEX_SIZE = 2 * SOCK_DIAG_KEYS_MAX, /* a power of two */
};

/* The listening sockets of one key. */
struct slot {
        struct listener_key key;
        uint32_t sockets, backlog, accept_queue, accept_full;
        uint32_t half_open, deferred, age[OBS_AGE_BINS];
        uint32_t weight;       /* half-opens in the last full walk */
        bool preferred;        /* its port is; see sock_diag_prefer() */
        uint64_t sockets_mark; /* the same only for the same set of sockets */
        uint64_t drops_sum;    /* of their counters */
        uint64_t drops;        /* since the dump before */
        bool drops_known;      /* of drops_sum */
        bool delta_known;      /* of drops */
};

struct table {
        uint32_t count;
        bool overflowed;
        uint16_t index[INDEX_SIZE]; /* open addressing; position in slots + 1, 0: free */
        struct slot slots[SOCK_DIAG_KEYS_MAX];
};

/* What a dump collects until it has ended well. */
struct walk {
        struct sock_diag *sensor;
        struct table *table;
        enum sock_diag_states states;
        uint32_t half_open, aged, deferred, ghosts, connections;
};

struct sock_diag {
        uint8_t preferred[65536 / 8];  /* ports */
        uint8_t left_out[65536 / 8];   /* by the last dump: ports */
        bool left_out_busy;
        struct sock_diag_asker *asker;
        bool has_previous; /* previous is of a dump that ended */
        struct table *current, *previous;
        struct table *walked; /* of walk, which somebody else takes */
        struct walk walk;
        void (*sink)(void *, const struct address *, const struct address *, uint16_t, uint64_t);
        void *sink_data;
};

static uint32_t key_hash(const struct listener_key *k) {
        uint64_t words[2], h = (uint64_t) k->port << 32 | k->ifindex;

        /* Only local sockets are keyed, so the hash need not resist anybody. */
        memcpy(words, k->address.bytes, sizeof words);
        h = (h ^ words[0]) * UINT64_C(0x9e3779b97f4a7c15);
        h = (h ^ h >> 32 ^ words[1]) * UINT64_C(0x9e3779b97f4a7c15);
        return (uint32_t) (h >> 40);
}

/* The place of a key in the index: its slot's, or the free one where it belongs. */
static uint16_t *table_place(struct table *t, const struct listener_key *k) {
        uint32_t i = key_hash(k) % INDEX_SIZE;

        while (t->index[i] && !listener_key_equal(&t->slots[t->index[i] - 1].key, k))
                i = (i + 1) % INDEX_SIZE;
        return &t->index[i];
}

static struct slot *table_find(struct table *t, const struct listener_key *k) {
        uint16_t place = *table_place(t, k);

        return place ? &t->slots[place - 1] : NULL;
}

/* NULL when the table is full. */
static struct slot *table_add(struct table *t, const struct listener_key *k) {
        uint16_t *place = table_place(t, k);

        if (*place)
                return &t->slots[*place - 1];
        if (t->count == SOCK_DIAG_KEYS_MAX) {
                t->overflowed = true;
                return NULL;
        }
        t->slots[t->count] = (struct slot) { .key = *k, .drops_known = true };
        *place = (uint16_t) ++t->count;
        return &t->slots[t->count - 1];
}

static void table_clear(struct table *t) {
        t->count = 0;
        t->overflowed = false;
        memset(t->index, 0, sizeof t->index);
}

/* Spreads a cookie, so that sets of consecutive ones do not add up to the same. */
static uint64_t cookie_mark(uint64_t cookie) {
        cookie = (cookie ^ cookie >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
        return cookie ^ cookie >> 29;
}

static void count_listener(struct walk *w, const struct sock_diag_row *row) {
        struct listener_key key = {
                .address = row->local,
                .port = row->local_port,
                .ifindex = row->ifindex,
        };
        struct slot *slot = table_add(w->table, &key);

        if (!slot)
                return;
        slot->sockets++;
        slot->backlog += row->backlog;
        slot->accept_queue += row->accept_queue;
        slot->accept_full += row->accept_queue > row->backlog;
        slot->sockets_mark += cookie_mark(row->cookie);
        slot->drops_sum += row->drops;
        slot->drops_known = slot->drops_known && row->drops_known;
}

/* An address as it is bound: to the device, and then to none. */
static struct slot *find_bound(struct table *t, const struct address *a, const struct sock_diag_row *row) {
        struct listener_key key = {
                .address = *a,
                .port = row->local_port,
                .ifindex = row->ifindex,
        };
        struct slot *slot = table_find(t, &key);

        /* A link-local peer's half-open names an interface that its listener
         * need not be bound to (tcp_v6_init_req()). */
        if (!slot && key.ifindex) {
                key.ifindex = 0;
                slot = table_find(t, &key);
        }
        return slot;
}

/* The order in which the kernel looks a listener up (inet6_lookup_listener()):
 * the exact address, then the wildcards. */
static struct slot *find_listener(struct table *t, const struct sock_diag_row *row) {
        static const struct address any6;
        const struct address any4 = address_from_ipv4(0);
        struct slot *slot = find_bound(t, &row->local, row);

        if (!slot && row->family == AF_INET6)
                slot = find_bound(t, &any6, row);
        /* An IPv6 socket can be bound to ::ffff:0.0.0.0 too. */
        if (!slot && address_is_ipv4(&row->local))
                slot = find_bound(t, &any4, row);
        return slot;
}

static void count_half_open(struct walk *w, const struct sock_diag_row *row) {
        struct slot *slot = find_listener(w->table, row);
        bool deferred = sock_diag_is_deferred(row), aged = !deferred && row->retrans > 0;
        uint64_t age_us = sock_diag_age_us(row);

        w->half_open++;
        w->deferred += deferred;
        w->aged += aged;
        if (slot) {
                slot->half_open++;
                if (deferred)
                        slot->deferred++;
                else
                        slot->age[obs_age_bin(age_us)]++;
        } else if (!w->table->overflowed) {
                w->ghosts++;
        }
        if (w->sensor->sink && !deferred)
                w->sensor->sink(w->sensor->sink_data, &row->remote, &row->local, row->local_port, age_us);
}

static void begin(void *data) {
        struct walk *w = data;

        table_clear(w->table);
        w->half_open = w->aged = w->deferred = w->ghosts = w->connections = 0;
        if (w->states != SOCK_DIAG_LISTENERS && w->sensor->sink)
                w->sensor->sink(w->sensor->sink_data, NULL, NULL, 0, 0);
}

static int on_row(void *data, const struct sock_diag_row *row) {
        struct walk *w = data;

        if (row->state == SOCK_DIAG_LISTEN)
                count_listener(w, row);
        else if (row->state == SOCK_DIAG_SYN_RECV)
                count_half_open(w, row);
        else if (sock_diag_is_connection(row))
                w->connections += find_listener(w->table, row) != NULL;
        return 0;
}

static int dump(struct walk *w) {
        const struct sock_diag_rows rows = { .begin = begin, .row = on_row, .data = w };

        return sock_diag_ask(w->sensor->asker, w->states, &rows);
}

/* Drops since the dump before, which the kernel counts for every socket since it was made. */
static void settle(struct sock_diag *s, bool full) {
        for (uint32_t i = 0; i < s->current->count; i++) {
                struct slot *slot = &s->current->slots[i];
                const struct slot *was = NULL;

                if (s->has_previous)
                        was = table_find(s->previous, &slot->key);
                slot->preferred = s->preferred[slot->key.port / 8] & 1u << slot->key.port % 8;
                slot->weight = full ? slot->half_open : was ? was->weight : 0;
                slot->delta_known = was && was->drops_known && slot->drops_known &&
                                    was->sockets_mark == slot->sockets_mark && was->drops_sum <= slot->drops_sum;
                if (slot->delta_known)
                        slot->drops = slot->drops_sum - was->drops_sum;
        }
}

/* Busiest first. */
static int compare_slots(const void *a, const void *b) {
        const struct slot *x = *(const struct slot *const *) a;
        const struct slot *y = *(const struct slot *const *) b;

        if (x->weight != y->weight)
                return x->weight > y->weight ? -1 : 1;
        if (x->drops != y->drops)
                return x->drops > y->drops ? -1 : 1;
        if (x->preferred != y->preferred)
                return x->preferred ? -1 : 1;
        if (x->accept_full != y->accept_full)
                return x->accept_full > y->accept_full ? -1 : 1;
        if (x->accept_queue != y->accept_queue)
                return x->accept_queue > y->accept_queue ? -1 : 1;
        if (x->key.port != y->key.port)
                return x->key.port < y->key.port ? -1 : 1;
        return memcmp(&x->key.address, &y->key.address, sizeof x->key.address);
}

static void report_listener(const struct slot *slot, bool full, struct obs_listener *l) {
        *l = (struct obs_listener) {
                .key = slot->key,
                .known = OBS_L_LIMITS,
                .sockets = slot->sockets,
                .backlog = slot->backlog,
                .accept_queue = slot->accept_queue,
                .accept_full = slot->accept_full,
        };
        if (slot->delta_known) {
                l->known |= OBS_L_DROPS;
                l->drops = slot->drops;
        }
        if (full) {
                l->known |= OBS_L_HALF_OPEN;
                l->half_open = slot->half_open;
                l->deferred = slot->deferred;
                memcpy(l->age, slot->age, sizeof l->age);
        }
}

static void note_left_out(struct sock_diag *s, const struct slot *const *list, uint32_t count) {
        memset(s->left_out, 0, sizeof s->left_out);
        s->left_out_busy = false;
        for (uint32_t i = 0; i < count; i++) {
                s->left_out[list[i]->key.port / 8] |= (uint8_t) (1u << list[i]->key.port % 8);
                s->left_out_busy |= list[i]->weight > 0 || list[i]->drops > 0;
        }
}

static void report_listeners(struct sock_diag *s, const struct table *t, bool full, struct observation *o) {
        const struct slot *order[SOCK_DIAG_KEYS_MAX];

        for (uint32_t i = 0; i < t->count; i++)
                order[i] = &t->slots[i];
        o->listeners_count = t->count;
        o->listeners_left_out = 0;
        if (t->count > OBS_LISTENERS_MAX) {
                qsort(order, t->count, sizeof *order, compare_slots);
                o->listeners_count = OBS_LISTENERS_MAX;
                o->listeners_left_out = t->count - OBS_LISTENERS_MAX;
        }
        for (uint32_t i = 0; i < o->listeners_count; i++)
                report_listener(order[i], full, &o->listeners[i]);
        note_left_out(s, order + o->listeners_count, o->listeners_left_out);
        o->known |= OBS_K_LISTENERS;
}

static void report_walk(const struct walk *w, struct observation *o) {
        o->half_open = w->half_open;
        o->aged = w->aged;
        o->deferred = w->deferred;
        o->ghosts = w->ghosts;
        o->known |= OBS_K_DUMP;
}

/* The current table is that of the dump before from now on. */
static void turn(struct sock_diag *s) {
        struct table *t = s->current;

        s->current = s->previous;
        s->previous = t;
        s->has_previous = true;
}

static int dump_into(struct sock_diag *s, enum sock_diag_states states, struct observation *o,
                     uint32_t *ret_connections) {
        struct walk w = { .sensor = s, .table = s->current, .states = states };
        bool full = states != SOCK_DIAG_LISTENERS;
        int r = dump(&w);

        if (r < 0)
                return r;
        settle(s, full);
        report_listeners(s, s->current, full, o);
        if (full)
                report_walk(&w, o);
        turn(s);
        if (ret_connections)
                *ret_connections = w.connections;
        return 0;
}

int sock_diag_dump(struct sock_diag *s, struct observation *o) {
        return dump_into(s, SOCK_DIAG_LISTENERS_AND_HALF_OPENS, o, NULL);
}

int sock_diag_dump_connections(struct sock_diag *s, struct observation *o, uint32_t *ret_connections) {
        return dump_into(s, SOCK_DIAG_CONNECTIONS_TOO, o, ret_connections);
}

int sock_diag_dump_listeners(struct sock_diag *s, struct observation *o) {
        return dump_into(s, SOCK_DIAG_LISTENERS, o, NULL);
}

/* --- a walk that somebody else takes ----------------------------------------------------- */

void sock_diag_walk_begin(struct sock_diag *s, enum sock_diag_states states) {
        s->walk = (struct walk) { .sensor = s, .table = s->walked, .states = states };
        begin(&s->walk);
}

void sock_diag_walk_row(struct sock_diag *s, const struct sock_diag_row *row) {
        (void) on_row(&s->walk, row);
}

/* What the walk found of the listeners that are there now. */
static void add_walked(struct sock_diag *s) {
        for (uint32_t i = 0; i < s->current->count; i++) {
                struct slot *slot = &s->current->slots[i];
                const struct slot *walked = table_find(s->walked, &slot->key);

                if (!walked)
                        continue;
                slot->half_open = walked->half_open;
                slot->deferred = walked->deferred;
                memcpy(slot->age, walked->age, sizeof slot->age);
        }
}

int sock_diag_walk_end(struct sock_diag *s, struct observation *o, uint32_t *ret_connections) {
        struct walk listeners = { .sensor = s, .table = s->current, .states = SOCK_DIAG_LISTENERS };
        int r = dump(&listeners);

        if (r < 0)
                return r;
        add_walked(s);
        settle(s, true);
        report_listeners(s, s->current, true, o);
        report_walk(&s->walk, o);
        turn(s);
        *ret_connections = s->walk.connections;
        return 0;
}

void sock_diag_prefer(struct sock_diag *s, const uint16_t *ports, uint32_t count) {
        memset(s->preferred, 0, sizeof s->preferred);
        for (uint32_t i = 0; i < count; i++)
                s->preferred[ports[i] / 8] |= (uint8_t) (1u << ports[i] % 8);
}

void sock_diag_left_out(const struct sock_diag *s, uint8_t ret_ports[static 65536 / 8], bool *ret_busy) {
        memcpy(ret_ports, s->left_out, sizeof s->left_out);
        *ret_busy = s->left_out_busy;
}

bool sock_diag_is_split(const struct sock_diag *s) {
        return sock_diag_asker_is_split(s->asker);
}

void sock_diag_set_half_open_sink(struct sock_diag *s,
                                  void (*fn)(void *data, const struct address *remote, const struct address *local,
                                             uint16_t port, uint64_t age_us),
                                  void *data) {
        s->sink = fn;
        s->sink_data = data;
}

int sock_diag_new(const struct netlink_kernel *kernel, struct sock_diag **ret) {
        struct sock_diag *s = calloc(1, sizeof *s);
        int r = -ENOMEM;

        if (!s)
                return r;
        /* calloc: the pages of slots that no listener needs are never touched. */
        s->current = calloc(1, sizeof *s->current);
        s->previous = calloc(1, sizeof *s->previous);
        s->walked = calloc(1, sizeof *s->walked);
        if (s->current && s->previous && s->walked)
                r = sock_diag_asker_new(kernel, &s->asker);
        if (r < 0) {
                sock_diag_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct sock_diag *sock_diag_free(struct sock_diag *s) {
        if (!s)
                return NULL;
        sock_diag_asker_free(s->asker);
        free(s->current);
        free(s->previous);
        free(s->walked);
        free(s);
        return NULL;
}
