/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The floods of one service: its handshakes by the tenth of a second in which they began, and the
 * runs of seconds in which too many are finished by nobody. A tenth is judged when what began in it
 * has had its time.
 */

#include "replay/ledger.h"

enum {
        RUNS_SLOT_MS = 100,
        RUNS_SLOTS = 256,   /* a ring; the last RUNS_HORIZON of them can still change */
        RUNS_HORIZON = 128,
};

struct ledger_slot {
        uint32_t of[LEDGER_TALLIES];
};

struct ledger_runs {
        struct ledger_counts judged;     /* of the slots that can no longer change */
        struct ledger_slot slots[RUNS_SLOTS];
        struct ledger_slot window;       /* sum of the second before the next to be judged */
        bool busy;                       /* something is in the slots or the window */
        uint64_t idle_slots;
        double peak_per_s;
        uint64_t count;
        bool running;
        struct ledger_counts before;     /* judged, when the run began */
        struct ledger_run run, longest;
};

/* A handshake is about to be added. */
void ledger_runs_wake(struct ledger_runs *r);
/* slot: none that was retired. by: modulo 2^32. */
void ledger_runs_add(struct ledger_runs *r, uint64_t slot, enum ledger_tally what, uint64_t by);
/* The slots up to that one can no longer change; those up to judge_until have had their time. */
void ledger_runs_retire(struct ledger_runs *r, const struct ledger_limits *limits, uint64_t from_slot,
                        uint64_t until_slot, uint64_t judge_until);
void ledger_runs_end(struct ledger_runs *r);
/* from is ended, and nothing is asked of it any more. */
void ledger_runs_merge(struct ledger_runs *r, const struct ledger_runs *from);
