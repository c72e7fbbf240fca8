/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A varlink server on an AF_UNIX stream socket, driven by sd-event. It moves
 * messages and keeps its clients within bounds; what they mean is the
 * service's business (api.h).
 *
 * A client costs at most one message in (VARLINK_MESSAGE_MAX) and
 * SERVER_OUTPUT_MAX out; it is served one call at a time, and the next is read
 * only when the answer has been taken. It is dropped when a call it began, or
 * an answer it should read, does not move for the time limit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "control/varlink.h"

enum {
        SERVER_CLIENTS_MAX = 32,
        SERVER_OTHERS_MAX = 24, /* of them: the rest is for root and the daemon's own user */
        SERVER_OUTPUT_MAX = 1024 * 1024,
};

#define SERVER_STALL_US UINT64_C(10000000)       /* time limit, see above */
#define SERVER_ACCEPT_RETRY_US UINT64_C(1000000) /* pause when descriptors have run out */

/* An answer in several parts, wanted by a call with `more`, or one that takes its time. */
struct server_stream {
        bool active;       /* set by answer(): call next() from now on, until it is unset */
        unsigned kind;     /* the service's own, as position is */
        uint64_t position;
        char *text;        /* set by next(): a part as it goes over the wire (varlink_encode()) */
        size_t text_size;
};

struct server_service {
        /* The answer to a call from a peer of that uid, a new reference. NULL: next() has it when
         * stream->active was set, else out of memory, the client is dropped. Never sent when the
         * call is oneway. */
        json_t *(*answer)(void *userdata, const struct varlink_call *call, uid_t peer, struct server_stream *stream);
        /* The next part, asked for only when the client has taken all before: what it returns, or
         * stream->text. Neither: none now. */
        json_t *(*next)(void *userdata, struct server_stream *stream);
        /* A stream ends that is active. May be NULL. */
        void (*end)(void *userdata, struct server_stream *stream);
};

struct server_options {
        const char *path;  /* where to listen; NULL: fd is a listening socket, not ours to remove */
        int fd;            /* taken over on success, used if path is NULL */
        const char *group; /* of the socket, if there is such a group; NULL: the process's */
        uint64_t stall_us; /* 0: SERVER_STALL_US */
};

struct server_stats {
        uint32_t clients;  /* now */
        uint64_t accepted; /* the others since the start */
        uint64_t refused;  /* too many clients */
        uint64_t dropped;  /* rubbish, too long, too slow, or out of memory */
        uint64_t accept_failed; /* out of descriptors or memory */
};

struct server;

/*
 * Missing parents are not made, but the last directory of path is (mode 0755).
 * A socket left behind is replaced if nobody answers on it. -EADDRINUSE:
 * somebody does; -EEXIST: path is something else; -ENAMETOOLONG; -errno.
 * The event loop must outlive the server.
 */
int server_new(sd_event *event, const struct server_options *options, const struct server_service *service,
               void *userdata, struct server **ret);
/* Drops the clients and removes the socket if it is still ours. */
struct server *server_free(struct server *s);

/* There may be a next part: asks for it for every stream that waits. */
void server_wake(struct server *s);
const struct server_stats *server_stats(const struct server *s);
