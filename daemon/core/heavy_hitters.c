/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/heavy_hitters.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Counts are fixed point, so that halving does not keep a count of 1 alive for ever. */
#define ONE UINT32_C(64)

struct identity {
        struct heavy_key key;
        uint64_t hash;
};

struct weight {
        uint32_t count, error;
};

/* lower: at most the counter's count, exact only when it was last looked at. */
struct heap_node {
        uint32_t lower;
        uint32_t index;
};

struct heavy_hitters {
        uint32_t capacity, used;
        uint32_t slot_mask, cell_mask;
        uint64_t total;
        struct identity *keys;
        struct weight *weights; /* apart: every tick looks at all of them */
        struct heap_node *heap; /* valid once used == capacity */
        uint32_t *slots;        /* open addressing: 16 bits of hash, index + 1; 0: free */
        uint32_t *cells;
};

static uint32_t add_saturating(uint32_t a, uint32_t b) {
        return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* Halved so many times, each rounded up: that is once by all of them. */
static uint32_t halved_up(uint32_t x, unsigned times) {
        return (uint32_t) (((uint64_t) x + (UINT64_C(1) << times) - 1) >> times);
}

static bool is_same(const struct heavy_key *a, const struct heavy_key *b) {
        return a->of == b->of && address_equal(&a->address, &b->address);
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
        h->keys = calloc(capacity, sizeof *h->keys);
        h->weights = calloc(capacity, sizeof *h->weights);
        h->heap = calloc(capacity, sizeof *h->heap);
        h->slots = calloc((size_t) h->slot_mask + 1, sizeof *h->slots);
        h->cells = calloc((size_t) h->cell_mask + 1, sizeof *h->cells);
        if (!h->keys || !h->weights || !h->heap || !h->slots || !h->cells) {
                heavy_hitters_free(h);
                return -ENOMEM;
        }
        *ret = h;
        return 0;
}

struct heavy_hitters *heavy_hitters_free(struct heavy_hitters *h) {
        if (!h)
                return NULL;
        free(h->keys);
        free(h->weights);
        free(h->heap);
        free(h->slots);
        free(h->cells);
        free(h);
        return NULL;
}

void heavy_hitters_clear(struct heavy_hitters *h) {
        /* Memory that was never written takes no page. */
        if (h->total == 0)
                return;
        h->used = 0;
        h->total = 0;
        memset(h->slots, 0, ((size_t) h->slot_mask + 1) * sizeof *h->slots);
        memset(h->cells, 0, ((size_t) h->cell_mask + 1) * sizeof *h->cells);
}

static struct weight *find(const struct heavy_hitters *h, const struct heavy_key *key, uint64_t hash) {
        uint32_t tag = slot_tag(hash);

        for (uint32_t i = (uint32_t) hash & h->slot_mask; h->slots[i]; i = (i + 1) & h->slot_mask) {
                uint32_t index = (h->slots[i] & 0xffff) - 1;

                if ((h->slots[i] & 0xffff0000) == tag && is_same(&h->keys[index].key, key))
                        return &h->weights[index];
        }
        return NULL;
}

static void link_key(struct heavy_hitters *h, uint32_t index) {
        uint64_t hash = h->keys[index].hash;
        uint32_t i = (uint32_t) hash & h->slot_mask;

        while (h->slots[i])
                i = (i + 1) & h->slot_mask;
        h->slots[i] = slot_tag(hash) | (index + 1);
}

/* Frees the key's slot and moves those behind it up, so that no search ends too early. */
static void unlink_key(struct heavy_hitters *h, uint32_t index) {
        uint32_t mask = h->slot_mask, hole = (uint32_t) h->keys[index].hash & mask;

        while ((h->slots[hole] & 0xffff) != index + 1)
                hole = (hole + 1) & mask;
        for (uint32_t i = (hole + 1) & mask; h->slots[i]; i = (i + 1) & mask) {
                uint32_t home = (uint32_t) h->keys[(h->slots[i] & 0xffff) - 1].hash & mask;

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
                h->heap[i] = (struct heap_node) { .lower = h->weights[i].count, .index = i };
        for (uint32_t i = h->capacity / 2; i-- > 0;)
                sift_down(h, i);
}

/* Brings the root up to date and returns the lightest count. */
static uint32_t lightest(struct heavy_hitters *h) {
        while (h->heap[0].lower != h->weights[h->heap[0].index].count) {
                h->heap[0].lower = h->weights[h->heap[0].index].count;
                sift_down(h, 0);
        }
        return h->heap[0].lower;
}

static void add_new(struct heavy_hitters *h, struct identity key, struct weight weight) {
        uint32_t index = h->used++;

        h->keys[index] = key;
        h->weights[index] = weight;
        link_key(h, index);
        if (h->used == h->capacity)
                build_heap(h);
}

/* What a key's cell must have held before. */
static uint32_t worth_replacing(uint32_t lightest_count) {
        return add_saturating(lightest_count, lightest_count / HEAVY_HITTERS_RELUCTANCE);
}

static void replace_lightest(struct heavy_hitters *h, struct identity key, struct weight weight) {
        uint32_t index = h->heap[0].index;
        uint32_t *cell = cell_of(h, h->keys[index].hash);

        if (*cell < h->weights[index].count)
                *cell = h->weights[index].count;
        unlink_key(h, index);
        h->keys[index] = key;
        h->weights[index] = weight;
        link_key(h, index);
        h->heap[0].lower = weight.count;
        sift_down(h, 0);
}

void heavy_hitters_prefetch(const struct heavy_hitters *h, uint64_t hash) {
        __builtin_prefetch(&h->slots[(uint32_t) hash & h->slot_mask]);
        __builtin_prefetch(cell_of(h, hash), 1);
}

void heavy_hitters_add(struct heavy_hitters *h, const struct heavy_key *key, uint64_t hash, uint32_t weight) {
        uint32_t units = weight > UINT32_MAX / ONE ? UINT32_MAX : weight * ONE;
        struct weight *w = find(h, key, hash);
        uint32_t *cell, before, bound;

        h->total += units;
        if (w) {
                w->count = add_saturating(w->count, units);
                return;
        }

        cell = cell_of(h, hash);
        before = *cell;
        bound = add_saturating(before, units);
        if (h->used < h->capacity)
                add_new(h, (struct identity) { *key, hash }, (struct weight) { bound, before });
        else if (before <= worth_replacing(h->heap[0].lower) || before <= worth_replacing(lightest(h)))
                *cell = bound;
        else
                replace_lightest(h, (struct identity) { *key, hash }, (struct weight) { bound, before });
}

void heavy_hitters_decay(struct heavy_hitters *h, unsigned times) {
        if (h->total == 0)
                return;
        for (unsigned i = 0; i < times; i++)
                h->total -= h->total / 2;
        for (uint32_t i = 0; i < h->used; i++) {
                struct weight *w = &h->weights[i];
                uint32_t guaranteed = (uint32_t) ((uint64_t) (w->count - w->error) >> times);

                w->count = halved_up(w->count, times);
                w->error = w->count - guaranteed;
        }
        /* Halving keeps the order, so the heap stays one. */
        if (h->used == h->capacity)
                for (uint32_t i = 0; i < h->capacity; i++)
                        h->heap[i].lower = halved_up(h->heap[i].lower, times);
        for (uint32_t i = 0; i <= h->cell_mask; i++)
                h->cells[i] = halved_up(h->cells[i], times);
}

static struct heavy_hitter outside(const struct heavy_key *key, const struct weight *w) {
        return (struct heavy_hitter) {
                .key = *key,
                .count = (double) w->count / ONE,
                .error = (double) w->error / ONE,
        };
}

struct heavy_hitter heavy_hitters_get(const struct heavy_hitters *h, const struct heavy_key *key, uint64_t hash) {
        const struct weight *w = find(h, key, hash);
        double bound;

        if (w)
                return outside(key, w);
        bound = (double) *cell_of(h, hash) / ONE;
        return (struct heavy_hitter) { .key = *key, .count = bound, .error = bound };
}

size_t heavy_hitters_top(const struct heavy_hitters *h, double min_guaranteed, size_t max, struct heavy_hitter *ret) {
        double least = fmax(1, ceil(min_guaranteed * ONE));
        size_t n = 0;

        if (least > UINT32_MAX)
                return 0;
        for (uint32_t i = 0; i < h->used; i++) {
                const struct weight *w = &h->weights[i];
                double guaranteed;
                size_t at;

                if (w->count - w->error < (uint32_t) least)
                        continue;
                guaranteed = (double) (w->count - w->error) / ONE;
                for (at = n; at > 0 && ret[at - 1].count - ret[at - 1].error < guaranteed; at--)
                        if (at < max)
                                ret[at] = ret[at - 1];
                if (at < max)
                        ret[at] = outside(&h->keys[i].key, w);
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
                n += h->weights[i].count >= ONE / 2;
        return n;
}

size_t heavy_hitters_memory(const struct heavy_hitters *h) {
        return sizeof *h + h->capacity * (sizeof *h->keys + sizeof *h->weights + sizeof *h->heap) +
               ((size_t) h->slot_mask + 1) * sizeof *h->slots + ((size_t) h->cell_mask + 1) * sizeof *h->cells;
}
