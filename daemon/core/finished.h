/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Handshakes finished, reckoned from connections: those that are open plus those
 * that have ended only ever grow by a new one. For where the kernel's own count
 * (PassiveOpens) cannot be read.
 */

#include <stdbool.h>
#include <stdint.h>

/* All zeros: nothing told yet. */
struct finished {
        bool begun;
        uint64_t told; /* of the sum of both */
};

/*
 * open: now; ended: since any one moment, read before open, so that a connection
 * which ends between the two is told later, never twice. Returns whether *ret, how
 * many were finished since the call before, is known.
 */
bool finished_step(struct finished *f, uint64_t open, uint64_t ended, uint64_t *ret);
/* A look was missed: the next difference would be of a longer time. */
void finished_forget(struct finished *f);
