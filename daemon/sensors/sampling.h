/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How much of the SYNs to log. Pure. Steps:
 *
 *      one_in     SYNs at random   every SYN of    with the default max_rate of 20,000:
 *                                  an address      up to
 *           1     all              all                5,000 SYN/s
 *           8     1 in 4           1 in 8           160,000
 *          64     1 in 32          1 in 64        1,280,000
 *         512     1 in 256         1 in 512
 *
 * A message costs three times what the bare receipt of it does, so logging
 * everything is for the rates at which the cost is nothing. The first step is
 * early because it costs no knowledge that matters: at 5,000 SYN/s one in 4 is
 * still 2,500 SYNs behind a two-second window. It is held long because a
 * source of 500 SYN/s inside 100,000 is then known with a standard error of
 * 3 % (6 s of weight behind a rate, 750 SYNs of it, core/source_table.h); one
 * in 32 would give 10 %. The sample of whole addresses only answers how many
 * there are and how many come once: half the size does.
 *
 * Up at once, as far as needed; down by one step after the rate has been under
 * half of that step's limit for a while, so that a flood near a limit does not
 * make the rules flap. It goes by the counted SYNs, not by the messages
 * received: those depend on it.
 */

#include <stdint.h>

#define SAMPLING_HOLD_US UINT64_C(5000000)

struct sampling {
        uint32_t one_in;
        uint64_t fits_since_us; /* the step below would fit since then; 0: it would not */
};

struct sampling sampling_start(void);
/* max_rate: messages a second of the sample by address, half of what the other one may bring;
 * a quarter of it starts the sampling. Returns one_in, 1, 8, 64 or 512. */
uint32_t sampling_step(struct sampling *s, double syn_per_s, double max_rate, uint64_t now_us);
/* Of the SYNs at random. */
static inline uint32_t sampling_by_packet(uint32_t one_in) {
        return one_in > 1 ? one_in / 2 : 1;
}
