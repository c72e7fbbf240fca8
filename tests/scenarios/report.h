/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the scorecard prints: a row each, families, judges beside each other, and
 * whether what was promised holds. */

#include "tests/scenarios/trial.h"

struct report_options {
        uint64_t seed;
        double days;
        const char *svg; /* NULL: no chart */
        bool totals_only;
        bool strict; /* what is only wanted so far counts as well */
};

/* Whether all holds that counts. */
bool report_print(const struct catalogue *c, const struct row *rows, const struct report_options *o);
