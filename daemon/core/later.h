/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How many of a listener's handshakes that outlive their first timeouts finish all the same.
 *
 * On a way that loses packets a client tries again at 1, 3 and 7 s (RFC 6298, 2 and 5.5), and so
 * do we: each try leaves fewer. What is forged is left by all of them alike. So those between 3
 * and 7 s old are compared with those who were between 1 and 2 s old when they were.
 */

#include <stdint.h>

#include "core/observation.h"
#include "core/rate.h"

enum { LATER_SECONDS = 8 };

/* All zeros: nothing is known. */
struct later {
        struct {
                uint64_t second; /* of the clock; 0: none */
                double per_s;    /* 1 to 2 s old, at its last walk */
        } seconds[LATER_SECONDS];
        struct rate young, old; /* the same handshakes, when they were and now that they are; a second */
        uint64_t began_us, time_us; /* the first walk, the last; 0: none */
};

/* From the ages of a walk: the share (0..1) of those past 1.5 s that will have finished within 7 s,
 * without what may be chance. 0: not known yet. */
double later_share(struct later *m, const struct obs_listener *l, uint64_t now_us);
