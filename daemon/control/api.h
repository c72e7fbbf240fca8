/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The interface io.synward (io.synward.varlink), and org.varlink.service
 * about it: from a call to its answer, without any socket.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "control/server.h"
#include "control/varlink.h"
#include "core/event.h"
#include "core/history.h"
#include "core/snapshot.h"

enum {
        API_EVENTS_A_PART = 32,         /* in one part of an answer that streams */
        API_RELOAD_ERROR_SIZE = 16 * 1024,
};

/* Where the answers come from; called from the event loop, with the userdata given. */
struct api_ops {
        /* NULL: none yet. */
        const struct snapshot *(*snapshot)(void *userdata);
        const struct event_log *(*events)(void *userdata);
        /* 0, or -errno with messages, one a line, in error: what was in force stays. */
        int (*reload)(void *userdata, char *error, size_t size);
        /* Asks for all incidents, or (id) for one in full: *ret_ticket is who asks. -ENOENT: no such
         * incident; -EBUSY: too many ask. May itself be NULL: there are none. */
        int (*incidents)(void *userdata, const char *id, uint64_t *ret_ticket);
        /* What was asked for: a JSON array as text. -EAGAIN: not yet, control_wake() tells; -ENOENT as
         * above, the text is the id; other -errno: it is not to be had now. The text stays until the
         * ticket is given back, as each has to be. */
        int (*incidents_answer)(void *userdata, uint64_t ticket, const char **ret_text, size_t *ret_length);
        void (*incidents_end)(void *userdata, uint64_t ticket);
        /* An array of what is blocked now. May itself be NULL: nothing is. */
        json_t *(*blocked)(void *userdata);
        /* May itself be NULL: there is none. */
        const struct history *(*history)(void *userdata);
        /* NULL: metrics.fleet_key is not set. May itself be NULL. */
        const struct fleet_sketch *(*fleet)(void *userdata);
};

struct api {
        const struct api_ops *ops;
        void *userdata;
        uid_t own_uid; /* may change things, as root may */
};

/* Fit for server_service; the userdata is a struct api. */
json_t *api_answer(void *api, const struct varlink_call *call, uid_t peer, struct server_stream *stream);
json_t *api_next(void *api, struct server_stream *stream);
void api_end(void *api, struct server_stream *stream);

/* The text of io.synward.varlink. */
const char *api_interface_description(void);
/* "io.synward.GetStatus" and so on; NULL behind the last. */
const char *api_method_name(unsigned index);
