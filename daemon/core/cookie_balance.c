/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/cookie_balance.h"

#include <math.h>
#include <string.h>

/* Credit is forgotten with this time constant: answers cannot be saved up for
 * a later flood. */
#define CREDIT_TAU_US 5e6

void cookie_balance_init(struct cookie_balance *b, uint64_t lag_us) {
        memset(b, 0, sizeof *b);
        b->lag_us = lag_us;
}

/* What had been sent by a time: the newest record that is not younger. The
 * slots reach back 64 ticks; beyond that the oldest one serves. */
static uint64_t sent_until(const struct cookie_balance *b, uint64_t time_us) {
        uint64_t best = b->due_total;

        for (uint32_t i = 0; i < COOKIE_BALANCE_SLOTS; i++)
                if (b->history[i].time_us != 0 && b->history[i].time_us <= time_us &&
                    b->history[i].sent_total > best)
                        best = b->history[i].sent_total;
        return best;
}

double cookie_balance_step(struct cookie_balance *b, uint64_t now_us, uint64_t elapsed_us,
                           uint64_t sent, uint64_t received) {
        uint64_t due_total;
        double due, balance;

        b->sent_total += sent;
        b->history[b->next].time_us = now_us;
        b->history[b->next].sent_total = b->sent_total;
        b->next = (b->next + 1) % COOKIE_BALANCE_SLOTS;

        due_total = sent_until(b, now_us > b->lag_us ? now_us - b->lag_us : 0);
        due = (double) (due_total - b->due_total);
        b->due_total = due_total;

        b->credit *= exp(-(double) elapsed_us / CREDIT_TAU_US);
        balance = due - (double) received - b->credit;
        b->credit = balance < 0 ? -balance : 0;
        return balance > 0 ? balance : 0;
}
