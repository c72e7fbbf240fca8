/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api.h"
#include "tests/unit/sample.h"

static struct snapshot snapshot;
static struct event_log event_log;
static bool ready;
static unsigned reloads;
static const char *reload_messages;

static const struct snapshot *get_snapshot(void *userdata) {
        return ready ? &snapshot : NULL;
}

static const struct event_log *get_events(void *userdata) {
        return &event_log;
}

static int reload(void *userdata, char *error, size_t size) {
        reloads++;
        if (!reload_messages)
                return 0;
        snprintf(error, size, "%s", reload_messages);
        return -EBADMSG;
}

static const char *incidents_text; /* NULL: not yet */
static int incidents_error;
static unsigned tickets;

static int incidents(void *userdata, const char *id, uint64_t *ret_ticket) {
        if (id && strcmp(id, "3") == 0)
                return -ENOENT;
        if (id && strcmp(id, "busy") == 0)
                return -EBUSY;
        tickets++;
        *ret_ticket = 7;
        return 0;
}

static int incidents_answer(void *userdata, uint64_t ticket, const char **ret_text, size_t *ret_length) {
        assert_int_equal(ticket, 7);
        if (!incidents_text)
                return -EAGAIN;
        *ret_text = incidents_text;
        *ret_length = strlen(incidents_text);
        return incidents_error;
}

static void incidents_end(void *userdata, uint64_t ticket) {
        assert_int_equal(ticket, 7);
        tickets--;
}

static json_t *blocked(void *userdata) {
        return json_pack("[{s:s, s:s}]", "address", "192.0.2.1", "reason", "heavy");
}

static struct fleet_sketch *sketch; /* NULL: metrics.fleet_key is not set */

static const struct fleet_sketch *fleet(void *userdata) {
        return sketch;
}

static const struct api_ops all_ops = { get_snapshot,  get_events, reload, incidents, incidents_answer,
                                        incidents_end, blocked,    NULL,   fleet };
static const struct api_ops few_ops = { .snapshot = get_snapshot, .events = get_events, .reload = reload };
static struct api api;
static struct server_stream stream;

enum { OWN_UID = 990, OTHER_UID = 1000 };

static int set_up(void **state) {
        sample_flood(&snapshot);
        memset(&event_log, 0, sizeof event_log);
        memset(&stream, 0, sizeof stream);
        ready = true;
        reloads = 0;
        reload_messages = NULL;
        api = (struct api) { .ops = &all_ops, .own_uid = OWN_UID };
        return 0;
}

static json_t *ask(uid_t peer, const char *text) {
        struct varlink_call call;
        json_t *answer;

        assert_int_equal(varlink_call_parse(text, strlen(text), &call), 0);
        answer = api_answer(&api, &call, peer, &stream);
        varlink_call_clear(&call);
        assert_non_null(answer);
        return answer;
}

static void expect_error(const char *call, const char *error, const char *key, const char *value) {
        json_t *answer = ask(OTHER_UID, call);
        const char *got = json_string_value(json_object_get(answer, "error"));

        assert_non_null(got);
        assert_string_equal(got, error);
        if (key)
                assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "parameters"), key)),
                                    value);
        json_decref(answer);
}

/* The answer's parameters, borrowed from *ret_answer. */
static json_t *expect_reply(const char *call, json_t **ret_answer) {
        *ret_answer = ask(OTHER_UID, call);
        assert_null(json_object_get(*ret_answer, "error"));
        return json_object_get(*ret_answer, "parameters");
}

static void refuses_what_it_does_not_know(void **state) {
        expect_error("{\"method\":\"io.synward.Nothing\"}", VARLINK_METHOD_NOT_FOUND, "method", "io.synward.Nothing");
        expect_error("{\"method\":\"io.syn.Ping\"}", VARLINK_INTERFACE_NOT_FOUND, "interface", "io.syn");
        expect_error("{\"method\":\"Ping\"}", VARLINK_INTERFACE_NOT_FOUND, "interface", "");
        expect_error("{\"method\":\"\"}", VARLINK_INTERFACE_NOT_FOUND, "interface", "");
        expect_error("{\"method\":\".\"}", VARLINK_INTERFACE_NOT_FOUND, "interface", "");
        expect_error("{\"method\":\"io.synward.Ping\",\"parameters\":{\"x\":1}}", VARLINK_INVALID_PARAMETER,
                     "parameter", "x");
        expect_error("{\"method\":\"io.synward.GetSources\",\"parameters\":{\"limit\":-1}}", VARLINK_INVALID_PARAMETER,
                     "parameter", "limit");
        expect_error("{\"method\":\"io.synward.GetSources\",\"parameters\":{\"prefixes\":1}}",
                     VARLINK_INVALID_PARAMETER, "parameter", "prefixes");
        expect_error("{\"method\":\"io.synward.GetEvents\",\"parameters\":{\"limit\":\"9\"}}",
                     VARLINK_INVALID_PARAMETER, "parameter", "limit");
        expect_error("{\"method\":\"io.synward.GetIncidents\",\"parameters\":{\"id\":9}}", VARLINK_INVALID_PARAMETER,
                     "parameter", "id");
        expect_error("{\"method\":\"io.synward.Ping\",\"upgrade\":true}", VARLINK_METHOD_NOT_IMPLEMENTED, NULL, NULL);
        expect_error("{\"method\":\"org.varlink.service.GetInterfaceDescription\","
                     "\"parameters\":{\"interface\":\"x.y\"}}",
                     VARLINK_INTERFACE_NOT_FOUND, "interface", "x.y");
}

static void before_the_first_tick(void **state) {
        ready = false;
        expect_error("{\"method\":\"io.synward.GetStatus\"}", "io.synward.NotReady", NULL, NULL);
        expect_error("{\"method\":\"io.synward.Ping\"}", "io.synward.NotReady", NULL, NULL);
}

static void answers(void **state) {
        json_t *answer, *p;

        p = expect_reply("{\"method\":\"io.synward.Ping\"}", &answer);
        assert_int_equal(json_integer_value(json_object_get(p, "pid")), 4711);
        json_decref(answer);
        p = expect_reply("{\"method\":\"io.synward.GetStatus\",\"parameters\":null}", &answer);
        assert_string_equal(json_string_value(json_object_get(p, "state")), "flood");
        json_decref(answer);
        p = expect_reply("{\"method\":\"io.synward.GetListeners\"}", &answer);
        assert_int_equal(json_array_size(json_object_get(p, "listeners")), 2);
        json_decref(answer);
        p = expect_reply("{\"method\":\"io.synward.GetSources\","
                         "\"parameters\":{\"limit\":99999999999,\"prefixes\":true}}",
                         &answer);
        assert_int_equal(json_array_size(json_object_get(p, "sources")), 1);
        json_decref(answer);
        p = expect_reply("{\"method\":\"io.synward.GetMetrics\"}", &answer);
        assert_non_null(strstr(json_string_value(json_object_get(p, "text")), "synward_half_open"));
        json_decref(answer);
}

static void answers_for_blocked(void **state) {
        json_t *answer, *p = expect_reply("{\"method\":\"io.synward.GetBlocked\"}", &answer);

        assert_int_equal(json_array_size(json_object_get(p, "blocked")), 1);
        json_decref(answer);
        api.ops = &few_ops;
        p = expect_reply("{\"method\":\"io.synward.GetBlocked\"}", &answer);
        assert_true(json_is_array(json_object_get(p, "blocked")));
        json_decref(answer);
}

/* What next() has at last, as text or as a message. */
static json_t *next_message(void) {
        json_t *message = api_next(&api, &stream);

        if (stream.text) {
                assert_null(message);
                assert_int_equal(strlen(stream.text) + 1, stream.text_size);
                message = json_loads(stream.text, 0, NULL);
                assert_non_null(message);
                free(stream.text);
                stream.text = NULL;
        }
        return message;
}

static json_t *ask_later(const char *text) {
        struct varlink_call call;

        assert_int_equal(varlink_call_parse(text, strlen(text), &call), 0);
        assert_null(api_answer(&api, &call, OTHER_UID, &stream));
        varlink_call_clear(&call);
        assert_true(stream.active);
        return next_message();
}

/* The answer comes later, from the process that reads; it may be that it cannot. */
static void answers_for_incidents(void **state) {
        json_t *answer;

        incidents_error = 0;
        incidents_text = NULL;
        assert_null(ask_later("{\"method\":\"io.synward.GetIncidents\"}"));
        assert_true(stream.active);
        incidents_text = "[{\"id\":1},{\"id\":2}]";
        answer = next_message();
        assert_int_equal(json_array_size(json_object_get(json_object_get(answer, "parameters"), "incidents")), 2);
        assert_false(stream.active);
        assert_int_equal(tickets, 0);
        json_decref(answer);

        incidents_error = -ENOENT;
        incidents_text = "2";
        answer = ask_later("{\"method\":\"io.synward.GetIncidents\",\"parameters\":{\"id\":\"2\"}}");
        assert_string_equal(json_string_value(json_object_get(answer, "error")), "io.synward.NoSuchIncident");
        assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "parameters"), "id")), "2");
        json_decref(answer);

        incidents_error = -ETIMEDOUT;
        answer = ask_later("{\"method\":\"io.synward.GetIncidents\"}");
        assert_string_equal(json_string_value(json_object_get(answer, "error")), "io.synward.IncidentsUnavailable");
        assert_int_equal(tickets, 0);
        assert_false(stream.active);
        json_decref(answer);

        /* Whoever goes away gives the ticket back. */
        incidents_text = NULL;
        assert_null(ask_later("{\"method\":\"io.synward.GetIncidents\"}"));
        api_end(&api, &stream);
        assert_int_equal(tickets, 0);
        stream.active = false;
}

static void refuses_for_incidents(void **state) {
        json_t *answer, *p;

        expect_error("{\"method\":\"io.synward.GetIncidents\",\"parameters\":{\"id\":\"3\"}}",
                     "io.synward.NoSuchIncident", "id", "3");
        answer = ask(OTHER_UID, "{\"method\":\"io.synward.GetIncidents\",\"parameters\":{\"id\":\"busy\"}}");
        assert_string_equal(json_string_value(json_object_get(answer, "error")), "io.synward.IncidentsUnavailable");
        json_decref(answer);
        api.ops = &few_ops;
        p = expect_reply("{\"method\":\"io.synward.GetIncidents\"}", &answer);
        assert_true(json_is_array(json_object_get(p, "incidents")));
        json_decref(answer);
        expect_error("{\"method\":\"io.synward.GetIncidents\",\"parameters\":{\"id\":\"2\"}}",
                     "io.synward.NoSuchIncident", "id", "2");
}

static void reload_is_for_root_and_our_own(void **state) {
        static const char call[] = "{\"method\":\"io.synward.Reload\"}";
        json_t *messages, *answer;

        expect_error(call, "io.synward.PermissionDenied", NULL, NULL);
        assert_int_equal(reloads, 0);
        json_decref(ask(0, call));
        json_decref(ask(OWN_UID, call));
        assert_int_equal(reloads, 2);

        reload_messages = "a.yaml:1:2: no \xff\n\nb.yaml:3:4: \xc3\xa4\n";
        answer = ask(0, call);
        assert_string_equal(json_string_value(json_object_get(answer, "error")), "io.synward.ConfigurationRejected");
        messages = json_object_get(json_object_get(answer, "parameters"), "messages");
        assert_int_equal(json_array_size(messages), 2);
        assert_string_equal(json_string_value(json_array_get(messages, 0)), "a.yaml:1:2: no ?");
        assert_string_equal(json_string_value(json_array_get(messages, 1)), "b.yaml:3:4: \xc3\xa4");
        json_decref(answer);
        reload_messages = "";
        answer = ask(0, call);
        messages = json_object_get(json_object_get(answer, "parameters"), "messages");
        assert_int_equal(json_array_size(messages), 1);
        json_decref(answer);
}

static size_t count_events(json_t *message, json_int_t *ret_missed, json_int_t *ret_first) {
        const json_t *p = json_object_get(message, "parameters");
        const json_t *events = json_object_get(p, "events");
        size_t n = json_array_size(events);

        *ret_missed = json_integer_value(json_object_get(p, "missed"));
        *ret_first = json_integer_value(json_object_get(json_array_get(events, 0), "sequence"));
        json_decref(message);
        return n;
}

static void the_last_events(void **state) {
        json_int_t missed, first;

        assert_int_equal(count_events(ask(OTHER_UID, "{\"method\":\"io.synward.GetEvents\"}"), &missed, &first), 0);
        for (unsigned i = 0; i < EVENT_LOG_MAX + 10; i++)
                sample_add_event(&event_log, EVENT_FLOOD_UPDATE);
        assert_int_equal(count_events(ask(OTHER_UID, "{\"method\":\"io.synward.GetEvents\"}"), &missed, &first), 20);
        assert_int_equal(first, EVENT_LOG_MAX + 10 - 19);
        assert_int_equal(missed, 0);
        assert_int_equal(count_events(ask(OTHER_UID, "{\"method\":\"io.synward.GetEvents\","
                                                     "\"parameters\":{\"limit\":100000}}"),
                                      &missed, &first),
                         EVENT_LOG_MAX);
        assert_int_equal(first, 11);
        assert_false(stream.active);
}

static void following_events(void **state) {
        json_int_t missed, first;
        json_t *part;

        part = ask(OTHER_UID, "{\"method\":\"io.synward.GetEvents\",\"more\":true,"
                              "\"parameters\":{\"limit\":0}}");
        assert_true(json_is_true(json_object_get(part, "continues")));
        assert_int_equal(count_events(part, &missed, &first), 0);
        assert_true(stream.active);
        assert_null(api_next(&api, &stream));

        for (unsigned i = 0; i < API_EVENTS_A_PART + 1; i++)
                sample_add_event(&event_log, EVENT_FLOOD_UPDATE);
        assert_int_equal(count_events(api_next(&api, &stream), &missed, &first), API_EVENTS_A_PART);
        assert_int_equal(first, 1);
        assert_int_equal(count_events(api_next(&api, &stream), &missed, &first), 1);
        assert_null(api_next(&api, &stream));

        for (unsigned i = 0; i < EVENT_LOG_MAX + 7; i++)
                sample_add_event(&event_log, EVENT_FLOOD_UPDATE);
        assert_int_equal(count_events(api_next(&api, &stream), &missed, &first), API_EVENTS_A_PART);
        assert_int_equal(missed, 7);
        assert_int_equal(first, API_EVENTS_A_PART + 1 + 7 + 1);
}

/* Names after "\nmethod ". */
static unsigned count_described(const char *description) {
        unsigned n = 0;

        for (const char *p = description; (p = strstr(p, "\nmethod ")); p++)
                n++;
        return n;
}

static void every_method_is_described(void **state) {
        unsigned ours = 0;
        json_t *answer, *p;
        int depth = 0;

        for (unsigned i = 0; api_method_name(i); i++) {
                const char *name = api_method_name(i);
                char text[128];

                if (strncmp(name, "io.synward.", 11) != 0)
                        continue;
                snprintf(text, sizeof text, "\nmethod %s(", name + 11);
                if (!strstr(api_interface_description(), text))
                        fail_msg("%s is not described", name);
                ours++;
        }
        assert_int_equal(count_described(api_interface_description()), ours);
        for (const char *c = api_interface_description(); *c; c++) {
                depth += (*c == '(') - (*c == ')');
                assert_in_range(depth, 0, 2);
        }
        assert_int_equal(depth, 0);

        p = expect_reply("{\"method\":\"org.varlink.service.GetInterfaceDescription\","
                         "\"parameters\":{\"interface\":\"io.synward\"}}",
                         &answer);
        assert_string_equal(json_string_value(json_object_get(p, "description")), api_interface_description());
        json_decref(answer);
        p = expect_reply("{\"method\":\"org.varlink.service.GetInfo\"}", &answer);
        assert_int_equal(json_array_size(json_object_get(p, "interfaces")), 2);
        json_decref(answer);
}

/* In the description, the comment-free text behind keyword and name, up to the closing bracket. */
static void described_fields(const char *start, const json_t *document) {
        const char *key;
        json_t *value;
        char body[4096];
        size_t n = 0;
        int depth = 0;

        start = strstr(api_interface_description(), start);
        assert_non_null(start);
        start += strcspn(start, "(");
        if (strncmp(start, "() -> (", 7) == 0)
                start += 6;
        for (; n < sizeof body - 1 && (depth += (*start == '(') - (*start == ')')) > 0; start++)
                body[n++] = *start;
        body[n] = '\0';
        json_object_foreach((json_t *) (uintptr_t) document, key, value) {
                char field[64];
                const char *at;

                snprintf(field, sizeof field, "%s: ", key);
                at = strstr(body, field);
                if (!at || (!isspace((unsigned char) at[-1]) && at[-1] != '('))
                        fail_msg("%s is not in the description", key);
        }
}

static void refuses_buckets(const char *const *buckets, const char *error) {
        for (; *buckets; buckets++) {
                char call[128];

                snprintf(call, sizeof call, "{\"method\":\"io.synward.GetSources\",\"parameters\":{\"bucket\":\"%s\"}}",
                         *buckets);
                expect_error(call, error, NULL, NULL);
        }
}

/* Each prefix that left something unfinished is in one cell of each row, with what else is known of it. */
static void sources_of_a_bucket(void **state) {
        static const char *const none[] = { "2:0", "0:64", "0:999", "",     "0",    ":",
                                            "0:",  ":1",   "0:1x",  "-1:0", "0:-1", NULL };
        static const char *const good[] = { "0:0", "1:63", NULL };
        json_t *answer, *p;
        unsigned found = 0;

        expect_error("{\"method\":\"io.synward.GetSources\",\"parameters\":{\"bucket\":9}}", VARLINK_INVALID_PARAMETER,
                     "parameter", "bucket");
        refuses_buckets(good, "io.synward.SketchesOff");
        sketch = sample_sketch();
        assert_non_null(sketch);
        refuses_buckets(none, "io.synward.NoSuchBucket");
        for (unsigned i = 0; i < FLEET_SKETCH_CELLS; i++) {
                char call[128];

                snprintf(call, sizeof call,
                         "{\"method\":\"io.synward.GetSources\",\"parameters\":{\"bucket\":\"1:%u\"}}", i);
                p = expect_reply(call, &answer);
                assert_true(json_is_true(json_object_get(p, "known")));
                if (json_array_size(json_object_get(p, "sources")) > 0) {
                        const json_t *s = json_array_get(json_object_get(p, "sources"), 0);

                        assert_string_equal(json_string_value(json_object_get(s, "prefix")), "198.51.100.0/24");
                        assert_true(json_is_null(json_object_get(s, "address")));
                        assert_true(json_real_value(json_object_get(s, "unanswered_per_s")) == 1);
                        described_fields("\ntype Source ", s);
                        found++;
                }
                json_decref(answer);
        }
        assert_int_equal(found, 1);
        sketch = fleet_sketch_free(sketch);
}

static void every_field_is_described(void **state) {
        json_t *answer, *p;

        p = expect_reply("{\"method\":\"io.synward.GetStatus\"}", &answer);
        described_fields("\nmethod GetStatus(", p);
        described_fields("\ntype Host ", json_object_get(p, "host"));
        described_fields("\ntype Incident ", json_object_get(p, "incident"));
        described_fields("\ntype Syncookies ", json_object_get(p, "syncookies"));
        described_fields("\ntype Block ", json_object_get(p, "block"));
        described_fields("\ntype Clients ", json_object_get(p, "clients"));
        described_fields("\ntype Listener ", json_array_get(json_object_get(p, "listeners"), 0));
        json_decref(answer);
        p = expect_reply("{\"method\":\"io.synward.GetSources\"}", &answer);
        described_fields("\ntype Source ", json_array_get(json_object_get(p, "sources"), 0));
        json_decref(answer);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(refuses_what_it_does_not_know, set_up),
                cmocka_unit_test_setup(before_the_first_tick, set_up),
                cmocka_unit_test_setup(answers, set_up),
                cmocka_unit_test_setup(answers_for_blocked, set_up),
                cmocka_unit_test_setup(answers_for_incidents, set_up),
                cmocka_unit_test_setup(refuses_for_incidents, set_up),
                cmocka_unit_test_setup(reload_is_for_root_and_our_own, set_up),
                cmocka_unit_test_setup(the_last_events, set_up),
                cmocka_unit_test_setup(following_events, set_up),
                cmocka_unit_test_setup(every_method_is_described, set_up),
                cmocka_unit_test_setup(every_field_is_described, set_up),
                cmocka_unit_test_setup(sources_of_a_bucket, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
