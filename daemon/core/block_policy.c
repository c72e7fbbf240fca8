/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/block_policy.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/explain.h"
#include "core/host_track.h"
#include "core/rate.h"

/* Nobody honest among them: no more than this share of the SYNs became connections, even at the far
 * end of what the sample allows. */
#define COMPLETION_HIGH_MAX 0.1
/* A prefix is named if this much of it is not carried by addresses that are named. */
#define PREFIX_OWN_SHARE 0.2
/* How long a source with an established connection is not asked for again, */
#define ESTABLISHED_US UINT64_C(5000000)
/* and one of which there is no proof yet: its half-opens have to be a second old. */
#define UNPROVEN_US OBS_TICK_US
enum { PROOF_HALF_OPENS = 2 };
/* So long after an accept queue was full handshakes that TCP could not finish may be told as unfinished. */
#define STALLED_US HOST_TRACK_OVERFLOW_US
/* What a subscriber is given, and may send from any address of (RFC 6177). */
enum { IPV6_SITE_BITS = 64 };
enum { DECLINED_MAX = 64 };
/* The kernel has let an entry go by then. */
#define GRACE_US UINT64_C(500000)

/* Looked at, and not to be blocked for now. */
struct declined {
        struct prefix prefix;
        uint64_t until_us;
};

struct block_policy {
        const struct settings *settings;
        const struct known_clients *clients; /* NULL: none are known */
        struct rate csum_errors; /* a second, the most of the last seconds */
        uint64_t stalled_until_us; /* the application's fault, not the clients' */
        const char *let_go; /* why all have to go; NULL: they need not */
        uint32_t declined_next;
        struct declined declined[DECLINED_MAX];
        uint32_t count, room;
        struct block_entry *entries;
};

struct block_policy *block_policy_new(const struct settings *settings, const struct known_clients *clients) {
        struct block_policy *b = calloc(1, sizeof *b);

        if (!b)
                return NULL;
        b->clients = clients;
        b->csum_errors = rate_unknown();
        if (block_policy_configure(b, settings) < 0)
                return block_policy_free(b);
        return b;
}

struct block_policy *block_policy_free(struct block_policy *b) {
        if (!b)
                return NULL;
        free(b->entries);
        free(b);
        return NULL;
}

int block_policy_configure(struct block_policy *b, const struct settings *settings) {
        uint32_t wanted = settings->block.enabled ? settings->block.max_entries : 0;
        struct block_entry *more;

        if (wanted > b->room) {
                more = reallocarray(b->entries, wanted, sizeof *more);
                if (!more)
                        return -ENOMEM;
                b->entries = more;
                b->room = wanted;
        }
        b->settings = settings;
        return 0;
}

/* --- who may not be ------------------------------------------------------------- */

/* Whether two prefixes have an address in common. */
static bool overlap(const struct prefix *a, const struct prefix *b) {
        return a->length <= b->length ? prefix_contains(a, &b->address) : prefix_contains(b, &a->address);
}

static bool is_protected(const struct block_policy *b, const struct block_protected *protect, const struct prefix *p) {
        for (uint32_t i = 0; i < b->settings->allow_count; i++)
                if (overlap(&b->settings->allow[i], p))
                        return true;
        for (uint32_t i = 0; i < protect->count; i++)
                if (prefix_contains(p, &protect->list[i]))
                        return true;
        return false;
}

/* Whether an entry does for it already; if it is to be cut off, one that is. */
static bool is_covered(const struct block_policy *b, const struct prefix *p, bool limited) {
        for (uint32_t i = 0; i < b->count; i++)
                if ((limited || !b->entries[i].limit_per_s) && b->entries[i].prefix.length <= p->length &&
                    prefix_contains(&b->entries[i].prefix, &p->address))
                        return true;
        return false;
}

static void decline(struct block_policy *b, const struct prefix *p, uint64_t until_us) {
        b->declined[b->declined_next++ % DECLINED_MAX] = (struct declined) { *p, until_us };
}

static bool is_declined(const struct block_policy *b, const struct prefix *p, uint64_t now_us) {
        for (unsigned i = 0; i < DECLINED_MAX; i++)
                if (b->declined[i].until_us > now_us && b->declined[i].prefix.length == p->length &&
                    address_equal(&b->declined[i].prefix.address, &p->address))
                        return true;
        return false;
}

static bool may_add(const struct block_policy *b, const struct decision *d, const struct block_protected *protect) {
        return b->settings->block.enabled && !b->let_go && d->want_block && protect->known &&
               b->count < b->settings->block.max_entries &&
               (d->diagnosis == DIAGNOSIS_FLOOD_CONCENTRATED || d->diagnosis == DIAGNOSIS_FLOOD_DISTRIBUTED ||
                (d->diagnosis == DIAGNOSIS_FLOOD_SPOOFED && b->settings->block.limit_per_s));
}

/* --- who is --------------------------------------------------------------------- */

/* What TCP threw away unseen may all have been under this one's name. */
static double certain_per_s(const struct block_policy *b, const struct culprit *k) {
        return fmax(0, k->unfinished_per_s - or_zero(b->csum_errors.per_s));
}

static bool is_bad(const struct block_policy *b, const struct culprit *k) {
        return certain_per_s(b, k) >= b->settings->block.min_syn_per_s && k->completions_known &&
               k->completion_high <= COMPLETION_HIGH_MAX && !(k->is & OBS_S_DISOWNS);
}

static bool is_client(const struct block_policy *b, const struct culprit *k) {
        return k->is & OBS_S_CLIENT || (b->clients && known_clients_has(b->clients, &k->prefix));
}

static bool may_limit(const struct block_policy *b, const struct observation *o) {
        return b->settings->block.limit_per_s && o->time_us >= b->stalled_until_us;
}

/* One host, or one subscriber's network. */
static bool is_one_site(const struct prefix *p) {
        return p->length == ADDRESS_BITS || (!address_is_ipv4(&p->address) && p->length >= IPV6_SITE_BITS);
}

/* Clients at most limited; of a flood that is called spoofed nobody else, and no network of many. */
static bool is_eligible(const struct block_policy *b, const struct observation *o, const struct decision *d,
                        const struct culprit *k, bool client) {
        if (client && !may_limit(b, o))
                return false;
        return d->diagnosis != DIAGNOSIS_FLOOD_SPOOFED || (client && is_one_site(&k->prefix));
}

/* What is left of a prefix without the addresses in it that are told, and without its worst part. */
static double without_its_parts(const struct culprits *c, const struct culprit *k) {
        double addresses = 0, worst = 0;

        for (uint32_t i = 0; i < c->count; i++) {
                const struct culprit *o = &c->list[i];

                if (o->prefix.length <= k->prefix.length || !prefix_contains(&k->prefix, &o->prefix.address))
                        continue;
                if (o->prefix.length == ADDRESS_BITS)
                        addresses += o->unfinished_per_s;
                worst = fmax(worst, o->unfinished_per_s);
        }
        return k->unfinished_per_s - fmax(addresses, worst);
}

static bool carries_itself(const struct block_policy *b, const struct culprits *c, const struct culprit *k) {
        double rest = without_its_parts(c, k) - or_zero(b->csum_errors.per_s);

        return k->prefix.length == ADDRESS_BITS ||
               (rest >= b->settings->block.min_syn_per_s && rest >= PREFIX_OWN_SHARE * k->unfinished_per_s);
}

static bool wanted(const struct block_policy *b, const struct block_scene *scene, const struct culprit *k,
                   bool client) {
        return is_bad(b, k) && is_eligible(b, scene->observation, scene->decision, k, client) &&
               carries_itself(b, scene->culprits, k) && !is_protected(b, scene->protect, &k->prefix) &&
               !is_covered(b, &k->prefix, client);
}

static void follow_csum_errors(struct block_policy *b, const struct observation *o) {
        double elapsed_s = (double) o->elapsed_us / 1e6;

        if (!observation_knows(o, OBS_CSUM_ERRORS) || o->elapsed_us == 0)
                return;
        /* What is told now may have been logged in the tick before. */
        rate_peak(&b->csum_errors, (double) o->counters[OBS_CSUM_ERRORS] / elapsed_s, elapsed_s,
                  HOST_TRACK_LATELY_TAU_S);
}

/* Where an application does not accept, handshakes of everybody stay unfinished. */
static void follow_stalls(struct block_policy *b, const struct observation *o) {
        bool stalled = observation_knows(o, OBS_LISTEN_OVERFLOWS) && o->counters[OBS_LISTEN_OVERFLOWS] > 0;

        for (uint32_t i = 0; i < o->listeners_count; i++)
                stalled |= o->listeners[i].known & OBS_L_LIMITS && o->listeners[i].accept_full > 0;
        if (stalled)
                b->stalled_until_us = o->time_us + STALLED_US;
}

uint32_t block_policy_candidates(struct block_policy *b, const struct block_scene *scene,
                                 struct block_candidate ret[static BLOCK_CANDIDATES_MAX]) {
        const struct observation *o = scene->observation;
        uint32_t n = 0;

        follow_csum_errors(b, o);
        follow_stalls(b, o);
        if (!may_add(b, scene->decision, scene->protect))
                return 0;
        /* The heaviest come first in the list. */
        for (uint32_t i = 0; i < scene->culprits->count && n < BLOCK_CANDIDATES_MAX; i++) {
                const struct culprit *k = &scene->culprits->list[i];
                bool client = is_client(b, k);

                if (wanted(b, scene, k, client) && !is_declined(b, &k->prefix, o->time_us))
                        ret[n++] = (struct block_candidate) {
                                .prefix = k->prefix,
                                .certain_per_s = certain_per_s(b, k),
                                .half_open = k->half_open,
                                .client = client,
                        };
        }
        return n;
}

/* Not cut off, whatever it sends. */
static bool is_spared(const struct block_candidate *n) {
        return n->client || n->established;
}

/* Whether the kernel's answers reached it, and it did not disown them. */
static bool is_proven(const struct observation *o, const struct block_candidate *n) {
        if (n->half_open_aged >= (is_spared(n) ? CULPRITS_HALF_OPENS : PROOF_HALF_OPENS))
                return true;
        return (o->known & OBS_K_SYNCOOKIES) && o->syncookies == 2 && (o->sources.known & OBS_SS_DISOWNED);
}

/* --- the list --------------------------------------------------------------------- */

struct changes {
        struct block_change *list;
        uint32_t count;
};

static bool is_full(const struct changes *c) {
        return c->count == BLOCK_CHANGES_MAX;
}

static void note(struct changes *c, enum block_change_type type, const struct block_entry *e, const char *reason) {
        struct block_change *change = &c->list[c->count++];

        *change = (struct block_change) { .type = type, .prefix = e->prefix, .limit_per_s = e->limit_per_s };
        snprintf(change->reason, sizeof change->reason, "%s", reason);
}

static void drop(struct block_policy *b, uint32_t index) {
        b->entries[index] = b->entries[--b->count];
}

/* Why an entry has to go before its time; NULL: it stays. */
static const char *objection(const struct block_policy *b, const struct decision *d,
                             const struct block_protected *protect, const struct block_entry *e) {
        if (!b->settings->block.enabled)
                return "blocking was switched off";
        if (b->let_go)
                return b->let_go;
        if (e->limit_per_s && e->limit_per_s != b->settings->block.limit_per_s)
                return "block.limit was changed";
        if (!e->limit_per_s && d->diagnosis == DIAGNOSIS_FLOOD_SPOOFED)
                return "the flood is spoofed: its addresses are innocent";
        if (is_protected(b, protect, &e->prefix))
                return "it is never to be blocked, or something in it is not";
        return NULL;
}

static void let_go(struct block_policy *b, const struct observation *o, const struct decision *d,
                   const struct block_protected *protect, struct changes *c) {
        for (uint32_t i = 0; i < b->count && !is_full(c);) {
                struct block_entry *e = &b->entries[i];
                const char *why = objection(b, d, protect, e);

                if (e->until_us <= o->time_us)
                        note(c, BLOCK_EXPIRED, e, "block.timeout is over");
                else if (why)
                        note(c, BLOCK_REMOVED, e, why);
                else {
                        i++;
                        continue;
                }
                drop(b, i);
        }
        if (b->count == 0)
                b->let_go = NULL;
}

/* The kernel's sets take no entry within another; who is blocked may lie within what is limited.
 * False: no room to say so. */
static bool remove_within(struct block_policy *b, const struct prefix *p, bool limited, struct changes *c) {
        for (uint32_t i = 0; i < b->count;) {
                const struct block_entry *e = &b->entries[i];

                if ((limited && !e->limit_per_s) || e->prefix.length < p->length ||
                    !prefix_contains(p, &e->prefix.address)) {
                        i++;
                        continue;
                }
                if (is_full(c))
                        return false;
                note(c, BLOCK_REMOVED, e,
                     limited ? "the prefix around it is limited now" : "the prefix around it is blocked now");
                drop(b, i);
        }
        return !is_full(c);
}

static void give_reason(const struct block_candidate *n, const struct decision *d,
                        char reason[static BLOCK_REASON_MAX]) {
        char rate[32], held[32];

        explain_count(round(n->certain_per_s), rate);
        explain_count(n->half_open, held);
        if (is_spared(n))
                snprintf(reason, BLOCK_REASON_MAX, "at least %s SYN/s unfinished, %s half-open; not cut off, for %s %s",
                         rate, held, n->prefix.length == ADDRESS_BITS ? "it" : "a host in it",
                         n->established ? "has a connection" : "was a client lately");
        else
                snprintf(reason, BLOCK_REASON_MAX, "%s: at least %s SYN/s, %s half-open, and it finishes no handshake",
                         diagnosis_name(d->diagnosis), rate, held);
}

static void add(struct block_policy *b, const struct observation *o, const struct decision *d,
                const struct block_candidate *n, struct changes *c) {
        struct block_entry *e = &b->entries[b->count++];

        *e = (struct block_entry) {
                .prefix = n->prefix,
                .limit_per_s = is_spared(n) ? b->settings->block.limit_per_s : 0,
                .since_realtime_us = o->realtime_us,
                .until_us = o->time_us + b->settings->block.timeout_us + GRACE_US,
        };
        give_reason(n, d, e->reason);
        note(c, BLOCK_ADDED, e, e->reason);
        c->list[c->count - 1].certain_per_s = n->certain_per_s;
}

uint32_t block_policy_step(struct block_policy *b, const struct block_scene *scene,
                           const struct block_candidate *candidates, uint32_t count,
                           struct block_change ret[static BLOCK_CHANGES_MAX]) {
        const struct observation *o = scene->observation;
        struct changes c = { .list = ret };

        let_go(b, o, scene->decision, scene->protect, &c);
        if (!may_add(b, scene->decision, scene->protect))
                return c.count;
        for (uint32_t i = 0; i < count; i++) {
                const struct block_candidate *n = &candidates[i];
                bool spared = is_spared(n);
                /* One before it may have covered it. */
                bool may = !is_covered(b, &n->prefix, spared) && (!spared || may_limit(b, o));

                if (spared && !may)
                        decline(b, &n->prefix, o->time_us + ESTABLISHED_US);
                else if (!is_proven(o, n))
                        decline(b, &n->prefix, o->time_us + UNPROVEN_US);
                else if (may &&
                         (!remove_within(b, &n->prefix, spared, &c) || b->count >= b->settings->block.max_entries))
                        break;
                else if (may)
                        add(b, o, scene->decision, n, &c);
        }
        return c.count;
}

void block_policy_let_go(struct block_policy *b, const char *why) {
        if (b->count > 0)
                b->let_go = why;
}

void block_policy_forget(struct block_policy *b, const struct prefix *p, uint64_t retry_us) {
        decline(b, p, retry_us);
        for (uint32_t i = 0; i < b->count; i++)
                if (b->entries[i].prefix.length == p->length &&
                    address_equal(&b->entries[i].prefix.address, &p->address)) {
                        drop(b, i);
                        return;
                }
}

uint32_t block_policy_count(const struct block_policy *b) {
        return b->count;
}

uint32_t block_policy_limited(const struct block_policy *b) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < b->count; i++)
                n += b->entries[i].limit_per_s > 0;
        return n;
}

const struct block_entry *block_policy_entry(const struct block_policy *b, uint32_t index) {
        return &b->entries[index];
}
