/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/observation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const counter_names[OBS_COUNTERS] = {
        [OBS_COOKIES_SENT] = "SyncookiesSent",
        [OBS_COOKIES_RECEIVED] = "SyncookiesRecv",
        [OBS_COOKIES_FAILED] = "SyncookiesFailed",
        [OBS_QUEUE_FULL_COOKIES] = "TCPReqQFullDoCookies",
        [OBS_QUEUE_FULL_DROPS] = "TCPReqQFullDrop",
        [OBS_LISTEN_OVERFLOWS] = "ListenOverflows",
        [OBS_LISTEN_DROPS] = "ListenDrops",
        [OBS_PASSIVE_OPENS] = "PassiveOpens",
        [OBS_ACTIVE_OPENS] = "ActiveOpens",
        [OBS_EMBRYONIC_RSTS] = "EmbryonicRsts",
        [OBS_ATTEMPT_FAILS] = "AttemptFails",
        [OBS_SYN_RETRANS] = "TCPSynRetrans",
        [OBS_IN_SEGMENTS] = "InSegs",
        [OBS_OUT_RSTS] = "OutRsts",
        [OBS_CSUM_ERRORS] = "InCsumErrors",
        [OBS_SYNS] = "Syns",
        [OBS_ARRIVED] = "SynsArrived",
        [OBS_FORWARDED] = "SynsForwarded",
        [OBS_BLOCKED] = "Blocked",
};

static const char *const sensor_names[SENSORS] = {
        [SENSOR_SOCK_DIAG] = "sock_diag",
        [SENSOR_NETSTAT] = "netstat",
        [SENSOR_NFLOG] = "nflog",
};

static const char *const sensor_state_names[] = {
        [SENSOR_OFF] = "off",
        [SENSOR_OK] = "ok",
        [SENSOR_DEGRADED] = "degraded",
        [SENSOR_FAILED] = "failed",
};

static const uint64_t coarse_start_us[] = {
        1000000, 1500000, 2000000, 3000000, 5000000, 7000000, 15000000, 31000000, UINT64_MAX,
};

void observation_set(struct observation *o, enum obs_counter c, uint64_t delta) {
        o->counters[c] = delta;
        o->counters_known |= UINT32_C(1) << c;
}

bool observation_knows(const struct observation *o, enum obs_counter c) {
        return o->counters_known & (UINT32_C(1) << c);
}

const char *obs_counter_name(enum obs_counter c) {
        return counter_names[c];
}

int obs_counter_from_name(const char *name, enum obs_counter *ret) {
        for (unsigned i = 0; i < OBS_COUNTERS; i++)
                if (strcmp(counter_names[i], name) == 0) {
                        *ret = (enum obs_counter) i;
                        return 0;
                }
        return -ENOENT;
}

const char *obs_probe_result_name(enum obs_probe_result r) {
        static const char *const names[OBS_PROBE_RESULTS] = {
                [OBS_PROBE_CONNECTED] = "connected",
                [OBS_PROBE_REFUSED] = "refused",
                [OBS_PROBE_TIMED_OUT] = "timed_out",
                [OBS_PROBE_FAILED] = "failed",
        };

        return names[r];
}

const char *sensor_id_name(enum sensor_id id) {
        return sensor_names[id];
}

const char *sensor_state_name(enum sensor_state state) {
        return sensor_state_names[state];
}

int sensor_state_from_name(const char *name, enum sensor_state *ret) {
        for (unsigned i = 0; i < sizeof sensor_state_names / sizeof *sensor_state_names; i++)
                if (strcmp(sensor_state_names[i], name) == 0) {
                        *ret = (enum sensor_state) i;
                        return 0;
                }
        return -ENOENT;
}

unsigned obs_age_bin(uint64_t age_us) {
        unsigned bin = OBS_AGE_1S;

        if (age_us < OBS_AGE_FINE_BINS * OBS_AGE_FINE_US)
                return (unsigned) (age_us / OBS_AGE_FINE_US);
        while (bin + 1 < OBS_AGE_BINS && age_us >= obs_age_bin_start_us(bin + 1))
                bin++;
        return bin;
}

uint64_t obs_age_bin_start_us(unsigned bin) {
        if (bin < OBS_AGE_FINE_BINS)
                return bin * OBS_AGE_FINE_US;
        return coarse_start_us[bin - OBS_AGE_FINE_BINS];
}

bool listener_key_equal(const struct listener_key *a, const struct listener_key *b) {
        return a->port == b->port && a->ifindex == b->ifindex && address_equal(&a->address, &b->address);
}

char *listener_key_format(const struct listener_key *k, char text[static ADDRESS_TEXT_MAX]) {
        char host[ADDRESS_TEXT_MAX], device[16] = "";
        bool v4 = address_is_ipv4(&k->address);

        if (k->ifindex)
                snprintf(device, sizeof device, "%%%u", k->ifindex);
        address_format(&k->address, host);
        snprintf(text, ADDRESS_TEXT_MAX, "%s%.39s%s:%u%.11s", v4 ? "" : "[", host, v4 ? "" : "]", k->port, device);
        return text;
}

const struct obs_listener *observation_find_listener(const struct observation *o, const struct listener_key *k) {
        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (listener_key_equal(&o->listeners[i].key, k))
                        return &o->listeners[i];
        return NULL;
}
