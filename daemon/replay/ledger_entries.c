/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/ledger_entries.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "replay/ledger_hash.h"

enum {
        SETS = 1 << 18,
        WAYS = 4, /* entries of one cache line */
};

struct ledger_entries {
        struct entry sets[SETS][WAYS];
};

/* A look-up in it is where replaying spends most of its time, waiting for memory: huge pages, where
 * there are any, shorten that. */
int ledger_entries_new(struct ledger_entries **ret) {
        size_t size = sizeof(struct ledger_entries);
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
                return -ENOMEM;
        madvise(memory, size, MADV_HUGEPAGE);
        *ret = memory;
        return 0;
}

struct ledger_entries *ledger_entries_free(struct ledger_entries *t) {
        if (t)
                munmap(t, sizeof *t);
        return NULL;
}

struct place ledger_entries_place(struct ledger_entries *t, const struct capture_segment *s) {
        int order = memcmp(s->source.bytes, s->destination.bytes, sizeof s->source.bytes);
        bool low = order < 0 || (order == 0 && s->source_port < s->destination_port);
        const struct address *a = low ? &s->source : &s->destination, *b = low ? &s->destination : &s->source;
        uint64_t pa = low ? s->source_port : s->destination_port, pb = low ? s->destination_port : s->source_port;
        uint64_t hash = keyed_hash_fold(ledger_hash(a) ^ (pa << 16 | pb), ledger_hash(b) ^ ledger_hash_key.words[1]);

        return (struct place) {
                .set = t->sets[hash & (SETS - 1)],
                .tag = (uint32_t) (hash >> 32),
                .source_is_low = low,
        };
}

struct entry *ledger_entries_find(const struct place *p) {
        for (unsigned i = 0; i < WAYS; i++)
                if (p->set[i].state != ENTRY_FREE && p->set[i].tag == p->tag)
                        return &p->set[i];
        return NULL;
}

static bool is_done(const struct entry *e) {
        return e->state == ENTRY_FINISHED || e->state == ENTRY_RESET || e->state == ENTRY_REFUSED;
}

struct entry *ledger_entries_room(const struct place *p, uint32_t now_ms) {
        struct entry *best = &p->set[0];

        for (unsigned i = 0; i < WAYS; i++) {
                struct entry *e = &p->set[i];

                if (e->state == ENTRY_FREE)
                        return e;
                if (is_done(e) != is_done(best) ? is_done(e) : now_ms - e->birth_ms > now_ms - best->birth_ms)
                        best = e;
        }
        return best;
}
