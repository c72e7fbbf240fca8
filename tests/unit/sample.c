/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/sample.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_US UINT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

static struct prefix prefix_of(const char *text) {
        struct prefix p;

        if (prefix_parse(text, &p) < 0)
                abort();
        return p;
}

void sample_quiet(struct snapshot *s) {
        *s = (struct snapshot) {
                .version = "0.1.0",
                .pid = 4711,
                .realtime_us = START_US,
                .uptime_us = 1500000,
                .diagnosis = DIAGNOSIS_QUIET,
                .since_realtime_us = START_US - 1500000,
                .host = evidence_unknown(),
                .sources_distinct = NAN,
                .syncookies_value = -1,
                .syncookies_original = -1,
                .syncookies_mode = "auto",
                .blocked_per_s = NAN,
                .incident = { .peak_syn_per_s = NAN, .peak_half_open = NAN, .total_syns = NAN, .blocked_syns = NAN },
        };
        for (unsigned i = 0; i < SENSORS; i++)
                s->sensors[i].state = SENSOR_OK;
        s->sensors[SENSOR_NFLOG].state = SENSOR_OFF;
        strcpy(s->sensors[SENSOR_NFLOG].reason, "switched off");
}

static void add_listener(struct snapshot *s, const char *address, uint16_t port, double half_open, double backlog) {
        struct snapshot_listener *l = &s->listeners[s->listeners_count++];

        *l = (struct snapshot_listener) {
                .key = { .address = prefix_of(address).address, .port = port },
                .sockets = 1,
                .diagnosis = DIAGNOSIS_QUIET,
                .since_realtime_us = START_US,
                .evidence = evidence_unknown(),
        };
        l->evidence.half_open = half_open;
        l->evidence.backlog = backlog;
        l->evidence.fill = half_open / backlog;
        l->evidence.accept_queue = 0;
        l->evidence.syn_per_s = half_open * 2;
}

static void add_source(struct snapshot *s, const char *prefix, double half_open, double syn_per_s) {
        s->sources[s->sources_count++] = (struct snapshot_source) {
                .prefix = prefix_of(prefix),
                .half_open = half_open,
                .syn_per_s = syn_per_s,
                .completed_per_s = 0,
                .completion_low = 0,
                .completion_high = 0.02,
                .share = syn_per_s / 1240,
                .error = 0.001,
        };
}

static void set_totals(struct snapshot_totals *t) {
        *t = (struct snapshot_totals) {
                .syns = 123456,
                .blocked_syns = 912000,
                .handshakes_completed = 23456,
                .cookies_sent = 98765,
                .cookies_received = 1234,
                .log_received = 120000,
                .log_lost = 12,
                .ticks = 240,
                .dumps = 7,
                .poll_us_sum = 3500123,
        };
        t->records_dropped = 7;
        t->incidents[DIAGNOSIS_FLOOD_SPOOFED] = 2;
        t->poll_buckets[2] = 5;
        t->poll_buckets[4] = 1;
        t->poll_buckets[SNAPSHOT_POLL_BUCKETS] = 1;
}

void sample_flood(struct snapshot *s) {
        sample_quiet(s);
        s->state = STATE_FLOOD;
        s->diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        s->uptime_us = UINT64_C(93784500000);
        s->reasons_count = 2;
        strcpy(s->reasons[0], "half-open 512 of 511 at 0.0.0.0:80, 98 % aged");
        strcpy(s->reasons[1], "1,240 SYN/s, 16 % complete; 51,000 addresses seen about once");
        s->host.half_open = 515;
        s->host.half_open_aged = 502;
        s->host.fill = 512.0 / 511;
        s->host.syn_per_s = 1240.0004;
        s->host.completed_per_s = 198.4;
        s->host.unanswered_per_s = 1041.6;
        s->host.unanswered_share = 0.84;
        s->host.cookies_sent_per_s = 1020.5;
        s->host.cookies_received_per_s = 12;
        s->host.queue_drops_per_s = 0;
        add_listener(s, "0.0.0.0", 80, 512, 511);
        s->listeners[0].state = STATE_FLOOD;
        s->listeners[0].diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        s->listeners[0].evidence.completed_per_s = 150;
        s->listeners[0].evidence.unanswered_share = 0.87;
        s->listeners[0].total = (struct listener_total) { 90000, 20000, 68000.7, 1500 };
        s->host.strength = s->listeners[0].evidence.strength = 3.2;
        s->host.explained_per_s[0] = 12;
        add_listener(s, "2001:db8::1", 443, 3, 4096);
        s->listeners[1].key.ifindex = 2;
        add_source(s, "192.0.2.7", 20, 62);
        add_source(s, "198.51.100.0/24", 44, 124);
        add_source(s, "2001:db8::5", 1, 2.5);
        s->sources_tracked = 4096;
        s->sources_distinct = 51234.4;
        s->syncookies_value = 1;
        s->syncookies_original = 0;
        s->syncookies_managed = true;
        s->block_enabled = true;
        s->blocked_entries = 3;
        s->limited_entries = 1;
        s->blocked_per_s = 98000.5;
        s->incident = (struct snapshot_incident) {
                .id = 3,
                .start_realtime_us = START_US - 61000000,
                .has_listener = true,
                .listener = s->listeners[0].key,
                .diagnosis = DIAGNOSIS_FLOOD_SPOOFED,
                .peak_syn_per_s = 1301.25,
                .peak_half_open = 512,
                .total_syns = 73000,
                .blocked_syns = 12000,
        };
        s->sensors[SENSOR_NFLOG] = (struct snapshot_sensor) { .state = SENSOR_DEGRADED };
        strcpy(s->sensors[SENSOR_NFLOG].reason, "table \"synward\" belongs to another");
        s->dump_interval_us = 200000;
        s->dump_last_us = 912;
        s->dump_cpu_share = 0.0046;
        s->dump_entries = 515;
        s->log_sample_one_in = 8;
        s->clients = (struct snapshot_clients) { 2, 40, 5, 3, 1 };
        s->records_waiting_bytes = 4096;
        s->host.known_finished_share = 0.985;
        s->host.probe_connected_share = 0.25;
        s->host.probe_slowest_ms = 1034.5;
        s->probe = (struct probe_told) {
                .on = true,
                .listener = { .address = address_from_ipv4(0x010200c0), .port = 80 },
                .interval_us = 500000,
                .ended = { [OBS_PROBE_CONNECTED] = 31, [OBS_PROBE_REFUSED] = 1, [OBS_PROBE_TIMED_OUT] = 9 },
                .skipped = 2,
                .buckets = { [0] = 30, [9] = 1 },
                .us_sum = 1036000,
                .any = true,
                .last = OBS_PROBE_TIMED_OUT,
                .last_us = 3000000,
        };
        set_totals(&s->totals);
}

void sample_add_honest(struct snapshot *s) {
        add_source(s, "203.0.113.9", 3, 500);
        s->sources[s->sources_count - 1].completed_per_s = 490;
        s->sources[s->sources_count - 1].completion_low = 0.96;
        s->sources[s->sources_count - 1].completion_high = 1;
}

void sample_many(struct snapshot *s, unsigned count, unsigned flooded) {
        struct snapshot_listener l = s->listeners[0];

        for (unsigned i = 0; i < count; i++) {
                s->listeners[i] = l;
                s->listeners[i].key.port = (uint16_t) (8000 + i);
                if (i == flooded)
                        continue;
                s->listeners[i].state = STATE_NORMAL;
                s->listeners[i].diagnosis = DIAGNOSIS_QUIET;
                s->listeners[i].evidence.strength = 0;
                s->listeners[i].evidence.half_open = i;
                s->listeners[i].evidence.fill = i / 511.0;
                s->listeners[i].evidence.syn_per_s = i;
        }
        s->listeners_count = count;
}

void sample_add_event(struct event_log *log, enum event_type type) {
        struct event e = event_make(type);

        e.realtime_us = START_US + log->next * 1000000;
        e.incident = 3;
        e.diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        e.state = STATE_FLOOD;
        e.has_listener = true;
        e.listener = (struct listener_key) { .address = address_from_ipv4(0), .port = 80 };
        snprintf(e.message, sizeof e.message, "made up, number %" PRIu64, log->next ? log->next : 1);
        event_log_add(log, &e);
}

struct fleet_sketch *sample_sketch(void) {
        const struct siphash_key key = { { 1, 2 } };
        struct fleet_sketch *s;
        struct address a;

        if (address_parse("198.51.100.9", &a) < 0 || fleet_sketch_new(&key, 0, 0, &s) < 0)
                return NULL;
        for (uint64_t second = 0; second <= 60; second++) {
                fleet_sketch_walk_begin(s, second * 1000000);
                fleet_sketch_half_open(s, &a, 5500000);
                fleet_sketch_walk_end(s);
        }
        fleet_sketch_pass(s, 60000000, 60000000);
        return s;
}
