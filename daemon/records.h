/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is kept on disk while the daemon runs, through the scribe: the incident's record, the known
 * clients; and the records for those who ask. No disk holds up a tick: what one has not taken yet
 * waits, up to a bound.
 */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "actions/incident_desk.h"
#include "actions/incident_record.h"
#include "actions/scribe_client.h"
#include "core/settings.h"
#include "core/snapshot.h"

struct records_options {
        const char *state_dir;
        const char *version;
        bool dry_run; /* nothing is written */
        /* As of struct incident_record_config. */
        char *(*policy_text)(void *userdata);
        /* Some who asked for records have their answer. */
        void (*ready)(void *userdata);
        /* The known clients were written down, or not (-errno). */
        void (*clients_saved)(void *userdata, int result);
        /* The line of SCRIBE_LINE was, under its number. */
        void (*line_written)(void *userdata, uint64_t id, int result);
        void *userdata;
};

struct records;

/* Forks: call it before much is allocated. The texts and the settings must outlive it. -errno. */
int records_new(sd_event *event, const struct settings *settings, const struct records_options *options,
                struct records **ret);
struct records *records_free(struct records *r);

/* Once a tick, at its end. */
void records_step(struct records *r, uint64_t now_us);
/* The daemon ends: what is pending is written, with a limit in time. Nothing more can be ordered. */
void records_stop(struct records *r);

struct incident_record *records_incident(struct records *r);
struct incident_desk *records_desk(struct records *r);
struct scribe_client *records_scribe(struct records *r);

void records_describe(const struct records *r, struct snapshot *snapshot);
