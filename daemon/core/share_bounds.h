/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Bounds (Wilson 1927, 95 %) of a share, hits of trials; trials 0: 0 and 1. */
void share_bounds(double hits, double trials, double *ret_low, double *ret_high);
