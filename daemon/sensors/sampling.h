/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How much of the SYNs to log: all of them, or one in 8, 64, 512. Pure.
 *
 * Up at once, as far as needed, when the messages would pass the rate that is
 * affordable; down by one step after they would have stayed under half of it
 * for a while, so that a flood near a limit does not make the rules flap. It
 * goes by the counted SYNs, not by the messages received: those depend on it.
 */

#include <stdint.h>

#define SAMPLING_HOLD_US UINT64_C(5000000)

struct sampling {
        uint32_t one_in;
        uint64_t fits_since_us; /* the step below would fit since then; 0: it would not */
};

struct sampling sampling_start(void);
/* max_rate: messages a second. Returns one_in, 1, 8, 64 or 512. */
uint32_t sampling_step(struct sampling *s, double syn_per_s, double max_rate, uint64_t now_us);
