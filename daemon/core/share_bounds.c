/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/share_bounds.h"

#include <math.h>

void share_bounds(double hits, double trials, double *ret_low, double *ret_high) {
        const double z = 1.96, z2 = z * z;
        double p, centre, width;

        if (!(trials > 0)) {
                *ret_low = 0;
                *ret_high = 1;
                return;
        }
        p = fmin(1, fmax(0, hits / trials));
        centre = p + z2 / (2 * trials);
        width = z * sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials));
        *ret_low = fmax(0, (centre - width) / (1 + z2 / trials));
        *ret_high = fmin(1, (centre + width) / (1 + z2 / trials));
}
