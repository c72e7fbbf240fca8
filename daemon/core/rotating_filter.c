/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/rotating_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
        LINE = 64,       /* bytes of a cache line */
        BLOCK_WORDS = 8, /* of 64 bits: a line */
        BITS_A_KEY = 6,  /* each chosen by nine bits of the hash, the block by the others' */
        BIT_SHIFT = 9,
        BLOCKS_MAX = 65536,
        FULL_BITS_A_KEY = 10,
};

struct rotating_filter {
        uint32_t mask;
        uint64_t period_us, begun_us;
        uint64_t (*now)[BLOCK_WORDS], (*before)[BLOCK_WORDS];
        void *memory; /* of both, and up to a line more */
        uint64_t added_now, added_before; /* keys, and the same again */
        bool forgets;
};

int rotating_filter_new(uint32_t blocks, uint64_t period_us, uint64_t now_us, struct rotating_filter **ret) {
        struct rotating_filter *f;
        uint8_t *memory;

        if (blocks == 0 || blocks > BLOCKS_MAX || (blocks & (blocks - 1)) || period_us == 0)
                return -EINVAL;
        f = calloc(1, sizeof *f);
        /* calloc: of a large one only the pages that are used are ever touched. */
        memory = calloc(2 * (size_t) blocks + 1, LINE);
        if (!f || !memory) {
                free(f);
                free(memory);
                return -ENOMEM;
        }
        f->mask = blocks - 1;
        f->period_us = period_us;
        f->begun_us = now_us;
        f->memory = memory;
        f->now = (void *) (memory + (LINE - (uintptr_t) memory % LINE) % LINE);
        f->before = f->now + blocks;
        *ret = f;
        return 0;
}

struct rotating_filter *rotating_filter_free(struct rotating_filter *f) {
        if (!f)
                return NULL;
        free(f->memory);
        free(f);
        return NULL;
}

void rotating_filter_set_period(struct rotating_filter *f, uint64_t period_us) {
        f->period_us = period_us;
}

static void rotate(struct rotating_filter *f) {
        uint64_t(*swap)[BLOCK_WORDS] = f->before;

        f->before = f->now;
        f->now = swap;
        /* Memory that was never written takes no page. */
        if (f->added_before > 0)
                memset(f->now, 0, ((size_t) f->mask + 1) * sizeof *f->now);
        f->added_before = f->added_now;
        f->added_now = 0;
}

void rotating_filter_forget_when_full(struct rotating_filter *f) {
        f->forgets = true;
}

static bool is_full(const struct rotating_filter *f) {
        return f->added_now >= ((uint64_t) f->mask + 1) * LINE * 8 / FULL_BITS_A_KEY;
}

void rotating_filter_pass(struct rotating_filter *f, uint64_t now_us) {
        if (now_us - f->begun_us < f->period_us && !(f->forgets && is_full(f)))
                return;
        rotate(f);
        if (now_us - f->begun_us >= 2 * f->period_us)
                rotate(f);
        f->begun_us = now_us;
}

/* The bits of a key within its block. */
static void bits_of(uint64_t hash, uint64_t ret[static BLOCK_WORDS]) {
        memset(ret, 0, BLOCK_WORDS * sizeof *ret);
        for (unsigned i = 0; i < BITS_A_KEY; i++) {
                ret[hash >> 6 & (BLOCK_WORDS - 1)] |= UINT64_C(1) << (hash & 63);
                hash >>= BIT_SHIFT;
        }
}

static uint32_t block_of(const struct rotating_filter *f, uint64_t hash) {
        /* The bits' nine times six are the lower ones; folded, so that large filters have enough. */
        return (uint32_t) (hash >> 48 ^ hash >> 20) & f->mask;
}

static bool holds(const uint64_t block[static BLOCK_WORDS], const uint64_t bits[static BLOCK_WORDS]) {
        for (unsigned i = 0; i < BLOCK_WORDS; i++)
                if ((block[i] & bits[i]) != bits[i])
                        return false;
        return true;
}

void rotating_filter_add(struct rotating_filter *f, uint64_t hash) {
        (void) rotating_filter_again(f, hash);
}

bool rotating_filter_has(const struct rotating_filter *f, uint64_t hash) {
        uint64_t bits[BLOCK_WORDS];
        uint32_t block = block_of(f, hash);

        bits_of(hash, bits);
        return holds(f->now[block], bits) || holds(f->before[block], bits);
}

bool rotating_filter_again(struct rotating_filter *f, uint64_t hash) {
        uint64_t bits[BLOCK_WORDS];
        uint32_t block = block_of(f, hash);
        bool had;

        bits_of(hash, bits);
        had = holds(f->now[block], bits) || holds(f->before[block], bits);
        for (unsigned i = 0; i < BLOCK_WORDS; i++)
                f->now[block][i] |= bits[i];
        f->added_now++;
        return had;
}

size_t rotating_filter_size(const struct rotating_filter *f) {
        return 2 * ((size_t) f->mask + 1) * sizeof *f->now;
}

void rotating_filter_save(const struct rotating_filter *f, void *to) {
        size_t half = rotating_filter_size(f) / 2;

        memcpy(to, f->now, half);
        memcpy((uint8_t *) to + half, f->before, half);
}

void rotating_filter_load(struct rotating_filter *f, const void *from, uint64_t now_us) {
        size_t half = rotating_filter_size(f) / 2;

        memcpy(f->now, from, half);
        memcpy(f->before, (const uint8_t *) from + half, half);
        f->added_now = f->added_before = 1; /* some */
        f->begun_us = now_us;
}

size_t rotating_filter_memory(const struct rotating_filter *f) {
        return sizeof *f + rotating_filter_size(f) + LINE;
}

void rotating_filter_prefetch(const struct rotating_filter *f, uint64_t hash) {
        uint32_t block = block_of(f, hash);

        __builtin_prefetch(f->now[block], 1);
        __builtin_prefetch(f->before[block]);
}
