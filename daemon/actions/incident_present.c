/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_present.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "actions/incident_store.h"
#include "format/history_json.h"
#include "format/json_value.h"
#include "format/queue_course_json.h"

enum {
        FILES = 8,
        DONE_MAX = 32,            /* acts named in the summary */
        COURSE_POINT_BYTES = 224, /* in timeline.json, more than one takes */
        QUEUES_POINT_BYTES = 48,  /* in queues.json, more than one takes without its listeners */
        QUEUES_VALUE_BYTES = 24,  /* and for each listener */
};

struct present *present_new(const struct incident *incident, uint32_t packets_max) {
        struct present *p = calloc(1, sizeof *p);

        if (!p)
                return NULL;
        p->incident = *incident;
        p->observations.name = "observations.jsonl";
        p->events.name = "events.jsonl";
        p->packets.name = "sample.pcap";
        p->next_second = UINT64_MAX;
        p->done = json_array();
        p->queues = queue_course_new();
        if (incident_sample_new(packets_max, &p->sample) < 0 || !p->done || !p->queues)
                return present_free(p);
        return p;
}

struct present *present_free(struct present *p) {
        if (!p)
                return NULL;
        incident_sample_free(p->sample);
        queue_course_free(p->queues);
        json_decref(p->done);
        free(p);
        return NULL;
}

static bool is_act(enum event_type t) {
        return t == EVENT_SYNCOOKIES_SET || t == EVENT_SYNCOOKIES_RESTORED || t == EVENT_SYNCOOKIES_FOREIGN ||
               t == EVENT_SOURCE_BLOCKED || t == EVENT_SOURCE_UNBLOCKED || t == EVENT_SOURCE_LIMITED ||
               t == EVENT_SOURCE_UNLIMITED || t == EVENT_HOOK_FAILED;
}

int present_note_act(struct present *p, const struct event *e) {
        json_t *act;

        if (!is_act(e->type) || p->done_count >= DONE_MAX)
                return 0;
        p->done_count++;
        act = json_pack("{s:o, s:s, s:s}", "time", json_value_time(e->realtime_us),
                        "event", event_type_name(e->type), "message", e->message);
        return json_array_append_new(p->done, act) < 0 ? -ENOMEM : 0;
}

/* --- in words ---------------------------------------------------------------------- */

/* Those that most was kept from. */
static json_t *listeners_json(const struct listener_account *const *told, size_t count) {
        json_t *array = json_array();
        char name[ADDRESS_TEXT_MAX];

        for (size_t i = 0; i < count; i++) {
                const struct listener_account *l = told[i];

                json_array_append_new(
                        array,
                        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                                         "listener", listener_key_format(&l->key, name),
                                         "flood_s", json_value_rate(l->flood_s),
                                         "syns", json_value_count(l->syns),
                                         "finished", json_value_count(l->finished),
                                         "unfinished", json_value_count(l->unfinished),
                                         "refused", json_value_count(l->refused),
                                         "peak_half_open", json_value_count(l->peak_half_open),
                                         "peak_backlog", json_value_count(l->peak_backlog)));
        }
        return array;
}

static json_t *account_json(const struct incident_account *a, const struct listener_accounts *listeners) {
        const struct listener_account *told[LISTENER_ACCOUNTS_TOLD];
        size_t count = listener_accounts_tell(listeners, told);
        json_t *explained = json_object();

        for (unsigned i = 0; i < EXPLANATIONS; i++)
                json_object_set_new(explained, explanation_name((enum explanation) i),
                                    json_value_count(a->explained[i]));
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
                         "flood_s", json_value_rate(a->flood_s),
                         "finished", json_value_count(a->finished),
                         "unfinished", json_value_count(a->unfinished),
                         "refused", json_value_count(a->refused),
                         "explained", explained,
                         "listeners", listeners_json(told, count), "listeners_left_out",
                         (json_int_t) (listeners->count + listeners->forgotten - count));
}

static json_t *impact_json(const struct impact_tally *t) {
        json_t *o = json_pack("{s:I, s:I, s:o, s:o, s:o}", "known_begun", (json_int_t) t->known_begun,
                              "known_again", (json_int_t) t->known_again,
                              "known_finished_share", json_value_share(impact_tally_known_finished(t)),
                              "probe_connected_share", json_value_share(impact_tally_connected(t)), "probe_slowest_ms",
                              t->slowest_us > 0 ? json_value_rate((double) t->slowest_us / 1e3) : json_null());
        json_t *probe = json_object();

        for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                json_object_set_new(probe, obs_probe_result_name((enum obs_probe_result) i),
                                    json_integer((json_int_t) t->ended[i]));
        json_object_set_new(o, "probe", probe);
        return o;
}

json_t *present_summary(const struct present *p, const char *version) {
        const struct incident *n = &p->incident;
        bool forged = n->diagnosis == DIAGNOSIS_FLOOD_SPOOFED;
        char listener[ADDRESS_TEXT_MAX];

        return json_pack(
                "{s:s, s:s?, s:I, s:s, s:o, s:o, s:f, s:s?, s:s, s:f, s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:I,"
                " s:b, s:O?, s:o, s:o, s:o, s:I, s:I, s:I, s:b}",
                "schema", "synward.incident.v1", "version", version,
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
                "account", account_json(&n->account, &p->accounts),
                "impact", impact_json(&n->impact),
                "impact_before", impact_json(&n->before),
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

json_t *present_in_full(const struct present *p, const char *version) {
        json_t *o = present_summary(p, version);

        if (!o)
                return NULL;
        json_object_set_new(o, "timeline", history_json_course(&p->course));
        json_object_set_new(o, "queues", p->queues ? queue_course_json(p->queues) : json_null());
        json_object_set_new(o, "fingerprints", p->sample ? incident_sample_json(p->sample) : json_null());
        return o;
}

/* --- what it takes ------------------------------------------------------------------ */

static uint64_t in_blocks(uint64_t bytes) {
        return (bytes + INCIDENT_STORE_BLOCK - 1) / INCIDENT_STORE_BLOCK * INCIDENT_STORE_BLOCK;
}

/* Of a point in queues.json. */
static uint64_t queues_point_bytes(const struct queue_course *c) {
        uint64_t told = c->rows_count < QUEUE_COURSE_TOLD ? c->rows_count : QUEUE_COURSE_TOLD;

        return QUEUES_POINT_BYTES + told * QUEUES_VALUE_BYTES;
}

uint64_t present_bytes(const struct present *p) {
        return in_blocks(p->observations.bytes) + in_blocks(p->events.bytes) + in_blocks(p->policy_bytes) +
               in_blocks((uint64_t) p->course.count * COURSE_POINT_BYTES) +
               in_blocks(p->queues ? p->queues->count * queues_point_bytes(p->queues) : 0) +
               in_blocks(p->packets.bytes) + FILES * INCIDENT_STORE_BLOCK + 64 * 1024;
}
