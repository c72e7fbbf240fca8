/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/observation_json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "format/json_reader.h"
#include "util/json_text.h"

/* --- writing -------------------------------------------------------------- */

/* Every put_ after an error does nothing, so that it is looked at once, at the end. */
struct writer {
        int error;
};

static void put(struct writer *w, json_t *object, const char *name, json_t *value) {
        if (w->error)
                json_decref(value);
        else if (!value || json_object_set_new(object, name, value) < 0)
                w->error = -ENOMEM;
}

static void put_integer(struct writer *w, json_t *object, const char *name, uint64_t value) {
        if (value > JSON_READER_INTEGER_MAX)
                w->error = -EDOM;
        put(w, object, name, json_integer((json_int_t) value));
}

static void put_real(struct writer *w, json_t *object, const char *name, double value) {
        if (!isfinite(value) || value < 0) {
                w->error = -EDOM;
                return;
        }
        put(w, object, name, json_real(value));
}

static void append(struct writer *w, json_t *array, json_t *value) {
        if (w->error)
                json_decref(value);
        else if (!value || json_array_append_new(array, value) < 0)
                w->error = -ENOMEM;
}

static json_t *limits_json(struct writer *w, const struct obs_listener *l) {
        json_t *j = json_object();

        put_integer(w, j, "sockets", l->sockets);
        put_integer(w, j, "backlog", l->backlog);
        put_integer(w, j, "accept_queue", l->accept_queue);
        put_integer(w, j, "accept_full", l->accept_full);
        return j;
}

static json_t *half_open_json(struct writer *w, const struct obs_listener *l) {
        json_t *j = json_object(), *age = json_array();

        put_integer(w, j, "count", l->half_open);
        put_integer(w, j, "deferred", l->deferred);
        for (unsigned i = 0; i < OBS_AGE_BINS; i++)
                append(w, age, json_integer(l->age[i]));
        put(w, j, "age", age);
        return j;
}

static json_t *senders_json(struct writer *w, const struct obs_senders *s) {
        json_t *j = json_object();

        put_real(w, j, "syn_per_s", s->syn_per_s);
        put_real(w, j, "ended_per_s", s->ended_per_s);
        put_integer(w, j, "begun", s->begun);
        put_integer(w, j, "addresses", s->addresses);
        put_integer(w, j, "once", s->once);
        put_integer(w, j, "one_in", s->one_in);
        put_real(w, j, "span_s", s->span_s);
        return j;
}

static json_t *listener_json(struct writer *w, const struct obs_listener *l) {
        char address[ADDRESS_TEXT_MAX];
        json_t *j = json_object();

        put(w, j, "address", json_string(address_format(&l->key.address, address)));
        put_integer(w, j, "port", l->key.port);
        if (l->key.ifindex)
                put_integer(w, j, "ifindex", l->key.ifindex);
        if (l->known & OBS_L_LIMITS)
                put(w, j, "limits", limits_json(w, l));
        if (l->known & OBS_L_HALF_OPEN)
                put(w, j, "half_open", half_open_json(w, l));
        if (l->known & OBS_L_DROPS)
                put_integer(w, j, "drops", l->drops);
        if (l->known & OBS_L_SYNS) {
                put_integer(w, j, "syns", l->syns);
                put_integer(w, j, "syns_again", l->syns_again);
                put_integer(w, j, "syns_known", l->syns_known);
        }
        if (l->known & OBS_L_ENDED)
                put_integer(w, j, "ended", l->ended);
        if (l->known & OBS_L_SENDERS)
                put(w, j, "senders", senders_json(w, &l->senders));
        return j;
}

static json_t *listeners_json(struct writer *w, const struct observation *o) {
        json_t *list = json_array();

        for (uint32_t i = 0; i < o->listeners_count; i++)
                append(w, list, listener_json(w, &o->listeners[i]));
        return list;
}

static json_t *source_json(struct writer *w, const struct obs_source *s) {
        char prefix[ADDRESS_TEXT_MAX];
        json_t *j = json_object();

        put(w, j, "prefix", json_string(prefix_format(&s->prefix, prefix)));
        if (s->listener != OBS_LISTENER_NONE)
                put_integer(w, j, "listener", s->listener);
        if (s->is & OBS_S_CLIENT)
                put(w, j, "client", json_true());
        if (s->is & OBS_S_DISOWNS)
                put(w, j, "disowns", json_true());
        if (s->known & OBS_S_SYNS) {
                put_real(w, j, "syn_per_s", s->syn_per_s);
                put_real(w, j, "syn_error_per_s", s->syn_error_per_s);
        }
        if (s->known & OBS_S_HALF_OPEN)
                put_integer(w, j, "half_open", s->half_open);
        if (s->known & OBS_S_COMPLETED)
                put_real(w, j, "completed_per_s", s->completed_per_s);
        if ((s->known & OBS_S_SYNS) && (s->known & OBS_S_COMPLETED)) {
                put_real(w, j, "completion_low", s->completion_low);
                put_real(w, j, "completion_high", s->completion_high);
        }
        return j;
}

static json_t *sources_json(struct writer *w, const struct obs_sources *s) {
        json_t *j = json_object(), *list = json_array();

        put_integer(w, j, "tracked", s->tracked);
        if (s->known & OBS_SS_DISTINCT) {
                put_real(w, j, "distinct", s->distinct);
                put_real(w, j, "syn_per_s", s->syn_per_s);
        }
        if (s->known & OBS_SS_SEEN_ONCE)
                put_real(w, j, "seen_once_share", s->seen_once_share);
        if (s->known & OBS_SS_DISOWNED)
                put(w, j, "resets_seen", json_true());
        if (s->known & OBS_SS_STRAY) {
                put_real(w, j, "stray_share", s->stray_share);
                put_integer(w, j, "stray_ports", s->stray_ports);
        }
        if (s->known & OBS_SS_KNOWN) {
                put_integer(w, j, "known_begun", s->known_begun);
                put_integer(w, j, "known_again", s->known_again);
        }
        for (uint32_t i = 0; i < s->count; i++)
                append(w, list, source_json(w, &s->list[i]));
        put(w, j, "list", list);
        return j;
}

static json_t *probe_json(struct writer *w, const struct obs_probe *p) {
        json_t *j = json_object();

        for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                put_integer(w, j, obs_probe_result_name((enum obs_probe_result) i), p->ended[i]);
        put_integer(w, j, "slowest_us", p->slowest_us);
        return j;
}

static json_t *sensors_json(struct writer *w, const struct observation *o) {
        json_t *j = json_object();

        for (unsigned i = 0; i < SENSORS; i++)
                put(w, j, sensor_id_name((enum sensor_id) i),
                    json_string(sensor_state_name((enum sensor_state) o->sensors[i])));
        return j;
}

static json_t *counters_json(struct writer *w, const struct observation *o) {
        json_t *j = json_object();

        for (unsigned i = 0; i < OBS_COUNTERS; i++)
                if (observation_knows(o, (enum obs_counter) i))
                        put_integer(w, j, obs_counter_name((enum obs_counter) i), o->counters[i]);
        return j;
}

static json_t *dump_json(struct writer *w, const struct observation *o) {
        json_t *j = json_object();

        put_integer(w, j, "half_open", o->half_open);
        put_integer(w, j, "aged", o->aged);
        put_integer(w, j, "deferred", o->deferred);
        put_integer(w, j, "ghosts", o->ghosts);
        return j;
}

static json_t *log_json(struct writer *w, const struct observation *o) {
        json_t *j = json_object();

        put_integer(w, j, "sample_one_in", o->sample_one_in);
        put_integer(w, j, "received", o->log_received);
        put_integer(w, j, "lost", o->log_lost);
        return j;
}

static json_t *observation_to_json(struct writer *w, const struct observation *o) {
        json_t *j = json_object();

        put(w, j, "schema", json_string(OBSERVATION_JSON_SCHEMA));
        put_integer(w, j, "time_us", o->time_us);
        put_integer(w, j, "realtime_us", o->realtime_us);
        put_integer(w, j, "elapsed_us", o->elapsed_us);
        put(w, j, "sensors", sensors_json(w, o));
        put(w, j, "counters", counters_json(w, o));
        if (o->known & OBS_K_DUMP)
                put(w, j, "dump", dump_json(w, o));
        if (o->known & OBS_K_IN_USE)
                put_integer(w, j, "in_use", o->in_use);
        if (o->known & OBS_K_SYNCOOKIES)
                put_integer(w, j, "syncookies", o->syncookies);
        if (o->known & OBS_K_SYNACK_RETRIES)
                put_integer(w, j, "synack_retries", o->synack_retries);
        if (o->listeners_count > 0)
                put(w, j, "listeners", listeners_json(w, o));
        if (o->known & OBS_K_LISTENERS)
                put(w, j, "listeners_whole", json_true());
        if (o->listeners_left_out)
                put_integer(w, j, "listeners_left_out", o->listeners_left_out);
        if (o->known & OBS_K_SOURCES)
                put(w, j, "sources", sources_json(w, &o->sources));
        if (o->known & OBS_K_PROBE)
                put(w, j, "probe", probe_json(w, &o->probe));
        if (o->sample_one_in || o->log_received || o->log_lost)
                put(w, j, "log", log_json(w, o));
        return j;
}

int observation_json_write(const struct observation *o, char **ret_line) {
        struct writer w = { 0 };
        json_t *j = observation_to_json(&w, o);
        char *line = w.error ? NULL : json_text_write(j, JSON_COMPACT, "");

        json_decref(j);
        if (w.error)
                return w.error;
        if (!line)
                return -ENOMEM;
        *ret_line = line;
        return 0;
}

/* --- parsing -------------------------------------------------------------- */

static void parse_limits(struct json_reader *r, json_t *j, struct obs_listener *l) {
        static const char *const names[] = { "sockets", "backlog", "accept_queue", "accept_full", NULL };
        size_t at = json_reader_enter(r, "limits.");

        json_reader_names(r, j, names);
        l->sockets = json_reader_u32(r, j, "sockets");
        l->backlog = json_reader_u32(r, j, "backlog");
        l->accept_queue = json_reader_u32(r, j, "accept_queue");
        l->accept_full = json_reader_u32(r, j, "accept_full");
        l->known |= OBS_L_LIMITS;
        json_reader_leave(r, at);
}

static void parse_half_open(struct json_reader *r, json_t *j, struct obs_listener *l) {
        static const char *const names[] = { "count", "deferred", "age", NULL };
        size_t at = json_reader_enter(r, "half_open.");
        json_t *age;

        json_reader_names(r, j, names);
        l->half_open = json_reader_u32(r, j, "count");
        l->deferred = json_reader_u32(r, j, "deferred");
        age = json_reader_field_of(r, j, "age", JSON_ARRAY, "an array", true);
        if (age && json_array_size(age) != OBS_AGE_BINS)
                json_reader_wrong(r, "age", "not %u counts", (unsigned) OBS_AGE_BINS);
        for (unsigned i = 0; i < OBS_AGE_BINS && r->result == 0; i++) {
                char name[16];

                snprintf(name, sizeof name, "age[%u]", i);
                l->age[i] = (uint32_t) json_reader_integer(r, name, json_array_get(age, i), UINT32_MAX);
        }
        l->known |= OBS_L_HALF_OPEN;
        json_reader_leave(r, at);
}

static void parse_senders(struct json_reader *r, json_t *j, struct obs_listener *l) {
        static const char *const names[] = { "syn_per_s", "ended_per_s", "begun",  "addresses",
                                             "once",      "one_in",      "span_s", NULL };
        size_t at = json_reader_enter(r, "senders.");

        json_reader_names(r, j, names);
        l->senders.syn_per_s = json_reader_real(r, j, "syn_per_s", HUGE_VAL);
        l->senders.ended_per_s = json_reader_real(r, j, "ended_per_s", HUGE_VAL);
        l->senders.begun = json_reader_u64(r, j, "begun");
        l->senders.addresses = json_reader_u32(r, j, "addresses");
        l->senders.once = json_reader_u32(r, j, "once");
        l->senders.one_in = json_reader_u32(r, j, "one_in");
        l->senders.span_s = json_reader_real(r, j, "span_s", HUGE_VAL);
        l->known |= OBS_L_SENDERS;
        json_reader_leave(r, at);
}

static void parse_listener(struct json_reader *r, json_t *j, struct obs_listener *l) {
        static const char *const names[] = { "address", "port",       "ifindex",    "limits", "half_open", "drops",
                                             "syns",    "syns_again", "syns_known", "ended",  "senders",   NULL };
        json_t *part;

        json_reader_names(r, j, names);
        if (address_parse(json_reader_text(r, j, "address"), &l->key.address) < 0)
                json_reader_wrong(r, "address", "not an IP address");
        l->key.port = (uint16_t) json_reader_integer(r, "port", json_reader_field(r, j, "port", true), UINT16_MAX);
        l->key.ifindex = json_reader_u32_or_0(r, j, "ifindex");
        if ((part = json_reader_object(r, j, "limits")))
                parse_limits(r, part, l);
        if ((part = json_reader_object(r, j, "half_open")))
                parse_half_open(r, part, l);
        if (json_reader_field(r, j, "ended", false)) {
                l->ended = json_reader_u64(r, j, "ended");
                l->known |= OBS_L_ENDED;
        }
        if ((part = json_reader_object(r, j, "senders")))
                parse_senders(r, part, l);
        if (json_reader_field(r, j, "drops", false)) {
                l->drops = json_reader_u64(r, j, "drops");
                l->known |= OBS_L_DROPS;
        }
        if (json_reader_field(r, j, "syns", false)) {
                l->syns = json_reader_u64(r, j, "syns");
                l->syns_again = json_reader_u64_or_0(r, j, "syns_again");
                l->syns_known = json_reader_u64_or_0(r, j, "syns_known");
                l->known |= OBS_L_SYNS;
        }
}

/* An array of objects, at most max; returns how many. */
static uint32_t array_of(struct json_reader *r, json_t *j, const char *name, uint32_t max, json_t **ret_array) {
        json_t *array = json_reader_field_of(r, j, name, JSON_ARRAY, "an array", false);

        if (!array)
                return 0;
        if (json_array_size(array) > max) {
                json_reader_wrong(r, name, "more than %u", (unsigned) max);
                return 0;
        }
        for (size_t i = 0; i < json_array_size(array); i++)
                if (!json_is_object(json_array_get(array, i))) {
                        size_t at = json_reader_enter(r, "%s[%zu]", name, i);

                        json_reader_wrong(r, "", "not an object");
                        json_reader_leave(r, at);
                        return 0;
                }
        *ret_array = array;
        return (uint32_t) json_array_size(array);
}

static void parse_listeners(struct json_reader *r, json_t *j, struct observation *o) {
        json_t *whole = json_reader_field(r, j, "listeners_whole", false), *list = NULL;

        o->listeners_count = array_of(r, j, "listeners", OBS_LISTENERS_MAX, &list);
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                size_t at = json_reader_enter(r, "listeners[%u].", (unsigned) i);

                parse_listener(r, json_array_get(list, i), &o->listeners[i]);
                json_reader_leave(r, at);
        }
        if (whole && !json_is_boolean(whole))
                json_reader_wrong(r, "listeners_whole", "neither true nor false");
        if (json_is_true(whole))
                o->known |= OBS_K_LISTENERS;
        o->listeners_left_out = json_reader_u32_or_0(r, j, "listeners_left_out");
}

static void parse_source(struct json_reader *r, json_t *j, struct obs_source *s) {
        static const char *const names[] = { "prefix",         "listener",        "client",    "disowns",
                                             "syn_per_s",      "syn_error_per_s", "half_open", "completed_per_s",
                                             "completion_low", "completion_high", NULL };

        json_reader_names(r, j, names);
        if (prefix_parse(json_reader_text(r, j, "prefix"), &s->prefix) < 0)
                json_reader_wrong(r, "prefix", "not an IP address or prefix");
        s->listener = OBS_LISTENER_NONE;
        if (json_reader_field(r, j, "listener", false))
                s->listener = (uint16_t) json_reader_integer(r, "listener", json_reader_field(r, j, "listener", true),
                                                             OBS_LISTENER_NONE);
        if (json_is_true(json_reader_field(r, j, "client", false)))
                s->is |= OBS_S_CLIENT;
        if (json_is_true(json_reader_field(r, j, "disowns", false)))
                s->is |= OBS_S_DISOWNS;
        if (json_reader_field(r, j, "syn_per_s", false) || json_reader_field(r, j, "syn_error_per_s", false)) {
                s->syn_per_s = json_reader_real(r, j, "syn_per_s", HUGE_VAL);
                s->syn_error_per_s = json_reader_real(r, j, "syn_error_per_s", HUGE_VAL);
                s->known |= OBS_S_SYNS;
        }
        if (json_reader_field(r, j, "half_open", false)) {
                s->half_open = json_reader_u32(r, j, "half_open");
                s->known |= OBS_S_HALF_OPEN;
        }
        if (json_reader_field(r, j, "completed_per_s", false)) {
                s->completed_per_s = json_reader_real(r, j, "completed_per_s", HUGE_VAL);
                s->known |= OBS_S_COMPLETED;
        }
        if ((s->known & OBS_S_SYNS) && (s->known & OBS_S_COMPLETED)) {
                s->completion_low = json_reader_real(r, j, "completion_low", 1);
                s->completion_high = json_reader_real(r, j, "completion_high", 1);
        }
}

static void parse_sources(struct json_reader *r, json_t *j, struct obs_sources *s) {
        static const char *const names[] = { "tracked",     "distinct",    "syn_per_s",   "seen_once_share",
                                             "stray_share", "stray_ports", "resets_seen", "known_begun",
                                             "known_again", "list",        NULL };
        size_t at = json_reader_enter(r, "sources.");
        json_t *list = NULL;

        json_reader_names(r, j, names);
        s->tracked = json_reader_u32(r, j, "tracked");
        if (json_reader_field(r, j, "distinct", false)) {
                s->distinct = json_reader_real(r, j, "distinct", HUGE_VAL);
                s->syn_per_s = json_reader_real(r, j, "syn_per_s", HUGE_VAL);
                s->known |= OBS_SS_DISTINCT;
        }
        if (json_is_true(json_reader_field(r, j, "resets_seen", false)))
                s->known |= OBS_SS_DISOWNED;
        if (json_reader_field(r, j, "stray_share", false)) {
                s->stray_share = json_reader_real(r, j, "stray_share", 1);
                s->stray_ports = json_reader_u32(r, j, "stray_ports");
                s->known |= OBS_SS_STRAY;
        }
        if (json_reader_field(r, j, "seen_once_share", false)) {
                s->seen_once_share = json_reader_real(r, j, "seen_once_share", 1);
                s->known |= OBS_SS_SEEN_ONCE;
        }
        if (json_reader_field(r, j, "known_begun", false)) {
                s->known_begun = json_reader_u32(r, j, "known_begun");
                s->known_again = json_reader_u32(r, j, "known_again");
                s->known |= OBS_SS_KNOWN;
        }
        s->count = array_of(r, j, "list", OBS_SOURCES_MAX, &list);
        for (uint32_t i = 0; i < s->count; i++) {
                size_t in_list = json_reader_enter(r, "list[%u].", (unsigned) i);

                parse_source(r, json_array_get(list, i), &s->list[i]);
                json_reader_leave(r, in_list);
        }
        json_reader_leave(r, at);
}

static void parse_probe(struct json_reader *r, json_t *j, struct observation *o) {
        const char *names[OBS_PROBE_RESULTS + 2] = { "slowest_us" };
        size_t at = json_reader_enter(r, "probe.");

        for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                names[i + 1] = obs_probe_result_name((enum obs_probe_result) i);
        json_reader_names(r, j, names);
        for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                o->probe.ended[i] = json_reader_u32(r, j, names[i + 1]);
        o->probe.slowest_us = json_reader_u64(r, j, "slowest_us");
        o->known |= OBS_K_PROBE;
        json_reader_leave(r, at);
}

/* Recordings of 0.1 do not say for whom a source's SYNs were: for the one that had them all. */
static void give_to_only_listener(struct observation *o) {
        uint32_t only = 0;

        for (uint32_t i = 0; i < o->sources.count; i++)
                if (o->sources.list[i].listener != OBS_LISTENER_NONE)
                        return;
        for (uint32_t i = 1; i < o->listeners_count; i++)
                if (o->listeners[i].syns > o->listeners[only].syns)
                        only = i;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (i != only && o->listeners[i].syns > 0)
                        return;
        for (uint32_t i = 0; i < o->sources.count && o->listeners_count > 0; i++)
                o->sources.list[i].listener = (uint16_t) only;
}

static void parse_sensors(struct json_reader *r, json_t *j, struct observation *o) {
        const char *const names[] = { sensor_id_name(SENSOR_SOCK_DIAG), sensor_id_name(SENSOR_NETSTAT),
                                      sensor_id_name(SENSOR_NFLOG), NULL };
        size_t at = json_reader_enter(r, "sensors.");

        json_reader_names(r, j, names);
        for (unsigned i = 0; i < SENSORS; i++) {
                enum sensor_state state;

                if (!json_reader_field(r, j, names[i], false))
                        continue;
                if (sensor_state_from_name(json_reader_text(r, j, names[i]), &state) < 0)
                        json_reader_wrong(r, names[i], "none of off, ok, degraded, failed");
                else
                        o->sensors[i] = (uint8_t) state;
        }
        json_reader_leave(r, at);
}

static void parse_counters(struct json_reader *r, json_t *j, struct observation *o) {
        size_t at = json_reader_enter(r, "counters.");
        const char *name;
        json_t *value;

        json_object_foreach(j, name, value) {
                enum obs_counter c;

                if (obs_counter_from_name(name, &c) < 0)
                        json_reader_wrong(r, name, "no such counter");
                else
                        observation_set(o, c, json_reader_integer(r, name, value, JSON_READER_INTEGER_MAX));
        }
        json_reader_leave(r, at);
}

static void parse_dump(struct json_reader *r, json_t *j, struct observation *o) {
        static const char *const names[] = { "half_open", "aged", "deferred", "ghosts", NULL };
        size_t at = json_reader_enter(r, "dump.");

        json_reader_names(r, j, names);
        o->half_open = json_reader_u32(r, j, "half_open");
        o->aged = json_reader_u32(r, j, "aged");
        o->deferred = json_reader_u32(r, j, "deferred");
        o->ghosts = json_reader_u32(r, j, "ghosts");
        o->known |= OBS_K_DUMP;
        json_reader_leave(r, at);
}

static void parse_log(struct json_reader *r, json_t *j, struct observation *o) {
        static const char *const names[] = { "sample_one_in", "received", "lost", NULL };
        size_t at = json_reader_enter(r, "log.");

        json_reader_names(r, j, names);
        o->sample_one_in = json_reader_u32(r, j, "sample_one_in");
        o->log_received = json_reader_u64(r, j, "received");
        o->log_lost = json_reader_u64(r, j, "lost");
        json_reader_leave(r, at);
}

static void parse_observation(struct json_reader *r, json_t *j, struct observation *o) {
        static const char *const names[] = {
                "schema",
                "time_us",
                "realtime_us",
                "elapsed_us",
                "sensors",
                "counters",
                "dump",
                "in_use",
                "syncookies",
                "synack_retries",
                "listeners",
                "listeners_whole",
                "listeners_left_out",
                "sources",
                "log",
                "probe",
                "established", /* of older recordings; nothing asks for it */
                NULL,
        };
        json_t *part;

        if (strcmp(json_reader_text(r, j, "schema"), OBSERVATION_JSON_SCHEMA) != 0)
                json_reader_wrong(r, "schema", "not \"%s\"", OBSERVATION_JSON_SCHEMA);
        json_reader_names(r, j, names);
        o->time_us = json_reader_u64(r, j, "time_us");
        o->realtime_us = json_reader_u64(r, j, "realtime_us");
        o->elapsed_us = json_reader_u64(r, j, "elapsed_us");
        if ((part = json_reader_object(r, j, "sensors")))
                parse_sensors(r, part, o);
        if ((part = json_reader_object(r, j, "counters")))
                parse_counters(r, part, o);
        if ((part = json_reader_object(r, j, "dump")))
                parse_dump(r, part, o);
        if (json_reader_field(r, j, "in_use", false)) {
                o->in_use = json_reader_u64(r, j, "in_use");
                o->known |= OBS_K_IN_USE;
        }
        if ((part = json_reader_field(r, j, "synack_retries", false))) {
                o->synack_retries = (uint8_t) json_reader_integer(r, "synack_retries", part, UINT8_MAX);
                o->known |= OBS_K_SYNACK_RETRIES;
        }
        if ((part = json_reader_field(r, j, "syncookies", false))) {
                o->syncookies = (uint8_t) json_reader_integer(r, "syncookies", part, UINT8_MAX);
                o->known |= OBS_K_SYNCOOKIES;
        }
        parse_listeners(r, j, o);
        if ((part = json_reader_object(r, j, "sources"))) {
                parse_sources(r, part, &o->sources);
                if (!(o->listeners_count > 0 && o->listeners[0].known & OBS_L_SENDERS))
                        give_to_only_listener(o);
                o->known |= OBS_K_SOURCES;
        }
        if ((part = json_reader_object(r, j, "log")))
                parse_log(r, part, o);
        if ((part = json_reader_object(r, j, "probe")))
                parse_probe(r, part, o);
}

int observation_json_parse(const char *line, size_t length, struct observation *ret,
                           char error[static OBSERVATION_JSON_ERROR_MAX]) {
        struct json_reader r = { .error = error, .error_size = OBSERVATION_JSON_ERROR_MAX };
        struct observation o;
        json_error_t syntax;
        bool no_memory;
        json_t *j = json_text_read(line, length, JSON_REJECT_DUPLICATES, &syntax, &no_memory);

        if (!j) {
                if (no_memory)
                        return -ENOMEM;
                snprintf(error, OBSERVATION_JSON_ERROR_MAX, "column %i: %.150s", syntax.column, syntax.text);
                return -EBADMSG;
        }
        memset(&o, 0, sizeof o); /* its padding too: equal ones compare equal as bytes */
        if (json_is_object(j))
                parse_observation(&r, j, &o);
        else
                json_reader_wrong(&r, "", "not an object");
        json_decref(j);
        if (r.result < 0)
                return r.result;
        memcpy(ret, &o, sizeof o);
        return 0;
}
