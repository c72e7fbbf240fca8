/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How many SYN cookies are never answered, from two counters of the host.
 *
 * A cookie leaves no entry behind, so its handshake has no age. What can be
 * compared is the cookies sent up to a lag ago with the valid ones that came
 * back up to now: an honest client answers within its round trip, which the
 * lag exceeds. Answers that come earlier than the lag run ahead of the sends
 * they belong to; they are kept as a credit, or the end of a crowd would look
 * like a burst of unanswered cookies. No more can rightly run ahead than came
 * within one lag, so nobody can save up credit for a later flood.
 */

#include <stdint.h>

enum { COOKIE_BALANCE_SLOTS = 64 };

struct cookie_balance {
        uint64_t lag_us;
        uint64_t sent_total, received_total;
        uint64_t due_total; /* of sent_total, what was sent more than the lag ago */
        double credit;      /* answers ahead of their sends */
        uint32_t next;
        struct {
                uint64_t time_us;
                uint64_t sent_total, received_total;
        } history[COOKIE_BALANCE_SLOTS];
};

void cookie_balance_init(struct cookie_balance *b, uint64_t lag_us);

/* Takes the deltas of a tick that ended at now_us; returns how many cookies
 * became due in it without an answer. */
double cookie_balance_step(struct cookie_balance *b, uint64_t now_us, uint64_t sent,
                           uint64_t received);
