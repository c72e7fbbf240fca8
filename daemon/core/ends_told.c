/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ends_told.h"

#include <math.h>

#include "core/retries.h"

/* A flood needs as long to leave half-opens that prove it (core/block_policy.c), so who came before it has been
 * told by then. */
#define IN_TIME_US RETRY_FIRST_US
/* So that the moments reach back beyond that. */
#define MOMENT_US UINT64_C(100000)
#define HALF_MINUTE_US UINT64_C(30000000)

static void remember(struct ends_told *e, uint64_t now_us) {
        unsigned last = (e->next + ENDS_TOLD_MOMENTS - 1) % ENDS_TOLD_MOMENTS;

        if (now_us - e->moments[last].time_us < MOMENT_US)
                return;
        e->moments[e->next].time_us = now_us;
        e->moments[e->next].ended = e->ended;
        e->next = (e->next + 1) % ENDS_TOLD_MOMENTS;
}

/* What had ended when there was time enough to tell; what had at the beginning, if that is later. A listener that
 * has opened since is one less: it is told of when it closes. */
static double should_be_told(const struct ends_told *e, uint64_t now_us) {
        uint64_t latest_us = 0;
        double ended = 0;

        for (unsigned i = 0; i < ENDS_TOLD_MOMENTS; i++)
                if (e->moments[i].time_us > latest_us && e->moments[i].time_us + IN_TIME_US <= now_us) {
                        latest_us = e->moments[i].time_us;
                        ended = e->moments[i].ended;
                }
        return fmin(ended, e->ended);
}

static void follow_fewest(struct ends_told *e, uint64_t now_us) {
        double untold = e->ended - e->told;

        if (now_us - e->half_minute_us >= HALF_MINUTE_US) {
                e->fewest[1] = e->fewest[0];
                e->fewest[0] = untold;
                e->half_minute_us = now_us;
        }
        e->fewest[0] = fmin(e->fewest[0], untold);
}

bool ends_told_step(struct ends_told *e, const struct ends_tick *tick) {
        if (!tick) {
                *e = (struct ends_told) { .known = false };
                return true;
        }
        if (!e->known)
                *e = (struct ends_told) { .known = true, .half_minute_us = tick->time_us };
        else {
                e->ended += (double) tick->opened + (double) tick->in_use_before - (double) tick->in_use;
                e->told += (double) tick->told;
        }
        follow_fewest(e, tick->time_us);
        remember(e, tick->time_us);
        return e->told + fmin(e->fewest[0], e->fewest[1]) >= should_be_told(e, tick->time_us);
}
