/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The text of /proc/net/netstat and snmp, and what counting from nothing to it tells. */

#include <stdint.h>
#include <stdlib.h>

#include "sensors/netstat_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const uint32_t columns = netstat_counters() | UINT32_C(1) << NETSTAT_ESTABLISHED;
        struct netstat_totals totals = { 0 }, before = { .known = columns };
        static struct observation o;

        netstat_parse((const char *) data, size, &totals);
        if (totals.known & ~columns)
                abort();
        o.known = 0;
        netstat_delta(&before, &totals, &o);
        if (((o.known & OBS_K_ESTABLISHED) != 0) != (totals.known >> NETSTAT_ESTABLISHED & 1) ||
            ((o.known & OBS_K_ESTABLISHED) && o.established != totals.value[NETSTAT_ESTABLISHED]))
                abort();
        return 0;
}
