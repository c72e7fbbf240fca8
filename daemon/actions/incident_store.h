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
int incident_store_create(const char *state_dir, uint64_t id);
/* A record's directory. -errno of open(2). */
int incident_store_open(const char *state_dir, uint64_t id, int *ret_fd);
int incident_store_remove(const char *state_dir, uint64_t id);

/* The ids of all records but one (0: all), oldest first, to be freed. A directory that is not there
 * holds none. */
int incident_store_ids(const char *state_dir, uint64_t except, uint64_t **ret, size_t *ret_count);
/* What a record takes, in whole blocks, and when it was last written (its incident.json, so at its
 * end). */
int incident_store_measure(const char *state_dir, uint64_t id, uint64_t *ret_bytes, uint64_t *ret_written_us);

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
