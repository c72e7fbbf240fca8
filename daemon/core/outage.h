/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether the way to the usual clients, or back from them, is lost.
 *
 * Nobody finishes any more, and those who come are the usual ones: at first as many
 * as usual, then the same again and again, since each sends its SYN up to six
 * times. With cookies on a flood of that size would not keep them from finishing;
 * without, entries that outrun their timers show that their clients live. When
 * the way is open again, the queue and the clients take a while to settle.
 * Where the way in is cut, fewer come than half of the usual, and those who had just begun are left.
 * So few clients that their SYNs could be no flood need no such excuse, and what a flood
 * explains is none.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/flood_rules.h"
#include "core/host_track.h"

/* What is usual has to be known for so long. */
#define OUTAGE_LEARNED_US UINT64_C(2000000)

/* All zeros: none was ever seen. */
struct outage {
        uint64_t seen_us;           /* last; 0: never */
        uint64_t began_us;          /* since when it is there now; 0: it is not */
        uint64_t alive_us;          /* when a client was last heard of, in it */
        uint64_t cut_us;            /* when fewer came than half of the usual; 0: as many as usual came since */
        uint64_t flood_since_us;    /* 0: there is none */
        struct rate flood_arrivals; /* a second, the most of its last seconds */
};

/* What is known of those who come, of the whole host. */
struct outage_clients {
        double alive;       /* entries that outran their timers lately (core/survival.h) */
        double begun_per_s; /* handshakes; NAN: there is no log */
        double again_per_s; /* SYNs sent again */
};

bool outage_step(struct outage *o, const struct host_track *t, const struct look *l, const struct outage_clients *c,
                 const struct settings_detect *s, uint64_t now_us);

/* After each step of the detector: whether there is a flood, and how many arrive. */
void outage_follow_flood(struct outage *o, bool flood, double arrivals_per_s, uint64_t now_us, double elapsed_s);
