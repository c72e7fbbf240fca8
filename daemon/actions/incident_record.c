/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/incident_file.h"
#include "actions/incident_heaviest.h"
#include "actions/incident_sample.h"
#include "actions/incident_store.h"
#include "core/observation_ring.h"
#include "core/queue_course.h"
#include "format/event_json.h"
#include "format/history_json.h"
#include "format/json_value.h"
#include "format/observation_json.h"
#include "format/queue_course_json.h"
#include "util/trouble.h"

enum {
        LINES_A_TICK = 8,    /* of observations */
        EVENTS_A_TICK = 16,
        EVENTS_MAX = 2000,
        REMOVE_A_TICK = 4,   /* records */
        DONE_MAX = 32,       /* acts named in the summary */
        FILES = 8,
        COURSE_POINT_BYTES = 192, /* in timeline.json, more than one takes */
        QUEUES_POINT_BYTES = 48,  /* in queues.json, more than one takes without its listeners */
        QUEUES_VALUE_BYTES = 24,  /* and for each listener */
};

#define SUMMARY_INTERVAL_US UINT64_C(10000000)
/* What is seen after the end is still waited for, since a second's ticks are joined. */
#define CLOSE_AFTER_US UINT64_C(2000000)
#define PRUNE_INTERVAL_US UINT64_C(3600000000)
/* Between looks through all records while there is no room. */
#define ROOM_RETRY_US UINT64_C(10000000)
#define EVENTS_RESERVE UINT64_C(262144)

/* The incident at hand. */
struct present {
        struct incident incident;
        struct incident_sample *sample; /* NULL: no memory */
        int directory; /* -1: the record could not be made, the summary is in memory only */
        struct incident_file observations, events;
        uint64_t policy_bytes, next_line, lines, lines_missed, events_count;
        unsigned events_this_tick;
        bool full;     /* its share of max_size is used up */
        bool failed;   /* something of it is missing on disk */
        bool ended;
        uint64_t time_us, realtime_us; /* of the last tick that belongs to it */
        uint64_t summary_us;
        unsigned done_count;
        json_t *done;  /* NULL: no memory */
        struct incident_heaviest sources, prefixes;
        struct history_course course;
        struct queue_course *queues; /* NULL: no memory */
        uint64_t next_second; /* of the history; UINT64_MAX: nothing was taken yet */
        uint64_t others_bytes; /* of the other records, when last surveyed */
};

struct incident_record {
        struct incident_record_config config;
        const struct settings *settings;
        struct observation_ring *ring;
        struct present *present; /* NULL: all is quiet */
        uint64_t time_us, realtime_us; /* of this tick */
        uint64_t prune_us; /* when to look for what is too old or too much */
        uint64_t room_retry_us;
        struct trouble disk;
        struct observation line; /* too large for the stack of a deep call */
};

int incident_record_new(const struct incident_record_config *config,
                        const struct settings *settings, struct incident_record **ret) {
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

/* --- the summary ------------------------------------------------------------------------ */

static json_t *account_json(const struct incident_account *a) {
        json_t *explained = json_object();

        for (unsigned i = 0; i < EXPLANATIONS; i++)
                json_object_set_new(explained, explanation_name((enum explanation) i), json_value_count(a->explained[i]));
        return json_pack("{s:o, s:o, s:o, s:o, s:o}", "flood_s", json_value_rate(a->flood_s), "finished",
                         json_value_count(a->finished), "unfinished", json_value_count(a->unfinished), "refused",
                         json_value_count(a->refused), "explained", explained);
}

static json_t *summary_json(const struct incident_record *r) {
        const struct present *p = r->present;
        const struct incident *n = &p->incident;
        bool forged = n->diagnosis == DIAGNOSIS_FLOOD_SPOOFED;
        char listener[ADDRESS_TEXT_MAX];

        return json_pack(
                "{s:s, s:s?, s:I, s:s, s:o, s:o, s:f, s:s?, s:s, s:f, s:I, s:I, s:o, s:I, s:I, s:I,"
                " s:b, s:O?, s:o, s:o, s:o, s:I, s:I, s:I, s:b}",
                "schema", "synward.incident.v1", "version", r->config.version,
                "id", (json_int_t) n->id,
                "state", p->ended ? "ended" : "present",
                "start", json_value_time(n->start_realtime_us),
                "end", p->ended ? json_value_time(p->realtime_us) : json_null(),
                "duration_s", round((double) (p->time_us - n->start_us) / 1e3) / 1e3,
                "listener", n->has_listener ? listener_key_format(&n->listener, listener) : NULL,
                "diagnosis", diagnosis_name(n->diagnosis),
                "peak_syn_per_s", round(n->peak_syn_per_s * 10) / 10,
                "peak_half_open", (json_int_t) llround(n->peak_half_open),
                "total_syns", (json_int_t) llround(n->total_syns),
                "account", account_json(&n->account),
                "blocked_sources", (json_int_t) n->blocked_sources,
                "limited_sources", (json_int_t) n->limited_sources,
                "blocked_syns", (json_int_t) llround(n->blocked_syns),
                "alerted", n->alerted,
                "done", p->done,
                "hooks", json_integer(__builtin_popcount(n->hooks)),
                /* Forged addresses are nobody's: whoever is listed would be blocked for it. */
                "top_sources", forged ? json_array() : incident_heaviest_json(&p->sources),
                "top_prefixes", forged ? json_array() : incident_heaviest_json(&p->prefixes),
                "events_count", (json_int_t) p->events_count,
                "observations", (json_int_t) p->lines,
                "sampled_packets",
                (json_int_t) (p->sample ? incident_sample_packets(p->sample) : 0),
                "complete", !p->failed && !p->full && p->lines_missed == 0);
}

/* --- room ------------------------------------------------------------------------------- */

static uint64_t in_blocks(uint64_t bytes) {
        return (bytes + INCIDENT_STORE_BLOCK - 1) / INCIDENT_STORE_BLOCK * INCIDENT_STORE_BLOCK;
}

/* Of a point in queues.json. */
static uint64_t queues_point_bytes(const struct queue_course *c) {
        uint64_t told = c->rows_count < QUEUE_COURSE_TOLD ? c->rows_count : QUEUE_COURSE_TOLD;

        return QUEUES_POINT_BYTES + told * QUEUES_VALUE_BYTES;
}

/* What the present record takes at most when its small files are renewed. */
static uint64_t present_bytes(const struct present *p) {
        return in_blocks(p->observations.bytes) + in_blocks(p->events.bytes) +
               in_blocks(p->policy_bytes) +
               in_blocks((uint64_t) p->course.count * COURSE_POINT_BYTES) +
               in_blocks(p->queues ? p->queues->count * queues_point_bytes(p->queues) : 0) +
               in_blocks(p->sample ? incident_sample_bytes(p->sample) : 0) +
               FILES * INCIDENT_STORE_BLOCK + 64 * 1024;
}

/* Removes the oldest records until the present one, which may be none, has its room. False:
 * there are more to remove. */
static bool make_room(struct incident_record *r) {
        const struct present *p = r->present;
        uint64_t except = p ? p->incident.id : 0, needed = p ? present_bytes(p) : 0, after = 0;
        unsigned others_max = r->settings->incidents.keep - (p ? 1 : 0);
        struct incident_survey s;

        r->room_retry_us = r->time_us + ROOM_RETRY_US;
        for (unsigned i = 0; i <= REMOVE_A_TICK; i++) {
                int error = incident_store_survey(r->config.state_dir, except, after, &s);

                if (error < 0) {
                        fail(r, error, "cannot look through the records");
                        return true;
                }
                if (r->present)
                        r->present->others_bytes = s.bytes;
                if (s.oldest == 0 ||
                    (s.count <= others_max && s.bytes + needed <= r->settings->incidents.max_size))
                        return true;
                if (i == REMOVE_A_TICK)
                        break;
                error = incident_store_remove(r->config.state_dir, s.oldest);
                if (error == 0)
                        continue;
                /* One that cannot be removed must not keep all the others. */
                complain(r, error, "cannot remove an old record");
                after = s.oldest;
        }
        return after != 0; /* those that stay are tried again in an hour */
}

/* Whether none is left that is older than it may be and can be removed. */
static bool remove_older(struct incident_record *r) {
        uint64_t except = r->present ? r->present->incident.id : 0, after = 0, id;
        uint64_t max_age_us = r->settings->incidents.max_age_us;

        if (max_age_us == 0 || r->realtime_us < max_age_us)
                return true;
        for (unsigned i = 0; i < REMOVE_A_TICK; i++) {
                int error = incident_store_find_older(r->config.state_dir, except, after,
                                                      r->realtime_us - max_age_us, &id);

                if (error == 0 && id == 0)
                        return true;
                if (error == 0)
                        error = incident_store_remove(r->config.state_dir, id);
                if (error < 0) {
                        complain(r, error, "cannot remove a record that is too old");
                        after = id;
                }
        }
        return after != 0;
}

/* Removes what is older or more than there may be, a few at a tick: at the start, after a
 * reload, with every incident's begin and end, and now and then. */
static void prune(struct incident_record *r) {
        if (r->config.read_only || r->time_us < r->prune_us)
                return;
        if (remove_older(r) && make_room(r))
                r->prune_us = r->time_us + PRUNE_INTERVAL_US;
}

/* Whether the present record may grow by so much and still has the reserve. */
static bool has_room(struct incident_record *r, size_t more, uint64_t reserve) {
        struct present *p = r->present;
        uint64_t needed = present_bytes(p) + more;

        if (needed + reserve > r->settings->incidents.max_size / 2) {
                p->full = true;
                return false;
        }
        if (p->others_bytes + needed > r->settings->incidents.max_size && r->time_us >= r->room_retry_us)
                make_room(r);
        return true;
}

/* Observations leave room for the events, which tell the end. */
static uint64_t events_reserve(const struct incident_record *r) {
        uint64_t share = r->settings->incidents.max_size / 16;

        return share < EVENTS_RESERVE ? share : EVENTS_RESERVE;
}

/* --- begin and end ----------------------------------------------------------------------- */

static struct present *present_free(struct present *p) {
        if (!p)
                return NULL;
        incident_file_close(&p->observations);
        incident_file_close(&p->events);
        incident_sample_free(p->sample);
        queue_course_free(p->queues);
        json_decref(p->done);
        if (p->directory >= 0)
                close(p->directory);
        free(p);
        return NULL;
}

static int write_policy(struct incident_record *r, int directory) {
        char *text = r->config.policy_text ? r->config.policy_text(r->config.userdata) : NULL;
        int error;

        if (!text)
                return 0;
        r->present->policy_bytes = strlen(text);
        error = incident_file_put(directory, "policy.yaml", text, strlen(text));
        free(text);
        return error;
}

static int write_summary(struct incident_record *r) {
        struct present *p = r->present;
        int error = incident_file_put_json(p->directory, "incident.json", summary_json(r));

        if (error == 0 && p->sample)
                error = incident_file_put_json(p->directory, "fingerprints.json",
                                 incident_sample_json(p->sample));
        if (error == 0)
                error = incident_file_put_json(p->directory, "timeline.json", history_json_course(&p->course));
        if (error == 0 && p->queues)
                error = incident_file_put_json(p->directory, "queues.json", queue_course_json(p->queues));
        p->summary_us = r->time_us;
        return error;
}

static int open_files(struct incident_record *r) {
        struct present *p = r->present;
        int fd, error = write_policy(r, p->directory);

        if (error == 0)
                error = write_summary(r);
        if (error == 0)
                error = p->observations.fd = incident_file_make(p->directory, "observations.jsonl", O_EXCL);
        if (error >= 0)
                error = p->events.fd = incident_file_make(p->directory, "events.jsonl", O_EXCL);
        if (error < 0 || !p->sample || r->settings->incidents.pcap_packets == 0)
                return error < 0 ? error : 0;
        fd = incident_file_make(p->directory, "sample.pcap", O_EXCL);
        if (fd >= 0 && incident_sample_open(p->sample, fd) < 0)
                unlinkat(p->directory, "sample.pcap", 0);
        return 0;
}

static void begin(struct incident_record *r, const struct decision *d) {
        struct present *p = calloc(1, sizeof *p);
        int error;

        if (!p) {
                fail(r, -ENOMEM, "out of memory");
                return;
        }
        p->incident = d->incident;
        p->directory = p->observations.fd = p->events.fd = -1;
        p->next_line = observation_ring_first(r->ring);
        p->next_second = UINT64_MAX;
        p->done = json_array();
        p->queues = queue_course_new();
        p->time_us = r->time_us;
        p->realtime_us = r->realtime_us;
        if (incident_sample_new(r->settings->incidents.pcap_packets, &p->sample) == 0)
                incident_sample_flush(p->sample, r->realtime_us);
        r->present = p;
        r->prune_us = 0;
        if (r->config.read_only)
                return;

        make_room(r);
        error = incident_store_create(r->config.state_dir, p->incident.id, &p->directory);
        if (error < 0) {
                fail(r, error, "cannot make a directory for the incident");
                return;
        }
        error = open_files(r);
        if (error == 0) {
                works(r);
                return;
        }
        fail(r, error, "cannot write the incident's files");
        incident_file_close(&p->observations);
        incident_file_close(&p->events);
        close(p->directory);
        p->directory = -1;
        (void) incident_store_remove(r->config.state_dir, p->incident.id);
}

static void finish(struct incident_record *r) {
        struct present *p = r->present;
        int error;

        if (!p)
                return;
        if (p->directory >= 0) {
                error = p->sample ? incident_sample_flush(p->sample, r->realtime_us) : 0;
                if (error < 0)
                        fail(r, error, "cannot write sample.pcap");
                error = write_summary(r);
                if (error < 0)
                        fail(r, error, "cannot write incident.json");
        }
        r->present = present_free(p);
        r->prune_us = 0;
}

struct incident_record *incident_record_free(struct incident_record *r) {
        if (!r)
                return NULL;
        finish(r);
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
                finish(r);
                begin(r, d);
                p = r->present;
        }
        if (!p)
                return;
        p->incident = d->incident;
        p->time_us = r->time_us;
        p->realtime_us = r->realtime_us;
        p->ended = d->state == STATE_NORMAL;
        p->events_this_tick = 0;
}

static bool is_act(enum event_type t) {
        return t == EVENT_SYNCOOKIES_SET || t == EVENT_SYNCOOKIES_RESTORED ||
               t == EVENT_SYNCOOKIES_FOREIGN || t == EVENT_SOURCE_BLOCKED ||
               t == EVENT_SOURCE_UNBLOCKED || t == EVENT_SOURCE_LIMITED ||
               t == EVENT_SOURCE_UNLIMITED || t == EVENT_HOOK_FAILED;
}

void incident_record_event(struct incident_record *r, const struct event *e) {
        struct present *p = r->present;
        char *line;
        int error;

        if (!p)
                return;
        if (is_act(e->type) && p->done_count < DONE_MAX) {
                p->done_count++;
                json_array_append_new(p->done,
                                      json_pack("{s:o, s:s, s:s}", "time", json_value_time(e->realtime_us),
                                                "event", event_type_name(e->type),
                                                "message", e->message));
        }
        if (p->events_count >= EVENTS_MAX || p->events_this_tick >= EVENTS_A_TICK || p->events.fd < 0)
                return;
        line = event_json_line(e);
        if (!line)
                return;
        if (has_room(r, strlen(line), 0)) {
                error = incident_file_append(&p->events, line, strlen(line));
                if (error < 0)
                        fail(r, error, "cannot write events.jsonl");
                p->events_count += error == 0;
                p->events_this_tick++;
        }
        free(line);
}

static void write_line(struct incident_record *r) {
        struct present *p = r->present;
        size_t length;
        char *line;
        int error = observation_json_write(&r->line, &line);

        if (error == 0) {
                length = strlen(line);
                line[length] = '\n'; /* in place of its NUL */
                if (has_room(r, length + 1, events_reserve(r)))
                        error = incident_file_append(&p->observations, line, length + 1);
                else
                        incident_file_close(&p->observations);
                p->lines += error == 0 && !p->full;
                free(line);
        }
        if (error < 0)
                fail(r, error, "cannot write observations.jsonl");
}

/* A second of it, as it was seen. */
static void take_line(struct incident_record *r) {
        struct present *p = r->present;

        if (p->queues)
                queue_course_add(p->queues, &r->line);
        if (p->observations.fd >= 0)
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
        bool whole;
        int error;

        prune(r);
        if (!p)
                return;
        whole = take_lines(r);
        error = p->sample ? incident_sample_flush(p->sample, r->realtime_us) : 0;
        if (error < 0)
                fail(r, error, "cannot write sample.pcap");
        if (p->ended && (whole || r->time_us - p->time_us > CLOSE_AFTER_US)) {
                finish(r);
                return;
        }
        if (p->directory < 0 || r->time_us - p->summary_us < SUMMARY_INTERVAL_US)
                return;
        error = write_summary(r);
        if (error < 0)
                fail(r, error, "cannot write incident.json");
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

void incident_record_syn(struct incident_record *r, const struct syn *syn, const uint8_t *packet,
                         size_t length) {
        if (r->present && r->present->sample && !r->present->ended)
                incident_sample_add(r->present->sample, syn, packet, length);
}

/* --- for those who ask ------------------------------------------------------------------------ */

struct listing {
        const struct incident_record *record;
        json_t *array;
};

/* In a list only what a line can show. */
static void shorten(json_t *o) {
        static const char *const longer[] = { "done", "top_sources", "top_prefixes", "account" };

        for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
                json_object_del(o, longer[i]);
}

/* Its daemon ended before it did. */
static void settle_state(json_t *o) {
        const char *state = json_string_value(json_object_get(o, "state"));

        if (state && strcmp(state, "present") == 0)
                json_object_set_new(o, "state", json_string("interrupted"));
}

static void add_to_list(void *userdata, uint64_t id) {
        struct listing *l = userdata;
        json_t *o = incident_store_summary(l->record->config.state_dir, id);

        if (!o)
                return;
        shorten(o);
        settle_state(o);
        json_array_append_new(l->array, o);
}

json_t *incident_record_list(const struct incident_record *r) {
        struct listing l = { .record = r, .array = json_array() };
        json_t *o;

        if (!l.array)
                return NULL;
        incident_store_each(r->config.state_dir, r->present ? r->present->incident.id : 0,
                            add_to_list, &l);
        if (r->present && (o = summary_json(r))) {
                shorten(o);
                json_array_append_new(l.array, o);
        }
        return l.array;
}

/* What a page of it is made from. The present one's is newer than its files. */
static void add_parts(const struct incident_record *r, uint64_t id, json_t *o) {
        const struct present *p = r->present;
        const char *dir = r->config.state_dir;

        if (!p || p->incident.id != id) {
                json_object_set_new(o, "timeline", incident_store_json(dir, id, "timeline.json"));
                json_object_set_new(o, "queues", incident_store_json(dir, id, "queues.json"));
                json_object_set_new(o, "fingerprints", incident_store_json(dir, id, "fingerprints.json"));
        } else {
                json_object_set_new(o, "timeline", history_json_course(&p->course));
                json_object_set_new(o, "queues", p->queues ? queue_course_json(p->queues) : json_null());
                json_object_set_new(o, "fingerprints",
                                    p->sample ? incident_sample_json(p->sample) : json_null());
        }
        json_object_set_new(o, "policy", incident_store_text(dir, id, "policy.yaml"));
}

json_t *incident_record_read(const struct incident_record *r, const char *id) {
        char directory[64];
        uint64_t number;
        json_t *o;

        if (incident_store_parse_id(id, &number) < 0)
                return NULL;
        if (r->present && r->present->incident.id == number) {
                o = summary_json(r);
        } else {
                o = incident_store_summary(r->config.state_dir, number);
                settle_state(o);
        }
        if (!o)
                return NULL;
        add_parts(r, number, o);
        snprintf(directory, sizeof directory, "incidents/%" PRIu64, number);
        json_object_set_new(o, "directory", json_sprintf("%s/%s", r->config.state_dir, directory));
        json_object_set_new(o, "files", incident_store_files(r->config.state_dir, number));
        json_object_set_new(o, "events", incident_store_events(r->config.state_dir, number));
        return json_pack("[o]", o);
}
