/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_PCAP
#include <pcap/pcap.h>
#endif

#include "actions/incident_answer.h"
#include "actions/incident_parse.h"
#include "actions/incident_record.h"
#include "actions/incident_store.h"
#include "replay/recording.h"

#define FIRST_ID UINT64_C(20260101000000)

struct world {
        char state_dir[64];
        struct settings settings;
        struct incident_record *record;
        struct observation o;
        struct decision d;
        enum diagnosis diagnosis; /* of floods */
        struct incident_account account;
        struct history *history;
        struct snapshot snapshot;
        unsigned policy_failures; /* so often there is no memory for its text */
        unsigned failures, recoveries;
        int last_error;
        bool refuse; /* orders */
};

static void on_report(void *userdata, int error, const char *what) {
        struct world *w = userdata;

        if (error) {
                assert_non_null(what);
                w->failures++;
                w->last_error = error;
        } else
                w->recoveries++;
}

/* The scribe's work, at once and in this process. */
static int submit(void *userdata, const struct scribe_order *order, const void *data) {
        struct world *w = userdata;
        struct scribe_reply reply;
        char *text;

        if (w->refuse)
                return -ENOBUFS;
        scribe_carry_out(w->state_dir, order, data, &reply, &text);
        free(text);
        incident_record_done(w->record, order, &reply);
        return 0;
}

static json_t *list_of(struct world *w) {
        return incident_answer_list(w->state_dir, incident_record_present_id(w->record),
                                    incident_record_present(w->record, false));
}

static json_t *read_of(struct world *w, const char *id) {
        uint64_t number;
        bool present;

        if (incident_store_parse_id(id, &number) < 0)
                return NULL;
        present = number == incident_record_present_id(w->record);
        return incident_answer_read(w->state_dir, number, present ? incident_record_present(w->record, true) : NULL);
}

static char *policy_text(void *userdata) {
        struct world *w = userdata;

        if (w->policy_failures > 0) {
                w->policy_failures--;
                return NULL;
        }
        return strdup("mode: enforce\n");
}

static void start(struct world *w) {
        struct incident_record_config config = {
                .state_dir = w->state_dir,
                .version = "1",
                .submit = submit,
                .report = on_report,
                .policy_text = policy_text,
                .userdata = w,
        };

        assert_int_equal(incident_record_new(&config, &w->settings, &w->record), 0);
}

static void stop(struct world *w) {
        incident_record_stop(w->record);
        w->record = incident_record_free(w->record);
}

static int make(void **state) {
        struct world *w = calloc(1, sizeof *w);

        snprintf(w->state_dir, sizeof w->state_dir, "/tmp/test-incident-XXXXXX");
        if (!mkdtemp(w->state_dir))
                return -1;
        w->settings.incidents.keep = 3;
        w->settings.incidents.max_size = 1 << 20;
        w->settings.incidents.pcap_packets = 100;
        w->o.time_us = 5000000;
        w->o.realtime_us = UINT64_C(1767225600000000);
        w->diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        w->history = history_new();
        w->snapshot.host = evidence_unknown();
        start(w);
        *state = w;
        return 0;
}

static int unmake(void **state) {
        struct world *w = *state;
        char command[192];

        stop(w);
        history_free(w->history);
        snprintf(command, sizeof command, "chmod -R u+w %s; rm -rf %s", w->state_dir, w->state_dir);
        if (system(command) != 0)
                return -1;
        free(w);
        return 0;
}

static void send_syn(struct world *w) {
        static const uint8_t packet[40] = {
                0x45, 0, 0, 40, 0, 0, 0, 0, 57, 6, 0, 0, 192,  0, 2,    1,    198, 51, 100, 1,
                1,    2, 0, 80, 0, 0, 0, 0, 0,  0, 0, 0, 0x50, 2, 0xfa, 0xf0, 0,   0,  0,   0,
        };
        struct syn syn = { .ttl = 57, .window = 64240 };

        incident_record_syn(w->record, &syn, packet, sizeof packet);
}

/* state: of the host, with the incident id as it is set. */
static void tick(struct world *w, enum flood_state state, const struct event *e) {
        w->o.time_us += 200000;
        w->o.realtime_us += 200000;
        w->o.elapsed_us = 200000;
        w->o.known = OBS_K_DUMP | OBS_K_SOURCES;
        w->d.state = state;
        incident_record_observe(w->record, &w->o);
        incident_record_follow(w->record, &w->d);
        if (e)
                incident_record_event(w->record, e);
        incident_record_write(w->record);
        w->snapshot.realtime_us = w->o.realtime_us;
        w->snapshot.uptime_us = w->o.time_us;
        w->snapshot.state = state;
        w->snapshot.host.syn_per_s = state == STATE_FLOOD ? 1000 : 10;
        history_add(w->history, &w->snapshot);
        incident_record_history(w->record, w->history, &w->snapshot);
}

static void quiet(struct world *w, unsigned seconds) {
        w->d.incident = (struct incident) { .id = 0 };
        for (unsigned i = 0; i < seconds * 5; i++)
                tick(w, STATE_NORMAL, NULL);
}

static void flood(struct world *w, uint64_t id, unsigned seconds) {
        struct event e = event_make(EVENT_FLOOD_START);

        w->d.incident = (struct incident) {
                .id = id,
                .start_us = w->o.time_us + 200000,
                .start_realtime_us = w->o.realtime_us + 200000,
                .diagnosis = w->diagnosis,
                .account = w->account,
                .peak_syn_per_s = 1000,
                .total_syns = 5000,
        };
        tick(w, STATE_FLOOD, &e);
        for (unsigned i = 0; i < seconds * 5; i++) {
                send_syn(w);
                tick(w, STATE_FLOOD, NULL);
        }
        e = event_make(EVENT_FLOOD_END);
        tick(w, STATE_NORMAL, &e);
        quiet(w, 4);
}

static void path_of(const struct world *w, uint64_t id, const char *name, char path[static 160]) {
        snprintf(path, 160, "%s/incidents/%" PRIu64 "%s%s", w->state_dir, id, *name ? "/" : "", name);
}

static void has_mode(const struct world *w, uint64_t id, const char *name, unsigned mode) {
        char path[160];
        struct stat st;

        path_of(w, id, name, path);
        assert_int_equal(lstat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, mode);
}

static bool exists(const struct world *w, uint64_t id) {
        char path[160];

        path_of(w, id, "", path);
        return access(path, F_OK) == 0;
}

static json_t *load(const struct world *w, uint64_t id, const char *name) {
        char path[160];
        json_t *o;

        path_of(w, id, name, path);
        o = json_load_file(path, 0, NULL);
        assert_non_null(o);
        return o;
}

static void count_lines(const struct world *w, uint64_t id, unsigned low, unsigned high) {
        char path[160], error[RECORDING_ERROR_MAX];
        struct recording_reader *reader;
        struct observation *o = malloc(sizeof *o);
        unsigned n = 0;

        path_of(w, id, "observations.jsonl", path);
        assert_int_equal(recording_reader_open(path, &reader), 0);
        while (recording_read(reader, o, error) > 0)
                n++;
        recording_reader_free(reader);
        free(o);
        assert_in_range(n, low, high);
}

static void records_a_flood(void **state) {
        struct world *w = *state;
        json_t *o;

        umask(022);
        quiet(w, 100);
        assert_false(exists(w, FIRST_ID));
        w->o.sources.count = 1;
        w->o.sources.list[0].prefix.length = 120;
        w->o.sources.list[0].known = OBS_S_SYNS;
        w->o.sources.list[0].syn_per_s = 900;
        flood(w, FIRST_ID, 10);
        assert_int_equal(w->failures, 0);
        has_mode(w, FIRST_ID, "", 0750);
        has_mode(w, FIRST_ID, "incident.json", 0640);
        has_mode(w, FIRST_ID, "policy.yaml", 0640);
        has_mode(w, FIRST_ID, "events.jsonl", 0640);
        count_lines(w, FIRST_ID, 69, 73);
        o = load(w, FIRST_ID, "incident.json");
        assert_string_equal(json_string_value(json_object_get(o, "state")), "ended");
        assert_true(json_is_string(json_object_get(o, "end")));
        assert_true(json_is_true(json_object_get(o, "complete")));
        assert_int_equal(json_real_value(json_object_get(o, "duration_s")), 10);
        assert_int_equal(json_array_size(json_object_get(o, "top_prefixes")), 0); /* forged */
        json_decref(o);
        o = load(w, FIRST_ID, "fingerprints.json");
        assert_int_equal(json_integer_value(json_object_get(o, "syns")), 50);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "ttl"), "57")), 50);
        json_decref(o);
}

/* A minute before it, all of it, and the calm after; also what it says while it lasts. */
static void keeps_its_course(void **state) {
        struct world *w = *state;
        json_t *o, *points;
        char id[24];

        quiet(w, 100);
        flood(w, FIRST_ID, 10);
        o = load(w, FIRST_ID, "timeline.json");
        points = json_object_get(o, "points");
        assert_in_range(json_array_size(points), 69, 74);
        assert_string_equal(json_string_value(json_array_get(json_array_get(points, 0), 2)), "normal");
        assert_string_equal(json_string_value(json_array_get(json_array_get(points, 65), 2)), "flood");
        json_decref(o);
        snprintf(id, sizeof id, "%" PRIu64, FIRST_ID);
        o = read_of(w, id);
        points = json_object_get(json_object_get(json_array_get(o, 0), "timeline"), "points");
        assert_in_range(json_array_size(points), 69, 74);
        assert_string_equal(json_string_value(json_object_get(json_array_get(o, 0), "policy")), "mode: enforce\n");
        assert_true(json_is_object(json_object_get(json_array_get(o, 0), "fingerprints")));
        json_decref(o);
}

/* Each flooded queue from a minute before, and what explains it; an older record has neither. */
static void keeps_queues_and_account(void **state) {
        struct world *w = *state;
        json_t *o, *queues, *account, *listeners, *listener;
        char id[24], path[160];

        snprintf(id, sizeof id, "%" PRIu64, FIRST_ID);
        w->o.listeners_count = w->snapshot.listeners_count = 2;
        for (uint16_t i = 0; i < 2; i++) {
                w->o.listeners[i].key.port = w->snapshot.listeners[i].key.port = (uint16_t) (80 + i);
                w->o.listeners[i].known = OBS_L_LIMITS | OBS_L_HALF_OPEN;
                w->o.listeners[i].backlog = 128;
                w->o.listeners[i].half_open = 100u + i;
        }
        quiet(w, 100);
        w->snapshot.listeners[1].state = STATE_FLOOD;
        w->account.unfinished = 4000;
        w->account.explained[EXPLAINED_LOSS] = 12;
        for (uint16_t i = 0; i < 10; i++)
                w->d.accounts.list[w->d.accounts.count++] = (struct listener_account) {
                        .key.port = (uint16_t) (80 + i),
                        .flood_s = 9.8,
                        .syns = NAN,
                        .finished = 3,
                        .unfinished = 100u + i,
                        .refused = 7,
                        .peak_half_open = 128,
                        .peak_backlog = 128,
                };
        flood(w, FIRST_ID, 10);
        o = read_of(w, id);
        queues = json_object_get(json_array_get(o, 0), "queues");
        assert_int_equal(json_array_size(json_object_get(queues, "listeners")), 1);
        assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(queues, "listeners"), 0),
                                                              "listener")),
                            "[::]:81");
        assert_in_range(json_array_size(json_object_get(queues, "points")), 69, 74);
        assert_int_equal(json_integer_value(json_array_get(json_array_get(json_object_get(queues, "points"), 0), 2)),
                         101);
        account = json_object_get(json_array_get(o, 0), "account");
        assert_int_equal(json_integer_value(json_object_get(account, "unfinished")), 4000);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(account, "explained"), "loss")), 12);
        listeners = json_object_get(account, "listeners");
        assert_int_equal(json_array_size(listeners), LISTENER_ACCOUNTS_TOLD);
        assert_int_equal(json_integer_value(json_object_get(account, "listeners_left_out")), 2);
        listener = json_array_get(listeners, 0);
        assert_string_equal(json_string_value(json_object_get(listener, "listener")), "[::]:89");
        assert_int_equal(json_integer_value(json_object_get(listener, "unfinished")), 109);
        assert_int_equal(json_integer_value(json_object_get(listener, "refused")), 7);
        assert_int_equal(json_integer_value(json_object_get(listener, "finished")), 3);
        assert_int_equal(json_integer_value(json_object_get(listener, "peak_half_open")), 128);
        assert_int_equal(json_integer_value(json_object_get(listener, "peak_backlog")), 128);
        assert_true(json_is_null(json_object_get(listener, "syns"))); /* not known */
        json_decref(o);
        o = list_of(w);
        assert_null(json_object_get(json_array_get(o, 0), "account")); /* more than a line can show */
        json_decref(o);

        path_of(w, FIRST_ID, "queues.json", path);
        assert_int_equal(unlink(path), 0);
        o = load(w, FIRST_ID, "incident.json");
        json_object_del(o, "account");
        path_of(w, FIRST_ID, "incident.json", path);
        assert_int_equal(json_dump_file(o, path, 0), 0);
        json_decref(o);
        o = read_of(w, id);
        assert_int_equal(json_array_size(o), 1);
        assert_false(json_is_true(json_object_get(json_array_get(o, 0), "damaged")));
        assert_true(json_is_null(json_object_get(json_array_get(o, 0), "queues")));
        assert_null(json_object_get(json_array_get(o, 0), "account"));
        assert_true(json_is_object(json_object_get(json_array_get(o, 0), "timeline")));
        json_decref(o);
}

/* Of a flood with senders: who does not finish, and nobody who does, however much they send. */
static void names_who_does_not_finish(void **state) {
        struct world *w = *state;
        struct obs_source *s = w->o.sources.list;
        json_t *o, *list;

        w->diagnosis = DIAGNOSIS_FLOOD_CONCENTRATED;
        w->o.sources.count = 3;
        for (unsigned i = 0; i < 3; i++) {
                s[i].prefix.address = address_from_ipv4(htonl(0xcb007100U + 256 * i));
                s[i].prefix.length = 120;
                s[i].known = OBS_S_SYNS | OBS_S_COMPLETED;
                s[i].syn_per_s = 900;
        }
        s[0].completion_low = 0.9, s[0].completion_high = 1;
        s[1].completion_high = 0.4;
        s[2].completion_high = 0.1;
        flood(w, FIRST_ID, 10);
        o = load(w, FIRST_ID, "incident.json");
        list = json_object_get(o, "top_prefixes");
        assert_int_equal(json_array_size(list), 2);
        assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "source")), "203.0.115.0/24");
        assert_int_equal(json_real_value(json_object_get(json_array_get(list, 0), "unfinished_per_s")), 810);
        json_decref(o);
}

static void keeps_a_sample(void **state) {
#ifdef HAVE_PCAP
        struct world *w = *state;
        char path[160], error[PCAP_ERRBUF_SIZE];
        struct pcap_pkthdr *h;
        const u_char *data;
        unsigned n = 0;
        pcap_t *p;

        w->settings.incidents.pcap_packets = 30;
        flood(w, FIRST_ID, 10);
        path_of(w, FIRST_ID, "sample.pcap", path);
        p = pcap_open_offline(path, error);
        assert_non_null(p);
        assert_int_equal(pcap_datalink(p), DLT_RAW);
        while (pcap_next_ex(p, &h, &data) == 1) {
                assert_int_equal(h->len, 40);
                assert_in_range(h->ts.tv_sec, 1767225600, 1767225700);
                n++;
        }
        pcap_close(p);
        assert_int_equal(n, 30);
#else
        skip();
#endif
}

static void lists_and_reads(void **state) {
        struct world *w = *state;
        json_t *list, *o;
        char id[32];

        flood(w, FIRST_ID, 2);
        /* The daemon ends in the middle of the second. */
        w->d.incident.id = FIRST_ID + 1;
        tick(w, STATE_FLOOD, NULL);
        list = list_of(w);
        assert_int_equal(json_array_size(list), 2);
        o = json_array_get(list, 1);
        assert_string_equal(json_string_value(json_object_get(o, "state")), "present");
        json_decref(list);
        stop(w);
        start(w);
        list = list_of(w);
        assert_int_equal(json_array_size(list), 2);
        o = json_array_get(list, 0);
        assert_int_equal(json_integer_value(json_object_get(o, "id")), FIRST_ID);
        o = json_array_get(list, 1);
        assert_string_equal(json_string_value(json_object_get(o, "state")), "interrupted");
        json_decref(list);
        snprintf(id, sizeof id, "%" PRIu64, FIRST_ID);
        list = read_of(w, id);
        assert_int_equal(json_array_size(list), 1);
        o = json_array_get(list, 0);
        assert_int_equal(json_array_size(json_object_get(o, "events")), 2);
        assert_true(json_object_size(json_object_get(o, "files")) >= 5);
        json_decref(list);
}

static void refuses_odd_ids(void **state) {
        static const char *const odd[] = {
                "",
                ".",
                "..",
                "../..",
                "1/../..",
                "/etc",
                "20260101000000/",
                " 20260101000000",
                "+1",
                "-1",
                "0",
                "020260101000000",
                "1e3",
                "99999999999999999999999",
                "2026\n",
                "20260101000001",
        };
        struct world *w = *state;

        flood(w, FIRST_ID, 1);
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
                assert_null(read_of(w, odd[i]));
}

static void put(const struct world *w, uint64_t id, const char *name, const char *text) {
        char path[160];
        FILE *f;

        path_of(w, id, name, path);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

/* Zeros, which a loss of power leaves, and what is nested too deeply: a client could not read the answer. */
static void what_no_client_could_read(void **state) {
        static const char zeros[] = "mode: enforce\n\0\0";
        char deep[2 * 40 + 1] = "";
        struct {
                json_t *o;
                bool kept;
        } cases[] = {
                { incident_parse_text(zeros, sizeof zeros), false },
                { incident_parse_text(zeros, 14), true },
                { incident_parse_text("\xe4", 1), false },
                { incident_parse_text(zeros, 0), true },
                { incident_parse_text(NULL, 0), false },
                { incident_parse_json(memset(deep, '[', 40), 40), false },
                { incident_parse_json("[[{\"a\": []}]]", 13), true },
                { incident_parse_json("", 0), false },
                { NULL, false },
                { NULL, false },
        };

        memset(deep + 40, ']', 40);
        cases[8].o = incident_parse_json(deep, 80);
        cases[9].o = incident_parse_json(deep + 8, 64);
        cases[9].kept = true;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                if (!cases[i].o || json_is_null(cases[i].o) == cases[i].kept)
                        fail_msg("case %zu", i);
                json_decref(cases[i].o);
        }
}

static void copes_with_damage(void **state) {
        static const char *const bad[] = { "", "{", "[]", "{\"id\": 7}", "null", "{\"id\": \"x\"}" };
        struct world *w = *state;
        char path[160], id[32];
        json_t *list;

        flood(w, FIRST_ID, 1);
        snprintf(id, sizeof id, "%" PRIu64, FIRST_ID);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                put(w, FIRST_ID, "incident.json", bad[i]);
                put(w, FIRST_ID, "events.jsonl", "{\"event\": \"flood-start\"}\n{\n\n3\n");
                list = list_of(w);
                assert_int_equal(json_array_size(list), 1);
                assert_true(json_is_true(json_object_get(json_array_get(list, 0), "damaged")));
                json_decref(list);
                list = read_of(w, id);
                assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "events")), 1);
                json_decref(list);
        }
        /* A link out of the directory is not followed. */
        path_of(w, FIRST_ID, "incident.json", path);
        unlink(path);
        put(w, FIRST_ID, "elsewhere", "{\"id\": 20260101000000}");
        assert_int_equal(symlink("elsewhere", path), 0);
        list = list_of(w);
        assert_true(json_is_true(json_object_get(json_array_get(list, 0), "damaged")));
        json_decref(list);
        path_of(w, 7, "", path);
        assert_int_equal(symlink("/etc", path), 0);
        assert_null(read_of(w, "7"));
        unlink(path);
}

static void keeps_so_many(void **state) {
        struct world *w = *state;
        char path[160];

        snprintf(path, sizeof path, "%s/incidents", w->state_dir);
        for (uint64_t i = 0; i < 6; i++) {
                flood(w, FIRST_ID + i, 1);
                if (i == 0) {
                        snprintf(path, sizeof path, "%s/incidents/note", w->state_dir);
                        assert_int_equal(mkdir(path, 0700), 0);
                }
                for (uint64_t k = 0; k <= i; k++)
                        assert_int_equal(exists(w, FIRST_ID + k), k + 3 > i);
        }
        assert_int_equal(access(path, F_OK), 0); /* not ours */
        assert_int_equal(w->failures, 0);
}

/* As if it had ended so many seconds before now, with its summary or without. */
static void make_older(const struct world *w, uint64_t id, unsigned seconds) {
        time_t at = (time_t) (w->o.realtime_us / 1000000) - (time_t) seconds;
        const struct timespec times[2] = { { .tv_sec = at }, { .tv_sec = at } };
        char path[160];

        path_of(w, id, "incident.json", path);
        if (utimensat(AT_FDCWD, path, times, 0) < 0) {
                path_of(w, id, "", path);
                assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
        }
}

static void old_ones_go(void **state) {
        struct world *w = *state;
        char path[160];

        w->settings.incidents.keep = 100;
        w->settings.incidents.max_age_us = UINT64_C(86400000000);
        for (uint64_t i = 0; i < 10; i++)
                flood(w, FIRST_ID + i, 1);
        path_of(w, FIRST_ID, "incident.json", path);
        unlink(path); /* damaged: its directory's time counts */
        for (uint64_t i = 0; i < 8; i++)
                make_older(w, FIRST_ID + i, 86410);
        make_older(w, FIRST_ID + 8, 86300);
        make_older(w, FIRST_ID + 9, 0);

        /* Found out at the next start, more than one tick can remove. */
        stop(w);
        start(w);
        quiet(w, 1);
        for (uint64_t i = 0; i < 10; i++)
                assert_int_equal(exists(w, FIRST_ID + i), i >= 8);

        /* While it runs; not at every tick. */
        make_older(w, FIRST_ID + 8, 86410);
        quiet(w, 1);
        assert_true(exists(w, FIRST_ID + 8));
        w->o.time_us += UINT64_C(3600000000);
        quiet(w, 1);
        assert_false(exists(w, FIRST_ID + 8));

        /* With the next flood, which has been there for longer itself. */
        w->d.incident = (struct incident) { .id = FIRST_ID + 10,
                                            .start_us = w->o.time_us,
                                            .start_realtime_us = w->o.realtime_us };
        tick(w, STATE_FLOOD, NULL);
        make_older(w, FIRST_ID + 10, 864000);
        make_older(w, FIRST_ID + 9, 86410);
        w->o.time_us += UINT64_C(3600000000);
        tick(w, STATE_FLOOD, NULL);
        assert_false(exists(w, FIRST_ID + 9));
        assert_true(exists(w, FIRST_ID + 10));
        assert_int_equal(w->failures, 0);

        /* Without a limit, or a clock that was never set, everything stays. */
        stop(w);
        w->settings.incidents.max_age_us = 0;
        start(w);
        make_older(w, FIRST_ID + 10, 8640000);
        quiet(w, 1);
        assert_true(exists(w, FIRST_ID + 10));
        w->settings.incidents.max_age_us = UINT64_C(86400000000);
        w->o.realtime_us = UINT64_C(3600000000);
        incident_record_configure(w->record, &w->settings);
        quiet(w, 1);
        assert_true(exists(w, FIRST_ID + 10));
        w->o.realtime_us = UINT64_C(1767225600000000);
        incident_record_configure(w->record, &w->settings);
        quiet(w, 1);
        assert_false(exists(w, FIRST_ID + 10));
}

/* One that cannot be removed is told once, and keeps none of the others. */
static void one_stays_the_others_go(void **state) {
        struct world *w = *state;
        char path[160];

        for (uint64_t i = 0; i < 3; i++)
                flood(w, FIRST_ID + i, 1);
        path_of(w, FIRST_ID, "mine", path);
        assert_int_equal(mkdir(path, 0700), 0);
        for (uint64_t i = 3; i < 8; i++)
                flood(w, FIRST_ID + i, 1);
        for (uint64_t i = 1; i < 8; i++)
                assert_int_equal(exists(w, FIRST_ID + i), i >= 6);
        assert_true(access(path, F_OK) == 0);
        assert_true(w->failures >= 1);

        w->settings.incidents.max_age_us = UINT64_C(86400000000);
        for (uint64_t i = 6; i < 8; i++)
                make_older(w, FIRST_ID + i, 86410);
        make_older(w, FIRST_ID, 864000);
        incident_record_configure(w->record, &w->settings);
        quiet(w, 1);
        assert_false(exists(w, FIRST_ID + 6));
        assert_false(exists(w, FIRST_ID + 7));
        rmdir(path);
}

/* What a reload allows less of goes at once, a few at a tick. */
static void fewer_are_kept_at_once(void **state) {
        struct world *w = *state;

        w->settings.incidents.keep = 100;
        for (uint64_t i = 0; i < 12; i++)
                flood(w, FIRST_ID + i, 1);
        w->settings.incidents.keep = 2;
        incident_record_configure(w->record, &w->settings);
        quiet(w, 1);
        for (uint64_t i = 0; i < 12; i++)
                assert_int_equal(exists(w, FIRST_ID + i), i >= 10);
        assert_int_equal(w->failures, 0);
}

static uint64_t bytes_of_all(const struct world *w) {
        uint64_t *ids, sum = 0, bytes, written_us;
        size_t count;

        assert_int_equal(incident_store_ids(w->state_dir, 0, &ids, &count), 0);
        for (size_t i = 0; i < count; i++) {
                assert_int_equal(incident_store_measure(w->state_dir, ids[i], &bytes, &written_us), 0);
                sum += bytes;
        }
        free(ids);
        return sum;
}

/* Large observations and a long flood: half of the room for one, all of it for all. */
static void keeps_so_much(void **state) {
        struct world *w = *state;
        json_t *o;

        w->settings.incidents.keep = 100;
        w->o.listeners_count = OBS_LISTENERS_MAX;
        for (unsigned i = 0; i < OBS_LISTENERS_MAX; i++)
                w->o.listeners[i] = (struct obs_listener) {
                        .key.port = (uint16_t) i,
                        .known = OBS_L_LIMITS | OBS_L_HALF_OPEN,
                };
        for (uint64_t i = 0; i < 6; i++) {
                flood(w, FIRST_ID + i, 20 + 40 * (i == 2));
                assert_true(bytes_of_all(w) <= w->settings.incidents.max_size);
        }
        assert_false(exists(w, FIRST_ID));
        assert_true(exists(w, FIRST_ID + 5));
        assert_int_equal(w->failures, 0);
        o = load(w, FIRST_ID + 5, "incident.json");
        assert_true(json_is_false(json_object_get(o, "complete")));
        json_decref(o);
        count_lines(w, FIRST_ID + 5, 5, 200);
}

/* Told once, and once more when it is over; what is there stays readable. */
static void a_full_disk_costs_the_record(void **state) {
        struct world *w = *state;
        struct rlimit before, small = { .rlim_cur = 40 };
        json_t *list;

        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before);
        small.rlim_max = before.rlim_max;
        setrlimit(RLIMIT_FSIZE, &small);
        flood(w, FIRST_ID, 5);
        flood(w, FIRST_ID + 1, 5);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_int_equal(w->failures, 1);
        assert_int_equal(w->last_error, -EFBIG);
        assert_int_equal(w->recoveries, 0);
        assert_false(exists(w, FIRST_ID)); /* nothing half-made */
        flood(w, FIRST_ID + 2, 5);
        assert_int_equal(w->failures, 1);
        assert_int_equal(w->recoveries, 1);
        list = list_of(w);
        assert_int_equal(json_array_size(list), 1);
        json_decref(list);
}

/* Of what is missing it is told, and the record is not complete. */
static void memory_that_was_short(void **state) {
        struct world *w = *state;
        json_t *o;

        quiet(w, 10);
        w->policy_failures = 1;
        flood(w, FIRST_ID, 5);
        assert_int_equal(w->failures, 1);
        assert_int_equal(w->last_error, -ENOMEM);
        o = load(w, FIRST_ID, "incident.json");
        assert_string_equal(json_string_value(json_object_get(o, "state")), "ended");
        assert_true(json_is_false(json_object_get(o, "complete")));
        json_decref(o);
}

/* It fills up in the middle of a record: whole lines up to there. */
static void a_disk_that_fills(void **state) {
        struct world *w = *state;
        struct rlimit before, small = { .rlim_cur = 3000 };
        json_t *o;

        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before);
        small.rlim_max = before.rlim_max;
        setrlimit(RLIMIT_FSIZE, &small);
        flood(w, FIRST_ID, 30);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_int_equal(w->failures, 1);
        count_lines(w, FIRST_ID, 1, 20);
        o = load(w, FIRST_ID, "incident.json");
        assert_true(json_is_false(json_object_get(o, "complete")));
        assert_string_equal(json_string_value(json_object_get(o, "state")), "ended");
        json_decref(o);
        flood(w, FIRST_ID + 1, 1);
        assert_int_equal(w->recoveries, 1);
}

static void no_directory(void **state) {
        struct world *w = *state;
        char path[160];
        json_t *list;

        snprintf(path, sizeof path, "%s/incidents", w->state_dir);
        assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
        list = list_of(w);
        assert_int_equal(json_array_size(list), 0);
        json_decref(list);
        flood(w, FIRST_ID, 1);
        assert_int_equal(w->failures, 1);
        assert_int_equal(w->last_error, -ENOTDIR);
        /* The present one is told all the same. */
        w->d.incident.id = FIRST_ID + 1;
        tick(w, STATE_FLOOD, NULL);
        list = list_of(w);
        assert_int_equal(json_array_size(list), 1);
        json_decref(list);
        assert_int_equal(unlink(path), 0);
        flood(w, FIRST_ID + 2, 1);
        assert_int_equal(w->recoveries, 1);
        /* It is taken away meanwhile. */
        w->d.incident.id = FIRST_ID + 3;
        tick(w, STATE_FLOOD, NULL);
        assert_int_equal(incident_store_remove(w->state_dir, FIRST_ID + 3), 0);
        for (unsigned i = 0; i < 100; i++)
                tick(w, STATE_FLOOD, NULL);
        assert_int_equal(w->failures, 2);
}

/* The disk stands still: what cannot wait is missing, and said to be. */
static void too_much_waits(void **state) {
        struct world *w = *state;
        struct event e = event_make(EVENT_FLOOD_END);
        json_t *o;

        w->d.incident = (struct incident) { .id = FIRST_ID,
                                            .start_us = w->o.time_us + 200000,
                                            .diagnosis = w->diagnosis };
        for (unsigned i = 0; i < 100; i++) {
                w->refuse = i >= 25 && i < 75;
                tick(w, STATE_FLOOD, NULL);
        }
        tick(w, STATE_NORMAL, &e);
        quiet(w, 4);
        assert_int_equal(w->failures, 1);
        assert_int_equal(w->last_error, -ENOBUFS);
        o = load(w, FIRST_ID, "incident.json");
        assert_true(json_is_false(json_object_get(o, "complete")));
        assert_string_equal(json_string_value(json_object_get(o, "state")), "ended");
        json_decref(o);
        count_lines(w, FIRST_ID, 9, 13); /* of 20 seconds */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(records_a_flood, make, unmake),
                cmocka_unit_test_setup_teardown(keeps_its_course, make, unmake),
                cmocka_unit_test_setup_teardown(keeps_queues_and_account, make, unmake),
                cmocka_unit_test_setup_teardown(names_who_does_not_finish, make, unmake),
                cmocka_unit_test_setup_teardown(keeps_a_sample, make, unmake),
                cmocka_unit_test_setup_teardown(lists_and_reads, make, unmake),
                cmocka_unit_test_setup_teardown(refuses_odd_ids, make, unmake),
                cmocka_unit_test(what_no_client_could_read),
                cmocka_unit_test_setup_teardown(copes_with_damage, make, unmake),
                cmocka_unit_test_setup_teardown(keeps_so_many, make, unmake),
                cmocka_unit_test_setup_teardown(old_ones_go, make, unmake),
                cmocka_unit_test_setup_teardown(one_stays_the_others_go, make, unmake),
                cmocka_unit_test_setup_teardown(fewer_are_kept_at_once, make, unmake),
                cmocka_unit_test_setup_teardown(keeps_so_much, make, unmake),
                cmocka_unit_test_setup_teardown(a_full_disk_costs_the_record, make, unmake),
                cmocka_unit_test_setup_teardown(memory_that_was_short, make, unmake),
                cmocka_unit_test_setup_teardown(a_disk_that_fills, make, unmake),
                cmocka_unit_test_setup_teardown(no_directory, make, unmake),
                cmocka_unit_test_setup_teardown(too_much_waits, make, unmake),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
