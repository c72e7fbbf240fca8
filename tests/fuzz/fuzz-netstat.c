/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdint.h>
#include <stdlib.h>

#include "sensors/netstat_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct netstat_totals totals = { 0 };

        netstat_parse((const char *) data, size, &totals);
        if (totals.known & ~netstat_counters())
                abort();
        return 0;
}
