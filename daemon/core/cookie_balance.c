/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/cookie_balance.h"

#include <math.h>
#include <string.h>

void cookie_balance_init(struct cookie_balance *b, uint64_t lag_us) {
        memset(b, 0, sizeof *b);
        b->lag_us = lag_us;
}

/* The newest record that is not younger than that; COOKIE_BALANCE_SLOTS: all are. The slots reach
 * back 64 ticks, far beyond any lag. */
static unsigned newest_until(const struct cookie_balance *b, uint64_t time_us) {
        unsigned best = COOKIE_BALANCE_SLOTS;

        for (unsigned i = 0; i < COOKIE_BALANCE_SLOTS; i++) {
                if (b->history[i].time_us == 0 || b->history[i].time_us > time_us)
                        continue;
                if (best == COOKIE_BALANCE_SLOTS || b->history[i].time_us > b->history[best].time_us)
                        best = i;
        }
        return best;
}

double cookie_balance_step(struct cookie_balance *b, uint64_t now_us, uint64_t sent,
                           uint64_t received) {
        double due = 0, recent = 0, balance;
        unsigned then;

        b->sent_total += sent;
        b->received_total += received;
        b->history[b->next].time_us = now_us;
        b->history[b->next].sent_total = b->sent_total;
        b->history[b->next].received_total = b->received_total;
        b->next = (b->next + 1) % COOKIE_BALANCE_SLOTS;

        then = newest_until(b, now_us > b->lag_us ? now_us - b->lag_us : 0);
        if (then < COOKIE_BALANCE_SLOTS) {
                due = (double) (b->history[then].sent_total - b->due_total);
                b->due_total = b->history[then].sent_total;
                recent = (double) (b->received_total - b->history[then].received_total);
        }

        balance = due - (double) received - b->credit;
        b->credit = balance < 0 ? fmin(-balance, recent) : 0;
        return balance > 0 ? balance : 0;
}
