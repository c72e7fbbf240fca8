/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The text of /proc/net/netstat and snmp, or of sockstat, and what counting from nothing to it tells. */

#include <stdint.h>
#include <stdlib.h>

#include "sensors/netstat_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const uint32_t columns = netstat_counters() | UINT32_C(1) << NETSTAT_IN_USE;
        struct netstat_totals totals = { 0 }, before = { .known = columns };
        static struct observation o;

        netstat_parse((const char *) data, size, &totals);
        netstat_parse_in_use((const char *) data, size, &totals);
        if (totals.known & ~columns)
                abort();
        o.known = 0;
        netstat_delta(&before, &totals, &o);
        if (((o.known & OBS_K_IN_USE) != 0) != (totals.known >> NETSTAT_IN_USE & 1) ||
            ((o.known & OBS_K_IN_USE) && o.in_use != totals.value[NETSTAT_IN_USE]))
                abort();
        return 0;
}
