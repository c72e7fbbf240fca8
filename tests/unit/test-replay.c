/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings and captures made from the kernel model, through replay, the
 * sources it reads from, and the comparison of two policies.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/load.h"
#include "core/engine.h"
#include "format/event_json.h"
#include "replay/compare.h"
#include "replay/kernel_model.h"
#include "replay/recording.h"
#include "replay/source.h"

#define TICK_US UINT64_C(200000)
#define SECOND_US UINT64_C(1000000)
#define BEGIN_US (1000 * SECOND_US)

enum { CALM_S = 10, FLOOD_S = 8, AFTER_S = 30, FLOOD_PER_S = 1000, HONEST_PER_S = 100 };

static struct observation o; /* too large for the stack */
static char error[REPLAY_ERROR_MAX];

struct place {
        char directory[64], path[96];
        struct settings settings;
};

static int place_make(void **state) {
        struct place *p = calloc(1, sizeof *p);
        struct config_errors *errors = calloc(1, sizeof *errors);

        snprintf(p->directory, sizeof p->directory, "/tmp/test-replay-XXXXXX");
        if (!mkdtemp(p->directory) || config_load_text("none", "", 0, &p->settings, errors) < 0)
                return -1;
        snprintf(p->path, sizeof p->path, "%s/file", p->directory);
        free(errors);
        *state = p;
        return 0;
}

static int place_remove(void **state) {
        struct place *p = *state;

        unlink(p->path);
        rmdir(p->directory);
        settings_release(&p->settings);
        free(p);
        return 0;
}

/* A tick's packets: honest handshakes, and in the middle SYNs that nobody finishes. */
static void play_tick(struct kernel_model *m, unsigned listener, uint64_t from_us, bool flood, uint32_t *next) {
        unsigned honest = HONEST_PER_S * TICK_US / SECOND_US;
        unsigned bad = flood ? FLOOD_PER_S * TICK_US / SECOND_US : 0;

        for (unsigned i = 0; i < honest + bad; i++) {
                struct kernel_model_peer peer = { .port = 1024 };
                uint64_t now_us = from_us + TICK_US * i / (honest + bad);
                bool cookie;

                peer.address = address_from_ipv4(++*next);
                cookie = kernel_model_syn(m, now_us, (int) listener, &peer, 0) == KERNEL_COOKIE;
                if (i % (honest + bad) < honest)
                        kernel_model_ack(m, now_us, (int) listener, &peer, cookie ? KERNEL_ACK_VALID_COOKIE : 0);
        }
}

static void record(const char *path, bool with_flood) {
        struct kernel_model_settings s = kernel_model_defaults();
        struct kernel_model_listener l = {
                .key = { .address = address_from_ipv4(0), .port = 443 },
                .backlog = 511,
                .accepts_per_s = KERNEL_MODEL_AT_ONCE,
        };
        struct recording_writer *w;
        struct kernel_model *m;
        uint32_t next = 0;
        unsigned n;

        assert_int_equal(kernel_model_new(&s, &m), 0);
        assert_int_equal(kernel_model_add_listener(m, &l, &n), 0);
        assert_int_equal(recording_writer_open(path, &w), 0);
        for (uint64_t t = 0; t < (CALM_S + FLOOD_S + AFTER_S) * SECOND_US; t += TICK_US) {
                bool flood = with_flood && t >= CALM_S * SECOND_US && t < (CALM_S + FLOOD_S) * SECOND_US;

                play_tick(m, n, BEGIN_US + t, flood, &next);
                kernel_model_observe(m, BEGIN_US + t + TICK_US, &o);
                assert_int_equal(recording_write(w, &o), 0);
        }
        recording_writer_free(w);
        kernel_model_free(m);
}

/* All its events, as the lines that --replay prints; to be freed. */
static char *events(const char *path, const struct settings *settings, unsigned *ret_looks) {
        struct pcap_replay_options model = pcap_replay_defaults();
        struct engine *engine = engine_new(settings);
        struct replay_source *source;
        char *text, *json;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        int r;

        *ret_looks = 0;
        assert_non_null(engine);
        assert_int_equal(replay_source_open(path, &model, false, &source, error), 0);
        while ((r = replay_source_next(source, &o, error)) == 1) {
                const struct decision *d = &engine_step(engine, &o)->decision;

                ++*ret_looks;
                for (uint32_t i = 0; i < d->events_count; i++) {
                        json = event_json_line(&d->events[i].event);
                        fputs(json, f);
                        free(json);
                }
        }
        assert_int_equal(r, 0);
        assert_true(fabs(replay_source_progress(source) - 1) < 1e-9);
        replay_source_free(source);
        engine_free(engine);
        fclose(f);
        return text;
}

static unsigned count(const char *text, const char *what) {
        unsigned n = 0;

        for (; (text = strstr(text, what)); text++)
                n++;
        return n;
}

static void recording_gives_events(void **state) {
        struct place *p = *state;
        char *first, *second;
        unsigned looks;

        record(p->path, true);
        first = events(p->path, &p->settings, &looks);
        assert_int_equal(looks, (CALM_S + FLOOD_S + AFTER_S) * 5);
        assert_int_equal(count(first, "\"flood-start\""), 1);
        assert_int_equal(count(first, "\"listener\":\"0.0.0.0:443\""), count(first, "\n"));
        assert_non_null(strstr(first, "\"sequence\":1"));
        assert_int_equal(count(first, "\"sequence\":2,"), 1);
        /* Nothing but the file decides: neither a clock, nor a random key. */
        second = events(p->path, &p->settings, &looks);
        assert_string_equal(first, second);
        free(first);
        free(second);
}

static void calm_gives_none(void **state) {
        struct place *p = *state;
        unsigned looks;
        char *text;

        record(p->path, false);
        text = events(p->path, &p->settings, &looks);
        assert_string_equal(text, "");
        free(text);
}

static void write_file(const char *path, const void *data, size_t size) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, size, f), size);
        fclose(f);
}

static int open_only(const char *path, bool model_given) {
        struct pcap_replay_options model = pcap_replay_defaults();
        struct replay_source *source = NULL;
        int r = replay_source_open(path, &model, model_given, &source, error);

        if (r < 0)
                assert_null(source);
        replay_source_free(source);
        return r;
}

static void bad_line_is_named(void **state) {
        struct place *p = *state;
        struct pcap_replay_options model = pcap_replay_defaults();
        struct replay_source *source;
        char want[128];
        FILE *f;
        int r;

        record(p->path, false);
        f = fopen(p->path, "ae");
        fputs("{\"schema\":\"synward.observation.v1\",\"time_us\":-3}\n", f);
        fclose(f);
        assert_int_equal(replay_source_open(p->path, &model, false, &source, error), 0);
        while ((r = replay_source_next(source, &o, error)) == 1)
                ;
        assert_int_equal(r, -EBADMSG);
        snprintf(want, sizeof want, "%s: line %d: time_us", p->path, (CALM_S + FLOOD_S + AFTER_S) * 5 + 1);
        assert_int_equal(strncmp(error, want, strlen(want)), 0);
        replay_source_free(source);
}

static void other_files_are_refused(void **state) {
        struct place *p = *state;

        assert_int_equal(open_only("/nonexistent/file", false), -ENOENT);
        assert_non_null(strstr(error, "/nonexistent/file: No such file"));
        assert_int_equal(open_only(p->directory, false), -EISDIR);
        write_file(p->path, "", 0);
        assert_int_equal(open_only(p->path, false), -EBADMSG);
        assert_non_null(strstr(error, "nothing in it"));
        write_file(p->path, "root:x:0", 8);
        assert_int_equal(open_only(p->path, false), -EBADMSG);
        assert_non_null(strstr(error, "neither a recording"));
        write_file(p->path, "\x1f\x8b\x08\x00", 4);
        assert_int_equal(open_only(p->path, false), -EBADMSG);
        assert_non_null(strstr(error, "gzip -d"));
        write_file(p->path, "\x28\xb5\x2f\xfd", 4);
        assert_int_equal(open_only(p->path, false), -EBADMSG);
        assert_non_null(strstr(error, "zstd -d"));
        /* Half a capture's heading: libpcap's words, with the file's name. */
        write_file(p->path, "\xd4\xc3\xb2\xa1\x02", 5);
        assert_true(open_only(p->path, false) < 0);
        assert_non_null(strstr(error, p->path));
        /* A recording does not need to be told of the kernel. */
        unlink(p->path);
        record(p->path, false);
        assert_int_equal(open_only(p->path, false), 0);
        assert_int_equal(open_only(p->path, true), -EINVAL);
}

struct differences {
        unsigned intervals, host_intervals, events[COMPARE_SIDES], alerts;
        double host_s;
};

static void on_interval(void *userdata, const struct compare_interval *i) {
        struct differences *d = userdata;

        assert_true(i->until_realtime_us >= i->from_realtime_us);
        d->intervals++;
        if (!i->has_listener) {
                d->host_intervals++;
                d->host_s += i->duration_s;
        }
}

static void on_event(void *userdata, unsigned side, const struct event *e, bool in_both) {
        struct differences *d = userdata;

        d->events[side]++;
        d->alerts += in_both;
}

static struct differences compare(const char *path, const struct settings *first, const struct settings *second) {
        static const struct compare_ops ops = { .interval = on_interval, .event = on_event };
        struct pcap_replay_options model = pcap_replay_defaults();
        struct engine *engines[COMPARE_SIDES] = { engine_new(first), engine_new(second) };
        struct differences d = { 0 };
        struct compare *c = compare_new(&ops, &d);
        struct replay_source *source;

        assert_int_equal(replay_source_open(path, &model, false, &source, error), 0);
        while (replay_source_next(source, &o, error) == 1) {
                const struct engine_look *looks[COMPARE_SIDES] = { engine_step(engines[0], &o),
                                                                   engine_step(engines[1], &o) };

                compare_step(c, &o, looks);
        }
        compare_end(c);
        compare_free(c);
        replay_source_free(source);
        engine_free(engines[0]);
        engine_free(engines[1]);
        return d;
}

static void policies_are_compared(void **state) {
        struct place *p = *state;
        struct settings other = p->settings;
        struct differences d;

        record(p->path, true);
        d = compare(p->path, &p->settings, &other);
        assert_int_equal(d.intervals + d.events[0] + d.events[1], 0);

        /* A hold of 13 s more: the end is told later, everything else is equal. */
        other.detect.hold_us += 13 * SECOND_US;
        d = compare(p->path, &p->settings, &other);
        assert_int_equal(d.alerts, 0);
        assert_true(d.host_intervals >= 1 && d.intervals > d.host_intervals);
        assert_true(d.host_s >= 12.9);
        assert_true(d.events[COMPARE_FIRST] >= 1);

        /* Only what is delivered differs: muted for ever. */
        other = p->settings;
        other.mutes_count = 1;
        other.mutes[0] = (struct settings_mute) { .any_listener = true, .until_us = UINT64_MAX };
        d = compare(p->path, &p->settings, &other);
        assert_int_equal(d.intervals, 0);
        assert_true(d.alerts >= 1);
        assert_int_equal(d.events[COMPARE_FIRST], d.alerts);
        assert_int_equal(d.events[COMPARE_SECOND], 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(recording_gives_events, place_make, place_remove),
                cmocka_unit_test_setup_teardown(calm_gives_none, place_make, place_remove),
                cmocka_unit_test_setup_teardown(bad_line_is_named, place_make, place_remove),
                cmocka_unit_test_setup_teardown(other_files_are_refused, place_make, place_remove),
                cmocka_unit_test_setup_teardown(policies_are_compared, place_make, place_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
