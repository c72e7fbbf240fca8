/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/api.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/event_json.h"
#include "format/history_json.h"
#include "format/metrics_text.h"
#include "format/status_json.h"

#define NOT_READY "io.synward.NotReady"
#define PERMISSION_DENIED "io.synward.PermissionDenied"
#define NO_SUCH_INCIDENT "io.synward.NoSuchIncident"
#define INCIDENTS_UNAVAILABLE "io.synward.IncidentsUnavailable"
#define SKETCHES_OFF "io.synward.SketchesOff"
#define NO_SUCH_BUCKET "io.synward.NoSuchBucket"
#define CONFIGURATION_REJECTED "io.synward.ConfigurationRejected"

enum { SOURCES_LIMIT = 20, EVENTS_LIMIT = 20, HISTORY_LIMIT = 60, PARAMETERS_MAX = 3 };

static const char description[] =
#include "control/interface.inc"
        ;

static const char service_description[] =
        "# What every varlink service answers.\n"
        "interface org.varlink.service\n\n"
        "method GetInfo() -> (\n"
        "  vendor: string,\n"
        "  product: string,\n"
        "  version: string,\n"
        "  url: string,\n"
        "  interfaces: []string\n"
        ")\n\n"
        "method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
        "error InterfaceNotFound (interface: string)\n"
        "error MethodNotFound (method: string)\n"
        "error MethodNotImplemented (method: string)\n"
        "error InvalidParameter (parameter: string)\n";

/* What a stream is of. */
enum { STREAM_EVENTS, STREAM_INCIDENTS };

struct request {
        const struct api *api;
        const struct varlink_call *call;
        uid_t peer;
        struct server_stream *stream;
        const struct snapshot *snapshot; /* set if the method wants it */
};

/* NULL parameters mean that there was no memory for them. */
static json_t *reply(json_t *parameters) {
        return parameters ? varlink_reply(parameters, false) : NULL;
}

static const json_t *parameter(const struct request *r, const char *name) {
        const json_t *value = json_object_get(r->call->parameters, name);

        return json_is_null(value) ? NULL : value;
}

/* The parameter "limit", or other if it is absent. -EINVAL: no count. */
static int read_limit(const struct request *r, unsigned other, unsigned *ret) {
        const json_t *value = parameter(r, "limit");
        json_int_t limit = json_integer_value(value);

        if (value && (!json_is_integer(value) || limit < 0))
                return -EINVAL;
        *ret = !value ? other : limit > INT_MAX ? INT_MAX : (unsigned) limit;
        return 0;
}

static json_t *ping(const struct request *r) {
        return reply(json_pack("{s:s?, s:i}", "version", r->snapshot->version,
                               "pid", r->snapshot->pid));
}

static json_t *get_status(const struct request *r) {
        return reply(status_json(r->snapshot));
}

static json_t *get_listeners(const struct request *r) {
        return reply(status_json_listeners(r->snapshot));
}

/* "ROW:CELL" of the fleet's sketches. */
static json_t *get_bucket(const struct request *r, const char *bucket, unsigned limit) {
        const struct api *a = r->api;
        const struct fleet_sketch *sketch = a->ops->fleet ? a->ops->fleet(a->userdata) : NULL;
        struct fleet_source sources[FLEET_SKETCH_NAMED_MAX];
        unsigned row, cell;
        char end;
        size_t n;

        if (!sketch)
                return varlink_error(SKETCHES_OFF, NULL);
        if (sscanf(bucket, "%3u:%3u%c", &row, &cell, &end) != 2 || row >= FLEET_SKETCH_ROWS ||
            cell >= FLEET_SKETCH_CELLS)
                return varlink_error(NO_SUCH_BUCKET,
                                     json_pack("{s:i, s:i}", "rows", FLEET_SKETCH_ROWS,
                                                               "cells", FLEET_SKETCH_CELLS));
        n = fleet_sketch_named(sketch, row, cell, limit < FLEET_SKETCH_NAMED_MAX ? limit : FLEET_SKETCH_NAMED_MAX,
                               sources);
        return reply(status_json_bucket(r->snapshot, sources, n));
}

static json_t *get_sources(const struct request *r) {
        const json_t *prefixes = parameter(r, "prefixes"), *bucket = parameter(r, "bucket");
        unsigned limit;

        if (read_limit(r, SOURCES_LIMIT, &limit) < 0)
                return varlink_invalid("limit");
        if (prefixes && !json_is_boolean(prefixes))
                return varlink_invalid("prefixes");
        if (bucket && !json_is_string(bucket))
                return varlink_invalid("bucket");
        if (bucket)
                return get_bucket(r, json_string_value(bucket), limit);
        return reply(status_json_sources(r->snapshot, limit, json_is_true(prefixes)));
}

/* Events from..to-1 that are still kept, and how many are not. */
static json_t *events_json(const struct event_log *log, uint64_t from, uint64_t to) {
        uint64_t oldest = event_log_oldest(log);
        uint64_t missed = from < oldest ? oldest - from : 0;
        json_t *array = json_array();

        for (uint64_t i = from + missed; i < to; i++)
                if (json_array_append_new(array, event_json(event_log_get(log, i))) < 0) {
                        json_decref(array);
                        return NULL;
                }
        return json_pack("{s:o, s:I}", "events", array, "missed", (json_int_t) missed);
}

static json_t *get_events(const struct request *r) {
        const struct event_log *log = r->api->ops->events(r->api->userdata);
        uint64_t oldest = event_log_oldest(log);
        unsigned limit;
        json_t *events;

        if (read_limit(r, EVENTS_LIMIT, &limit) < 0)
                return varlink_invalid("limit");
        events = events_json(log, log->next - oldest > limit ? log->next - limit : oldest, log->next);
        if (!events)
                return NULL;
        /* The first event has sequence 1 even if the log has not begun to count. */
        r->stream->position = log->next > 0 ? log->next : 1;
        r->stream->kind = STREAM_EVENTS;
        r->stream->active = r->call->more;
        return varlink_reply(events, r->call->more);
}

static json_t *next_events(const struct api *a, struct server_stream *stream) {
        const struct event_log *log = a->ops->events(a->userdata);
        uint64_t oldest = event_log_oldest(log);
        uint64_t from = stream->position, to;
        json_t *events;

        if (from >= log->next)
                return NULL;
        to = from > oldest ? from : oldest;
        to = log->next - to > API_EVENTS_A_PART ? to + API_EVENTS_A_PART : log->next;
        events = events_json(log, from, to);
        if (!events)
                return NULL;
        stream->position = to;
        return varlink_reply(events, true);
}

/* Read by another process, for a disk may be slow: the answer comes later. */
static json_t *get_incidents(const struct request *r) {
        const struct api *a = r->api;
        const json_t *id = parameter(r, "id");
        int error;

        if (id && !json_is_string(id))
                return varlink_invalid("id");
        if (!a->ops->incidents && !id)
                return reply(json_pack("{s:[]}", "incidents"));
        error = a->ops->incidents ? a->ops->incidents(a->userdata, json_string_value(id), &r->stream->position)
                                  : -ENOENT;
        if (error == -ENOENT && id)
                return varlink_error(NO_SUCH_INCIDENT, json_pack("{s:s}", "id", json_string_value(id)));
        if (error < 0)
                return varlink_error(INCIDENTS_UNAVAILABLE, NULL);
        r->stream->kind = STREAM_INCIDENTS;
        r->stream->active = true;
        return NULL;
}

static json_t *next_incidents(const struct api *a, struct server_stream *stream) {
        const char *text;
        size_t length;
        int error = a->ops->incidents_answer(a->userdata, stream->position, &text, &length);
        json_t *answer = NULL;

        if (error == -EAGAIN)
                return NULL;
        if (error == 0)
                stream->text = varlink_encode_text("incidents", text, length, &stream->text_size);
        if (error == -ENOENT)
                answer = varlink_error(NO_SUCH_INCIDENT, json_pack("{s:s%}", "id", text, length));
        else if (!stream->text)
                answer = varlink_error(INCIDENTS_UNAVAILABLE, NULL);
        stream->active = false;
        a->ops->incidents_end(a->userdata, stream->position);
        return answer;
}

json_t *api_next(void *api, struct server_stream *stream) {
        return stream->kind == STREAM_INCIDENTS ? next_incidents(api, stream) : next_events(api, stream);
}

void api_end(void *api, struct server_stream *stream) {
        const struct api *a = api;

        if (stream->kind == STREAM_INCIDENTS)
                a->ops->incidents_end(a->userdata, stream->position);
}

static json_t *get_history(const struct request *r) {
        const struct api *a = r->api;
        const struct history *h = a->ops->history ? a->ops->history(a->userdata) : NULL;
        unsigned limit;

        if (read_limit(r, HISTORY_LIMIT, &limit) < 0)
                return varlink_invalid("limit");
        return h ? reply(history_json(h, limit)) : varlink_error(NOT_READY, NULL);
}

static json_t *get_blocked(const struct request *r) {
        const struct api *a = r->api;

        return reply(json_pack("{s:o}", "blocked",
                               a->ops->blocked ? a->ops->blocked(a->userdata) : json_array()));
}

static json_t *get_metrics(const struct request *r) {
        const json_t *openmetrics = parameter(r, "openmetrics");
        json_t *answer;
        char *text;

        if (openmetrics && !json_is_boolean(openmetrics))
                return varlink_invalid("openmetrics");
        text = metrics_text(r->snapshot, json_is_true(openmetrics));
        answer = text ? reply(json_pack("{s:s}", "text", text)) : NULL;

        free(text);
        return answer;
}

/* Messages quote the configuration, whose bytes may be anything. */
static void make_ascii(char *text) {
        for (; *text; text++)
                if ((unsigned char) *text >= 0x80)
                        *text = '?';
}

static json_t *lines_json(char *text) {
        json_t *array = json_array();
        char *rest = text, *line;

        while (array && (line = strsep(&rest, "\n"))) {
                json_t *string;

                if (*line == '\0')
                        continue;
                string = json_string(line);
                if (!string) {
                        make_ascii(line);
                        string = json_string(line);
                }
                if (json_array_append_new(array, string) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

static json_t *reload(const struct request *r) {
        const struct api *a = r->api;
        char messages[API_RELOAD_ERROR_SIZE] = "";
        int error;

        if (r->peer != 0 && r->peer != a->own_uid)
                return varlink_error(PERMISSION_DENIED, NULL);
        error = a->ops->reload(a->userdata, messages, sizeof messages);
        if (error == 0)
                return reply(json_object());
        if (messages[0] == '\0')
                strncat(messages, strerror(-error), sizeof messages - 1);
        return varlink_error(CONFIGURATION_REJECTED, json_pack("{s:o}", "messages", lines_json(messages)));
}

static json_t *get_info(const struct request *r) {
        const struct snapshot *s = r->api->ops->snapshot(r->api->userdata);

        return reply(json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}",
                               "vendor", "synward", "product", "synwardd",
                               "version", s && s->version ? s->version : "", "url", "",
                               "interfaces", "org.varlink.service", "io.synward"));
}

static json_t *get_interface_description(const struct request *r) {
        const char *name = json_string_value(parameter(r, "interface"));
        const char *text;

        if (!name)
                return varlink_invalid("interface");
        if (strcmp(name, "io.synward") == 0)
                text = description;
        else if (strcmp(name, "org.varlink.service") == 0)
                text = service_description;
        else
                return varlink_error(VARLINK_INTERFACE_NOT_FOUND, json_pack("{s:s}", "interface", name));
        return reply(json_pack("{s:s}", "description", text));
}

static const struct method {
        const char *name;
        json_t *(*run)(const struct request *r);
        const char *parameters[PARAMETERS_MAX]; /* that it takes; others are refused */
        bool wants_snapshot;
} methods[] = {
        { "io.synward.GetBlocked", get_blocked, { NULL }, false },
        { "io.synward.GetEvents", get_events, { "limit" }, false },
        { "io.synward.GetHistory", get_history, { "limit" }, false },
        { "io.synward.GetIncidents", get_incidents, { "id" }, false },
        { "io.synward.GetListeners", get_listeners, { NULL }, true },
        { "io.synward.GetMetrics", get_metrics, { "openmetrics" }, true },
        { "io.synward.GetSources", get_sources, { "bucket", "limit", "prefixes" }, true },
        { "io.synward.GetStatus", get_status, { NULL }, true },
        { "io.synward.Ping", ping, { NULL }, true },
        { "io.synward.Reload", reload, { NULL }, false },
        { "org.varlink.service.GetInfo", get_info, { NULL }, false },
        { "org.varlink.service.GetInterfaceDescription", get_interface_description, { "interface" }, false },
};

enum { METHODS = sizeof methods / sizeof *methods };

const char *api_interface_description(void) {
        return description;
}

const char *api_method_name(unsigned index) {
        return index < METHODS ? methods[index].name : NULL;
}

static const struct method *find_method(const char *name) {
        for (unsigned i = 0; i < METHODS; i++)
                if (strcmp(methods[i].name, name) == 0)
                        return &methods[i];
        return NULL;
}

static json_t *no_such_method(const struct varlink_call *call) {
        size_t n = varlink_call_interface_length(call);

        for (unsigned i = 0; i < METHODS; i++)
                if (n > 0 && strncmp(methods[i].name, call->method, n + 1) == 0)
                        return varlink_error(VARLINK_METHOD_NOT_FOUND, json_pack("{s:s}", "method", call->method));
        return varlink_error(VARLINK_INTERFACE_NOT_FOUND, json_pack("{s:s%}", "interface", call->method, n));
}

static const char *unknown_parameter(const struct method *m, json_t *parameters) {
        const char *name;
        json_t *value;

        json_object_foreach(parameters, name, value) {
                bool known = false;

                for (unsigned i = 0; i < PARAMETERS_MAX && m->parameters[i]; i++)
                        known |= strcmp(m->parameters[i], name) == 0;
                if (!known)
                        return name;
        }
        return NULL;
}

json_t *api_answer(void *api, const struct varlink_call *call, uid_t peer, struct server_stream *stream) {
        struct request r = { .api = api, .call = call, .peer = peer, .stream = stream };
        const struct method *m = find_method(call->method);
        const char *unknown;

        if (!m)
                return no_such_method(call);
        if (call->upgrade)
                return varlink_error(VARLINK_METHOD_NOT_IMPLEMENTED, json_pack("{s:s}", "method", call->method));
        unknown = unknown_parameter(m, call->parameters);
        if (unknown)
                return varlink_invalid(unknown);
        if (m->wants_snapshot) {
                r.snapshot = r.api->ops->snapshot(r.api->userdata);
                if (!r.snapshot)
                        return varlink_error(NOT_READY, NULL);
        }
        return m->run(&r);
}
