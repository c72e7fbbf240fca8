/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the handshakes of each service add up to: totals, clients, how long finishing takes, when it
 * refuses, and its floods (ledger_runs.h).
 */

#include "replay/ledger.h"

struct ledger_totals;

/* -ENOMEM. */
int ledger_totals_new(const struct ledger_limits *limits, struct ledger_totals **ret);
struct ledger_totals *ledger_totals_free(struct ledger_totals *t);

/* Time goes on. */
void ledger_totals_advance(struct ledger_totals *t, uint64_t now_us);
/* by: 1, or -1 modulo 2^64. */
void ledger_totals_add(struct ledger_totals *t, unsigned service, uint64_t birth_ms, enum ledger_tally what,
                       uint64_t by);
/* A handshake of this client is about to be added. hash: of its address. */
void ledger_totals_meet(struct ledger_totals *t, unsigned service, const struct address *client, uint64_t hash);
/* A handshake is finished, so long after it began. */
void ledger_totals_finish(struct ledger_totals *t, unsigned service, uint32_t age_ms);
/* The service refused a handshake; it answered one. */
void ledger_totals_refuse(struct ledger_totals *t, unsigned service);
void ledger_totals_answer(struct ledger_totals *t, unsigned service);
/* As ledger.h has these. */
void ledger_totals_merge(struct ledger_totals *t, unsigned service, unsigned into);
void ledger_totals_conclude(struct ledger_totals *t, uint64_t now_us);
struct ledger_service ledger_totals_service(const struct ledger_totals *t, unsigned service);
double ledger_totals_patience_s(const struct ledger_totals *t);
