/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What each client began and finished, by its address and by its network: those that begin the most.
 * Fixed memory; whoever begins less gives way.
 */

#include "replay/ledger.h"

struct ledger_sources;

/* -ENOMEM. */
int ledger_sources_new(struct ledger_sources **ret);
struct ledger_sources *ledger_sources_free(struct ledger_sources *t);

/* A handshake of n's client. ttl: of its packet; hash: of its address. */
void ledger_sources_begin(struct ledger_sources *t, const struct ledger_note *n, uint8_t ttl, uint64_t hash);
/* One with that service that is over, as n->news says. */
void ledger_sources_end(struct ledger_sources *t, const struct ledger_note *n, unsigned service, uint8_t ttl,
                        uint32_t age_ms);
/* As ledger_sources() has it. */
unsigned ledger_sources_heaviest(const struct ledger_sources *t, bool networks, unsigned max,
                                 struct ledger_source *ret);
