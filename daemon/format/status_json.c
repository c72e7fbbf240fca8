/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/status_json.h"

#include <math.h>

#include "core/figures.h"
#include "format/json_value.h"

/* Less is not told. */

/* Takes over array's new item; false and no array when there is no memory. */
static bool append(json_t **array, json_t *item) {
        if (*array && item && json_array_append_new(*array, item) == 0)
                return true;
        json_decref(*array);
        *array = NULL;
        return false;
}

static json_t *reasons_json(const struct snapshot *s) {
        json_t *array = json_array();

        for (unsigned i = 0; i < s->reasons_count; i++)
                if (!append(&array, json_value_text(s->reasons[i])))
                        break;
        return array;
}

/* The table's figures of that place, behind what o has. False: no memory. */
static bool add_figures(json_t *o, const struct evidence *e, enum figure_place place) {
        int r = o ? 0 : -1;

        for (const struct figure *f = figures; f->name; f++)
                if (f->places & place)
                        r |= json_object_set_new(o, f->name, json_value_figure(f, figure_value(f, e)));
        return r == 0;
}

static json_t *host_json(const struct snapshot *s) {
        json_t *o = json_pack("{s:o, s:s?}", "explained", json_value_explained(&s->host), "pattern", s->host.pattern);

        if (add_figures(o, &s->host, FIGURE_OF_HOST))
                return o;
        json_decref(o);
        return NULL;
}

static json_t *listener_json(const struct snapshot_listener *l) {
        char address[ADDRESS_TEXT_MAX];
        json_t *o = json_pack("{s:s, s:i, s:o, s:I, s:s, s:s, s:o, s:o, s:s?}",
                              "address", address_format(&l->key.address, address),
                              "port", (int) l->key.port,
                              "ifindex", l->key.ifindex ? json_integer(l->key.ifindex) : json_null(),
                              "sockets", (json_int_t) l->sockets,
                              "state", flood_state_name(l->state),
                              "diagnosis", diagnosis_name(l->diagnosis),
                              "since", json_value_time(l->since_realtime_us),
                              "explained", json_value_explained(&l->evidence),
                              "pattern", l->evidence.pattern);

        if (add_figures(o, &l->evidence, FIGURE_OF_LISTENER))
                return o;
        json_decref(o);
        return NULL;
}

static json_t *listeners_json(const struct snapshot *s) {
        json_t *array = json_array();

        for (unsigned i = 0; i < s->listeners_count; i++)
                if (!append(&array, listener_json(&s->listeners[i])))
                        break;
        return array;
}

static json_t *small_int_json(int value) {
        return value < 0 ? json_null() : json_integer(value);
}

static json_t *syncookies_json(const struct snapshot *s) {
        return json_pack("{s:o, s:o, s:b, s:s?, s:o}",
                         "value", small_int_json(s->syncookies_value),
                         "original", small_int_json(s->syncookies_original),
                         "managed", (int) s->syncookies_managed,
                         "mode", s->syncookies_mode,
                         "trouble", s->syncookies_trouble ? json_value_text(s->syncookies_trouble)
                                                          : json_null());
}

static json_t *clients_json(const struct snapshot_clients *c) {
        return json_pack("{s:I, s:I, s:I, s:I, s:I}", "now", (json_int_t) c->now,
                         "accepted", (json_int_t) c->accepted, "refused", (json_int_t) c->refused,
                         "dropped", (json_int_t) c->dropped,
                         "accept_failed", (json_int_t) c->accept_failed);
}

static json_t *block_json(const struct snapshot *s) {
        return json_pack("{s:b, s:I, s:I, s:o, s:I}", "enabled", (int) s->block_enabled,
                         "entries", (json_int_t) s->blocked_entries,
                         "limited", (json_int_t) s->limited_entries,
                         "dropped_syn_per_s", json_value_rate(s->blocked_per_s),
                         "dropped_syns", (json_int_t) s->totals.blocked_syns);
}

static json_t *attempts_json(const struct probe_told *p) {
        json_t *o = json_pack("{s:I}", "skipped", (json_int_t) p->skipped);
        int r = o ? 0 : -1;

        for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                r |= json_object_set_new(o, obs_probe_result_name((enum obs_probe_result) i),
                                         json_integer((json_int_t) p->ended[i]));
        if (r == 0)
                return o;
        json_decref(o);
        return NULL;
}

static json_t *probe_json(const struct snapshot *s) {
        const struct probe_told *p = &s->probe;
        const struct listener_key key = { .address = p->listener.address, .port = p->listener.port };
        char listener[ADDRESS_TEXT_MAX], from[ADDRESS_TEXT_MAX];
        bool timed = p->any && (p->last == OBS_PROBE_CONNECTED || p->last == OBS_PROBE_REFUSED);

        if (!p->on)
                return json_null();
        return json_pack("{s:s, s:s?, s:I, s:s?, s:o, s:s?, s:o, s:o, s:o}",
                         "listener", listener_key_format(&key, listener),
                         "from", address_is_wildcard(&p->from.address) ? NULL : address_format(&p->from.address, from),
                         "interval_ms", (json_int_t) (p->interval_us / 1000),
                         "last", p->any ? obs_probe_result_name(p->last) : NULL,
                         "last_ms", timed ? json_value_rate((double) p->last_us / 1e3) : json_null(),
                         "why", *p->why ? p->why : NULL,
                         "connected_share", json_value_share(s->host.probe_connected_share),
                         "slowest_ms", json_value_rate(s->host.probe_slowest_ms),
                         "attempts", attempts_json(p));
}

static json_t *incident_json(const struct snapshot_incident *i) {
        char listener[ADDRESS_TEXT_MAX];

        if (i->id == 0)
                return json_null();
        return json_pack("{s:I, s:o, s:s?, s:s, s:o, s:o, s:o, s:o}",
                         "id", (json_int_t) i->id,
                         "start", json_value_time(i->start_realtime_us),
                         "listener",
                         i->has_listener ? listener_key_format(&i->listener, listener) : NULL,
                         "diagnosis", diagnosis_name(i->diagnosis),
                         "peak_syn_per_s", json_value_rate(i->peak_syn_per_s),
                         "peak_half_open", json_value_count(i->peak_half_open),
                         "total_syns", json_value_count(i->total_syns),
                         "blocked_syns", json_value_count(i->blocked_syns));
}

/* What is special to one sensor; a walk that never was has no duration. */
static int add_sensor_figures(json_t *o, const struct snapshot *s, enum sensor_id id) {
        bool walked = s->totals.dumps > 0;

        switch (id) {
        case SENSOR_SOCK_DIAG:
                return json_object_update_new(
                        o,
                        json_pack("{s:o, s:o, s:o, s:o}",
                                     "interval_ms", s->dump_interval_us
                                             ? json_integer((json_int_t) (s->dump_interval_us / 1000))
                                             : json_null(),
                                     "last_us", walked ? json_integer((json_int_t) s->dump_last_us)
                                                       : json_null(),
                                     "cpu_share", walked ? json_value_share(s->dump_cpu_share)
                                                         : json_null(),
                                     "entries", walked ? json_integer(s->dump_entries)
                                                       : json_null()));
        case SENSOR_NETSTAT:
                return 0;
        case SENSOR_NFLOG:
                return json_object_update_new(o, json_pack("{s:I, s:I, s:o}",
                                     "received", (json_int_t) s->totals.log_received,
                                     "lost", (json_int_t) s->totals.log_lost,
                                     "sample_one_in", s->log_sample_one_in
                                             ? json_integer(s->log_sample_one_in)
                                             : json_null()));
        case SENSORS:
                break;
        }
        return -1;
}

static json_t *sensor_json(const struct snapshot *s, enum sensor_id id) {
        const struct snapshot_sensor *sensor = &s->sensors[id];
        json_t *o = json_pack("{s:s}", "state", sensor_state_name(sensor->state));
        int r = 0;

        if (!o)
                return NULL;
        if (sensor->state != SENSOR_OK)
                r |= json_object_set_new(o, "reason", json_value_text(sensor->reason));
        r |= add_sensor_figures(o, s, id);
        if (r != 0) {
                json_decref(o);
                return NULL;
        }
        return o;
}

static json_t *sensors_json(const struct snapshot *s) {
        json_t *o = json_object();

        for (unsigned i = 0; i < SENSORS; i++)
                if (json_object_set_new(o, sensor_id_name((enum sensor_id) i), sensor_json(s, (enum sensor_id) i)) <
                    0) {
                        json_decref(o);
                        return NULL;
                }
        return o;
}

/* Whether it is known who sends SYNs. */
static bool knows_sources(const struct snapshot *s) {
        return s->sensors[SENSOR_NFLOG].state == SENSOR_OK || s->sensors[SENSOR_NFLOG].state == SENSOR_DEGRADED;
}

json_t *status_json(const struct snapshot *s) {
        return json_pack("{s:s, s:s?, s:i, s:o, s:o, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o,"
                         " s:o, s:o, s:o, s:o, s:o, s:o}",
                         "schema", STATUS_JSON_SCHEMA,
                         "version", s->version,
                         "pid", s->pid,
                         "time", json_value_time(s->realtime_us),
                         "uptime_s", json_value_rate((double) s->uptime_us / 1e6),
                         "dry_run", (int) s->dry_run,
                         "state", flood_state_name(s->state),
                         "diagnosis", diagnosis_name(s->diagnosis),
                         "reasons", reasons_json(s),
                         "since", json_value_time(s->since_realtime_us),
                         "host", host_json(s),
                         "listeners", listeners_json(s),
                         "listeners_left_out", (json_int_t) s->listeners_left_out,
                         "sources_tracked", knows_sources(s) ? json_integer(s->sources_tracked) : json_null(),
                         "sources_distinct_estimate", json_value_count(s->sources_distinct),
                         "syncookies", syncookies_json(s),
                         "block", block_json(s),
                         "probe", probe_json(s),
                         "incident", incident_json(&s->incident),
                         "sensors", sensors_json(s),
                         "clients", clients_json(&s->clients));
}

json_t *status_json_listeners(const struct snapshot *s) {
        return json_pack("{s:o}", "listeners", listeners_json(s));
}

static json_t *source_json(const struct snapshot_source *s) {
        char text[ADDRESS_TEXT_MAX];
        bool one = s->prefix.length == ADDRESS_BITS;

        prefix_format(&s->prefix, text);
        return json_pack("{s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                         "address", one ? text : NULL,
                         "prefix", one ? NULL : text,
                         "half_open", json_value_count(s->half_open),
                         "syn_per_s", json_value_rate(s->syn_per_s),
                         "completed_per_s", json_value_rate(s->completed_per_s),
                         "completion_ratio", json_value_share(s->completed_per_s / s->syn_per_s),
                         "completion_low", json_value_share(s->completion_low),
                         "completion_high", json_value_share(s->completion_high),
                         "share", json_value_share(s->share),
                         "error", json_value_share(s->error));
}

json_t *status_json_sources(const struct snapshot *s, unsigned limit, bool prefixes) {
        json_t *array = json_array();

        for (unsigned i = 0; i < s->sources_count && limit > 0; i++) {
                if ((s->sources[i].prefix.length < ADDRESS_BITS) != prefixes)
                        continue;
                if (!append(&array, source_json(&s->sources[i])))
                        break;
                limit--;
        }
        return json_pack("{s:o, s:b}", "sources", array, "known", (int) knows_sources(s));
}

/* What else is known of a prefix: of the listener that it sends most to. */
static struct snapshot_source source_of(const struct snapshot *s, const struct prefix *p) {
        for (unsigned i = 0; i < s->sources_count; i++)
                if (s->sources[i].prefix.length == p->length &&
                    address_equal(&s->sources[i].prefix.address, &p->address))
                        return s->sources[i];
        return (struct snapshot_source) {
                .prefix = *p,
                .half_open = NAN,
                .syn_per_s = NAN,
                .completed_per_s = NAN,
                .completion_low = NAN,
                .completion_high = NAN,
                .share = NAN,
                .error = NAN,
        };
}

static json_t *fleet_source_json(const struct snapshot *s, const struct fleet_source *f) {
        const struct snapshot_source known = source_of(s, &f->prefix);
        json_t *o = source_json(&known);

        if (json_object_set_new(o, "unanswered_per_s", json_value_rate(f->unanswered_per_s)) == 0 &&
            json_object_set_new(o, "unanswered_error_per_s", json_value_rate(f->unanswered_error_per_s)) == 0)
                return o;
        json_decref(o);
        return NULL;
}

json_t *status_json_bucket(const struct snapshot *s, const struct fleet_source *sources, size_t count) {
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++)
                if (!append(&array, fleet_source_json(s, &sources[i])))
                        break;
        return json_pack("{s:o, s:b}", "sources", array, "known", 1);
}
