/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_clock.h"

#include "replay/capture_file.h"

#define START_US UINT64_C(1000000)
/* Clocks that take turns do so often. */
#define TURN_US UINT64_C(5000000)

/* How far ahead of the present it is by that line; behind it, modulo 2^64. */
static uint64_t ahead_us(const struct capture_clock *c, unsigned line, uint64_t stamp_us) {
        return stamp_us + c->lines[line].skew_us - c->now_us;
}

static bool is_near(const struct capture_clock *c, unsigned line, uint64_t stamp_us) {
        return ahead_us(c, line, stamp_us) + CAPTURE_CLOCK_DISORDER_US <= 2 * CAPTURE_CLOCK_DISORDER_US;
}

static bool find_near(struct capture_clock *c, uint64_t stamp_us) {
        for (unsigned i = 0; i < CAPTURE_CLOCK_LINES; i++)
                if (c->lines[i].used_us && c->now_us - c->lines[i].used_us <= TURN_US && is_near(c, i, stamp_us)) {
                        c->line = i;
                        return true;
                }
        return false;
}

/* From here on time goes on: in the place of the line that was not used for longest. */
static void begin_line(struct capture_clock *c, uint64_t stamp_us) {
        unsigned oldest = 0;

        for (unsigned i = 1; i < CAPTURE_CLOCK_LINES; i++)
                if (c->lines[i].used_us < c->lines[oldest].used_us)
                        oldest = i;
        c->line = oldest;
        c->lines[oldest].skew_us = c->now_us - stamp_us;
}

static void follow(struct capture_clock *c, uint64_t stamp_us) {
        uint64_t ahead;

        if (!is_near(c, c->line, stamp_us) && !find_near(c, stamp_us) && ahead_us(c, c->line, stamp_us) > INT64_MAX) {
                uint64_t back_us = c->now_us - c->lines[c->line].skew_us - stamp_us;

                c->steps_back++;
                if (back_us > c->farthest_back_us)
                        c->farthest_back_us = back_us;
                begin_line(c, stamp_us);
        }
        ahead = ahead_us(c, c->line, stamp_us);
        if (ahead <= INT64_MAX) {
                c->now_us += ahead;
                c->pauses += ahead > CAPTURE_CLOCK_PAUSE_US;
                c->paused_us += ahead > CAPTURE_CLOCK_PAUSE_US ? ahead : 0;
        }
        if (stamp_us < c->earliest_us)
                c->earliest_us = stamp_us;
        if (stamp_us > c->latest_us)
                c->latest_us = stamp_us;
        c->lines[c->line].used_us = c->now_us;
        c->stamp_us = c->now_us - c->lines[c->line].skew_us;
}

uint64_t capture_clock_step(struct capture_clock *c, uint64_t stamp_us, bool stray) {
        if (c->now_us == 0)
                c->now_us = START_US;
        if (stamp_us == CAPTURE_NO_TIME)
                c->unstamped++;
        else if (!c->begun) {
                c->begun = true;
                c->earliest_us = stamp_us;
                begin_line(c, stamp_us);
                follow(c, stamp_us);
        } else if (stray)
                c->strays++;
        else
                follow(c, stamp_us);
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
