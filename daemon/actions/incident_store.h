/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The directory of incident records, STATE_DIR/incidents: one directory each,
 * named by the incident's number. What has another name there is left alone.
 * The directory is looked up anew each time, so that one that comes, goes or
 * becomes writable is noticed. Links are never followed.
 */

#include <stdint.h>

#include <jansson.h>

enum {
        INCIDENT_STORE_LIST_MAX = 1000,  /* records listed, the newest */
        INCIDENT_STORE_NAME_MAX = 24,
        INCIDENT_STORE_BLOCK = 4096,     /* what the smallest file takes on disk */
};

/* Digits only, no leading zero, at most 18 of them. -EINVAL. */
int incident_store_parse_id(const char *text, uint64_t *ret);

/* Makes the directory of a record (0750) and those above it where they are missing. -EEXIST:
 * there is one already; -errno of mkdir(2). */
int incident_store_create(const char *state_dir, uint64_t id, int *ret_fd);

struct incident_survey {
        uint64_t count, bytes; /* bytes: in whole blocks */
        uint64_t oldest;       /* id above `after`; 0: none */
};

/* All records but one (0: all). A directory that is not there holds none. after: an id up to
 * which none could be removed; 0. */
int incident_store_survey(const char *state_dir, uint64_t except, uint64_t after,
                          struct incident_survey *ret);
int incident_store_remove(const char *state_dir, uint64_t id);
/* The first above `after` that was last written before that time (its incident.json, so at its
 * end), except one; *ret_id 0: there is none. */
int incident_store_find_older(const char *state_dir, uint64_t except, uint64_t after,
                              uint64_t realtime_us, uint64_t *ret_id);

/* What incident.json says. Of a record that cannot be read: id and "damaged": true. NULL: no
 * such record, or no memory. */
json_t *incident_store_summary(const char *state_dir, uint64_t id);
/* Its events; those that cannot be read are left out. NULL: no memory. */
json_t *incident_store_events(const char *state_dir, uint64_t id);
/* What a JSON file of the record says, or its text as a string; null if it cannot be read. NULL:
 * no memory. */
json_t *incident_store_json(const char *state_dir, uint64_t id, const char *name);
json_t *incident_store_text(const char *state_dir, uint64_t id, const char *name);
/* Names of its files and their sizes in bytes. NULL: no memory. */
json_t *incident_store_files(const char *state_dir, uint64_t id);
/* Calls back for each record but one, oldest first, at most the newest
 * INCIDENT_STORE_LIST_MAX. -ENOMEM; what cannot be read is no error. */
int incident_store_each(const char *state_dir, uint64_t except,
                        void (*each)(void *userdata, uint64_t id), void *userdata);
