/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The record of an incident: what was seen from a minute before its start to
 * its end, what was told and done, and who sent. One directory each under
 * STATE_DIR/incidents (0750, files 0640), named by the incident's number:
 *
 *   incident.json       the summary; renewed meanwhile, final at the end
 *   events.jsonl        as the events file of alerts has them
 *   observations.jsonl  one a second: a recording for synwardd --replay
 *   policy.yaml         the settings in force at its start
 *   timeline.json       the course of it (core/history.h), in at most 600 points
 *   queues.json         how full the queues of the flooded listeners were (core/queue_course.h)
 *   fingerprints.json   what the SYNs look like (incident_sample.h)
 *   sample.pcap         some of their headers, DLT_RAW
 *
 * Bounds: at most `keep` records and `max_size` bytes in all, the oldest go
 * first; none `max_age` after its end; one record takes at most half of max_size, its observations stop
 * there. Nothing is written here: the scribe (scribe.h) is ordered to, once a tick, a few lines at a
 * time; what is behind catches up. What cannot be written is lost, never waited for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "actions/scribe.h"
#include "core/event.h"
#include "core/history.h"
#include "core/observation.h"
#include "core/policy.h"
#include "core/settings.h"
#include "core/snapshot.h"
#include "core/syn.h"

struct incident_record_config {
        const char *state_dir;
        const char *version;
        bool read_only; /* a dry run: none is written, and none removed */
        /* As scribe_client_submit(); how each went is told to incident_record_done(). */
        int (*submit)(void *userdata, const struct scribe_order *order, const void *data);
        /* Told when records begin to fail (-errno, and what failed), once, and when they work
         * again (0, NULL). */
        void (*report)(void *userdata, int error, const char *what);
        /* The settings as YAML, to be freed; NULL: not to be had. */
        char *(*policy_text)(void *userdata);
        void *userdata;
};

struct incident_record;

/* Makes no file. config is copied, its texts and the settings must outlive the record; of the
 * settings only `incidents` is read. -ENOMEM. */
int incident_record_new(const struct incident_record_config *config, const struct settings *settings,
                        struct incident_record **ret);
/* The end of the daemon: orders what there is of a record that has not ended, to be told as interrupted. */
void incident_record_stop(struct incident_record *r);
struct incident_record *incident_record_free(struct incident_record *r);
void incident_record_configure(struct incident_record *r, const struct settings *settings);

/* One tick, in this order: what was seen; what was decided; each event told; the writing. */
void incident_record_observe(struct incident_record *r, const struct observation *o);
void incident_record_follow(struct incident_record *r, const struct decision *d);
void incident_record_event(struct incident_record *r, const struct event *e);
void incident_record_write(struct incident_record *r);

/* What was up to now, and the picture of now, once a tick: the record takes what is its own. */
void incident_record_history(struct incident_record *r, const struct history *h, const struct snapshot *now);

/* A logged SYN, at any time. packet: from its IP header on. */
void incident_record_syn(struct incident_record *r, const struct syn *syn, const uint8_t *packet, size_t length);

/* How an order of ours went: every operation before SCRIBE_LIST. */
void incident_record_done(struct incident_record *r, const struct scribe_order *order,
                          const struct scribe_reply *reply);

/* The incident at hand; 0: none. */
uint64_t incident_record_present_id(const struct incident_record *r);
/* What memory has of it: a line of the list, or in full what incident_answer_read() takes. NULL: there
 * is none, or no memory. */
json_t *incident_record_present(const struct incident_record *r, bool in_full);
