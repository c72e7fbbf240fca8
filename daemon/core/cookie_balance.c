/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/cookie_balance.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

void cookie_balance_init(struct cookie_balance *b) {
        memset(b, 0, sizeof *b);
}

/* The i-th newest record; 0 is the last one. */
static uint32_t slot(const struct cookie_balance *b, uint32_t i) {
        return (b->next + COOKIE_BALANCE_SLOTS - 1 - i) % COOKIE_BALANCE_SLOTS;
}

void cookie_balance_add(struct cookie_balance *b, uint64_t now_us, uint64_t sent, uint64_t received) {
        uint64_t sent_before = 0, received_before = 0;

        if (b->count) {
                sent_before = b->history[slot(b, 0)].sent;
                received_before = b->history[slot(b, 0)].received;
        }
        b->history[b->next].time_us = now_us;
        b->history[b->next].sent = sent_before + sent;
        b->history[b->next].received = received_before + received;
        b->next = (b->next + 1) % COOKIE_BALANCE_SLOTS;
        if (b->count < COOKIE_BALANCE_SLOTS)
                b->count++;
}

/* The totals at a time, between two records by proportion; NAN before the oldest. */
static void totals_at(const struct cookie_balance *b, uint64_t time_us, double *ret_sent, double *ret_received) {
        *ret_sent = *ret_received = NAN;
        for (uint32_t i = 0; i < b->count; i++) {
                uint32_t n = slot(b, i), newer = slot(b, i ? i - 1 : 0);
                double part;

                if (b->history[n].time_us > time_us)
                        continue;
                part = n == newer ? 0
                                  : (double) (time_us - b->history[n].time_us) /
                                            (double) (b->history[newer].time_us - b->history[n].time_us);
                *ret_sent = (double) b->history[n].sent + part * (double) (b->history[newer].sent - b->history[n].sent);
                *ret_received = (double) b->history[n].received +
                                part * (double) (b->history[newer].received - b->history[n].received);
                return;
        }
}

struct passed {
        double sent, received;
};

/* NAN before the oldest record. */
static struct passed passed_in(const struct cookie_balance *b, uint64_t until_us, uint64_t window_us) {
        struct passed until, from;

        totals_at(b, until_us, &until.sent, &until.received);
        totals_at(b, until_us - window_us, &from.sent, &from.received);
        return (struct passed) { until.sent - from.sent, until.received - from.received };
}

/* Of all windows that end within the lag the fewest sent, less so many that came back. */
static double left_per_s(const struct cookie_balance *b, uint64_t lag_us, uint64_t window_us, double received) {
        uint64_t now_us = b->history[slot(b, 0)].time_us;
        double least = passed_in(b, now_us - lag_us, window_us).sent;

        for (uint32_t i = 0; i < b->count && now_us - b->history[slot(b, i)].time_us < lag_us; i++)
                least = fmin(least, passed_in(b, b->history[slot(b, i)].time_us, window_us).sent);
        return fmax(0, least - received) / ((double) window_us / 1e6);
}

/* False: the history is shorter than both together. */
static bool is_known(const struct cookie_balance *b, uint64_t lag_us, uint64_t window_us) {
        uint64_t now_us = b->count ? b->history[slot(b, 0)].time_us : 0;

        return b->count > 0 && now_us >= lag_us + window_us && !isnan(passed_in(b, now_us - lag_us, window_us).sent);
}

static double received_until(const struct cookie_balance *b, uint64_t before_us, uint64_t window_us) {
        return passed_in(b, b->history[slot(b, 0)].time_us - before_us, window_us).received;
}

double cookie_balance_unanswered_per_s(const struct cookie_balance *b, uint64_t lag_us, uint64_t window_us) {
        if (!is_known(b, lag_us, window_us))
                return NAN;
        return left_per_s(b, lag_us, window_us, received_until(b, 0, window_us));
}

double cookie_balance_lost_per_s(const struct cookie_balance *b, uint64_t lag_us, uint64_t window_us) {
        double before;

        if (!is_known(b, lag_us, window_us))
                return NAN;
        before = received_until(b, lag_us, window_us);
        /* Two windows of as many differ by so many by chance. */
        return left_per_s(b, lag_us, window_us, fmax(received_until(b, 0, window_us), before - sqrt(2 * before)));
}
