/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What connections that stay open say about finished handshakes.
 *
 * A handshake is counted when its connection ends. Of a source whose
 * connections last, the number that is open now, looked at from time to time,
 * tells the rest: between two looks as many handshakes were finished as
 * connections ended, plus what there are more of now (or less what there are
 * fewer of). What was open at the first look may be from before or from the
 * SYNs that made the source worth a look: it counts for the upper bound only.
 *
 * Weighed as the counts of core/source_table.h: both halve together.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"

enum { OPEN_CONNECTIONS_MAX = 16 }; /* sources followed; the one looked at longest ago goes */
#define OPEN_CONNECTIONS_KEPT_US UINT64_C(8000000) /* without a look */

struct open_connections {
        uint64_t halved_us, halving_us;
        struct open_connections_of {
                struct prefix source; /* length 0: free */
                uint64_t looked_us;
                uint32_t open;  /* at the last look */
                double gained;  /* since the first one, below zero when lost */
                double at_first;
        } list[OPEN_CONNECTIONS_MAX];
};

void open_connections_look(struct open_connections *o, const struct prefix *source, uint32_t open, uint64_t now_us);
/* NULL: not looked at. Points into o. */
const struct open_connections_of *open_connections_get(const struct open_connections *o, const struct prefix *source);
/* Every halving_us: halves what is weighed. */
void open_connections_halve(struct open_connections *o, uint64_t now_us, uint64_t halving_us);
