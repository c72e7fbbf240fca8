/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Draws top's screen with curses; knows nothing of keys, time or the daemon. */

#include <stdbool.h>
#include <stdint.h>

#include "ctl/feed.h"
#include "ctl/term.h"
#include "ctl/worst.h"

enum { TOP_NAME_MAX = TERM_LISTENER_MAX, TOP_COLUMNS_MIN = 40, TOP_LINES_MIN = 12 };

struct top_view {
        struct term term;
        enum worst_order order;
        bool help, paused;
        bool one;                /* only the listener named: */
        char name[TOP_NAME_MAX]; /* the selected one; empty: none */
        size_t selected;
        double gone_s;           /* for so long no daemon has answered; negative: it does */
};

/* Starts the colours; curses must be there. */
void top_screen_start(const struct term *term);
/* Draws all of it anew; curses sends what has changed. */
void top_screen_draw(struct top_view *v, const struct feed *feed);
