/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The files of an incident's record: those that grow line by line, and those
 * that are written whole. 0640, in the record's directory, links not followed.
 */

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* One that grows. */
struct incident_file {
        int fd; /* -1: not open, or given up */
        uint64_t bytes;
};

/* A file descriptor, or -errno. flags: further ones of open(2). */
int incident_file_make(int directory, const char *name, int flags);
void incident_file_close(struct incident_file *f);
/* Whole lines or nothing; the first error (-errno) ends the file. */
int incident_file_append(struct incident_file *f, const char *line, size_t length);
/* A whole file at once; an older one of that name stays until it is complete. -errno. */
int incident_file_put(int directory, const char *name, const char *text, size_t length);
/* The same; takes over o, of which NULL is -ENOMEM. */
int incident_file_put_json(int directory, const char *name, json_t *o);
