/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/ledger_runs.h"

#include <math.h>
#include <string.h>

enum {
        WINDOW = 10,  /* slots of a second */
        RUN_GAP = 50, /* a calm of so many slots ends a run */
};

void ledger_runs_wake(struct ledger_runs *r) {
        if (r->busy)
                return;
        /* Left alone since it was idle: what its slots hold is nothing. */
        memset(r->slots, 0, sizeof r->slots);
        r->window = (struct ledger_slot) { 0 };
        r->busy = true;
        r->idle_slots = 0;
}

void ledger_runs_add(struct ledger_runs *r, uint64_t slot, enum ledger_tally what, uint64_t by) {
        r->slots[slot % RUNS_SLOTS].of[what] += (uint32_t) by;
}

static uint32_t slot_bad(const struct ledger_slot *s) {
        uint32_t good = s->of[LEDGER_DONE] + s->of[LEDGER_CLOSED] + s->of[LEDGER_WAITING];

        return s->of[LEDGER_HANDSHAKES] > good ? s->of[LEDGER_HANDSHAKES] - good : 0;
}

/* Of the window that ends with this slot. */
static uint64_t first_bad(const struct ledger_runs *r, uint64_t slot) {
        for (uint64_t i = slot - WINDOW + 1; i < slot; i++)
                if (slot_bad(&r->slots[i % RUNS_SLOTS]) > 0)
                        return i;
        return slot;
}

void ledger_runs_end(struct ledger_runs *r) {
        if (!r->running)
                return;
        r->running = false;
        r->count++;
        if (ledger_bad(&r->run.counts) > ledger_bad(&r->longest.counts))
                r->longest = r->run;
}

static void judge_window(const struct ledger_limits *limits, struct ledger_runs *r, uint64_t slot) {
        uint32_t bad = slot_bad(&r->window);
        uint64_t end_us = (slot + 1) * RUNS_SLOT_MS * 1000;
        bool here = slot_bad(&r->slots[slot % RUNS_SLOTS]) > 0;

        if (bad < limits->rate_per_s || bad < limits->share * r->window.of[LEDGER_HANDSHAKES]) {
                if (r->running && end_us - r->run.end_us > (RUN_GAP + WINDOW) * RUNS_SLOT_MS * UINT64_C(1000))
                        ledger_runs_end(r);
                return;
        }
        if (!r->running) {
                r->running = true;
                r->run = (struct ledger_run) { .begin_us = first_bad(r, slot) * RUNS_SLOT_MS * UINT64_C(1000) };
                for (unsigned i = 0; i < LEDGER_TALLIES; i++)
                        r->before.of[i] = r->judged.of[i] - r->window.of[i];
        }
        if (here)
                r->run.end_us = end_us;
        for (unsigned i = 0; i < LEDGER_TALLIES; i++)
                r->run.counts.of[i] = r->judged.of[i] - r->before.of[i];
        r->run.peak_bad_per_s = fmax(r->run.peak_bad_per_s, bad);
}

/* judge: what is in it has had its time. */
static void retire_slot(const struct ledger_limits *limits, struct ledger_runs *r, uint64_t slot, bool judge) {
        struct ledger_slot *now = &r->slots[slot % RUNS_SLOTS], *old = &r->slots[(slot - WINDOW) % RUNS_SLOTS];
        bool empty = true;

        for (unsigned i = 0; i < LEDGER_TALLIES; i++) {
                r->window.of[i] += now->of[i] - old->of[i];
                r->judged.of[i] += now->of[i];
                empty = empty && r->window.of[i] == 0;
        }
        r->slots[(slot + RUNS_HORIZON) % RUNS_SLOTS] = (struct ledger_slot) { 0 }; /* to be filled next */
        r->peak_per_s = fmax(r->peak_per_s, r->window.of[LEDGER_HANDSHAKES]);
        if (judge)
                judge_window(limits, r, slot);
        r->idle_slots = empty ? r->idle_slots + 1 : 0;
        if (r->idle_slots > RUNS_SLOTS + RUN_GAP) { /* every slot is empty */
                ledger_runs_end(r);
                r->busy = false;
        }
}

void ledger_runs_retire(struct ledger_runs *r, const struct ledger_limits *limits, uint64_t from_slot,
                        uint64_t until_slot, uint64_t judge_until) {
        for (uint64_t slot = from_slot; r->busy && slot < until_slot; slot++)
                retire_slot(limits, r, slot, slot < judge_until);
}

static void add_slots(struct ledger_runs *r, const struct ledger_runs *from) {
        for (unsigned i = 0; i < LEDGER_TALLIES; i++) {
                r->window.of[i] += from->window.of[i];
                for (unsigned slot = 0; slot < RUNS_SLOTS; slot++)
                        r->slots[slot].of[i] += from->slots[slot].of[i];
        }
        r->busy = true;
        r->idle_slots = 0;
}

void ledger_runs_merge(struct ledger_runs *r, const struct ledger_runs *from) {
        ledger_counts_add(&r->judged, &from->judged);
        ledger_counts_add(&r->before, &from->judged); /* which was before any run of the other */
        if (from->busy)
                add_slots(r, from);
}
