/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Everything that the rules of a verdict look at, gathered once from facts, hosts and ledger; who
 * only checks a port is told apart there.
 */

#include "replay/capture_verdict.h"

/* Fewer seconds show no flood that is not overwhelming. */
#define LOOK_SHORT_S 2.0
#define LOOK_MOST 0.5
/* Fewer finished handshakes tell nothing of what was not captured; more missing, and unfinished ones may be. */
#define LOOK_GAPS_MIN 20
#define LOOK_GAPS_SHARE 0.1
/* Handshakes that a checker ends, at least. */
#define LOOK_CHECKER_MIN 20
enum { LOOK_SOURCES = 64 };

struct look {
        const struct capture_facts *facts;
        const struct capture_hosts *hosts;
        const struct ledger *ledger;
        const struct ledger_limits *limits;
        struct ledger_service services[LEDGER_SERVICES];
        uint32_t count;
        struct ledger_counts all; /* of the services */
        uint64_t by_clients, by_servers;
        double gaps; /* of the finished handshakes, the share whose SYN-ACK was not captured though others were */
        bool blind; /* nothing but SYNs and SYN-ACKs: nobody could be seen to finish */
        unsigned sources_count, networks_count, checkers_count;
        struct ledger_source sources[LOOK_SOURCES], networks[LOOK_SOURCES];
        double checked; /* handshakes that checkers ended, */
        double checked_at[LEDGER_SERVICES]; /* of a service, if they ended no other's; and what all others ended */
        struct ledger_source checkers[LOOK_SOURCES];
        struct capture_verdict *v;
};

static inline double of(const struct ledger_counts *c, enum ledger_tally t) {
        return (double) c->of[t];
}

/* facts, hosts, ledger are there. */
void look_gather(struct look *k);
/* Captured was only what the server sent, or only what came in. */
bool look_is_out_only(const struct look *k);
bool look_is_in_only(const struct look *k);
/* What a source left unfinished and does not merely check. */
double look_unfinished(const struct look *k, const struct ledger_source *s);
/* Whether it is the source itself that ends its handshakes by RST, and no victim whose address is forged. */
bool look_ends_its_own(const struct ledger_source *s);
/* What is left of a service's unfinished handshakes (CAPTURE_NO_SERVICE: of all's) when what explains
 * them is taken out. */
double look_unexplained(const struct look *k, int service, const struct ledger_counts *c);
/* Packets that may have been SYNs and could not be used, and which kind most of them are. */
uint64_t look_lost(const struct look *k, enum capture_kind *ret_most);
