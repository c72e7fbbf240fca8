/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sense_counters.h"
#include "sense_probe.h"
#include "sense_walks.h"
#include "util/peer_counter.h"

struct sense {
        struct peer_counter *peers;
        struct sense_counters *counters;
        struct sense_walks *walks;
        struct sense_log *log;
        struct sense_probe *probe;
        const struct settings *settings;
        struct fleet_sketch *fleet; /* NULL: not wanted, or no memory yet */
        uint64_t observed_us; /* the last observation (CLOCK_BOOTTIME); 0: never */
};

int sense_new(sd_event *event, const struct settings *settings, struct privileged *privileged, struct sense **ret) {
        struct sense *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return -ENOMEM;
        s->settings = settings;
        r = peer_counter_new(&s->peers);
        if (r >= 0)
                r = sense_counters_new(settings, privileged, &s->counters);
        if (r >= 0)
                r = sense_walks_new(event, settings, &s->walks);
        if (r >= 0)
                r = sense_log_new(event, settings, privileged, s->peers, &s->log);
        if (r >= 0)
                r = sense_probe_new(event, settings, &s->probe);
        if (r < 0) {
                sense_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct sense *sense_free(struct sense *s) {
        if (!s)
                return NULL;
        sense_probe_free(s->probe);
        sense_log_free(s->log);
        sense_walks_free(s->walks);
        sense_counters_free(s->counters);
        peer_counter_free(s->peers);
        fleet_sketch_free(s->fleet);
        free(s);
        return NULL;
}

static void set_fleet(struct sense *s, struct fleet_sketch *fleet) {
        sense_walks_set_fleet(s->walks, fleet);
        fleet_sketch_free(s->fleet);
        s->fleet = fleet;
}

static bool same_fleet(const struct settings *a, const struct settings *b) {
        return a->metrics.key_known == b->metrics.key_known &&
               memcmp(&a->metrics.key, &b->metrics.key, sizeof a->metrics.key) == 0;
}

/* Another key, another sketch: from zero, as after a restart. */
static void pass_fleet(struct sense *s, uint64_t now_us, uint64_t realtime_us) {
        struct fleet_sketch *fleet;

        if (s->settings->metrics.key_known && !s->fleet &&
            fleet_sketch_new(&s->settings->metrics.key, now_us, realtime_us, &fleet) == 0)
                set_fleet(s, fleet);
        if (s->fleet)
                fleet_sketch_pass(s->fleet, now_us, realtime_us);
}

void sense_configure(struct sense *s, const struct settings *settings) {
        if (!same_fleet(s->settings, settings))
                set_fleet(s, NULL);
        s->settings = settings;
        sense_counters_configure(s->counters, settings);
        sense_walks_configure(s->walks, settings);
        sense_log_configure(s->log, settings);
        sense_probe_configure(s->probe, settings);
        sense_walks_follow_log(s->walks, sense_log_sources(s->log));
}

void sense_set_clients(struct sense *s, struct known_clients *clients) {
        sense_log_set_clients(s->log, clients);
}

struct peer_counter *sense_peers(struct sense *s) {
        return s->peers;
}

void sense_set_tap(struct sense *s, sense_tap *tap, void *userdata) {
        sense_log_set_tap(s->log, tap, userdata);
}

static const struct snapshot_sensor *state_of(const struct sense *s, enum sensor_id id) {
        switch (id) {
        case SENSOR_SOCK_DIAG:
                return sense_walks_state(s->walks);
        case SENSOR_NETSTAT:
                return sense_counters_state(s->counters);
        case SENSOR_NFLOG:
        case SENSORS:
                break;
        }
        return sense_log_state(s->log);
}

static struct sense_walks_log log_for_walks(const struct sense *s) {
        struct sense_walks_log log = { .sources = sense_log_sources(s->log) };

        log.ended_known = sense_log_ended(s->log, &log.ended);
        return log;
}

void sense_observe(struct sense *s, uint64_t now_us, uint64_t realtime_us, bool alarm, struct observation *ret) {
        struct sense_walks_log log;

        memset(ret, 0, sizeof *ret);
        ret->time_us = now_us;
        ret->realtime_us = realtime_us;
        ret->elapsed_us = s->observed_us ? now_us - s->observed_us : 0;
        s->observed_us = now_us;

        sense_probe_observe(s->probe, ret, alarm); /* first: what follows may take a while */
        pass_fleet(s, now_us, realtime_us);
        peer_counter_step(s->peers, now_us);
        sense_counters_observe(s->counters, ret);
        sense_log_preview(s->log, ret);
        log = log_for_walks(s);
        sense_walks_observe(s->walks, ret, alarm, &log);
        sense_log_observe(s->log, ret);
        sense_walks_follow_log(s->walks, sense_log_sources(s->log));
        sense_walks_tell_finished(s->walks, ret);
        for (unsigned i = 0; i < SENSORS; i++)
                ret->sensors[i] = (uint8_t) state_of(s, (enum sensor_id) i)->state;
}

void sense_describe(const struct sense *s, struct snapshot *snapshot) {
        for (unsigned i = 0; i < SENSORS; i++)
                snapshot->sensors[i] = *state_of(s, (enum sensor_id) i);
        sense_walks_describe(s->walks, snapshot);
        snapshot->probe = *sense_probe_told(s->probe);
        if (s->fleet)
                snapshot->fleet = *fleet_sketch_told(s->fleet);
        else
                snapshot->fleet.known = false;
}

const struct fleet_sketch *sense_fleet(const struct sense *s) {
        return s->fleet;
}

bool sense_is_blind(const struct sense *s) {
        for (unsigned i = 0; i < SENSORS; i++) {
                enum sensor_state state = state_of(s, (enum sensor_id) i)->state;

                if (state == SENSOR_OK || state == SENSOR_DEGRADED)
                        return false;
        }
        return true;
}
