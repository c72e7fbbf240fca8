/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The messages of the control socket: varlink (https://varlink.org), that is
 * JSON objects in UTF-8, each ended by a NUL, over any stream of bytes. Knows
 * nothing of sockets; server.h does.
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

enum {
        VARLINK_MESSAGE_MAX = 64 * 1024, /* longest message taken, with its NUL */
};

#define VARLINK_INTERFACE_NOT_FOUND "org.varlink.service.InterfaceNotFound"
#define VARLINK_METHOD_NOT_FOUND "org.varlink.service.MethodNotFound"
#define VARLINK_METHOD_NOT_IMPLEMENTED "org.varlink.service.MethodNotImplemented"
#define VARLINK_INVALID_PARAMETER "org.varlink.service.InvalidParameter"

/* Cuts a stream into messages. Memory follows the longest message seen and is
 * given back when the reader is empty. */
struct varlink_reader;

/* NULL: out of memory. */
struct varlink_reader *varlink_reader_new(void);
struct varlink_reader *varlink_reader_free(struct varlink_reader *r);

/* Where the next bytes go, and how many fit (at least 1); valid until the next
 * call. -EMSGSIZE: a message longer than VARLINK_MESSAGE_MAX; -ENOMEM. */
int varlink_reader_space(struct varlink_reader *r, char **ret_space, size_t *ret_size);
/* That many bytes were put there. */
void varlink_reader_filled(struct varlink_reader *r, size_t size);
/* Takes out the next whole message, NUL-ended, valid until varlink_reader_space():
 * true, or false when there is none yet. */
bool varlink_reader_next(struct varlink_reader *r, const char **ret_text, size_t *ret_length);
/* Bytes that are not yet taken out. */
size_t varlink_reader_pending(const struct varlink_reader *r);

struct varlink_call {
        json_t *message;    /* owns what the others point to */
        const char *method; /* "io.synward.Ping" */
        json_t *parameters; /* an object, empty if the caller gave none */
        bool oneway;        /* no answer wanted */
        bool more;          /* several answers wanted */
        bool upgrade;
};

/* -EBADMSG: not a call. */
int varlink_call_parse(const char *text, size_t length, struct varlink_call *ret);
void varlink_call_clear(struct varlink_call *c);
/* Length of the interface part of the method's name, 0 if it has none. */
size_t varlink_call_interface_length(const struct varlink_call *c);

/* Both take over parameters (NULL: none) and return a new message, NULL: out of memory. */
json_t *varlink_reply(json_t *parameters, bool continues);
json_t *varlink_error(const char *error, json_t *parameters);
/* InvalidParameter, with the parameter's name. */
json_t *varlink_invalid(const char *parameter);

/* As it goes over the wire, NUL included in the size; to be freed. NULL: out of memory. */
char *varlink_encode(const json_t *message, size_t *ret_size);
/* The same of a reply with one field, whose value is JSON text already. */
char *varlink_encode_text(const char *field, const char *value, size_t length, size_t *ret_size);
