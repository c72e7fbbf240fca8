/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/ledger.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/distinct.h"
#include "core/keyed_hash.h"

enum {
        SETS = 1 << 18,
        WAYS = 4, /* entries of one cache line */
        SOURCE_SETS = 1 << 12,
        SLOT_MS = 100,
        SLOTS = 256,        /* a ring; the last HORIZON of them can still change */
        HORIZON = 128,
        WINDOW = 10,        /* slots of a second */
        RUN_GAP = 50,       /* a calm of so many slots ends a run */
        COPY_MS = 100,      /* no stack sends again so soon */
        SAME_MS = 130000,   /* a SYN is not sent again later (tcp_syn_retries 6: 127 s) */
        SETTLED_MS = 3000,  /* the same SYN so much later, and it is over: another handshake */
        PORT_STEP_MAX = 16,
        PATIENCE_MIN_MS = 100,
        PATIENCE_MAX_MS = 3000,
};

enum state { FREE, BEGUN, ANSWERED, FINISHED, RESET, REFUSED };
enum { SERVER_IS_LOW = 1, SYN_AGAIN = 2, SYN_ACK_AGAIN = 4, BY_ANSWER = 8 };

struct entry {
        uint32_t tag, isn;  /* the client's sequence number */
        uint32_t birth_ms;  /* modulo 2^32 */
        uint16_t service;
        uint8_t state, flags;
};

struct slot {
        uint32_t of[LEDGER_TALLIES];
};

struct service {
        struct ledger_counts counts, judged; /* judged: of the slots that can no longer change */
        struct slot slots[SLOTS];
        struct slot window;              /* sum of the last WINDOW judged slots */
        bool busy;                       /* something is in the slots or the window */
        uint64_t idle_slots;
        struct distinct *clients;        /* NULL: none yet */
        uint32_t blocks[256 / 32];       /* first bytes of IPv4 clients met */
        uint32_t delays[LEDGER_DELAYS];
        uint64_t first_ms, first_handshakes;
        double peak_per_s;
        uint64_t runs;
        bool running;
        struct ledger_counts before;     /* judged, when the run began */
        struct ledger_run run, longest;
        uint64_t refusing_from_us, refusing_to_us, refusing_us, refusing_at_us;
};

struct source {
        struct address address;
        uint32_t score; /* what others have to outweigh to take its place */
        uint32_t handshakes, finished, reset, refused, ttl_differs, ports_in_order;
        uint16_t last_port;
        uint8_t ttl;
        uint64_t reset_delay_us;
};

struct source_set {
        struct source ways[WAYS];
};

struct ledger {
        struct ledger_limits limits;
        struct entry (*sets)[WAYS]; /* mapped */
        struct source_set *sources[2]; /* addresses, networks */
        struct service *services;
        uint16_t merged[LEDGER_SERVICES]; /* into which service; itself: into none */
        uint64_t now_us, now_ms, next_slot; /* the first that is not judged yet */
        uint64_t copies, others, by_clients, by_servers;
        uint32_t delays[LEDGER_DELAYS];
        double patience_s;
};

/* Sequence numbers of one connection, for as long as anybody captures its beginning. */
#define NEAR (UINT32_C(1) << 30)

static const struct keyed_hash hash_key = { { 0x9216d5d98979fb1b, 0xd1310ba698dfb5ac,
                                              0x2ffd72dbd01adfb7, 0xb8e1afed6a267e96 } };

/* A look-up in it is where replaying spends most of its time, waiting for memory: huge pages, where
 * there are any, shorten that. */
static void *map_sets(void) {
        size_t size = SETS * sizeof(struct entry[WAYS]);
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
                return NULL;
        madvise(memory, size, MADV_HUGEPAGE);
        return memory;
}

int ledger_new(const struct ledger_limits *limits, struct ledger **ret) {
        struct ledger *l = calloc(1, sizeof *l);

        if (!l)
                return -ENOMEM;
        l->limits = *limits;
        l->patience_s = NAN;
        for (unsigned i = 0; i < LEDGER_SERVICES; i++)
                l->merged[i] = (uint16_t) i;
        l->sets = map_sets();
        l->services = calloc(LEDGER_SERVICES, sizeof *l->services);
        for (unsigned i = 0; i < 2; i++)
                l->sources[i] = calloc(SOURCE_SETS, sizeof **l->sources);
        if (!l->sets || !l->services || !l->sources[0] || !l->sources[1]) {
                ledger_free(l);
                return -ENOMEM;
        }
        *ret = l;
        return 0;
}

struct ledger *ledger_free(struct ledger *l) {
        if (!l)
                return NULL;
        for (unsigned i = 0; l->services && i < LEDGER_SERVICES; i++)
                free(l->services[i].clients);
        free(l->services);
        free(l->sources[0]);
        free(l->sources[1]);
        if (l->sets)
                munmap(l->sets, SETS * sizeof *l->sets);
        free(l);
        return NULL;
}

uint64_t ledger_bad(const struct ledger_counts *c) {
        uint64_t good = c->of[LEDGER_DONE] + c->of[LEDGER_CLOSED] + c->of[LEDGER_WAITING];

        return c->of[LEDGER_HANDSHAKES] > good ? c->of[LEDGER_HANDSHAKES] - good : 0;
}

/* --- seconds, and floods in them ------------------------------------------------------ */

static uint32_t slot_bad(const struct slot *s) {
        uint32_t good = s->of[LEDGER_DONE] + s->of[LEDGER_CLOSED] + s->of[LEDGER_WAITING];

        return s->of[LEDGER_HANDSHAKES] > good ? s->of[LEDGER_HANDSHAKES] - good : 0;
}

/* Of the window that ends with this slot. */
static uint64_t first_bad(const struct service *s, uint64_t slot) {
        for (uint64_t i = slot - WINDOW + 1; i < slot; i++)
                if (slot_bad(&s->slots[i % SLOTS]) > 0)
                        return i;
        return slot;
}

static void end_run(struct service *s) {
        if (!s->running)
                return;
        s->running = false;
        s->runs++;
        if (ledger_bad(&s->run.counts) > ledger_bad(&s->longest.counts))
                s->longest = s->run;
}

static void judge_window(const struct ledger *l, struct service *s, uint64_t slot) {
        uint32_t bad = slot_bad(&s->window);
        uint64_t end_us = (slot + 1) * SLOT_MS * 1000;
        bool here = slot_bad(&s->slots[slot % SLOTS]) > 0;

        if (bad < l->limits.rate_per_s || bad < l->limits.share * s->window.of[LEDGER_HANDSHAKES]) {
                if (s->running && end_us - s->run.end_us > (RUN_GAP + WINDOW) * SLOT_MS * UINT64_C(1000))
                        end_run(s);
                return;
        }
        if (!s->running) {
                s->running = true;
                s->run = (struct ledger_run) { .begin_us = first_bad(s, slot) * SLOT_MS * UINT64_C(1000) };
                for (unsigned i = 0; i < LEDGER_TALLIES; i++)
                        s->before.of[i] = s->judged.of[i] - s->window.of[i];
        }
        if (here)
                s->run.end_us = end_us;
        for (unsigned i = 0; i < LEDGER_TALLIES; i++)
                s->run.counts.of[i] = s->judged.of[i] - s->before.of[i];
        s->run.peak_bad_per_s = fmax(s->run.peak_bad_per_s, bad);
}

/* judge: what is in it has had its time. */
static void retire_slot(const struct ledger *l, struct service *s, uint64_t slot, bool judge) {
        struct slot *now = &s->slots[slot % SLOTS], *old = &s->slots[(slot - WINDOW) % SLOTS];
        bool empty = true;

        for (unsigned i = 0; i < LEDGER_TALLIES; i++) {
                s->window.of[i] += now->of[i] - old->of[i];
                s->judged.of[i] += now->of[i];
                empty = empty && s->window.of[i] == 0;
        }
        s->slots[(slot + HORIZON) % SLOTS] = (struct slot) { 0 }; /* to be filled next */
        s->peak_per_s = fmax(s->peak_per_s, s->window.of[LEDGER_HANDSHAKES]);
        if (judge)
                judge_window(l, s, slot);
        s->idle_slots = empty ? s->idle_slots + 1 : 0;
        if (s->idle_slots > SLOTS + RUN_GAP) { /* every slot is empty */
                end_run(s);
                s->busy = false;
        }
}

static void retire(struct ledger *l, uint64_t until_slot, uint64_t judge_until) {
        for (unsigned i = 0; i < LEDGER_SERVICES; i++) {
                struct service *s = &l->services[i];

                for (uint64_t slot = l->next_slot; s->busy && slot < until_slot; slot++)
                        retire_slot(l, s, slot, slot < judge_until);
        }
        if (until_slot > l->next_slot)
                l->next_slot = until_slot;
}

static void advance(struct ledger *l, uint64_t now_us) {
        uint64_t slot = now_us / 1000 / SLOT_MS;

        l->now_us = now_us;
        l->now_ms = now_us / 1000;
        if (slot >= l->next_slot + HORIZON)
                retire(l, slot - HORIZON + 1, UINT64_MAX);
}

static struct service *service_of(struct ledger *l, const struct entry *e) {
        return &l->services[l->merged[e->service]];
}

/* --- tallies ------------------------------------------------------------------------------ */

static void tally(struct ledger *l, const struct entry *e, enum ledger_tally what, uint64_t by) {
        struct service *s = service_of(l, e);
        uint64_t slot = (l->now_ms - (uint32_t) ((uint32_t) l->now_ms - e->birth_ms)) / SLOT_MS;

        s->counts.of[what] += by; /* modulo 2^64: down as well */
        if (slot >= l->next_slot)
                s->slots[slot % SLOTS].of[what] += (uint32_t) by;
}

/* Everything that an entry stands for, up (1) or down (-1). */
static void tally_all(struct ledger *l, const struct entry *e, uint64_t by) {
        bool open = e->state == BEGUN || e->state == ANSWERED;

        tally(l, e, LEDGER_HANDSHAKES, by);
        if (!(e->flags & BY_ANSWER))
                tally(l, e, LEDGER_SYNS, by);
        else
                tally(l, e, LEDGER_UNASKED, by);
        if (e->state == ANSWERED || e->state == RESET || e->state == FINISHED)
                tally(l, e, LEDGER_SYN_ACKED, by);
        if (open && (e->flags & SYN_AGAIN))
                tally(l, e, LEDGER_RETRIED, by);
        if (e->state == BEGUN && (e->flags & SYN_AGAIN))
                tally(l, e, LEDGER_WAITING, by);
        if (open && (e->flags & SYN_ACK_AGAIN))
                tally(l, e, LEDGER_RESENT, by);
}

static void meet_client(struct ledger *l, const struct entry *e, const struct address *client, uint64_t hash) {
        struct service *s = service_of(l, e);

        if (!s->busy) {
                /* Left alone since it was idle: what its slots hold is nothing. */
                memset(s->slots, 0, sizeof s->slots);
                s->window = (struct slot) { 0 };
                s->busy = true;
                s->idle_slots = 0;
        }
        if (!s->clients)
                s->clients = calloc(1, sizeof *s->clients);
        if (s->clients)
                distinct_add(s->clients, hash);
        if (s->first_ms == 0)
                s->first_ms = l->now_ms;
        s->first_handshakes += l->now_ms - s->first_ms < 10000;
        if (address_is_ipv4(client))
                s->blocks[client->bytes[12] / 32] |= UINT32_C(1) << client->bytes[12] % 32;
}

/* A handshake whose service was found only after it had begun. */
static void settle(struct ledger *l, struct entry *e, struct capture_hosts *hosts,
                   const struct ledger_note *n) {
        int service;

        if (e->service != LEDGER_ELSEWHERE)
                return;
        service = capture_hosts_find(hosts, &n->server, n->server_port);
        if (service == CAPTURE_NO_SERVICE)
                return;
        tally_all(l, e, (uint64_t) -1);
        e->service = (uint16_t) service;
        meet_client(l, e, &n->client, keyed_hash_address(&hash_key, &n->client));
        tally_all(l, e, 1);
}

/* --- sources ------------------------------------------------------------------------------- */

static struct address network_of(const struct address *a) {
        return address_mask(a, address_is_ipv4(a) ? ADDRESS_IPV4_OFFSET_BITS + 24 : 64);
}

/* admit: it may take another's place, whose weight falls until it has none. */
static struct source *source_for(struct ledger *l, unsigned kind, const struct address *a, uint64_t hash,
                                 bool admit) {
        struct source_set *set = &l->sources[kind][hash >> 40 & (SOURCE_SETS - 1)];
        struct source *lightest = &set->ways[0];

        for (unsigned i = 0; i < WAYS; i++) {
                struct source *s = &set->ways[i];

                if (s->score > 0 && address_equal(&s->address, a))
                        return s;
                if (s->score < lightest->score)
                        lightest = s;
        }
        if (!admit)
                return NULL;
        if (lightest->score > 0) {
                lightest->score--;
                return NULL;
        }
        *lightest = (struct source) { .address = *a };
        return lightest;
}

static void source_begins(struct ledger *l, const struct ledger_note *n, const struct capture_segment *seg,
                          uint64_t hash) {
        struct address network = network_of(&n->client);
        struct source *s[2] = {
                source_for(l, 0, &n->client, hash, true),
                source_for(l, 1, &network, keyed_hash_address(&hash_key, &network), true),
        };

        for (unsigned kind = 0; kind < 2; kind++) {
                uint16_t step;

                if (!s[kind])
                        continue;
                step = (uint16_t) (n->client_port - s[kind]->last_port);
                s[kind]->handshakes++;
                s[kind]->score++;
                s[kind]->ports_in_order += step >= 1 && step <= PORT_STEP_MAX;
                s[kind]->last_port = n->client_port;
                s[kind]->ttl = seg->ttl;
        }
}

static void source_ends(struct ledger *l, const struct ledger_note *n, const struct entry *e, uint8_t ttl) {
        struct address keys[2] = { n->client, network_of(&n->client) };

        for (unsigned kind = 0; kind < 2; kind++) {
                struct source *s = source_for(l, kind, &keys[kind], keyed_hash_address(&hash_key, &keys[kind]),
                                              false);

                if (!s)
                        continue;
                s->finished += n->news == LEDGER_FINISHED;
                s->refused += n->news == LEDGER_REFUSED;
                if (n->news != LEDGER_RESET)
                        continue;
                s->reset++;
                s->ttl_differs += ttl != s->ttl;
                s->reset_delay_us += UINT64_C(1000) * (uint32_t) ((uint32_t) l->now_ms - e->birth_ms);
        }
}

/* --- entries -------------------------------------------------------------------------------- */

struct place {
        struct entry *set;
        uint32_t tag;
        bool source_is_low;
};

static struct place place_of(const struct ledger *l, const struct capture_segment *s) {
        int order = memcmp(s->source.bytes, s->destination.bytes, sizeof s->source.bytes);
        bool low = order < 0 || (order == 0 && s->source_port < s->destination_port);
        const struct address *a = low ? &s->source : &s->destination, *b = low ? &s->destination : &s->source;
        uint64_t pa = low ? s->source_port : s->destination_port, pb = low ? s->destination_port : s->source_port;
        uint64_t hash = keyed_hash_fold(keyed_hash_address(&hash_key, a) ^ (pa << 16 | pb),
                                        keyed_hash_address(&hash_key, b) ^ hash_key.words[1]);

        return (struct place) {
                .set = l->sets[hash & (SETS - 1)],
                .tag = (uint32_t) (hash >> 32),
                .source_is_low = low,
        };
}

static void add_counts(struct ledger_counts *to, const struct ledger_counts *from) {
        for (unsigned i = 0; i < LEDGER_TALLIES; i++)
                to->of[i] += from->of[i];
}

static void add_slots(struct service *to, const struct service *from) {
        for (unsigned i = 0; i < LEDGER_TALLIES; i++) {
                to->window.of[i] += from->window.of[i];
                for (unsigned slot = 0; slot < SLOTS; slot++)
                        to->slots[slot].of[i] += from->slots[slot].of[i];
        }
        to->busy = true;
        to->idle_slots = 0;
}

static void add_clients(struct service *to, struct service *from) {
        if (!to->clients) {
                to->clients = from->clients;
                from->clients = NULL;
        }
        for (unsigned i = 0; from->clients && i < DISTINCT_REGISTERS; i++)
                if (from->clients->registers[i] > to->clients->registers[i])
                        to->clients->registers[i] = from->clients->registers[i];
        for (unsigned i = 0; i < 256 / 32; i++)
                to->blocks[i] |= from->blocks[i];
        for (unsigned i = 0; i < LEDGER_DELAYS; i++)
                to->delays[i] += from->delays[i];
}

void ledger_merge(struct ledger *l, unsigned service, unsigned into) {
        struct service *from = &l->services[service], *to = &l->services[into];

        if (l->merged[service] != service || service == into)
                return;
        end_run(from);
        add_counts(&to->counts, &from->counts);
        add_counts(&to->judged, &from->judged);
        add_counts(&to->before, &from->judged); /* which was before any run of the other */
        if (from->busy)
                add_slots(to, from);
        add_clients(to, from);
        if (to->first_ms == 0 || (from->first_ms && from->first_ms < to->first_ms))
                to->first_ms = from->first_ms;
        to->first_handshakes += from->first_handshakes;
        free(from->clients);
        memset(from, 0, sizeof *from);
        for (unsigned i = 0; i < LEDGER_SERVICES; i++)
                if (l->merged[i] == service)
                        l->merged[i] = (uint16_t) into;
}

void ledger_prefetch(const struct ledger *l, const struct capture_segment *s) {
        __builtin_prefetch(place_of(l, s).set, 1);
}

static struct entry *entry_find(const struct place *p) {
        for (unsigned i = 0; i < WAYS; i++)
                if (p->set[i].state != FREE && p->set[i].tag == p->tag)
                        return &p->set[i];
        return NULL;
}

static bool is_done(const struct entry *e) {
        return e->state == FINISHED || e->state == RESET || e->state == REFUSED;
}

static struct entry *entry_room(struct ledger *l, const struct place *p) {
        struct entry *best = &p->set[0];
        uint32_t now_ms = (uint32_t) l->now_ms;

        for (unsigned i = 0; i < WAYS; i++) {
                struct entry *e = &p->set[i];

                if (e->state == FREE)
                        return e;
                if (is_done(e) != is_done(best) ? is_done(e) : now_ms - e->birth_ms > now_ms - best->birth_ms)
                        best = e;
        }
        return best;
}

static void begin(struct ledger *l, struct entry *e, const struct place *p, struct capture_hosts *hosts,
                  const struct capture_segment *s, bool by_answer, struct ledger_note *ret) {
        uint64_t hash;
        int service;

        ret->news = LEDGER_BEGUN;
        ret->by_answer = by_answer;
        service = capture_hosts_find(hosts, &ret->server, ret->server_port);
        *e = (struct entry) {
                .tag = p->tag,
                .isn = by_answer ? s->acknowledged - 1 : s->sequence,
                .birth_ms = (uint32_t) l->now_ms,
                .service = service == CAPTURE_NO_SERVICE ? LEDGER_ELSEWHERE : (uint16_t) service,
                .state = by_answer ? ANSWERED : BEGUN,
                .flags = (uint8_t) ((p->source_is_low == by_answer ? SERVER_IS_LOW : 0) |
                                    (by_answer ? BY_ANSWER : 0)),
        };
        hash = keyed_hash_address(&hash_key, &ret->client);
        meet_client(l, e, &ret->client, hash);
        tally_all(l, e, 1);
        source_begins(l, ret, s, hash);
}

static bool is_same_syn(const struct ledger *l, const struct entry *e, const struct capture_segment *s,
                        bool from_client) {
        uint32_t age_ms = (uint32_t) l->now_ms - e->birth_ms;

        return from_client && e->isn == s->sequence && age_ms <= SAME_MS &&
               (e->state == BEGUN || e->state == ANSWERED || e->state == REFUSED || age_ms <= SETTLED_MS);
}

static void syn_again(struct ledger *l, struct entry *e, struct ledger_note *ret) {
        if ((uint32_t) l->now_ms - e->birth_ms < COPY_MS) {
                l->copies++;
                return;
        }
        if (e->state == FINISHED || e->state == RESET)
                return;
        ret->news = LEDGER_REPEATED;
        tally(l, e, LEDGER_SYNS, 1);
        if (e->flags & SYN_AGAIN || e->state == REFUSED)
                return;
        e->flags |= SYN_AGAIN;
        tally(l, e, LEDGER_RETRIED, 1);
        if (e->state == BEGUN)
                tally(l, e, LEDGER_WAITING, 1);
}

static void end_refusing(struct service *s) {
        if (s->refusing_to_us - s->refusing_from_us > s->refusing_us) {
                s->refusing_us = s->refusing_to_us - s->refusing_from_us;
                s->refusing_at_us = s->refusing_from_us;
        }
        s->refusing_from_us = s->refusing_to_us = 0;
}

static void syn_ack(struct ledger *l, struct entry *e, struct ledger_note *ret) {
        if (e->state == BEGUN || e->state == REFUSED) {
                if (e->state == REFUSED)
                        tally(l, e, LEDGER_CLOSED, (uint64_t) -1);
                else if (e->flags & SYN_AGAIN)
                        tally(l, e, LEDGER_WAITING, (uint64_t) -1);
                e->state = ANSWERED;
                tally(l, e, LEDGER_SYN_ACKED, 1);
                end_refusing(service_of(l, e));
                ret->news = LEDGER_ANSWERED;
        } else if ((uint32_t) l->now_ms - e->birth_ms < COPY_MS)
                l->copies++;
        else if (e->state == ANSWERED && !(e->flags & SYN_ACK_AGAIN)) {
                e->flags |= SYN_ACK_AGAIN;
                tally(l, e, LEDGER_RESENT, 1);
        }
}

/* It is over, however: what was said of it as unfinished no longer holds. */
static void leave_open(struct ledger *l, struct entry *e) {
        if (e->flags & SYN_AGAIN) {
                tally(l, e, LEDGER_RETRIED, (uint64_t) -1);
                if (e->state == BEGUN)
                        tally(l, e, LEDGER_WAITING, (uint64_t) -1);
        }
        if (e->flags & SYN_ACK_AGAIN)
                tally(l, e, LEDGER_RESENT, (uint64_t) -1);
}

/* A quarter of an octave a bin. */
static unsigned delay_bin(uint32_t ms) {
        unsigned octave = 31 - (unsigned) __builtin_clz(ms + 4);
        unsigned bin = octave * 4 + ((ms + 4) >> (octave - 2) & 3);

        return bin < LEDGER_DELAYS ? bin : LEDGER_DELAYS - 1;
}

static double bin_s(unsigned bin) {
        return (ldexp(4 + bin % 4 + 0.5, (int) (bin / 4) - 2) - 4) / 1000;
}

/* The delay that a share of all stayed below; NAN: there were none. */
static double delay_at(const uint32_t bins[static LEDGER_DELAYS], double share) {
        uint64_t all = 0, sum = 0;

        for (unsigned i = 0; i < LEDGER_DELAYS; i++)
                all += bins[i];
        for (unsigned i = 0; i < LEDGER_DELAYS && all > 0; i++) {
                sum += bins[i];
                if ((double) sum >= share * (double) all)
                        return bin_s(i);
        }
        return NAN;
}

static void over(struct ledger *l, struct entry *e, enum ledger_news news, uint8_t ttl, struct ledger_note *ret) {
        struct service *s = service_of(l, e);
        uint32_t age_ms = (uint32_t) l->now_ms - e->birth_ms;

        ret->news = news;
        leave_open(l, e);
        if (news == LEDGER_FINISHED) {
                if (e->state == BEGUN)
                        end_refusing(s);
                e->state = FINISHED;
                tally(l, e, LEDGER_DONE, 1);
                s->delays[delay_bin(age_ms)]++;
                l->delays[delay_bin(age_ms)]++;
        } else if (news == LEDGER_RESET) {
                e->state = RESET;
                tally(l, e, LEDGER_ENDED, 1);
        } else {
                e->state = REFUSED;
                tally(l, e, LEDGER_CLOSED, 1);
                if (s->refusing_from_us == 0)
                        s->refusing_from_us = l->now_us;
                s->refusing_to_us = l->now_us;
        }
        source_ends(l, ret, e, ttl);
}

static void rst(struct ledger *l, struct entry *e, const struct capture_segment *s, bool from_client,
                struct ledger_note *ret) {
        if (e->state == REFUSED && !from_client)
                ret->news = LEDGER_REFUSED;
        else if (e->state == BEGUN && !from_client)
                over(l, e, LEDGER_REFUSED, s->ttl, ret);
        else if ((e->state == ANSWERED || e->state == BEGUN) && from_client)
                over(l, e, LEDGER_RESET, s->ttl, ret);
}

/* Neither SYN nor RST: whoever sends it takes the handshake for finished. */
static void other(struct ledger *l, struct entry *e, const struct capture_segment *s, bool from_client,
                  struct ledger_note *ret) {
        uint32_t ahead = s->sequence - e->isn, acknowledged = s->acknowledged - e->isn;

        if (e->state != BEGUN && e->state != ANSWERED)
                return;
        /* Of this connection, not of one before it from the same port. The server acknowledges
         * more than the SYN, or has something to send, only when it is through. */
        if (from_client ? ahead + NEAR < 2 * NEAR : s->data || acknowledged - 2 < NEAR)
                over(l, e, LEDGER_FINISHED, s->ttl, ret);
}

static void name_ends(struct ledger_note *n, const struct capture_segment *s, bool from_client) {
        n->client = from_client ? s->source : s->destination;
        n->client_port = from_client ? s->source_port : s->destination_port;
        n->server = from_client ? s->destination : s->source;
        n->server_port = from_client ? s->destination_port : s->source_port;
}

static void see(struct ledger *l, struct entry *e, const struct place *p, struct capture_hosts *hosts,
                const struct capture_segment *s, struct ledger_note *ret) {
        unsigned flags = s->flags & (CAPTURE_SYN | CAPTURE_ACK | CAPTURE_RST);
        bool from_client = flags == CAPTURE_SYN || (e && p->source_is_low != !!(e->flags & SERVER_IS_LOW));

        if (flags == CAPTURE_SYN) {
                bool same = e && is_same_syn(l, e, s, p->source_is_low != !!(e->flags & SERVER_IS_LOW));

                name_ends(ret, s, true);
                if (same)
                        syn_again(l, e, ret);
                else
                        begin(l, e ? e : entry_room(l, p), p, hosts, s, false, ret);
                return;
        }
        if (flags == (CAPTURE_SYN | CAPTURE_ACK)) {
                if (e && from_client)
                        return; /* of whom should have asked: nonsense, or both at once */
                name_ends(ret, s, false);
                if (e)
                        syn_ack(l, e, ret);
                else
                        begin(l, entry_room(l, p), p, hosts, s, true, ret);
                return;
        }
        l->others += !(flags & CAPTURE_SYN);
        if (!e || (flags & CAPTURE_SYN))
                return;
        name_ends(ret, s, from_client);
        if (flags & CAPTURE_RST)
                rst(l, e, s, from_client, ret);
        else
                other(l, e, s, from_client, ret);
}

void ledger_see(struct ledger *l, uint64_t now_us, struct capture_hosts *hosts,
                const struct capture_segment *s, struct ledger_note *ret) {
        struct place p = place_of(l, s);
        struct entry *e;

        *ret = (struct ledger_note) { .service = CAPTURE_NO_SERVICE };
        advance(l, now_us);
        if ((s->flags & (CAPTURE_SYN | CAPTURE_FIN)) == (CAPTURE_SYN | CAPTURE_FIN))
                return; /* no listener takes it */
        e = entry_find(&p);
        see(l, e, &p, hosts, s, ret);
        e = entry_find(&p);
        if (!e)
                return;
        if (p.source_is_low != !!(e->flags & SERVER_IS_LOW))
                l->by_clients++;
        else
                l->by_servers++;
        if (ret->news == LEDGER_NOTHING)
                return;
        settle(l, e, hosts, ret);
        ret->service = e->service == LEDGER_ELSEWHERE ? CAPTURE_NO_SERVICE : e->service;
}

void ledger_conclude(struct ledger *l, uint64_t now_us) {
        double patience_s = delay_at(l->delays, 0.9), seconds = (double) now_us / 1e6 - 1;
        bool nobody = isnan(patience_s); /* finished anything at all */
        uint64_t judge_until, patience_ms;

        advance(l, now_us);

        patience_s = nobody ? fmin(1, seconds / 4) : 1.5 * patience_s;
        patience_ms = (uint64_t) fmin(PATIENCE_MAX_MS, fmax(PATIENCE_MIN_MS, patience_s * 1000));
        if (nobody && seconds * 1000 < 4 * PATIENCE_MIN_MS)
                patience_ms = (uint64_t) (patience_s * 1000);
        l->patience_s = (double) patience_ms / 1000;
        /* Where nobody finishes, the slot that is only begun counts as well. */
        judge_until = l->now_ms > patience_ms ? (l->now_ms - patience_ms) / SLOT_MS + nobody : 0;
        retire(l, l->now_ms / SLOT_MS + 1, judge_until);
        for (unsigned i = 0; i < LEDGER_SERVICES; i++) {
                end_run(&l->services[i]);
                end_refusing(&l->services[i]);
        }
}

/* --- what is asked ----------------------------------------------------------------------------- */

struct ledger_service ledger_service(const struct ledger *l, unsigned service) {
        const struct service *s = &l->services[service];
        double first_s = fmin(10, (double) (l->now_ms - s->first_ms) / 1000);
        struct ledger_service out = {
                .counts = s->counts,
                .clients = s->clients ? distinct_estimate(s->clients, NULL) : 0,
                .peak_per_s = s->peak_per_s,
                .first_per_s = first_s > 0 ? (double) s->first_handshakes / first_s : 0,
                .finish_delay_s = delay_at(s->delays, 0.5),
                .runs = s->runs,
                .longest = s->longest,
                .refusing_s = (double) s->refusing_us / 1e6,
                .refusing_us = s->refusing_at_us,
        };

        for (unsigned i = 0; i < 256 / 32; i++)
                out.blocks += __builtin_popcount(s->blocks[i]);
        return out;
}

static struct ledger_source describe(const struct source *s, bool network) {
        bool v4 = address_is_ipv4(&s->address);

        return (struct ledger_source) {
                .prefix = { .address = s->address,
                            .length = !network ? ADDRESS_BITS : v4 ? ADDRESS_IPV4_OFFSET_BITS + 24 : 64 },
                .handshakes = s->handshakes,
                .finished = s->finished,
                .reset = s->reset,
                .refused = s->refused,
                .reset_delay_us = s->reset_delay_us,
                .ttl_differs = s->ttl_differs,
                .ports_in_order = s->ports_in_order,
        };
}

unsigned ledger_sources(const struct ledger *l, bool networks, unsigned max, struct ledger_source *ret) {
        unsigned count = 0;

        for (unsigned i = 0; i < SOURCE_SETS * WAYS; i++) {
                const struct source *s = &l->sources[networks][i / WAYS].ways[i % WAYS];
                unsigned at;

                if (s->score == 0 || (count == max && s->handshakes <= ret[count - 1].handshakes))
                        continue;
                for (at = count < max ? count++ : count - 1; at > 0 && ret[at - 1].handshakes < s->handshakes; at--)
                        ret[at] = ret[at - 1];
                ret[at] = describe(s, networks);
        }
        return count;
}

uint64_t ledger_copies(const struct ledger *l) {
        return l->copies;
}

uint64_t ledger_others(const struct ledger *l) {
        return l->others;
}

void ledger_directions(const struct ledger *l, uint64_t *ret_by_clients, uint64_t *ret_by_servers) {
        *ret_by_clients = l->by_clients;
        *ret_by_servers = l->by_servers;
}

double ledger_patience_s(const struct ledger *l) {
        return l->patience_s;
}
