/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How many SYN cookies are never answered, from two counters of the host.
 *
 * A cookie leaves no entry behind, so its handshake has no age. What can be
 * compared is the valid cookies that came back in a window with those sent in
 * a window as long, some time before. How long before is the round trips'
 * business, which the counters do not tell: any delay from none to the lag may
 * be the right one, so the least that any of them leaves unanswered is taken. A
 * crowd that comes or goes then never looks like a flood, and a flood is seen
 * once it has lasted for the lag and the window.
 */

#include <stdint.h>

enum { COOKIE_BALANCE_SLOTS = 64 };

struct cookie_balance {
        uint32_t count, next;
        struct {
                uint64_t time_us;
                uint64_t sent, received; /* in all */
        } history[COOKIE_BALANCE_SLOTS];
};

void cookie_balance_init(struct cookie_balance *b);

/* Takes the deltas of a tick that ended at now_us; times must rise. */
void cookie_balance_add(struct cookie_balance *b, uint64_t now_us, uint64_t sent, uint64_t received);

/* Cookies a second, in the last window, that nobody answered within lag_us; NAN
 * while the history is shorter than both together. */
double cookie_balance_unanswered_per_s(const struct cookie_balance *b, uint64_t lag_us, uint64_t window_us);

/* The same, less what came back in a window as long until lag_us ago, if that is more: while the round trips grow,
 * or ticks are late, fewer come back for as long, and none is lost. */
double cookie_balance_lost_per_s(const struct cookie_balance *b, uint64_t lag_us, uint64_t window_us);
