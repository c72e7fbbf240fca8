/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/episode.h"

#include <stdbool.h>

#define WATCH_MAX_US UINT64_C(3600000000)

static bool calm_for(const struct episode *e, uint64_t now_us, uint64_t us) {
        return e->calm_since_us && now_us - e->calm_since_us >= us;
}

static enum flood_state next_state(const struct episode *e, enum finding finding, uint64_t now_us,
                                   const struct settings_detect *s) {
        if (finding == FINDING_FLOOD)
                return STATE_FLOOD;
        switch (e->state) {
        case STATE_NORMAL:
                return finding == FINDING_SUSPECT ? STATE_SUSPECT : STATE_NORMAL;
        case STATE_SUSPECT:
                return calm_for(e, now_us, s->hold_us) ? STATE_NORMAL : STATE_SUSPECT;
        case STATE_FLOOD:
                return calm_for(e, now_us, s->hold_us) ? STATE_RECOVERING : STATE_FLOOD;
        case STATE_RECOVERING:
                return calm_for(e, now_us, e->watch_us) ? STATE_NORMAL : STATE_RECOVERING;
        case STATES:
                break;
        }
        return STATE_NORMAL;
}

int episode_step(struct episode *e, enum finding finding, uint64_t now_us, const struct settings_detect *s) {
        enum flood_state next;

        if (finding != FINDING_NONE)
                e->calm_since_us = 0;
        else if (!e->calm_since_us)
                e->calm_since_us = now_us;

        next = next_state(e, finding, now_us, s);
        if (next == e->state)
                return 0;

        if (next == STATE_RECOVERING) {
                e->watch_us = e->watch_us ? e->watch_us : s->recover_us;
                e->calm_since_us = now_us;
        } else if (next == STATE_FLOOD && e->state == STATE_RECOVERING)
                e->watch_us = e->watch_us * 2 < WATCH_MAX_US ? e->watch_us * 2 : WATCH_MAX_US;
        else if (next == STATE_NORMAL)
                e->watch_us = 0;
        e->state = next;
        e->since_us = now_us;
        return 1;
}
