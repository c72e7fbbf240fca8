/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense_counters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sense_state.h"
#include "sensors/netstat.h"
#include "util/sysctl.h"

struct sense_counters {
        const struct settings *settings;
        struct netstat *netstat;
        struct sysctl *syncookies, *synack_retries;
        struct privileged *privileged;
        uint32_t generation;   /* of the keeper that has the block list */
        uint64_t blocked_syns; /* the list's SYNs since it was made, as last read */
        struct snapshot_sensor state;
};

int sense_counters_new(const struct settings *settings, struct privileged *privileged, struct sense_counters **ret) {
        struct sense_counters *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return -ENOMEM;
        c->settings = settings;
        c->privileged = privileged;
        r = netstat_new(NULL, &c->netstat);
        if (r >= 0)
                r = sysctl_new(SYSCTL_SYNCOOKIES_PATH, &c->syncookies);
        if (r >= 0)
                r = sysctl_new(SYSCTL_SYNACK_RETRIES_PATH, &c->synack_retries);
        if (r < 0) {
                sense_counters_free(c);
                return r;
        }
        *ret = c;
        return 0;
}

struct sense_counters *sense_counters_free(struct sense_counters *c) {
        if (!c)
                return NULL;
        netstat_free(c->netstat);
        sysctl_free(c->syncookies);
        sysctl_free(c->synack_retries);
        free(c);
        return NULL;
}

void sense_counters_configure(struct sense_counters *c, const struct settings *settings) {
        c->settings = settings;
}

static void observe_netstat(struct sense_counters *c, struct observation *o) {
        int r = netstat_read(c->netstat, o);
        uint32_t missing = netstat_missing(c->netstat);
        enum sensor_state state = (enum sensor_state) o->sensors[SENSOR_NETSTAT];
        char what[SNAPSHOT_SENSOR_TEXT] = "counters missing:";

        if (r < 0) {
                sense_state_set(&c->state, state, "cannot read " NETSTAT_DIRECTORY, r);
                return;
        }
        for (unsigned i = 0; i < OBS_COUNTERS; i++)
                if (missing & (UINT32_C(1) << i)) {
                        size_t n = strlen(what);

                        snprintf(what + n, sizeof what - n, " %s", obs_counter_name((enum obs_counter) i));
                }
        sense_state_set(&c->state, state, what, 0);
}

/* A failure leaves the value unknown, which is its report. */
static void observe_sysctls(struct sense_counters *c, struct observation *o) {
        if (sysctl_read(c->syncookies, &o->syncookies) == 0)
                o->known |= OBS_K_SYNCOOKIES;
        if (sysctl_read(c->synack_retries, &o->synack_retries) == 0)
                o->known |= OBS_K_SYNACK_RETRIES;
}

/* What the block list drops is in no other figure. */
static void observe_blocked(struct sense_counters *c, struct observation *o) {
        uint64_t syns;

        if (!c->settings->block.enabled && !c->blocked_syns)
                return;
        if (privileged_read_blocked(c->privileged, &syns) < 0)
                return;
        if (privileged_generation(c->privileged) != c->generation) {
                c->generation = privileged_generation(c->privileged);
                c->blocked_syns = 0;
        }
        if (syns >= c->blocked_syns)
                observation_set(o, OBS_BLOCKED, syns - c->blocked_syns);
        c->blocked_syns = syns;
}

void sense_counters_observe(struct sense_counters *c, struct observation *o) {
        observe_netstat(c, o);
        observe_sysctls(c, o);
        observe_blocked(c, o);
}

const struct snapshot_sensor *sense_counters_state(const struct sense_counters *c) {
        return &c->state;
}
