/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The incident at hand, as far as memory has it, and what is told of it. Private to
 * incident_record.c and incident_present.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "actions/incident_heaviest.h"
#include "actions/incident_sample.h"
#include "core/event.h"
#include "core/history.h"
#include "core/incident.h"
#include "core/queue_course.h"

/* A file of its record that grows. */
struct present_file {
        const char *name;
        uint64_t bytes; /* ordered to be written */
        bool ended;     /* or never begun: no more of it */
};

struct present {
        struct incident incident;
        struct listener_accounts accounts;
        struct incident_sample *sample;
        bool on_disk; /* false: the record could not be made, the summary is in memory only */
        bool made;    /* its first summary was written */
        struct present_file observations, events, packets;
        uint64_t policy_bytes, next_line, lines, lines_missed, events_count;
        unsigned events_this_tick;
        bool full;     /* its share of max_size is used up */
        bool failed;   /* something of it is missing on disk */
        bool whole;    /* all observations up to its end are taken */
        bool ended;
        uint64_t time_us, realtime_us; /* of the last tick that belongs to it */
        uint64_t summary_us;
        unsigned done_count;
        json_t *done;
        struct incident_heaviest sources, prefixes;
        struct history_course course;
        struct queue_course *queues;
        uint64_t next_second; /* of the history; UINT64_MAX: nothing was taken yet */
};

/* NULL: no memory. packets_max: of the sample. */
struct present *present_new(const struct incident *incident, uint32_t packets_max);
struct present *present_free(struct present *p);

/* For its summary, if the event tells of something done. -ENOMEM: it will not tell. */
int present_note_act(struct present *p, const struct event *e);

/* Its incident.json. NULL: no memory, as in the others. */
json_t *present_summary(const struct present *p, const char *version);
/* That with the timeline, the queues and the fingerprints; null what there is not. */
json_t *present_in_full(const struct present *p, const char *version);

/* What its record takes at most when its small files are renewed, in bytes. */
uint64_t present_bytes(const struct present *p);
