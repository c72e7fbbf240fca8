/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/observation_ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
        /* Above the longest packed form: a field takes at most 10 bytes (a number of 64 bits). */
        PACKED_MAX = 48 * 1024,
        CHUNK = 512,
        CHUNKS = 1536, /* 768 KiB: a minute with every listener and source there can be */
        NONE = UINT16_MAX,
};

/* A tick may come this much early. */
#define SLACK_US UINT64_C(100000)

struct entry {
        uint64_t time_us;
        uint32_t length;
        uint16_t first; /* chunk */
};

struct observation_ring {
        struct observation joined; /* of the ticks since the last one kept */
        bool joining;
        uint64_t walked_us;        /* the last tick with a walk */

        uint64_t first, next;
        struct entry entries[OBSERVATION_RING_MAX];
        /* Freed chunks are used again first, so that a quiet host touches few pages. */
        uint16_t following[CHUNKS];
        uint16_t free_list, untouched, free_count;
        uint8_t packed[PACKED_MAX];
        uint8_t chunks[CHUNKS][CHUNK];
};

struct observation_ring *observation_ring_new(void) {
        struct observation_ring *r = calloc(1, sizeof *r);

        if (!r)
                return NULL;
        r->free_list = NONE;
        r->free_count = CHUNKS;
        return r;
}

struct observation_ring *observation_ring_free(struct observation_ring *r) {
        free(r);
        return NULL;
}

/* --- packing: one walk over the fields, both ways ------------------------------ */

struct packer {
        uint8_t *at, *end;
        bool unpack;
};

/* Seven bits a byte, the lowest first; most figures are small. */
static void number(struct packer *p, uint64_t *v) {
        if (p->unpack) {
                unsigned shift = 0;

                *v = 0;
                do {
                        assert(p->at < p->end && shift < 64);
                        *v |= (uint64_t) (*p->at & 0x7f) << shift;
                        shift += 7;
                } while (*p->at++ & 0x80);
                return;
        }
        for (uint64_t rest = *v;; rest >>= 7) {
                assert(p->at < p->end);
                *p->at++ = (uint8_t) ((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
                if (rest <= 0x7f)
                        return;
        }
}

static void raw(struct packer *p, void *data, size_t length) {
        assert((size_t) (p->end - p->at) >= length);
        if (p->unpack)
                memcpy(data, p->at, length);
        else
                memcpy(p->at, data, length);
        p->at += length;
}

#define NUMBER(field)                                                                              \
        do {                                                                                       \
                uint64_t number_ = (uint64_t) (field);                                             \
                number(p, &number_);                                                               \
                (field) = (__typeof__(field)) number_;                                             \
        } while (0)

static void pack_listener(struct packer *p, struct obs_listener *l) {
        raw(p, &l->key.address, sizeof l->key.address);
        NUMBER(l->key.port);
        NUMBER(l->key.ifindex);
        NUMBER(l->known);
        NUMBER(l->sockets);
        NUMBER(l->backlog);
        NUMBER(l->accept_queue);
        NUMBER(l->accept_full);
        NUMBER(l->half_open);
        NUMBER(l->deferred);
        for (unsigned i = 0; i < OBS_AGE_BINS; i++)
                NUMBER(l->age[i]);
        NUMBER(l->drops);
        NUMBER(l->syns);
}

static void pack_source(struct packer *p, struct obs_source *s) {
        raw(p, &s->prefix.address, sizeof s->prefix.address);
        NUMBER(s->prefix.length);
        NUMBER(s->known);
        raw(p, &s->syn_per_s, sizeof s->syn_per_s);
        raw(p, &s->syn_error_per_s, sizeof s->syn_error_per_s);
        raw(p, &s->completed_per_s, sizeof s->completed_per_s);
        NUMBER(s->half_open);
        raw(p, &s->completion_low, sizeof s->completion_low);
        raw(p, &s->completion_high, sizeof s->completion_high);
}

static void pack_sources(struct packer *p, struct obs_sources *s) {
        NUMBER(s->count);
        NUMBER(s->tracked);
        NUMBER(s->known);
        raw(p, &s->distinct, sizeof s->distinct);
        raw(p, &s->seen_once_share, sizeof s->seen_once_share);
        raw(p, &s->stray_share, sizeof s->stray_share);
        NUMBER(s->stray_ports);
        NUMBER(s->known_begun);
        NUMBER(s->known_again);
        for (uint32_t i = 0; i < s->count; i++)
                pack_source(p, &s->list[i]);
}

static void pack(struct packer *p, struct observation *o) {
        NUMBER(o->time_us);
        NUMBER(o->realtime_us);
        NUMBER(o->elapsed_us);
        NUMBER(o->known);
        NUMBER(o->counters_known);
        for (unsigned i = 0; i < OBS_COUNTERS; i++)
                NUMBER(o->counters[i]);
        NUMBER(o->half_open);
        NUMBER(o->aged);
        NUMBER(o->deferred);
        NUMBER(o->ghosts);
        NUMBER(o->syncookies);
        NUMBER(o->synack_retries);
        NUMBER(o->listeners_count);
        NUMBER(o->listeners_left_out);
        for (uint32_t i = 0; i < o->listeners_count; i++)
                pack_listener(p, &o->listeners[i]);
        pack_sources(p, &o->sources);
        for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                NUMBER(o->probe.ended[i]);
        NUMBER(o->probe.slowest_us);
        raw(p, o->sensors, sizeof o->sensors);
        NUMBER(o->sample_one_in);
        NUMBER(o->log_received);
        NUMBER(o->log_lost);
}

/* --- keeping -------------------------------------------------------------------- */

static struct entry *entry_of(struct observation_ring *r, uint64_t n) {
        return &r->entries[n % OBSERVATION_RING_MAX];
}

static void forget_first(struct observation_ring *r) {
        struct entry *e = entry_of(r, r->first++);
        uint16_t last = e->first;

        r->free_count++;
        while (r->following[last] != NONE) {
                last = r->following[last];
                r->free_count++;
        }
        r->following[last] = r->free_list;
        r->free_list = e->first;
}

static uint16_t take_chunk(struct observation_ring *r) {
        uint16_t c = r->free_list;

        r->free_count--;
        if (c == NONE)
                return r->untouched++;
        r->free_list = r->following[c];
        return c;
}

static void store(struct observation_ring *r, struct entry *e) {
        uint16_t *link = &e->first;

        for (uint32_t at = 0; at < e->length; at += CHUNK) {
                uint32_t n = e->length - at < CHUNK ? e->length - at : CHUNK;
                uint16_t c = take_chunk(r);

                memcpy(r->chunks[c], r->packed + at, n);
                *link = c;
                link = &r->following[c];
        }
        *link = NONE;
}

static void keep(struct observation_ring *r, struct observation *o) {
        struct packer p = { .at = r->packed, .end = r->packed + sizeof r->packed };
        struct entry e = { .time_us = o->time_us };
        uint32_t needed;

        pack(&p, o);
        e.length = (uint32_t) (p.at - r->packed);
        needed = (e.length + CHUNK - 1) / CHUNK;
        while (r->first < r->next && (r->free_count < needed || r->next - r->first == OBSERVATION_RING_MAX ||
                                      o->time_us - entry_of(r, r->first)->time_us > OBSERVATION_RING_US))
                forget_first(r);
        store(r, &e);
        *entry_of(r, r->next++) = e;
}

/* --- joining the ticks of a second ---------------------------------------------- */

/* What the earlier ticks counted is added; what they saw, kept where the later one did not look. */
static void join_listener(struct obs_listener *to, const struct obs_listener *earlier) {
        to->drops += earlier->drops;
        to->syns += earlier->syns;
        to->known &= earlier->known | ~(uint32_t) (OBS_L_DROPS | OBS_L_SYNS);
        if (!(to->known & OBS_L_DROPS))
                to->drops = 0;
        if (!(to->known & OBS_L_SYNS))
                to->syns = 0;
        if ((to->known & OBS_L_HALF_OPEN) || !(earlier->known & OBS_L_HALF_OPEN))
                return;
        to->half_open = earlier->half_open;
        to->deferred = earlier->deferred;
        memcpy(to->age, earlier->age, sizeof to->age);
        to->known |= OBS_L_HALF_OPEN;
}

/* Of both only where both have them, as with counters. */
static void join_impact(struct observation *to, const struct observation *earlier) {
        if (to->known & earlier->known & OBS_K_PROBE) {
                for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                        to->probe.ended[i] += earlier->probe.ended[i];
                if (to->probe.slowest_us < earlier->probe.slowest_us)
                        to->probe.slowest_us = earlier->probe.slowest_us;
        }
        if (to->known & earlier->known & OBS_K_SOURCES && to->sources.known & earlier->sources.known & OBS_SS_KNOWN) {
                to->sources.known_begun += earlier->sources.known_begun;
                to->sources.known_again += earlier->sources.known_again;
        }
}

static void join(struct observation *earlier, const struct observation *o) {
        struct observation to = *o;

        to.elapsed_us += earlier->elapsed_us;
        to.counters_known &= earlier->counters_known;
        for (unsigned i = 0; i < OBS_COUNTERS; i++)
                to.counters[i] = to.counters_known & (UINT32_C(1) << i) ? to.counters[i] + earlier->counters[i] : 0;
        to.log_received += earlier->log_received;
        to.log_lost += earlier->log_lost;
        join_impact(&to, earlier);
        if (!(to.known & OBS_K_DUMP) && (earlier->known & OBS_K_DUMP)) {
                to.half_open = earlier->half_open;
                to.aged = earlier->aged;
                to.deferred = earlier->deferred;
                to.ghosts = earlier->ghosts;
                to.known |= OBS_K_DUMP;
        }
        for (uint32_t i = 0; i < to.listeners_count; i++) {
                const struct obs_listener *l = observation_find_listener(earlier, &to.listeners[i].key);

                if (l)
                        join_listener(&to.listeners[i], l);
        }
        *earlier = to;
}

void observation_ring_add(struct observation_ring *r, const struct observation *o) {
        bool walk = o->known & OBS_K_DUMP;
        bool after_pause = walk && o->time_us - r->walked_us + SLACK_US >= OBSERVATION_RING_STEP_US;

        if (r->joining)
                join(&r->joined, o);
        else
                r->joined = *o;
        r->joining = true;
        if (walk)
                r->walked_us = o->time_us;
        if (!after_pause && r->joined.elapsed_us + SLACK_US < OBSERVATION_RING_STEP_US)
                return;
        keep(r, &r->joined);
        r->joining = false;
}

uint64_t observation_ring_first(const struct observation_ring *r) {
        return r->first;
}

uint64_t observation_ring_next(const struct observation_ring *r) {
        return r->next;
}

int observation_ring_get(const struct observation_ring *r, uint64_t n, struct observation *ret) {
        const struct entry *e = &r->entries[n % OBSERVATION_RING_MAX];
        uint8_t packed[PACKED_MAX];
        struct packer p = { .at = packed, .end = packed + e->length, .unpack = true };
        uint32_t at = 0;

        if (n < r->first || n >= r->next)
                return -ENOENT;
        for (uint16_t c = e->first; c != NONE; c = r->following[c], at += CHUNK)
                memcpy(packed + at, r->chunks[c], e->length - at < CHUNK ? e->length - at : CHUNK);
        memset(ret, 0, sizeof *ret);
        pack(&p, ret);
        return 0;
}
