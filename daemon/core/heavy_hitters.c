/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/heavy_hitters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Counts are fixed point, so that halving does not keep a count of 1 alive for ever. */
#define ONE UINT32_C(64)

struct entry {
        struct address key;
        uint64_t hash;
        uint32_t count, error;
};

/* lower: at most the entry's count, exact only when it was last looked at. */
struct heap_node {
        uint32_t lower;
        uint32_t index;
};

struct heavy_hitters {
        uint32_t capacity, used;
        uint32_t slot_mask, cell_mask;
        uint64_t total;
        struct entry *entries;
        struct heap_node *heap; /* valid once used == capacity */
        uint32_t *slots;        /* open addressing: 16 bits of hash, index + 1; 0: free */
        uint32_t *cells;
};

static uint32_t add_saturating(uint32_t a, uint32_t b) {
        return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static uint32_t half_up(uint32_t x) {
        return x / 2 + (x & 1);
}

static uint32_t slot_tag(uint64_t hash) {
        return (uint32_t) (hash >> 48) << 16;
}

static uint32_t *cell_of(const struct heavy_hitters *h, uint64_t hash) {
        return &h->cells[(hash >> 24) & h->cell_mask];
}

int heavy_hitters_new(uint32_t capacity, struct heavy_hitters **ret) {
        struct heavy_hitters *h;

        if (capacity < 2 || capacity > HEAVY_HITTERS_CAPACITY_MAX || (capacity & (capacity - 1)))
                return -EINVAL;

        h = calloc(1, sizeof *h);
        if (!h)
                return -ENOMEM;
        h->capacity = capacity;
        h->slot_mask = capacity * 2 - 1;
        h->cell_mask = capacity * HEAVY_HITTERS_CELLS_PER_COUNTER - 1;
        h->entries = calloc(capacity, sizeof *h->entries);
        h->heap = calloc(capacity, sizeof *h->heap);
        h->slots = calloc((size_t) h->slot_mask + 1, sizeof *h->slots);
        h->cells = calloc((size_t) h->cell_mask + 1, sizeof *h->cells);
        if (!h->entries || !h->heap || !h->slots || !h->cells) {
                heavy_hitters_free(h);
                return -ENOMEM;
        }
        *ret = h;
        return 0;
}

struct heavy_hitters *heavy_hitters_free(struct heavy_hitters *h) {
        if (!h)
                return NULL;
        free(h->entries);
        free(h->heap);
        free(h->slots);
        free(h->cells);
        free(h);
        return NULL;
}

void heavy_hitters_clear(struct heavy_hitters *h) {
        h->used = 0;
        h->total = 0;
        memset(h->slots, 0, ((size_t) h->slot_mask + 1) * sizeof *h->slots);
        memset(h->cells, 0, ((size_t) h->cell_mask + 1) * sizeof *h->cells);
}

static struct entry *find(const struct heavy_hitters *h, const struct address *key,
                          uint64_t hash) {
        uint32_t tag = slot_tag(hash);

        for (uint32_t i = (uint32_t) hash & h->slot_mask; h->slots[i]; i = (i + 1) & h->slot_mask) {
                struct entry *e = &h->entries[(h->slots[i] & 0xffff) - 1];

                if ((h->slots[i] & 0xffff0000) == tag && address_equal(&e->key, key))
                        return e;
        }
        return NULL;
}

static void link_entry(struct heavy_hitters *h, uint32_t index) {
        uint64_t hash = h->entries[index].hash;
        uint32_t i = (uint32_t) hash & h->slot_mask;

        while (h->slots[i])
                i = (i + 1) & h->slot_mask;
        h->slots[i] = slot_tag(hash) | (index + 1);
}

/* Frees the entry's slot and moves those behind it up, so that no search ends too early. */
static void unlink_entry(struct heavy_hitters *h, uint32_t index) {
        uint32_t mask = h->slot_mask, hole = (uint32_t) h->entries[index].hash & mask;

        while ((h->slots[hole] & 0xffff) != index + 1)
                hole = (hole + 1) & mask;
        for (uint32_t i = (hole + 1) & mask; h->slots[i]; i = (i + 1) & mask) {
                uint32_t home = (uint32_t) h->entries[(h->slots[i] & 0xffff) - 1].hash & mask;

                if (((i - home) & mask) >= ((i - hole) & mask)) {
                        h->slots[hole] = h->slots[i];
                        hole = i;
                }
        }
        h->slots[hole] = 0;
}

static void sift_down(struct heavy_hitters *h, uint32_t at) {
        struct heap_node node = h->heap[at];

        for (;;) {
                uint32_t child = at * 2 + 1;

                if (child >= h->capacity)
                        break;
                if (child + 1 < h->capacity && h->heap[child + 1].lower < h->heap[child].lower)
                        child++;
                if (h->heap[child].lower >= node.lower)
                        break;
                h->heap[at] = h->heap[child];
                at = child;
        }
        h->heap[at] = node;
}

static void build_heap(struct heavy_hitters *h) {
        for (uint32_t i = 0; i < h->capacity; i++)
                h->heap[i] = (struct heap_node) { .lower = h->entries[i].count, .index = i };
        for (uint32_t i = h->capacity / 2; i-- > 0;)
                sift_down(h, i);
}

/* Brings the root up to date and returns the lightest count. */
static uint32_t lightest(struct heavy_hitters *h) {
        while (h->heap[0].lower != h->entries[h->heap[0].index].count) {
                h->heap[0].lower = h->entries[h->heap[0].index].count;
                sift_down(h, 0);
        }
        return h->heap[0].lower;
}

static void add_new(struct heavy_hitters *h, struct entry e) {
        uint32_t index = h->used++;

        h->entries[index] = e;
        link_entry(h, index);
        if (h->used == h->capacity)
                build_heap(h);
}

static void replace_lightest(struct heavy_hitters *h, struct entry e) {
        uint32_t index = h->heap[0].index;
        struct entry *old = &h->entries[index];
        uint32_t *cell = cell_of(h, old->hash);

        if (*cell < old->count)
                *cell = old->count;
        unlink_entry(h, index);
        *old = e;
        link_entry(h, index);
        h->heap[0].lower = e.count;
        sift_down(h, 0);
}

void heavy_hitters_add(struct heavy_hitters *h, const struct address *key, uint64_t hash,
                       uint32_t weight) {
        uint32_t units = weight > UINT32_MAX / ONE ? UINT32_MAX : weight * ONE;
        struct entry *e = find(h, key, hash);
        uint32_t *cell, bound;

        h->total += units;
        if (e) {
                e->count = add_saturating(e->count, units);
                return;
        }

        cell = cell_of(h, hash);
        bound = add_saturating(*cell, units);
        if (h->used < h->capacity)
                add_new(h, (struct entry) { *key, hash, bound, *cell });
        else if (bound <= h->heap[0].lower || bound <= lightest(h))
                *cell = bound;
        else
                replace_lightest(h, (struct entry) { *key, hash, bound, *cell });
}

void heavy_hitters_decay(struct heavy_hitters *h) {
        h->total -= h->total / 2;
        for (uint32_t i = 0; i < h->used; i++) {
                struct entry *e = &h->entries[i];
                uint32_t guaranteed = (e->count - e->error) / 2;

                e->count = half_up(e->count);
                e->error = e->count - guaranteed;
        }
        /* Halving keeps the order, so the heap stays one. */
        if (h->used == h->capacity)
                for (uint32_t i = 0; i < h->capacity; i++)
                        h->heap[i].lower = half_up(h->heap[i].lower);
        for (uint32_t i = 0; i <= h->cell_mask; i++)
                h->cells[i] = half_up(h->cells[i]);
}

static struct heavy_hitter outside(const struct entry *e) {
        return (struct heavy_hitter) {
                .key = e->key,
                .count = (double) e->count / ONE,
                .error = (double) e->error / ONE,
        };
}

struct heavy_hitter heavy_hitters_get(const struct heavy_hitters *h, const struct address *key,
                                      uint64_t hash) {
        const struct entry *e = find(h, key, hash);
        double bound;

        if (e)
                return outside(e);
        bound = (double) *cell_of(h, hash) / ONE;
        return (struct heavy_hitter) { .key = *key, .count = bound, .error = bound };
}

size_t heavy_hitters_top(const struct heavy_hitters *h, double min_guaranteed, size_t max,
                         struct heavy_hitter *ret) {
        size_t n = 0;

        for (uint32_t i = 0; i < h->used; i++) {
                const struct entry *e = &h->entries[i];
                double guaranteed = (double) (e->count - e->error) / ONE;
                size_t at;

                if (guaranteed <= 0 || guaranteed < min_guaranteed)
                        continue;
                for (at = n; at > 0 && ret[at - 1].count - ret[at - 1].error < guaranteed; at--)
                        if (at < max)
                                ret[at] = ret[at - 1];
                if (at < max)
                        ret[at] = outside(e);
                if (n < max)
                        n++;
        }
        return n;
}

double heavy_hitters_total(const struct heavy_hitters *h) {
        return (double) h->total / ONE;
}

uint32_t heavy_hitters_tracked(const struct heavy_hitters *h) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < h->used; i++)
                n += h->entries[i].count >= ONE / 2;
        return n;
}

size_t heavy_hitters_memory(const struct heavy_hitters *h) {
        return sizeof *h + h->capacity * (sizeof *h->entries + sizeof *h->heap) +
               ((size_t) h->slot_mask + 1) * sizeof *h->slots +
               ((size_t) h->cell_mask + 1) * sizeof *h->cells;
}
