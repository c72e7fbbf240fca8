/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/fleet_sketch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/heavy_hitters.h"

#define UNFINISHED_AGE_US UINT64_C(5000000)
#define MINUTE_US UINT64_C(60000000)
#define NAMED_WINDOW_MIN_US UINT64_C(1000000)

enum {
        CELL_BITS = 6,      /* of the hash: for the cell of each row, */
        REGISTER_SHIFT = FLEET_SKETCH_ROWS * CELL_BITS,
        REGISTER_BITS = 6,  /* for the register, */
        RANK_SHIFT = REGISTER_SHIFT + REGISTER_BITS, /* and all that is left for the rank */
        IPV4_LENGTH = ADDRESS_IPV4_OFFSET_BITS + 24,
        IPV6_LENGTH = 48,
};

_Static_assert(1 << CELL_BITS == FLEET_SKETCH_CELLS && 1 << REGISTER_BITS == FLEET_SKETCH_REGISTERS,
               "as many bits as choose one of them");

/* Of a walk, or of a minute. */
struct part {
        uint32_t cells[FLEET_SKETCH_ROWS][FLEET_SKETCH_CELLS];
        uint8_t registers[FLEET_SKETCH_REGISTERS];
};

struct fleet_sketch {
        struct siphash_key key;

        bool walking, walked;  /* a walk is under way; one has ended */
        uint64_t begun_us;     /* that one, … */
        uint64_t before_us;    /* … and the last that ended (CLOCK_BOOTTIME) */
        struct part walk;

        uint64_t minute;       /* of CLOCK_REALTIME */
        struct part open;      /* what came in it */
        struct fleet_told told;

        struct heavy_hitters *named;
        double weighed_us;     /* time behind its counts up to closed_us, halved as they are */
        uint64_t closed_us;    /* the last minute was (CLOCK_BOOTTIME) */
        uint64_t passed_us;    /* time, as it was told last */
};

static struct prefix prefix_of(const struct address *a) {
        uint8_t length = address_is_ipv4(a) ? IPV4_LENGTH : IPV6_LENGTH;

        return (struct prefix) { .address = address_mask(a, length), .length = length };
}

static unsigned cell_of(uint64_t hash, unsigned row) {
        return hash >> row * CELL_BITS & (FLEET_SKETCH_CELLS - 1);
}

/* As in core/distinct.h: the bit set behind the hash bounds it. */
static uint8_t rank_of(uint64_t hash) {
        uint64_t rest = hash >> RANK_SHIFT << RANK_SHIFT | UINT64_C(1) << (RANK_SHIFT - 1);

        return (uint8_t) (__builtin_clzll(rest) + 1);
}

int fleet_sketch_new(const struct siphash_key *key, uint64_t now_us, uint64_t realtime_us, struct fleet_sketch **ret) {
        /* No prefix: each of these ends in zeros. */
        static const struct address nobody = { .bytes = { [15] = 0xff } };
        struct fleet_sketch *s = calloc(1, sizeof *s);

        if (!s)
                return -ENOMEM;
        if (heavy_hitters_new(FLEET_SKETCH_NAMED_MAX, &s->named) < 0) {
                free(s);
                return -ENOMEM;
        }
        s->key = *key;
        s->minute = realtime_us / MINUTE_US;
        s->closed_us = s->passed_us = now_us;
        s->told.known = true;
        s->told.mark = (uint16_t) siphash_address(key, &nobody);
        *ret = s;
        return 0;
}

struct fleet_sketch *fleet_sketch_free(struct fleet_sketch *s) {
        if (!s)
                return NULL;
        heavy_hitters_free(s->named);
        explicit_bzero(&s->key, sizeof s->key);
        free(s);
        return NULL;
}

void fleet_sketch_walk_begin(struct fleet_sketch *s, uint64_t begun_us) {
        memset(&s->walk, 0, sizeof s->walk);
        s->walking = true;
        s->begun_us = begun_us;
}

void fleet_sketch_half_open(struct fleet_sketch *s, const struct address *remote, uint64_t age_us) {
        struct heavy_key key = { .of = 0 };
        uint8_t *r, rank;
        uint64_t hash;

        /* Those that were older at the walk before were counted there, or before the first. */
        if (!s->walking || !s->walked || age_us < UNFINISHED_AGE_US ||
            age_us - UNFINISHED_AGE_US >= s->begun_us - s->before_us)
                return;
        key.address = prefix_of(remote).address;
        hash = siphash_address(&s->key, &key.address);
        for (unsigned row = 0; row < FLEET_SKETCH_ROWS; row++)
                s->walk.cells[row][cell_of(hash, row)]++;
        r = &s->walk.registers[hash >> REGISTER_SHIFT & (FLEET_SKETCH_REGISTERS - 1)];
        rank = rank_of(hash);
        if (*r < rank)
                *r = rank;
        /* Twice when the walk begins again, which only makes its rate too high. */
        heavy_hitters_add(s->named, &key, hash, 1);
}

static void largest(uint8_t into[static FLEET_SKETCH_REGISTERS], const uint8_t from[static FLEET_SKETCH_REGISTERS]) {
        for (unsigned i = 0; i < FLEET_SKETCH_REGISTERS; i++)
                if (into[i] < from[i])
                        into[i] = from[i];
}

void fleet_sketch_walk_end(struct fleet_sketch *s) {
        if (!s->walking)
                return;
        for (unsigned row = 0; row < FLEET_SKETCH_ROWS; row++)
                for (unsigned i = 0; i < FLEET_SKETCH_CELLS; i++)
                        s->open.cells[row][i] += s->walk.cells[row][i];
        largest(s->open.registers, s->walk.registers);
        s->before_us = s->begun_us;
        s->walked = true;
        s->walking = false;
}

void fleet_sketch_pass(struct fleet_sketch *s, uint64_t now_us, uint64_t realtime_us) {
        uint64_t minute = realtime_us / MINUTE_US;

        s->passed_us = now_us;
        if (minute == s->minute)
                return;
        for (unsigned row = 0; row < FLEET_SKETCH_ROWS; row++)
                for (unsigned i = 0; i < FLEET_SKETCH_CELLS; i++)
                        s->told.cells[row][i] += s->open.cells[row][i];
        memcpy(s->told.registers, s->open.registers, sizeof s->told.registers);
        memset(&s->open, 0, sizeof s->open);
        s->minute = minute;

        heavy_hitters_decay(s->named, 1);
        s->weighed_us = (s->weighed_us + (double) (now_us - s->closed_us)) / 2;
        s->closed_us = now_us;
}

const struct fleet_told *fleet_sketch_told(const struct fleet_sketch *s) {
        return &s->told;
}

size_t fleet_sketch_named(const struct fleet_sketch *s, unsigned row, unsigned cell, size_t max,
                          struct fleet_source *ret) {
        double window_us = s->weighed_us + (double) (s->passed_us - s->closed_us);
        double per_s = 1e6 / fmax(window_us, (double) NAMED_WINDOW_MIN_US);
        struct heavy_hitter top[FLEET_SKETCH_NAMED_MAX];
        size_t n = 0, count = heavy_hitters_top(s->named, 0, FLEET_SKETCH_NAMED_MAX, top);

        for (size_t i = 0; i < count && n < max; i++) {
                uint64_t hash = siphash_address(&s->key, &top[i].key.address);

                if (cell_of(hash, row) != cell)
                        continue;
                ret[n++] = (struct fleet_source) {
                        .prefix = prefix_of(&top[i].key.address),
                        .unanswered_per_s = top[i].count * per_s,
                        .unanswered_error_per_s = top[i].error * per_s,
                };
        }
        return n;
}

size_t fleet_sketch_memory(const struct fleet_sketch *s) {
        return sizeof *s + heavy_hitters_memory(s->named);
}
