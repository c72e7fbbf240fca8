/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/status_json.h"

#include <math.h>
#include <string.h>

#include "format/time_text.h"

/* Beyond this a double is no exact integer any more, and llround() may overflow. */
#define WHOLE_MAX 9007199254740992.0

static json_t *count_json(double value) {
        if (!isfinite(value) || fabs(value) > WHOLE_MAX)
                return json_null();
        return json_integer(llround(value));
}

static json_t *rounded_json(double value, double scale) {
        if (!isfinite(value))
                return json_null();
        /* Adding zero turns -0.0, which reads like a mistake, into 0.0. */
        return json_real(round(value * scale) / scale + 0.0);
}

static json_t *rate_json(double value) {
        return rounded_json(value, 1000);
}

static json_t *share_json(double value) {
        return rounded_json(value, 10000);
}

/* Text of ours that may have been cut within a character. */
static json_t *text_json(const char *text) {
        char ascii[SNAPSHOT_REASON_TEXT];
        json_t *whole = json_string(text);
        size_t n;

        if (whole)
                return whole;
        n = strnlen(text, sizeof ascii - 1);
        for (size_t i = 0; i < n; i++)
                ascii[i] = (unsigned char) text[i] < 0x80 ? text[i] : '?';
        ascii[n] = '\0';
        return json_string(ascii);
}

static json_t *time_json(uint64_t realtime_us) {
        char text[TIME_TEXT_MAX];

        return realtime_us == 0 ? json_null() : json_string(time_text_format(realtime_us, text));
}

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
                if (!append(&array, text_json(s->reasons[i])))
                        break;
        return array;
}

static json_t *host_json(const struct evidence *e) {
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                         "half_open", count_json(e->half_open),
                         "half_open_aged", count_json(e->half_open_aged),
                         "syn_per_s", rate_json(e->syn_per_s),
                         "completed_per_s", rate_json(e->completed_per_s),
                         "unanswered_per_s", rate_json(e->unanswered_per_s),
                         "completion_ratio", share_json(1 - e->unanswered_share),
                         "fill", share_json(e->fill),
                         "cookies_sent_per_s", rate_json(e->cookies_sent_per_s),
                         "cookies_received_per_s", rate_json(e->cookies_received_per_s),
                         "queue_drops_per_s", rate_json(e->queue_drops_per_s),
                         "accept_overflows_per_s", rate_json(e->accept_overflows_per_s));
}

static json_t *listener_json(const struct snapshot_listener *l) {
        const struct evidence *e = &l->evidence;
        char address[ADDRESS_TEXT_MAX];

        return json_pack("{s:s, s:i, s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                         "address", address_format(&l->key.address, address),
                         "port", (int) l->key.port,
                         "ifindex", l->key.ifindex ? json_integer(l->key.ifindex) : json_null(),
                         "sockets", (json_int_t) l->sockets,
                         "state", flood_state_name(l->state),
                         "diagnosis", diagnosis_name(l->diagnosis),
                         "since", time_json(l->since_realtime_us),
                         "half_open", count_json(e->half_open),
                         "half_open_aged", count_json(e->half_open_aged),
                         "backlog", count_json(e->backlog),
                         "fill", share_json(e->fill),
                         "accept_queue", count_json(e->accept_queue),
                         "syn_per_s", rate_json(e->syn_per_s),
                         "completed_per_s", rate_json(e->completed_per_s),
                         "completion_ratio", share_json(1 - e->unanswered_share));
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
        return json_pack("{s:o, s:o, s:b, s:s?}",
                         "value", small_int_json(s->syncookies_value),
                         "original", small_int_json(s->syncookies_original),
                         "managed", (int) s->syncookies_managed,
                         "mode", s->syncookies_mode);
}

static json_t *incident_json(const struct snapshot_incident *i) {
        char listener[ADDRESS_TEXT_MAX];

        if (i->id == 0)
                return json_null();
        return json_pack("{s:I, s:o, s:s?, s:s, s:o, s:o, s:o}",
                         "id", (json_int_t) i->id,
                         "start", time_json(i->start_realtime_us),
                         "listener",
                         i->has_listener ? listener_key_format(&i->listener, listener) : NULL,
                         "diagnosis", diagnosis_name(i->diagnosis),
                         "peak_syn_per_s", rate_json(i->peak_syn_per_s),
                         "peak_half_open", count_json(i->peak_half_open),
                         "total_syns", count_json(i->total_syns));
}

/* What is special to one sensor; a walk that never was has no duration. */
static int add_sensor_figures(json_t *o, const struct snapshot *s, enum sensor_id id) {
        bool walked = s->totals.dumps > 0;

        switch (id) {
        case SENSOR_SOCK_DIAG:
                return json_object_update_new(
                        o, json_pack("{s:o, s:o, s:o, s:o}",
                                     "interval_ms", s->dump_interval_us
                                             ? json_integer((json_int_t) (s->dump_interval_us / 1000))
                                             : json_null(),
                                     "last_us", walked ? json_integer((json_int_t) s->dump_last_us)
                                                       : json_null(),
                                     "cpu_share", walked ? share_json(s->dump_cpu_share)
                                                         : json_null(),
                                     "entries", walked ? json_integer(s->dump_entries)
                                                       : json_null()));
        case SENSOR_NETSTAT:
                return 0;
        case SENSOR_NFLOG:
                return json_object_update_new(
                        o, json_pack("{s:I, s:I, s:o}",
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
                r |= json_object_set_new(o, "reason", text_json(sensor->reason));
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
                if (json_object_set_new(o, sensor_id_name((enum sensor_id) i),
                                        sensor_json(s, (enum sensor_id) i)) < 0) {
                        json_decref(o);
                        return NULL;
                }
        return o;
}

json_t *status_json(const struct snapshot *s) {
        bool log_on = s->sensors[SENSOR_NFLOG].state == SENSOR_OK ||
                      s->sensors[SENSOR_NFLOG].state == SENSOR_DEGRADED;

        return json_pack("{s:s, s:s?, s:i, s:o, s:o, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o,"
                         " s:o, s:o, s:o}",
                         "schema", STATUS_JSON_SCHEMA,
                         "version", s->version,
                         "pid", s->pid,
                         "time", time_json(s->realtime_us),
                         "uptime_s", rate_json((double) s->uptime_us / 1e6),
                         "dry_run", (int) s->dry_run,
                         "state", flood_state_name(s->state),
                         "diagnosis", diagnosis_name(s->diagnosis),
                         "reasons", reasons_json(s),
                         "since", time_json(s->since_realtime_us),
                         "host", host_json(&s->host),
                         "listeners", listeners_json(s),
                         "listeners_left_out", (json_int_t) s->listeners_left_out,
                         "sources_tracked", log_on ? json_integer(s->sources_tracked) : json_null(),
                         "sources_distinct_estimate", count_json(s->sources_distinct),
                         "syncookies", syncookies_json(s),
                         "incident", incident_json(&s->incident),
                         "sensors", sensors_json(s));
}

json_t *status_json_listeners(const struct snapshot *s) {
        return json_pack("{s:o}", "listeners", listeners_json(s));
}

static json_t *source_json(const struct snapshot_source *s) {
        char text[ADDRESS_TEXT_MAX];
        bool one = s->prefix.length == ADDRESS_BITS;

        prefix_format(&s->prefix, text);
        return json_pack("{s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:o}",
                         "address", one ? text : NULL,
                         "prefix", one ? NULL : text,
                         "half_open", count_json(s->half_open),
                         "syn_per_s", rate_json(s->syn_per_s),
                         "completed_per_s", rate_json(s->completed_per_s),
                         "completion_ratio", share_json(s->completed_per_s / s->syn_per_s),
                         "share", share_json(s->share),
                         "error", share_json(s->error));
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
        return json_pack("{s:o}", "sources", array);
}
