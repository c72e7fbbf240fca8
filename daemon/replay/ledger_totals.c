/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/ledger_totals.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/distinct.h"
#include "replay/delays.h"
#include "replay/ledger_runs.h"

enum {
        PATIENCE_MIN_MS = 100,
        PATIENCE_MAX_MS = 3000,
};

struct service {
        struct ledger_counts counts;
        struct ledger_runs runs;
        struct distinct *clients;        /* NULL: none yet */
        uint32_t blocks[256 / 32];       /* first bytes of IPv4 clients met */
        struct delays delays;
        uint64_t first_ms, first_handshakes;
        uint64_t refusing_from_us, refusing_to_us, refusing_us, refusing_at_us;
};

struct ledger_totals {
        struct ledger_limits limits;
        struct service services[LEDGER_SERVICES];
        uint16_t merged[LEDGER_SERVICES]; /* into which service; itself: into none */
        uint64_t now_us, now_ms, next_slot; /* the first that is not judged yet */
        struct delays delays;
        double patience_s;
};

int ledger_totals_new(const struct ledger_limits *limits, struct ledger_totals **ret) {
        struct ledger_totals *t = calloc(1, sizeof *t);

        if (!t)
                return -ENOMEM;
        t->limits = *limits;
        t->patience_s = NAN;
        for (unsigned i = 0; i < LEDGER_SERVICES; i++)
                t->merged[i] = (uint16_t) i;
        *ret = t;
        return 0;
}

struct ledger_totals *ledger_totals_free(struct ledger_totals *t) {
        for (unsigned i = 0; t && i < LEDGER_SERVICES; i++)
                free(t->services[i].clients);
        free(t);
        return NULL;
}

static struct service *service_of(struct ledger_totals *t, unsigned service) {
        return &t->services[t->merged[service]];
}

static void retire(struct ledger_totals *t, uint64_t until_slot, uint64_t judge_until) {
        for (unsigned i = 0; i < LEDGER_SERVICES; i++)
                ledger_runs_retire(&t->services[i].runs, &t->limits, t->next_slot, until_slot, judge_until);
        if (until_slot > t->next_slot)
                t->next_slot = until_slot;
}

void ledger_totals_advance(struct ledger_totals *t, uint64_t now_us) {
        uint64_t slot = now_us / 1000 / RUNS_SLOT_MS;

        t->now_us = now_us;
        t->now_ms = now_us / 1000;
        if (slot >= t->next_slot + RUNS_HORIZON)
                retire(t, slot - RUNS_HORIZON + 1, UINT64_MAX);
}

void ledger_totals_add(struct ledger_totals *t, unsigned service, uint64_t birth_ms, enum ledger_tally what,
                       uint64_t by) {
        struct service *s = service_of(t, service);
        uint64_t slot = birth_ms / RUNS_SLOT_MS;

        s->counts.of[what] += by;
        if (slot >= t->next_slot)
                ledger_runs_add(&s->runs, slot, what, by);
}

void ledger_totals_meet(struct ledger_totals *t, unsigned service, const struct address *client, uint64_t hash) {
        struct service *s = service_of(t, service);

        ledger_runs_wake(&s->runs);
        if (!s->clients)
                s->clients = calloc(1, sizeof *s->clients);
        if (s->clients)
                distinct_add(s->clients, hash);
        if (s->first_ms == 0)
                s->first_ms = t->now_ms;
        s->first_handshakes += t->now_ms - s->first_ms < 10000;
        if (address_is_ipv4(client))
                s->blocks[client->bytes[12] / 32] |= UINT32_C(1) << client->bytes[12] % 32;
}

void ledger_totals_finish(struct ledger_totals *t, unsigned service, uint32_t age_ms) {
        delays_add(&service_of(t, service)->delays, age_ms);
        delays_add(&t->delays, age_ms);
}

void ledger_totals_refuse(struct ledger_totals *t, unsigned service) {
        struct service *s = service_of(t, service);

        if (s->refusing_from_us == 0)
                s->refusing_from_us = t->now_us;
        s->refusing_to_us = t->now_us;
}

static void end_refusing(struct service *s) {
        if (s->refusing_to_us - s->refusing_from_us > s->refusing_us) {
                s->refusing_us = s->refusing_to_us - s->refusing_from_us;
                s->refusing_at_us = s->refusing_from_us;
        }
        s->refusing_from_us = s->refusing_to_us = 0;
}

void ledger_totals_answer(struct ledger_totals *t, unsigned service) {
        end_refusing(service_of(t, service));
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
}

void ledger_totals_merge(struct ledger_totals *t, unsigned service, unsigned into) {
        struct service *from = &t->services[service], *to = &t->services[into];

        if (t->merged[service] != service || service == into)
                return;
        ledger_runs_end(&from->runs);
        ledger_counts_add(&to->counts, &from->counts);
        ledger_runs_merge(&to->runs, &from->runs);
        add_clients(to, from);
        delays_merge(&to->delays, &from->delays);
        if (to->first_ms == 0 || (from->first_ms && from->first_ms < to->first_ms))
                to->first_ms = from->first_ms;
        to->first_handshakes += from->first_handshakes;
        free(from->clients);
        memset(from, 0, sizeof *from);
        for (unsigned i = 0; i < LEDGER_SERVICES; i++)
                if (t->merged[i] == service)
                        t->merged[i] = (uint16_t) into;
}

void ledger_totals_conclude(struct ledger_totals *t, uint64_t now_us) {
        double patience_s = delays_at_s(&t->delays, 0.9), seconds = (double) now_us / 1e6 - 1;
        bool nobody = isnan(patience_s); /* finished anything at all */
        uint64_t judge_until, patience_ms;

        ledger_totals_advance(t, now_us);
        patience_s = nobody ? fmin(1, seconds / 4) : 1.5 * patience_s;
        patience_ms = (uint64_t) fmin(PATIENCE_MAX_MS, fmax(PATIENCE_MIN_MS, patience_s * 1000));
        if (nobody && seconds * 1000 < 4 * PATIENCE_MIN_MS)
                patience_ms = (uint64_t) (patience_s * 1000);
        t->patience_s = (double) patience_ms / 1000;
        /* Where nobody finishes, the slot that is only begun counts as well. */
        judge_until = t->now_ms > patience_ms ? (t->now_ms - patience_ms) / RUNS_SLOT_MS + nobody : 0;
        retire(t, t->now_ms / RUNS_SLOT_MS + 1, judge_until);
        for (unsigned i = 0; i < LEDGER_SERVICES; i++) {
                ledger_runs_end(&t->services[i].runs);
                end_refusing(&t->services[i]);
        }
}

struct ledger_service ledger_totals_service(const struct ledger_totals *t, unsigned service) {
        const struct service *s = &t->services[service];
        double first_s = fmin(10, (double) (t->now_ms - s->first_ms) / 1000);
        struct ledger_service out = {
                .counts = s->counts,
                .clients = s->clients ? distinct_estimate(s->clients, NULL) : 0,
                .peak_per_s = s->runs.peak_per_s,
                .first_per_s = first_s > 0 ? (double) s->first_handshakes / first_s : 0,
                .finish_delay_s = delays_at_s(&s->delays, 0.5),
                .runs = s->runs.count,
                .longest = s->runs.longest,
                .refusing_s = (double) s->refusing_us / 1e6,
                .refusing_us = s->refusing_at_us,
        };

        for (unsigned i = 0; i < 256 / 32; i++)
                out.blocks += __builtin_popcount(s->blocks[i]);
        return out;
}

double ledger_totals_patience_s(const struct ledger_totals *t) {
        return t->patience_s;
}
