/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/detector.h"
#include "core/event.h"
#include "core/policy.h"
#include "format/event_json.h"
#include "replay/recording.h"

struct replay {
        struct detector *detector;
        struct policy *policy;
        struct event_log events; /* for their sequence numbers */
        struct observation observation;
        struct verdicts verdicts;
        struct decision decision;
};

static struct replay *replay_free(struct replay *r) {
        if (!r)
                return NULL;
        detector_free(r->detector);
        policy_free(r->policy);
        free(r);
        return NULL;
}

static struct replay *replay_new(const struct settings *settings) {
        struct replay *r = calloc(1, sizeof *r);

        if (!r)
                return NULL;
        r->detector = detector_new(settings);
        r->policy = policy_new(settings);
        if (!r->detector || !r->policy)
                return replay_free(r);
        return r;
}

static int print_event(const struct event *e, FILE *out) {
        json_t *json = event_json(e);
        int r;

        if (!json)
                return -ENOMEM;
        r = json_dumpf(json, out, JSON_COMPACT);
        json_decref(json);
        return r < 0 || fputc('\n', out) == EOF ? -EIO : 0;
}

static int step(struct replay *r, FILE *out) {
        detector_step(r->detector, &r->observation, &r->verdicts);
        policy_step(r->policy, &r->observation, &r->verdicts, &r->decision);
        for (uint32_t i = 0; i < r->decision.events_count; i++) {
                int error = print_event(event_log_add(&r->events, &r->decision.events[i].event), out);

                if (error < 0)
                        return error;
        }
        return 0;
}

static int run_recording(struct replay *r, struct recording_reader *reader, FILE *out,
                         const char *path, char error[static REPLAY_ERROR_MAX]) {
        char why[RECORDING_ERROR_MAX];
        int n;

        while ((n = recording_read(reader, &r->observation, why)) > 0) {
                n = step(r, out);
                if (n < 0) {
                        snprintf(error, REPLAY_ERROR_MAX, "cannot print: %s", strerror(-n));
                        return n;
                }
        }
        if (n < 0)
                snprintf(error, REPLAY_ERROR_MAX, "%.200s: %s", path, why);
        return n;
}

int replay_run(const char *path, const struct settings *settings, FILE *out,
               char error[static REPLAY_ERROR_MAX]) {
        struct recording_reader *reader;
        struct replay *r;
        int n;

        n = recording_reader_open(path, &reader);
        if (n < 0) {
                snprintf(error, REPLAY_ERROR_MAX, "%.200s: %s", path, strerror(-n));
                return n;
        }
        r = replay_new(settings);
        if (!r) {
                snprintf(error, REPLAY_ERROR_MAX, "out of memory");
                recording_reader_free(reader);
                return -ENOMEM;
        }
        n = run_recording(r, reader, out, path, error);
        replay_free(r);
        recording_reader_free(reader);
        return n;
}
