/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* asprintf */

/* A call, through the parser to the answer of a daemon in a flood. The first byte chooses the method, the
 * second says who calls and how; behind them the parameters, or, past the last method, the whole call. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/incident_parse.h"
#include "control/api.h"
#include "tests/unit/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
        OWN_UID = 990,
        OTHER_UID = 1000,
        EVENTS = 40,
        SECONDS = 20,
        FLAG_MORE = 1,
        FLAG_NOT_READY = 2,
        FLAG_OWN = 4,
        FLAG_REJECTS = 8,
        FLAG_UPGRADE = 16
};

static struct snapshot snapshot;
static struct event_log event_log;
static struct history *history;
static unsigned flags;
static char messages[64]; /* of a reload that is refused */

static const struct snapshot *get_snapshot(void *userdata) {
        (void) userdata;
        return flags & FLAG_NOT_READY ? NULL : &snapshot;
}

static const struct event_log *get_events(void *userdata) {
        (void) userdata;
        return &event_log;
}

static int reload(void *userdata, char *error, size_t size) {
        (void) userdata;
        if (!(flags & FLAG_REJECTS))
                return 0;
        snprintf(error, size, "%s", messages);
        return -EBADMSG;
}

/* What was asked for, which is there at the next look. */
static char *incidents_text;
static int incidents_result;

static int incidents(void *userdata, const char *id, uint64_t *ret_ticket) {
        json_t *o = id ? incident_parse_summary(NULL, 0, 2) : json_pack("{s:i}", "id", 1), *list;

        (void) userdata;
        incidents_result = !id || strcmp(id, "2") == 0 ? 0 : -ENOENT;
        list = incidents_result == 0 ? json_pack("[O]", o) : NULL;
        free(incidents_text);
        incidents_text = list ? json_dumps(list, JSON_COMPACT) : strdup("17");
        json_decref(list);
        json_decref(o);
        if (!incidents_text)
                abort();
        *ret_ticket = 1;
        return id && strcmp(id, "none") == 0 ? -ENOENT : id && strcmp(id, "busy") == 0 ? -EBUSY : 0;
}

static int incidents_answer(void *userdata, uint64_t ticket, const char **ret_text, size_t *ret_length) {
        (void) userdata;
        if (ticket != 1)
                abort();
        *ret_text = incidents_text;
        *ret_length = strlen(incidents_text);
        return incidents_result;
}

static void incidents_end(void *userdata, uint64_t ticket) {
        (void) userdata;
        if (ticket != 1)
                abort();
}

static json_t *blocked(void *userdata) {
        (void) userdata;
        return json_pack("[{s:s, s:s}]", "address", "192.0.2.1", "reason", "heavy");
}

static struct fleet_sketch *sketch;

static const struct fleet_sketch *get_fleet(void *userdata) {
        (void) userdata;
        return sketch;
}

static const struct history *get_history(void *userdata) {
        (void) userdata;
        return flags & FLAG_NOT_READY ? NULL : history;
}

static void start(void) {
        sample_flood(&snapshot);
        history = history_new();
        sketch = sample_sketch();
        if (!history || !sketch)
                abort();
        for (unsigned i = 0; i < SECONDS; i++) {
                snapshot.uptime_us += 1000000;
                snapshot.realtime_us += 1000000;
                history_add(history, &snapshot);
        }
        for (unsigned i = 0; i < EVENTS; i++)
                sample_add_event(&event_log, i % EVENT_TYPES);
}

/* "{ method, parameters, more, upgrade }" to be freed; *ret_length its length. */
static char *call_text(const char *method, const uint8_t *data, size_t size, size_t *ret_length) {
        char *text;
        int n = asprintf(&text, "{\"method\":\"%s\",\"more\":%s,\"upgrade\":%s,\"parameters\":%.*s}", method,
                         flags & FLAG_MORE ? "true" : "false", flags & FLAG_UPGRADE ? "true" : "false", (int) size,
                         (const char *) data);

        if (n < 0)
                abort();
        *ret_length = (size_t) n;
        return text;
}

/* An answer is an error with a name or a reply with parameters, and a client can read it. */
static void look_at(json_t *answer) {
        const json_t *error = json_object_get(answer, "error");
        json_t *again;
        size_t size;
        char *text;

        if (!answer || (error && !strchr(json_string_value(error), '.')) ||
            (!error && !json_is_object(json_object_get(answer, "parameters"))))
                abort();
        text = varlink_encode(answer, &size);
        again = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (!again)
                abort();
        json_decref(again);
        json_decref(answer);
        free(text);
}

/* A part that comes as text is a message as well. */
static json_t *next_part(struct api *api, struct server_stream *stream) {
        json_t *part = api_next(api, stream);

        if (!stream->text)
                return part;
        if (part || stream->text_size != strlen(stream->text) + 1)
                abort();
        part = json_loads(stream->text, JSON_REJECT_DUPLICATES, NULL);
        if (!part)
                abort();
        free(stream->text);
        stream->text = NULL;
        return part;
}

static void answer_all(struct api *api, const struct varlink_call *call) {
        struct server_stream stream = { 0 };
        json_t *part = api_answer(api, call, flags & FLAG_OWN ? OWN_UID : OTHER_UID, &stream);
        bool later = !part;

        if (part)
                look_at(part);
        if (stream.active != (later || (call->more && stream.active)))
                abort();
        if (!stream.active)
                return;
        sample_add_event(&event_log, EVENT_FLOOD_UPDATE);
        for (unsigned i = 0; stream.active && (part = next_part(api, &stream)); i++) {
                if (i > EVENT_LOG_MAX)
                        abort();
                look_at(part);
        }
        if (later && stream.active)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct api_ops ops = {
                get_snapshot,  get_events, reload,      incidents, incidents_answer,
                incidents_end, blocked,    get_history, get_fleet,
        };
        struct api api = { .ops = &ops, .own_uid = OWN_UID };
        struct varlink_call call;
        const char *method;
        size_t length;
        char *text;

        if (!history)
                start();
        if (size < 2 || size > VARLINK_MESSAGE_MAX)
                return 0;
        flags = data[1];
        snprintf(messages, sizeof messages, "%.*s", (int) (size - 2), (const char *) data + 2);
        method = api_method_name(data[0] % 16);
        if (method)
                text = call_text(method, data + 2, size - 2, &length);
        else {
                length = size - 2;
                text = malloc(length + 1); /* to the byte, so that a read beyond it is seen */
                if (!text)
                        return 0;
                memcpy(text, data + 2, length);
                text[length] = '\0';
        }
        if (varlink_call_parse(text, length, &call) == 0) {
                answer_all(&api, &call);
                varlink_call_clear(&call);
        }
        free(text);
        return 0;
}
