/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/distinct.h"

#include <math.h>
#include <string.h>

enum { RANK_MAX = 64 - DISTINCT_BITS + 1 };

void distinct_clear(struct distinct *d) {
        memset(d, 0, sizeof *d);
}

/* Ertl 2017, equation 22: x + sum of x^(2^k) 2^(k-1); x in 0..1. */
static double sigma(double x) {
        double y = 1, z = x, before;

        if (x >= 1)
                return INFINITY;
        do {
                x *= x;
                before = z;
                z += x * y;
                y += y;
        } while (z > before);
        return z;
}

/* Ertl 2017, equation 23: (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3. */
static double tau(double x) {
        double y = 1, z = 1 - x, before;

        if (x <= 0 || x >= 1)
                return 0;
        do {
                x = sqrt(x);
                before = z;
                y /= 2;
                z -= (1 - x) * (1 - x) * y;
        } while (z < before);
        return z / 3;
}

double distinct_estimate(const struct distinct *a, const struct distinct *b) {
        const double m = DISTINCT_REGISTERS;
        uint32_t histogram[RANK_MAX + 1] = { 0 };
        double z;

        for (unsigned i = 0; i < DISTINCT_REGISTERS; i++) {
                uint8_t rank = a->registers[i];

                if (b && b->registers[i] > rank)
                        rank = b->registers[i];
                histogram[rank]++;
        }

        z = m * tau(1 - histogram[RANK_MAX] / m);
        for (unsigned rank = RANK_MAX - 1; rank >= 1; rank--)
                z = (z + histogram[rank]) / 2;
        z += m * sigma(histogram[0] / m);
        return m * m / (2 * M_LN2 * z);
}
