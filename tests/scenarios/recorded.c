/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/recorded.h"

#include <glob.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "replay/recording.h"

#define IS(d) (UINT32_C(1) << DIAGNOSIS_##d)

struct recorded {
        FILE *unpacked;
        struct recording_reader *reader;
        uint64_t begin_us; /* CLOCK_REALTIME of the first observation; 0: not yet */
        struct traffic_truth truth;
};

static _Noreturn void give_up(const char *path, const char *what) {
        fprintf(stderr, "%s: %s\n", path, what);
        exit(1);
}

struct recorded *recorded_open(const char *path) {
        struct recorded *r = calloc(1, sizeof *r);
        char command[PATH_MAX + 32];

        if (!r)
                abort();
        if (strchr(path, '\''))
                give_up(path, "no quotes, please");
        snprintf(command, sizeof command, "exec xz -dc '%s'", path);
        r->unpacked = popen(command, "re");
        if (!r->unpacked || recording_reader_new(fdopen(dup(fileno(r->unpacked)), "r"), &r->reader) < 0)
                give_up(path, "cannot be unpacked");
        return r;
}

struct recorded *recorded_free(struct recorded *r) {
        if (!r)
                return NULL;
        recording_reader_free(r->reader);
        pclose(r->unpacked);
        free(r);
        return NULL;
}

static void note_queues(struct traffic_truth *truth, const struct observation *o) {
        if (!(o->known & OBS_K_DUMP))
                return;
        truth->half_open = o->half_open;
        truth->fill = 0;
        for (uint32_t i = 0; i < o->listeners_count; i++)
                if (o->listeners[i].backlog > 0)
                        truth->fill = fmax(truth->fill, (double) o->listeners[i].half_open / o->listeners[i].backlog);
}

bool recorded_step(struct recorded *r, struct observation *o, struct traffic_truth *ret_truth) {
        char error[RECORDING_ERROR_MAX];
        int n = recording_read(r->reader, o, error);

        if (n < 0)
                give_up("recording", error);
        if (n == 0)
                return false;
        if (!r->begin_us)
                r->begin_us = o->realtime_us;
        r->truth.now_s = (double) (o->realtime_us - r->begin_us) / 1e6;
        r->truth.syns = observation_knows(o, OBS_SYNS) ? o->counters[OBS_SYNS] : 0;
        r->truth.fins = observation_knows(o, OBS_PASSIVE_OPENS) ? o->counters[OBS_PASSIVE_OPENS] : 0;
        note_queues(&r->truth, o);
        *ret_truth = r->truth;
        return true;
}

/* --- the catalogue ------------------------------------------------------------------------- */

/* In the lab the crowd lasts a quarter of the time, and "lossy clients or quieter" is asked for. */
static uint32_t names_for(enum diagnosis d) {
        if (d == DIAGNOSIS_FLASH_CROWD)
                return IS(FLASH_CROWD) | IS(BUSY);
        if (d == DIAGNOSIS_LOSSY_CLIENTS)
                return IS(LOSSY_CLIENTS) | IS(BUSY) | IS(QUIET);
        return UINT32_C(1) << d;
}

/* Returns the realtime of the first observation. */
static uint64_t measure(const char *path, double *ret_length_s) {
        static struct observation o;
        struct recorded *r = recorded_open(path);
        struct traffic_truth truth = { 0 };
        uint64_t begin_us;

        while (recorded_step(r, &o, &truth))
                ;
        begin_us = r->begin_us;
        *ret_length_s = truth.now_s;
        recorded_free(r);
        return begin_us;
}

static void add_recording(struct catalogue *c, const char *truth_path) {
        json_error_t error;
        json_t *truth = json_load_file(truth_path, 0, &error);
        const json_t *start = json_object_get(truth, "flood_start_us");
        const json_t *end = json_object_get(truth, "flood_end_us");
        const char *name = json_string_value(json_object_get(truth, "scenario"));
        const char *named = json_string_value(json_object_get(truth, "diagnosis"));
        enum diagnosis d;
        struct scenario *s;
        uint64_t begin_us;

        if (!name || !named || diagnosis_from_name(named, &d) < 0)
                give_up(truth_path, "no scenario, or no diagnosis");
        s = catalogue_add(c, "lab recording", "%s", name);
        s->expected = names_for(d);
        s->recording = malloc(strlen(truth_path) + sizeof ".jsonl.xz");
        if (!s->recording)
                abort();
        sprintf(s->recording, "%.*s.jsonl.xz", (int) (strlen(truth_path) - strlen(".truth")), truth_path);
        begin_us = measure(s->recording, &s->length_s);
        s->attack = json_is_integer(start);
        s->from_s = 0;
        s->to_s = s->length_s;
        if (s->attack) {
                s->flood_per_s = 1000;
                s->from_s = ((double) json_integer_value(start) - (double) begin_us) / 1e6;
                s->to_s = ((double) json_integer_value(end) - (double) begin_us) / 1e6;
        }
        json_decref(truth);
}

void recorded_add_all(struct catalogue *c, const char *directory) {
        char pattern[PATH_MAX];
        glob_t found;

        snprintf(pattern, sizeof pattern, "%s/*.truth", directory);
        if (glob(pattern, 0, NULL, &found) != 0)
                give_up(directory, "no recordings there");
        for (size_t i = 0; i < found.gl_pathc; i++)
                add_recording(c, found.gl_pathv[i]);
        globfree(&found);
}
