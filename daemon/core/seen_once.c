/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/seen_once.h"

#include <string.h>

void seen_once_clear(struct seen_once *s) {
        memset(s, 0, sizeof *s);
}

static uint32_t slot_of(const struct seen_once *s, uint64_t hash) {
        uint32_t i = seen_once_home(hash);

        while (s->hashes[i] && s->hashes[i] != hash)
                i = (i + 1) % SEEN_ONCE_SLOTS;
        return i;
}

/* Frees a slot and moves those behind it up. */
static void drop(struct seen_once *s, uint32_t hole) {
        for (uint32_t i = (hole + 1) % SEEN_ONCE_SLOTS; s->hashes[i]; i = (i + 1) % SEEN_ONCE_SLOTS) {
                uint32_t home = seen_once_home(s->hashes[i]);

                if ((i - home) % SEEN_ONCE_SLOTS >= (i - hole) % SEEN_ONCE_SLOTS) {
                        s->hashes[hole] = s->hashes[i];
                        s->counts[hole] = s->counts[i];
                        s->of[hole] = s->of[i];
                        hole = i;
                }
        }
        s->hashes[hole] = 0;
        s->used--;
}

static void raise_level(struct seen_once *s) {
        s->level++;
        for (uint32_t i = 0; i < SEEN_ONCE_SLOTS;) {
                if (s->hashes[i] && s->hashes[i] & ((UINT64_C(1) << s->level) - 1))
                        drop(s, i); /* another may have moved into i */
                else
                        i++;
        }
}

void seen_once_keep(struct seen_once *s, uint64_t hash, uint32_t of) {
        uint32_t i;

        if (hash == 0)
                return;
        i = slot_of(s, hash);
        if (s->hashes[i]) {
                s->counts[i] += s->counts[i] < UINT32_MAX;
                return;
        }
        s->hashes[i] = hash;
        s->counts[i] = 1;
        s->of[i] = of;
        s->used++;
        while (s->used > SEEN_ONCE_SLOTS / 4 * 3 && s->level < 63)
                raise_level(s);
}

static void tally(const struct seen_once *s, uint32_t slot, struct seen_once_tally *t) {
        t->seen += s->counts[slot] < SEEN_ONCE_COUNTED ? s->counts[slot] : SEEN_ONCE_COUNTED;
        t->keys++;
        t->once += s->counts[slot] == 1;
}

static uint32_t one_in(const struct seen_once *s) {
        return s->level < 32 ? UINT32_C(1) << s->level : UINT32_MAX;
}

void seen_once_tell(const struct seen_once *s, const uint32_t *of, uint32_t count, struct seen_once_tally *ret) {
        uint32_t last = 0; /* those of a flood come one after the other */

        for (uint32_t i = 0; i < count; i++)
                ret[i] = (struct seen_once_tally) { .one_in = one_in(s) };
        for (uint32_t i = 0; i < SEEN_ONCE_SLOTS && count > 0; i++) {
                if (!s->hashes[i])
                        continue;
                for (uint32_t k = 0; of[last] != s->of[i] && k < count; k++)
                        last = (last + 1) % count;
                if (of[last] == s->of[i])
                        tally(s, i, &ret[last]);
        }
}

struct seen_once_tally seen_once_all(const struct seen_once *s) {
        struct seen_once_tally t = { .one_in = one_in(s) };

        for (uint32_t i = 0; i < SEEN_ONCE_SLOTS; i++)
                if (s->hashes[i])
                        tally(s, i, &t);
        return t;
}
