/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is kept of old incident records: the oldest go first. */

#include <stdint.h>

struct incident_bounds {
        uint64_t except;   /* the record at hand, which stays and does not count; 0: none */
        uint64_t keep;     /* so many others */
        uint64_t max_size; /* so many bytes, … */
        uint64_t needed;   /* … with so many for the one at hand */
        uint64_t older_us; /* CLOCK_REALTIME: none that was last written before; 0: age is no matter */
};

/* -errno of the first that cannot be removed, which keeps none of the others. *ret_bytes, what the
 * others take now, is set in any case. */
int incident_prune(const char *state_dir, const struct incident_bounds *b, uint64_t *ret_bytes);
