/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The scribe: a process that writes, removes and reads the daemon's records, so that no disk holds
 * up the daemon, which hands it orders (scribe_client.h) and hears how each went. It keeps nothing
 * between two of them, and carrying one out twice is the same as once, so that another scribe can go
 * on where one has ended.
 *
 * Both ends run the same program: orders and replies are in its own layout, each with `length`
 * bytes behind it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions/incident_prune.h"

enum {
        SCRIBE_NAME_MAX = 24,
        SCRIBE_DATA_MAX = 4 * 1024 * 1024, /* bytes behind an order or a reply */
};

enum scribe_operation {
        SCRIBE_MAKE,    /* the directory of record id */
        SCRIBE_APPEND,  /* data to its file name, behind offset bytes */
        SCRIBE_PUT,     /* its file name, whole */
        SCRIBE_REMOVE,  /* the record */
        SCRIBE_PRUNE,   /* records, to within bounds */
        SCRIBE_LIST,    /* the reply is JSON; id: the record at hand or 0, data: its summary or nothing */
        SCRIBE_READ,    /* likewise of record id; data: what there is in memory if it is at hand */
        SCRIBE_CLIENTS, /* the known clients */
        SCRIBE_LINE,    /* to a file anywhere; data: its path, a NUL, the line */
        SCRIBE_OPERATIONS,
};

struct scribe_order {
        uint32_t operation; /* of scribe_operation */
        uint32_t length;    /* of the data behind it */
        bool again;         /* one before may have done it already */
        uint64_t id, offset;
        char name[SCRIBE_NAME_MAX];
        struct incident_bounds bounds;
};

struct scribe_reply {
        int32_t result;   /* 0 or -errno */
        uint32_t length;  /* of the text behind it */
        uint64_t cost_us; /* CPU time */
        uint64_t others_bytes; /* SCRIBE_PRUNE: what the records take that stay */
};

/* Does it. data: ended by a NUL behind it. *ret_text: to be freed, ret->length bytes; NULL: none. */
void scribe_carry_out(const char *state_dir, const struct scribe_order *order, const void *data,
                      struct scribe_reply *ret, char **ret_text);
/* The process (helper_main); state_dir: a string. */
void scribe_run(int fd, const void *state_dir);
