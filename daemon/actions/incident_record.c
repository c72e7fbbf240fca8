/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/incident_answer.h"
#include "actions/incident_present.h"
#include "core/observation_ring.h"
#include "format/event_json.h"
#include "format/history_json.h"
#include "format/observation_json.h"
#include "format/queue_course_json.h"
#include "util/json_text.h"
#include "util/trouble.h"

enum {
        LINES_A_TICK = 8,    /* of observations */
        EVENTS_A_TICK = 16,
        EVENTS_MAX = 2000,
};

#define SUMMARY_INTERVAL_US UINT64_C(10000000)
/* What is seen after the end is still waited for, since a second's ticks are joined. */
#define CLOSE_AFTER_US UINT64_C(2000000)
#define PRUNE_INTERVAL_US UINT64_C(3600000000)
/* So long the last summary is tried for. */
#define LAST_TRY_AFTER_US UINT64_C(30000000)
/* Between looks through all records while there is no room. */
#define ROOM_RETRY_US UINT64_C(10000000)
#define EVENTS_RESERVE UINT64_C(262144)

struct incident_record {
        struct incident_record_config config;
        const struct settings *settings;
        struct observation_ring *ring;
        struct present *present; /* NULL: all is quiet */
        bool late; /* the incident goes on without one, for want of memory */
        uint64_t time_us, realtime_us; /* of this tick */
        uint64_t prune_us; /* when to look for what is too old or too much */
        uint64_t room_retry_us;
        uint64_t others_bytes; /* of the other records, when last pruned */
        struct trouble disk;
        struct observation line; /* too large for the stack of a deep call */
};

int incident_record_new(const struct incident_record_config *config, const struct settings *settings,
                        struct incident_record **ret) {
        struct incident_record *r = calloc(1, sizeof *r);

        if (!r)
                return -ENOMEM;
        r->config = *config;
        r->settings = settings;
        r->ring = observation_ring_new();
        if (!r->ring) {
                free(r);
                return -ENOMEM;
        }
        *ret = r;
        return 0;
}

void incident_record_configure(struct incident_record *r, const struct settings *settings) {
        r->settings = settings;
        r->prune_us = 0;
}

/* --- telling of trouble ------------------------------------------------------------- */

static void complain(struct incident_record *r, int error, const char *what) {
        if (trouble_note(&r->disk, error) == TROUBLE_BEGAN)
                r->config.report(r->config.userdata, error, what);
}

static void fail(struct incident_record *r, int error, const char *what) {
        if (r->present)
                r->present->failed = true;
        complain(r, error, what);
}

static void works(struct incident_record *r) {
        if (trouble_note(&r->disk, 0) == TROUBLE_OVER)
                r->config.report(r->config.userdata, 0, NULL);
}

/* --- orders --------------------------------------------------------------------------- */

/* What cannot be ordered is missing, as what cannot be written is. */
static int submit(struct incident_record *r, const struct scribe_order *order, const void *data) {
        int error = r->config.submit(r->config.userdata, order, data);

        if (error < 0)
                fail(r, error, error == -ENOMEM ? "out of memory" : "too much waits for the disk");
        return error;
}

static struct scribe_order order_of(const struct incident_record *r, enum scribe_operation operation, const char *name,
                                    size_t length) {
        struct scribe_order o = { .operation = operation, .length = (uint32_t) length, .id = r->present->incident.id };

        snprintf(o.name, sizeof o.name, "%s", name);
        return o;
}

/* Takes over text, which may be NULL: no memory. False: for want of that it is not ordered. */
static bool put(struct incident_record *r, const char *name, char *text, size_t length) {
        struct scribe_order o;
        int error = 0;

        if (!text) {
                fail(r, -ENOMEM, "out of memory");
                return false;
        }
        if (r->present->on_disk) {
                o = order_of(r, SCRIBE_PUT, name, length);
                error = submit(r, &o, text);
        }
        free(text);
        return error != -ENOMEM;
}

/* Takes over o. */
static bool put_json(struct incident_record *r, const char *name, json_t *o) {
        char *text = json_text_write(o, JSON_INDENT(2) | JSON_REAL_PRECISION(15), "\n");

        json_decref(o);
        return put(r, name, text, text ? strlen(text) : 0);
}

/* Whether it was ordered. */
static bool append(struct incident_record *r, struct present_file *f, const void *data, size_t length) {
        struct scribe_order o = order_of(r, SCRIBE_APPEND, f->name, length);

        o.offset = f->bytes;
        if (f->ended || !r->present->on_disk || submit(r, &o, data) < 0)
                return false;
        f->bytes += length;
        return true;
}

/* Removes what is older or more than there may be. */
static void prune(struct incident_record *r) {
        const struct present *p = r->present;
        uint64_t max_age_us = r->settings->incidents.max_age_us;
        struct scribe_order o = {
                .operation = SCRIBE_PRUNE,
                .bounds = {
                        .except = p ? p->incident.id : 0,
                        .keep = r->settings->incidents.keep - (p ? 1 : 0),
                        .max_size = r->settings->incidents.max_size,
                        .needed = p ? present_bytes(p) : 0,
                        .older_us = max_age_us && r->realtime_us > max_age_us ? r->realtime_us - max_age_us : 0,
                },
        };

        r->prune_us = r->time_us + PRUNE_INTERVAL_US;
        r->room_retry_us = r->time_us + ROOM_RETRY_US;
        (void) submit(r, &o, NULL);
}

/* At the start, after a reload, with every incident's begin and end, and now and then. */
static void prune_if_due(struct incident_record *r) {
        if (!r->config.read_only && r->time_us >= r->prune_us)
                prune(r);
}

/* A record that could not be begun leaves nothing behind. */
static void give_up(struct incident_record *r) {
        struct scribe_order o = order_of(r, SCRIBE_REMOVE, "", 0);

        r->present->on_disk = false;
        (void) r->config.submit(r->config.userdata, &o, NULL);
}

static struct present_file *file_of(struct present *p, const char *name) {
        struct present_file *const files[] = { &p->observations, &p->events, &p->packets };

        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
                if (strcmp(files[i]->name, name) == 0)
                        return files[i];
        return NULL;
}

/* Of the record at hand. */
static void written(struct incident_record *r, const struct scribe_order *order, int result) {
        struct present *p = r->present;
        struct present_file *f = file_of(p, order->name);
        char what[64];

        if (result == 0 && order->operation == SCRIBE_PUT && strcmp(order->name, "incident.json") == 0 && !p->made) {
                p->made = true;
                works(r);
        }
        if (result == 0)
                return;
        if (order->operation == SCRIBE_MAKE) {
                p->on_disk = false;
                fail(r, result, "cannot make a directory for the incident");
                return;
        }
        snprintf(what, sizeof what, "cannot write %s", order->name);
        fail(r, result, what);
        if (f)
                f->ended = true; /* up to there it is whole */
        else if (!p->made && p->on_disk)
                give_up(r);
}

void incident_record_done(struct incident_record *r, const struct scribe_order *order,
                          const struct scribe_reply *reply) {
        if (order->operation == SCRIBE_PRUNE) {
                r->others_bytes = reply->others_bytes;
                if (reply->result < 0)
                        complain(r, reply->result, "cannot remove an old record");
        } else if (order->operation != SCRIBE_REMOVE && r->present && r->present->incident.id == order->id)
                written(r, order, reply->result);
        else if (reply->result < 0 && order->operation != SCRIBE_REMOVE)
                complain(r, reply->result, "cannot write the end of a record");
}

/* --- room ------------------------------------------------------------------------------- */

/* Whether the present record may grow by so much and still has the reserve. */
static bool has_room(struct incident_record *r, size_t more, uint64_t reserve) {
        struct present *p = r->present;
        uint64_t needed = present_bytes(p) + more;

        if (needed + reserve > r->settings->incidents.max_size / 2) {
                p->full = true;
                return false;
        }
        if (r->others_bytes + needed > r->settings->incidents.max_size && r->time_us >= r->room_retry_us)
                prune(r);
        return true;
}

/* Observations leave room for the events, which tell the end. */
static uint64_t events_reserve(const struct incident_record *r) {
        uint64_t share = r->settings->incidents.max_size / 16;

        return share < EVENTS_RESERVE ? share : EVENTS_RESERVE;
}

/* --- begin and end ----------------------------------------------------------------------- */

static void write_policy(struct incident_record *r) {
        char *text;

        if (!r->config.policy_text)
                return;
        text = r->config.policy_text(r->config.userdata);
        r->present->policy_bytes = text ? strlen(text) : 0;
        (void) put(r, "policy.yaml", text, r->present->policy_bytes);
}

/* False: for want of memory not all of it. */
static bool write_summary(struct incident_record *r) {
        struct present *p = r->present;
        uint64_t before = json_text_failures();
        bool whole = true;

        p->summary_us = r->time_us;
        if (!p->on_disk)
                return true;
        whole &= put_json(r, "incident.json", present_summary(p, r->config.version));
        whole &= put_json(r, "fingerprints.json", incident_sample_json(p->sample));
        whole &= put_json(r, "timeline.json", history_json_course(&p->course));
        whole &= put_json(r, "queues.json", queue_course_json(p->queues));
        return whole && json_text_failures() == before;
}

static void write_packets(struct incident_record *r) {
        struct present *p = r->present;
        const void *packets;
        size_t length = p->sample ? incident_sample_take(p->sample, r->realtime_us, &packets) : 0;

        if (length > 0 && !append(r, &p->packets, packets, length))
                p->packets.ended = true;
}

static void begin(struct incident_record *r, const struct decision *d) {
        uint32_t packets_max = r->config.read_only ? 0 : r->settings->incidents.pcap_packets;
        struct present *p = present_new(&d->incident, packets_max);
        struct scribe_order make;
        int error;

        if (!p) {
                fail(r, -ENOMEM, "out of memory");
                r->late = true; /* at the next tick, then */
                return;
        }
        p->accounts = d->accounts;
        p->failed = r->late;
        p->next_line = observation_ring_first(r->ring);
        p->time_us = r->time_us;
        p->realtime_us = r->realtime_us;
        r->present = p;
        if (r->config.read_only)
                return;

        prune(r);
        p->on_disk = true;
        make = order_of(r, SCRIBE_MAKE, "", 0);
        error = submit(r, &make, NULL);
        r->late = error == -ENOMEM;
        if (r->late) {
                r->present = present_free(p);
                return;
        }
        p->on_disk = error == 0;
        write_policy(r);
        (void) write_summary(r);
        write_packets(r);
}

/* may_wait: for memory, that is; then it is tried again at the next tick. */
static void finish(struct incident_record *r, bool may_wait) {
        if (!r->present)
                return;
        write_packets(r);
        if (!write_summary(r) && may_wait)
                return;
        r->present = present_free(r->present);
        r->prune_us = 0;
}

void incident_record_stop(struct incident_record *r) {
        finish(r, false);
}

struct incident_record *incident_record_free(struct incident_record *r) {
        if (!r)
                return NULL;
        present_free(r->present);
        observation_ring_free(r->ring);
        free(r);
        return NULL;
}

/* --- a tick -------------------------------------------------------------------------------- */

void incident_record_observe(struct incident_record *r, const struct observation *o) {
        struct present *p = r->present;

        r->time_us = o->time_us;
        r->realtime_us = o->realtime_us;
        observation_ring_add(r->ring, o);
        if (!p || p->ended || !(o->known & OBS_K_SOURCES))
                return;
        for (uint32_t i = 0; i < o->sources.count; i++) {
                const struct obs_source *s = &o->sources.list[i];

                incident_heaviest_add(s->prefix.length == ADDRESS_BITS ? &p->sources : &p->prefixes, s);
        }
}

void incident_record_follow(struct incident_record *r, const struct decision *d) {
        struct present *p = r->present;

        if (d->incident.id == 0)
                return;
        if (!p || p->incident.id != d->incident.id) {
                finish(r, false);
                begin(r, d);
                p = r->present;
        }
        if (!p)
                return;
        p->incident = d->incident;
        p->accounts = d->accounts;
        p->time_us = r->time_us;
        p->realtime_us = r->realtime_us;
        p->ended = d->state == STATE_NORMAL;
        p->events_this_tick = 0;
}

void incident_record_event(struct incident_record *r, const struct event *e) {
        struct present *p = r->present;
        char *line;

        if (!p)
                return;
        if (present_note_act(p, e) < 0)
                fail(r, -ENOMEM, "out of memory");
        if (p->events_count >= EVENTS_MAX || p->events_this_tick >= EVENTS_A_TICK || !p->on_disk || p->events.ended)
                return;
        line = event_json_line(e);
        if (!line) {
                fail(r, -ENOMEM, "out of memory");
                return;
        }
        if (has_room(r, strlen(line), 0)) {
                p->events_count += append(r, &p->events, line, strlen(line));
                p->events_this_tick++;
        }
        free(line);
}

static void write_line(struct incident_record *r) {
        struct present *p = r->present;
        size_t length;
        char *line;
        int error = observation_json_write(&r->line, &line);

        if (error < 0) {
                fail(r, error, "cannot write observations.jsonl");
                return;
        }
        length = strlen(line);
        line[length] = '\n'; /* in place of its NUL */
        if (!has_room(r, length + 1, events_reserve(r)))
                p->observations.ended = true;
        else if (append(r, &p->observations, line, length + 1))
                p->lines++;
        else
                p->lines_missed++;
        free(line);
}

/* A second of it, as it was seen. */
static void take_line(struct incident_record *r) {
        struct present *p = r->present;

        if (p->queues)
                queue_course_add(p->queues, &r->line);
        if (p->on_disk && !p->observations.ended)
                write_line(r);
        else
                p->lines_missed++;
}

/* Whether everything up to the end of the incident is taken. */
static bool take_lines(struct incident_record *r) {
        struct present *p = r->present;
        uint64_t first = observation_ring_first(r->ring);

        if (p->next_line < first) {
                p->lines_missed += first - p->next_line;
                p->next_line = first;
        }
        for (unsigned i = 0; i < LINES_A_TICK; i++) {
                if (observation_ring_get(r->ring, p->next_line, &r->line) < 0)
                        return false;
                p->next_line++;
                take_line(r);
                if (p->ended && r->line.time_us >= p->time_us)
                        return true;
        }
        return false;
}

void incident_record_write(struct incident_record *r) {
        struct present *p = r->present;

        prune_if_due(r);
        if (!p)
                return;
        if (!p->whole)
                p->whole = take_lines(r);
        write_packets(r);
        if (p->ended && (p->whole || r->time_us - p->time_us > CLOSE_AFTER_US))
                finish(r, r->time_us - p->time_us < LAST_TRY_AFTER_US);
        else if (r->time_us - p->summary_us >= SUMMARY_INTERVAL_US)
                (void) write_summary(r);
}

void incident_record_history(struct incident_record *r, const struct history *h, const struct snapshot *now) {
        struct present *p = r->present;
        uint64_t seconds = history_seconds(h);
        const struct history_point *second;

        if (!p)
                return;
        for (uint32_t i = 0; p->queues && i < now->listeners_count; i++)
                if (now->listeners[i].state == STATE_FLOOD)
                        queue_course_mark(p->queues, &now->listeners[i].key);
        if (p->next_second == UINT64_MAX)
                p->next_second = seconds > HISTORY_COURSE_BEFORE ? seconds - HISTORY_COURSE_BEFORE : 0;
        for (; p->next_second < seconds; p->next_second++) {
                second = history_second(h, p->next_second);
                if (second)
                        history_course_add(&p->course, second);
        }
}

void incident_record_syn(struct incident_record *r, const struct syn *syn, const uint8_t *packet, size_t length) {
        if (r->present && r->present->sample && !r->present->ended)
                incident_sample_add(r->present->sample, syn, packet, length);
}

/* --- for those who ask ------------------------------------------------------------------------ */

uint64_t incident_record_present_id(const struct incident_record *r) {
        return r->present ? r->present->incident.id : 0;
}

json_t *incident_record_present(const struct incident_record *r, bool in_full) {
        json_t *o;

        if (!r->present)
                return NULL;
        if (in_full)
                return present_in_full(r->present, r->config.version);
        o = present_summary(r->present, r->config.version);
        if (o)
                incident_answer_shorten(o);
        return o;
}
