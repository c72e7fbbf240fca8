/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/probe_course.h"

#include <stdio.h>
#include <string.h>

/* A handshake within the host takes some ten microseconds; a SYN is sent again after 1, 3 and 7 s. */
const uint64_t probe_course_bounds_us[PROBE_COURSE_BUCKETS] = {
        100, 250, 1000, 5000, 25000, 100000, 250000, 500000, 1000000, 1500000, 3500000, 7500000,
};

static bool is_same(const struct settings_address *a, const struct settings_address *b) {
        return address_equal(&a->address, &b->address) && a->port == b->port;
}

void probe_course_configure(struct probe_course *c, const struct settings *s) {
        struct probe_told *t = &c->told;

        if (!is_same(&t->listener, &s->probe.listener) || !is_same(&t->from, &s->probe.from)) {
                t->any = false;
                t->why[0] = '\0';
                c->due_us = 0;
        }
        t->on = s->probe.listener.port != 0;
        t->listener = s->probe.listener;
        t->from = s->probe.from;
        t->interval_us = s->probe.interval_us;
}

bool probe_course_is_due(struct probe_course *c, const struct settings *s, bool pressing, uint64_t now_us) {
        uint64_t interval_us = pressing ? s->probe.flood_interval_us : s->probe.interval_us;

        c->told.interval_us = interval_us;
        /* When a flood begins the calm's next one is too far away. */
        if (c->due_us > c->begun_us + interval_us)
                c->due_us = c->begun_us + interval_us;
        if (now_us < c->due_us)
                return false;
        /* On a grid of intervals: ticks come late, and each would make all later ones late. */
        c->due_us = c->due_us && now_us - c->due_us < interval_us ? c->due_us + interval_us : now_us + interval_us;
        c->begun_us = now_us;
        return true;
}

static void count(struct probe_course *c, uint64_t took_us) {
        unsigned i = 0;

        while (i < PROBE_COURSE_BUCKETS && took_us > probe_course_bounds_us[i])
                i++;
        c->told.buckets[i]++;
        c->told.us_sum += took_us;
        if (c->fresh.slowest_us < took_us)
                c->fresh.slowest_us = took_us;
}

void probe_course_end(struct probe_course *c, enum obs_probe_result result, uint64_t took_us, const char *why) {
        c->fresh.ended[result]++;
        c->told.ended[result]++;
        c->told.any = true;
        c->told.last = result;
        c->told.last_us = took_us;
        (void) snprintf(c->told.why, sizeof c->told.why, "%s", why ? why : "");
        if (result == OBS_PROBE_CONNECTED)
                count(c, took_us);
}

struct obs_probe probe_course_take(struct probe_course *c) {
        struct obs_probe fresh = c->fresh;

        memset(&c->fresh, 0, sizeof c->fresh);
        return fresh;
}
