/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/ledger.h"

#include <errno.h>
#include <stdlib.h>

#include "replay/ledger_entries.h"
#include "replay/ledger_hash.h"
#include "replay/ledger_sources.h"
#include "replay/ledger_totals.h"

enum {
        COPY_MS = 100,      /* no stack sends again so soon */
        SAME_MS = 130000,   /* a SYN is not sent again later (tcp_syn_retries 6: 127 s) */
        SETTLED_MS = 3000,  /* the same SYN so much later, and it is over: another handshake */
};

struct ledger {
        struct ledger_entries *entries;
        struct ledger_sources *sources;
        struct ledger_totals *totals;
        uint64_t now_ms;
        uint64_t copies, others, overtaken, gaps, by_clients, by_servers;
};

/* Sequence numbers of one connection, for as long as anybody captures its beginning. */
#define NEAR (UINT32_C(1) << 30)

int ledger_new(const struct ledger_limits *limits, struct ledger **ret) {
        struct ledger *l = calloc(1, sizeof *l);

        if (!l)
                return -ENOMEM;
        if (ledger_entries_new(&l->entries) < 0 || ledger_sources_new(&l->sources) < 0 ||
            ledger_totals_new(limits, &l->totals) < 0) {
                ledger_free(l);
                return -ENOMEM;
        }
        *ret = l;
        return 0;
}

struct ledger *ledger_free(struct ledger *l) {
        if (!l)
                return NULL;
        ledger_entries_free(l->entries);
        ledger_sources_free(l->sources);
        ledger_totals_free(l->totals);
        free(l);
        return NULL;
}

uint64_t ledger_bad(const struct ledger_counts *c) {
        uint64_t good = c->of[LEDGER_DONE] + c->of[LEDGER_CLOSED] + c->of[LEDGER_WAITING];

        return c->of[LEDGER_HANDSHAKES] > good ? c->of[LEDGER_HANDSHAKES] - good : 0;
}

void ledger_counts_add(struct ledger_counts *to, const struct ledger_counts *from) {
        for (unsigned i = 0; i < LEDGER_TALLIES; i++)
                to->of[i] += from->of[i];
}

/* --- what a handshake adds to the totals --------------------------------------------------- */

static uint32_t age_ms(const struct ledger *l, const struct entry *e) {
        return (uint32_t) l->now_ms - e->birth_ms;
}

static void tally(struct ledger *l, const struct entry *e, enum ledger_tally what, uint64_t by) {
        ledger_totals_add(l->totals, e->service, l->now_ms - age_ms(l, e), what, by);
}

/* Everything that an entry stands for, up (1) or down (-1). */
static void tally_all(struct ledger *l, const struct entry *e, uint64_t by) {
        bool open = e->state == ENTRY_BEGUN || e->state == ENTRY_ANSWERED;

        tally(l, e, LEDGER_HANDSHAKES, by);
        if (!(e->flags & ENTRY_BY_ANSWER))
                tally(l, e, LEDGER_SYNS, by);
        else
                tally(l, e, LEDGER_UNASKED, by);
        if (e->state == ENTRY_ANSWERED || e->state == ENTRY_RESET || e->state == ENTRY_FINISHED)
                tally(l, e, LEDGER_SYN_ACKED, by);
        if (open && (e->flags & ENTRY_SYN_AGAIN))
                tally(l, e, LEDGER_RETRIED, by);
        if (e->state == ENTRY_BEGUN && (e->flags & ENTRY_SYN_AGAIN))
                tally(l, e, LEDGER_WAITING, by);
        if (open && (e->flags & ENTRY_SYN_ACK_AGAIN))
                tally(l, e, LEDGER_RESENT, by);
}

/* A handshake whose service was found only after it had begun. */
static void settle(struct ledger *l, struct entry *e, struct capture_hosts *hosts, const struct ledger_note *n) {
        int service;

        if (e->service != LEDGER_ELSEWHERE)
                return;
        service = capture_hosts_find(hosts, &n->server, n->server_port);
        if (service == CAPTURE_NO_SERVICE)
                return;
        tally_all(l, e, (uint64_t) -1);
        e->service = (uint16_t) service;
        ledger_totals_meet(l->totals, e->service, &n->client, ledger_hash(&n->client));
        tally_all(l, e, 1);
}

/* --- what a segment is to its handshake --------------------------------------------------- */

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
                .state = by_answer ? ENTRY_ANSWERED : ENTRY_BEGUN,
                .flags = (uint8_t) ((p->source_is_low == by_answer ? ENTRY_SERVER_IS_LOW : 0) |
                                    (by_answer ? ENTRY_BY_ANSWER : 0)),
        };
        hash = ledger_hash(&ret->client);
        ledger_totals_meet(l->totals, e->service, &ret->client, hash);
        tally_all(l, e, 1);
        ledger_sources_begin(l->sources, ret, s->ttl, hash);
}

static bool is_same_syn(const struct ledger *l, const struct entry *e, const struct capture_segment *s,
                        bool from_client) {
        uint32_t age = age_ms(l, e);

        return from_client && e->isn == s->sequence && age <= SAME_MS &&
               (e->state == ENTRY_BEGUN || e->state == ENTRY_ANSWERED || e->state == ENTRY_REFUSED ||
                age <= SETTLED_MS);
}

/* Both ends ask at once (RFC 9293, 3.5): one handshake. */
static bool is_crossing(const struct ledger *l, const struct entry *e, const struct place *p) {
        return e->state == ENTRY_BEGUN && p->source_is_low == !!(e->flags & ENTRY_SERVER_IS_LOW) &&
               age_ms(l, e) < SETTLED_MS;
}

static void syn_again(struct ledger *l, struct entry *e, struct ledger_note *ret) {
        l->overtaken += (e->flags & ENTRY_BY_ANSWER) != 0;
        if (age_ms(l, e) < COPY_MS) {
                l->copies++;
                return;
        }
        if (e->state == ENTRY_FINISHED || e->state == ENTRY_RESET)
                return;
        ret->news = LEDGER_REPEATED;
        tally(l, e, LEDGER_SYNS, 1);
        if (e->flags & ENTRY_SYN_AGAIN || e->state == ENTRY_REFUSED)
                return;
        e->flags |= ENTRY_SYN_AGAIN;
        tally(l, e, LEDGER_RETRIED, 1);
        if (e->state == ENTRY_BEGUN)
                tally(l, e, LEDGER_WAITING, 1);
}

static void syn_ack(struct ledger *l, struct entry *e, struct ledger_note *ret) {
        if (e->state == ENTRY_BEGUN || e->state == ENTRY_REFUSED) {
                if (e->state == ENTRY_REFUSED)
                        tally(l, e, LEDGER_CLOSED, (uint64_t) -1);
                else if (e->flags & ENTRY_SYN_AGAIN)
                        tally(l, e, LEDGER_WAITING, (uint64_t) -1);
                e->state = ENTRY_ANSWERED;
                tally(l, e, LEDGER_SYN_ACKED, 1);
                ledger_totals_answer(l->totals, e->service);
                ret->news = LEDGER_ANSWERED;
        } else if (age_ms(l, e) < COPY_MS)
                l->copies++;
        else if (e->state == ENTRY_ANSWERED && !(e->flags & ENTRY_SYN_ACK_AGAIN)) {
                e->flags |= ENTRY_SYN_ACK_AGAIN;
                tally(l, e, LEDGER_RESENT, 1);
        }
}

/* It is over, however: what was said of it as unfinished no longer holds. */
static void leave_open(struct ledger *l, struct entry *e) {
        if (e->flags & ENTRY_SYN_AGAIN) {
                tally(l, e, LEDGER_RETRIED, (uint64_t) -1);
                if (e->state == ENTRY_BEGUN)
                        tally(l, e, LEDGER_WAITING, (uint64_t) -1);
        }
        if (e->flags & ENTRY_SYN_ACK_AGAIN)
                tally(l, e, LEDGER_RESENT, (uint64_t) -1);
}

static void over(struct ledger *l, struct entry *e, enum ledger_news news, uint8_t ttl, struct ledger_note *ret) {
        ret->news = news;
        leave_open(l, e);
        if (news == LEDGER_FINISHED) {
                if (e->state == ENTRY_BEGUN)
                        ledger_totals_answer(l->totals, e->service);
                e->state = ENTRY_FINISHED;
                tally(l, e, LEDGER_DONE, 1);
                ledger_totals_finish(l->totals, e->service, age_ms(l, e));
        } else if (news == LEDGER_RESET) {
                e->state = ENTRY_RESET;
                tally(l, e, LEDGER_ENDED, 1);
        } else {
                e->state = ENTRY_REFUSED;
                tally(l, e, LEDGER_CLOSED, 1);
                ledger_totals_refuse(l->totals, e->service);
        }
        ledger_sources_end(l->sources, ret, e->service, ttl, age_ms(l, e));
}

static void rst(struct ledger *l, struct entry *e, const struct capture_segment *s, bool from_client,
                struct ledger_note *ret) {
        if (e->state == ENTRY_REFUSED && !from_client)
                ret->news = LEDGER_REFUSED;
        else if (e->state == ENTRY_BEGUN && !from_client)
                over(l, e, LEDGER_REFUSED, s->ttl, ret);
        else if ((e->state == ENTRY_ANSWERED || e->state == ENTRY_BEGUN) && from_client)
                over(l, e, LEDGER_RESET, s->ttl, ret);
}

/* Neither SYN nor RST: whoever sends it takes the handshake for finished. */
static void other(struct ledger *l, struct entry *e, const struct capture_segment *s, bool from_client,
                  struct ledger_note *ret) {
        uint32_t ahead = s->sequence - e->isn, acknowledged = s->acknowledged - e->isn;

        if (e->state != ENTRY_BEGUN && e->state != ENTRY_ANSWERED)
                return;
        /* Of this connection, not of one before it from the same port. The server acknowledges
         * more than the SYN, or has something to send, only when it is through. */
        if (from_client ? ahead + NEAR < 2 * NEAR : s->data || acknowledged - 2 < NEAR) {
                l->gaps += from_client && e->state == ENTRY_BEGUN && !(s->flags & CAPTURE_SYN);
                over(l, e, LEDGER_FINISHED, s->ttl, ret);
        }
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
        bool from_client = flags == CAPTURE_SYN || (e && p->source_is_low != !!(e->flags & ENTRY_SERVER_IS_LOW));

        if (flags == CAPTURE_SYN) {
                bool same = e && is_same_syn(l, e, s, p->source_is_low != !!(e->flags & ENTRY_SERVER_IS_LOW));

                name_ends(ret, s, true);
                if (same)
                        syn_again(l, e, ret);
                else if (e && is_crossing(l, e, p))
                        return;
                else
                        begin(l, e ? e : ledger_entries_room(p, (uint32_t) l->now_ms), p, hosts, s, false, ret);
                return;
        }
        if (flags == (CAPTURE_SYN | CAPTURE_ACK)) {
                name_ends(ret, s, e && from_client);
                if (e && from_client) {
                        other(l, e, s, true, ret); /* both at once (RFC 9293, 3.5): it has got the other's */
                        return;
                }
                if (e)
                        syn_ack(l, e, ret);
                else
                        begin(l, ledger_entries_room(p, (uint32_t) l->now_ms), p, hosts, s, true, ret);
                return;
        }
        l->others += !(flags & CAPTURE_SYN) && !s->by_icmp;
        if (!e || (flags & CAPTURE_SYN))
                return;
        name_ends(ret, s, from_client);
        if (flags & CAPTURE_RST)
                rst(l, e, s, from_client, ret);
        else
                other(l, e, s, from_client, ret);
}

void ledger_see(struct ledger *l, uint64_t now_us, struct capture_hosts *hosts, const struct capture_segment *s,
                struct ledger_note *ret) {
        struct place p = ledger_entries_place(l->entries, s);
        struct entry *e;

        *ret = (struct ledger_note) { .service = CAPTURE_NO_SERVICE };
        l->now_ms = now_us / 1000;
        ledger_totals_advance(l->totals, now_us);
        if ((s->flags & (CAPTURE_SYN | CAPTURE_FIN)) == (CAPTURE_SYN | CAPTURE_FIN))
                return; /* no listener takes it */
        e = ledger_entries_find(&p);
        see(l, e, &p, hosts, s, ret);
        e = ledger_entries_find(&p);
        if (!e)
                return;
        if (p.source_is_low != !!(e->flags & ENTRY_SERVER_IS_LOW))
                l->by_clients++;
        else
                l->by_servers++;
        if (ret->news == LEDGER_NOTHING)
                return;
        settle(l, e, hosts, ret);
        ret->service = e->service == LEDGER_ELSEWHERE ? CAPTURE_NO_SERVICE : e->service;
}

void ledger_merge(struct ledger *l, unsigned service, unsigned into) {
        ledger_totals_merge(l->totals, service, into);
}

void ledger_prefetch(const struct ledger *l, const struct capture_segment *s) {
        __builtin_prefetch(ledger_entries_place(l->entries, s).set, 1);
}

void ledger_conclude(struct ledger *l, uint64_t now_us) {
        l->now_ms = now_us / 1000;
        ledger_totals_conclude(l->totals, now_us);
}

/* --- what is asked ----------------------------------------------------------------------------- */

struct ledger_service ledger_service(const struct ledger *l, unsigned service) {
        return ledger_totals_service(l->totals, service);
}

unsigned ledger_sources(const struct ledger *l, bool networks, unsigned max, struct ledger_source *ret) {
        return ledger_sources_heaviest(l->sources, networks, max, ret);
}

uint64_t ledger_gaps(const struct ledger *l) {
        return l->gaps;
}

uint64_t ledger_overtaken(const struct ledger *l) {
        return l->overtaken;
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
        return ledger_totals_patience_s(l->totals);
}
