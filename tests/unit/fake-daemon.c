/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A synwardd without a kernel, for tests of synwardctl: serves a made-up
 * snapshot until standard input ends, prints "ready" when it listens.
 *
 *   fake-daemon PATH [flood|quiet|suspect|failed|starting|reject|mute|many|concentrated|
 *                     probe|probe-fails|probe-gone]
 *
 * mute listens and never answers; many has 32 listeners, of which the 28th is flooded, and no probe;
 * probe-fails has connected none lately, probe-gone cannot even be tried, with a reason that is long;
 * concentrated has senders of what is unfinished, and a heavier one that finishes. A byte on standard input is an
 * event.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "control/control.h"
#include "format/history_json.h"
#include "format/queue_course_json.h"
#include "tests/unit/sample.h"

static struct snapshot snapshot;
static struct event_log event_log;
static bool starting, reject;
static struct control *control;
static struct history *history;

static const struct snapshot *get_snapshot(void *userdata) {
        (void) userdata;
        return starting ? NULL : &snapshot;
}

static const struct event_log *get_events(void *userdata) {
        (void) userdata;
        return &event_log;
}

static int reload(void *userdata, char *error, size_t size) {
        (void) userdata;
        if (!reject)
                return 0;
        snprintf(error, size,
                 "synward.yaml:3:5: no such key: \"intervall\"\n"
                 "synward.yaml:9:1: not a duration\n");
        return -EBADMSG;
}

#define NASTY "<script>alert(1)</script>\"'&amp;\033[31m"

static struct queue_course *make_queues(void) {
        static struct observation o;
        struct queue_course *c = queue_course_new();

        o.listeners_count = OBS_LISTENERS_MAX;
        o.elapsed_us = 1000000;
        for (unsigned i = 0; c && i < 1860; i++) {
                o.realtime_us = UINT64_C(1767225540000000) + i * UINT64_C(1000000);
                for (unsigned k = 0; k < OBS_LISTENERS_MAX; k++) {
                        o.listeners[k].key.port = (uint16_t) (1000 + k);
                        o.listeners[k].known = OBS_L_LIMITS | OBS_L_HALF_OPEN;
                        o.listeners[k].backlog = 511;
                        o.listeners[k].half_open = (i * 7919 + k * 104729) % (500 - k);
                }
                queue_course_add(c, &o);
        }
        for (unsigned k = 0; c && k < 20; k++)
                queue_course_mark(c, &o.listeners[k].key);
        return c;
}

/* With a listener whose name is not what it should be, which only a broken record has. */
static json_t *queues_json(void) {
        struct queue_course *c = make_queues();
        json_t *o = c ? queue_course_json(c) : json_null();

        queue_course_free(c);
        json_object_set_new(json_array_get(json_object_get(o, "listeners"), 0), "listener", json_string(NASTY));
        return o;
}

/* Eight, one with a name that only a broken record has, and a figure that is not known. */
static json_t *accounts_json(void) {
        json_t *a = json_array();
        char name[64];

        for (int i = 0; i < 8; i++) {
                snprintf(name, sizeof name, "192.168.100.20%d:65535", i);
                json_array_append_new(a,
                                      json_pack("{s:s, s:f, s:o, s:i, s:i, s:i, s:i, s:i}", "listener",
                                     i == 1 ? "[2001:db8:1234:5678:9abc:def0:1234:1]:65535"
                                     : i == 2 ? NASTY : name, "flood_s", 1738.0 - i,
                                     "syns", i == 0 ? json_integer(12345678) : json_null(),
                                     "finished", 345000 / (i + 1), "unfinished", 20000 / (i + 1),
                                     "refused", 1234 - i, "peak_half_open", 500 - i, "peak_backlog", 511));
        }
        return a;
}

/* As a daemon of today has it, with an explanation of tomorrow's. */
static json_t *account_json(void) {
        json_t *explained = json_object();

        for (unsigned i = 0; i < EXPLANATIONS; i++)
                json_object_set_new(explained, explanation_name((enum explanation) i),
                                    json_integer(i == EXPLAINED_FAR ? 0 : 100 + i));
        json_object_set_new(explained, NASTY, json_integer(77));
        return json_pack("{s:f, s:i, s:i, s:i, s:o, s:o, s:i}", "flood_s", 1738.0, "finished", 345000,
                         "unfinished", 20000, "refused", 1234, "explained", explained,
                         "listeners", accounts_json(), "listeners_left_out", 12);
}

static json_t *impact_json(int begun, double finished, int connected, int timed_out, double share, double slowest_ms) {
        return json_pack("{s:i, s:i, s:f, s:f, s:f, s:{s:i, s:i, s:i, s:i, s:s}}", "known_begun", begun, "known_again",
                         (int) (begun * (1 - finished)), "known_finished_share", finished, "probe_connected_share", share,
                         "probe_slowest_ms", slowest_ms, "probe", "connected", connected, "refused", 0, "timed_out",
                         timed_out, "failed", 0, NASTY, NASTY);
}

/* Half an hour, with as many events as there can be, and texts of somebody who means ill. tcp_syncookies is 1
 * from one second on, and 2, which keeps no half-open, from another on. */
static json_t *long_incident(unsigned cookies_s, unsigned queueless_s) {
        static struct history_course course;
        json_t *events = json_array(), *o;

        memset(&course, 0, sizeof course);
        for (unsigned i = 0; i < 1860; i++) {
                struct history_point p = {
                        .realtime_us = UINT64_C(1767225540000000) + i * UINT64_C(1000000),
                        .step_s = 1,
                        .state = i > 60 && i < 1800 ? STATE_FLOOD : STATE_NORMAL,
                        .half_open = i >= queueless_s ? 0 : 500.0F + (float) (i % 12),
                        .backlog = 511,
                        .syncookies = i >= queueless_s ? 2 : i >= cookies_s,
                };

                for (unsigned k = 0; k < HISTORY_FIGURES; k++)
                        p.figures[k] = (float) ((i * 7919 + k * 104729) % 123456) / 7;
                history_course_add(&course, &p);
        }
        for (unsigned i = 0; i < 500; i++)
                json_array_append_new(events,
                                      json_pack("{s:s, s:s, s:s, s:s}", "time", "2026-01-01T00:10:00.000Z",
                                                        "event", "hook-failed", "severity", "warning", "message",
                                                        "hook said: " NASTY));
        o = json_pack("[{s:i, s:s, s:s, s:s, s:f, s:s, s:s, s:f, s:i, s:i, s:[{s:s, s:f, s:f, s:i}], s:[], s:o, s:o,"
                      " s:[{s:s, s:s, s:s}], s:{s:i, s:{s:i}, s:[{s:i, s:i, s:n, s:n, s:[s], s:i}]}, s:s, s:s, s:s}]",
                      "id", 5, "start", "2026-01-01T00:00:01.000Z", "end", "2026-01-01T00:29:00.000Z", "state",
                      "ended", "duration_s", 1739.0, "listener", NASTY, "diagnosis", "flood-concentrated",
                      "peak_syn_per_s", 1301.25, "total_syns", 2000000, "peak_half_open", 512,
                      "top_sources", "source", NASTY, "syn_per_s", 900.0, "unfinished_per_s", 880.0, "half_open", 100,
                      "top_prefixes", "events", events, "timeline", history_json_course(&course),
                      "done", "time", "2026-01-01T00:00:03.000Z", "event", "syncookies-set", "message", NASTY,
                      "fingerprints", "syns", 1000, "ttl", "57", 1000, "fingerprints", "ttl", 57, "window", 64240,
                      "window_scale", "mss", "options", NASTY, "syns", 900,
                      "policy", "mode: enforce # " NASTY "\n", "directory", "/var/lib/synward/incidents/5",
                      "version", NASTY);
        json_object_set_new(json_array_get(events, 0), "pattern", json_string("surge"));
        return o;
}

/* What an older synward had not on record. */
static json_t *newer_parts(json_t *answer) {
        json_object_set_new(json_array_get(answer, 0), "queues", queues_json());
        json_object_set_new(json_array_get(answer, 0), "account", account_json());
        json_object_set_new(json_array_get(answer, 0), "impact_before", impact_json(2000, 0.999, 12, 0, 1, 0.061));
        json_object_set_new(json_array_get(answer, 0), "impact", impact_json(50000, 0.34, 900, 2700, 0.25, 1033.4));
        return answer;
}

/* Before accounts were kept of each listener. */
static json_t *without_listeners(json_t *answer) {
        json_t *account = json_object_get(json_array_get(answer, 0), "account");

        json_object_del(account, "listeners");
        json_object_del(account, "listeners_left_out");
        return answer;
}

static json_t *make_incidents(const char *id) {
        if (id && strcmp(id, "5") == 0)
                return newer_parts(long_incident(62, UINT_MAX));
        if (id && strcmp(id, "6") == 0)
                return long_incident(62, UINT_MAX);
        if (id && strcmp(id, "7") == 0)
                return newer_parts(long_incident(0, 0));
        if (id && strcmp(id, "8") == 0)
                return newer_parts(long_incident(0, 62));
        if (id && strcmp(id, "9") == 0)
                return without_listeners(newer_parts(long_incident(62, UINT_MAX)));
        if (id && strcmp(id, "3") != 0)
                return NULL;
        return json_pack("[{s:i, s:s, s:f, s:s, s:s, s:f, s:n}]", "id", 3, "start",
                         "2025-12-31T23:58:59.000Z", "duration_s", 61.0, "listener", "0.0.0.0:80",
                         "diagnosis", "flood-spoofed", "peak_syn_per_s", 1301.25, "total_syns");
}

/* One ticket at a time will do. */
static char *incidents_text;

static int incidents(void *userdata, const char *id, uint64_t *ret_ticket) {
        json_t *o = make_incidents(id);

        (void) userdata;
        if (!o)
                return -ENOENT;
        free(incidents_text);
        incidents_text = json_dumps(o, JSON_COMPACT);
        json_decref(o);
        *ret_ticket = 1;
        return 0;
}

static int incidents_answer(void *userdata, uint64_t ticket, const char **ret_text, size_t *ret_length) {
        (void) userdata;
        (void) ticket;
        *ret_text = incidents_text;
        *ret_length = strlen(incidents_text);
        return 0;
}

static void incidents_end(void *userdata, uint64_t ticket) {
        (void) userdata;
        (void) ticket;
}

static const struct history *get_history(void *userdata) {
        (void) userdata;
        return history;
}

static struct fleet_sketch *sketch;

static const struct fleet_sketch *get_fleet(void *userdata) {
        (void) userdata;
        return sketch;
}

static int on_input(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        char byte;

        (void) revents;
        (void) userdata;
        if (read(fd, &byte, 1) != 1)
                return sd_event_exit(sd_event_source_get_event(source), 0);
        sample_add_event(&event_log, EVENT_FLOOD_UPDATE);
        control_wake(control);
        return 0;
}

/* Five minutes, of which the last was as it is now. */
static int make_history(void) {
        static struct snapshot s;

        history = history_new();
        if (!history)
                return -ENOMEM;
        sample_quiet(&s);
        s.uptime_us = 0;
        s.realtime_us = snapshot.realtime_us - 300 * UINT64_C(1000000);
        for (unsigned i = 0; i < 300; i++) {
                if (i == 240) {
                        uint64_t uptime_us = s.uptime_us, realtime_us = s.realtime_us;

                        s = snapshot;
                        s.uptime_us = uptime_us;
                        s.realtime_us = realtime_us;
                }
                if (i < 240) {
                        s.host.syn_per_s = s.host.completed_per_s = 190 + 3 * (i % 10);
                        s.host.unanswered_per_s = 0;
                }
                s.uptime_us += 1000000;
                s.realtime_us += 1000000;
                history_add(history, &s);
        }
        return 0;
}

/* On a quiet host. */
static void choose_probe(const char *kind) {
        struct probe_told *p = &snapshot.probe;

        *p = (struct probe_told) {
                .on = true,
                .listener = { .address = address_from_ipv4(0x010200c0), .port = 443 },
                .any = true,
                .last = OBS_PROBE_CONNECTED,
                .last_us = 57,
        };
        snapshot.host.probe_connected_share = 1;
        snapshot.host.probe_slowest_ms = 12.3;
        snapshot.host.known_finished_share = 0.985;
        if (strcmp(kind, "probe-fails") == 0) {
                p->last = OBS_PROBE_TIMED_OUT;
                snapshot.host.probe_connected_share = 0;
                snapshot.host.probe_slowest_ms = NAN;
        }
        if (strcmp(kind, "probe-gone") == 0) {
                p->last = OBS_PROBE_FAILED;
                snprintf(p->why, sizeof p->why,
                         "a packet filter | or IPAddressDeny= of the unit\n"
                         "forbids it, see PROBE in synwardd(8)");
                snapshot.host.probe_connected_share = snapshot.host.probe_slowest_ms = NAN;
        }
}

static void choose(const char *kind) {
        if (strcmp(kind, "quiet") == 0 || strcmp(kind, "failed") == 0 || strncmp(kind, "probe", 5) == 0)
                sample_quiet(&snapshot);
        else
                sample_flood(&snapshot);
        if (strcmp(kind, "suspect") == 0)
                snapshot.state = STATE_SUSPECT;
        if (strcmp(kind, "failed") == 0)
                snapshot.sensors[SENSOR_NETSTAT].state = SENSOR_FAILED;
        if (strcmp(kind, "many") == 0) {
                sample_many(&snapshot, 32, 27);
                snapshot.probe.on = false;
        }
        if (strncmp(kind, "probe", 5) == 0)
                choose_probe(kind);
        if (strcmp(kind, "concentrated") == 0) {
                snapshot.diagnosis = DIAGNOSIS_FLOOD_CONCENTRATED;
                snapshot.host.seen_once_share = 0.1;
                sample_add_honest(&snapshot);
        }
        if (strcmp(kind, "flood") == 0)
                sketch = sample_sketch();
        starting = strcmp(kind, "starting") == 0;
        reject = strcmp(kind, "reject") == 0;
}

int main(int argc, char **argv) {
        static const struct api_ops ops = {
                .snapshot = get_snapshot,
                .events = get_events,
                .reload = reload,
                .incidents = incidents,
                .incidents_answer = incidents_answer,
                .incidents_end = incidents_end,
                .history = get_history,
                .fleet = get_fleet,
        };
        struct server_options options = { .path = argc > 1 ? argv[1] : "" };
        const char *kind = argc > 2 ? argv[2] : "flood";
        sd_event *event = NULL;
        char byte;
        int error;

        choose(kind);
        sample_add_event(&event_log, EVENT_FLOOD_START);
        sample_add_event(&event_log, EVENT_SYNCOOKIES_SET);
        error = make_history();
        if (error >= 0)
                error = sd_event_default(&event);
        if (error >= 0)
                error = control_new(event, &options, &ops, NULL, &control);
        if (error >= 0)
                error = sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN, on_input, NULL);
        if (error < 0) {
                fprintf(stderr, "fake-daemon: %s\n", strerror(-error));
                return 1;
        }
        puts("ready");
        fflush(stdout);
        if (strcmp(kind, "mute") == 0)
                while (read(STDIN_FILENO, &byte, 1) == 1)
                        ;
        else
                error = sd_event_loop(event);
        control_free(control);
        history_free(history);
        sd_event_unref(event);
        return error < 0;
}
