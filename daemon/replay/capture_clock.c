/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_clock.h"

#include "replay/capture_file.h"

#define START_US UINT64_C(1000000)

uint64_t capture_clock_step(struct capture_clock *c, uint64_t stamp_us, bool stray) {
        if (stamp_us == CAPTURE_NO_TIME) {
                c->unstamped++;
                if (!c->begun)
                        c->now_us = START_US;
                return c->now_us;
        }
        if (!c->begun) {
                c->begun = true;
                c->now_us = START_US;
                c->stamp_us = stamp_us;
        } else if (stray) {
                c->strays++;
        } else if (stamp_us >= c->stamp_us) {
                c->now_us += stamp_us - c->stamp_us;
                c->stamp_us = stamp_us;
        } else if (c->stamp_us - stamp_us > CAPTURE_CLOCK_DISORDER_US) {
                c->steps_back++;
                if (c->stamp_us - stamp_us > c->farthest_back_us)
                        c->farthest_back_us = c->stamp_us - stamp_us;
                c->stamp_us = stamp_us;
        }
        return c->now_us;
}

bool capture_clock_jumps(const struct capture_clock *c, uint64_t stamp_us) {
        return c->begun && stamp_us != CAPTURE_NO_TIME && stamp_us > c->stamp_us &&
               stamp_us - c->stamp_us > CAPTURE_CLOCK_JUMP_US;
}

void capture_clock_idle(struct capture_clock *c, uint64_t until_us) {
        c->stamp_us += until_us - c->now_us;
        c->now_us = until_us;
}

uint64_t capture_clock_stamp(const struct capture_clock *c, uint64_t now_us) {
        uint64_t ago_us = c->now_us - now_us;

        return now_us <= c->now_us && ago_us > c->stamp_us ? 0 : c->stamp_us - ago_us;
}
