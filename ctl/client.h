/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A varlink client for synwardd's control socket; waits, with a time limit. */

#include <stdbool.h>

#include <jansson.h>

#include "ctl/client_answer.h"

enum {
        CLIENT_MESSAGE_MAX = 4 * 1024 * 1024, /* longest answer taken */
        CLIENT_TIMEOUT_MS = 5000,
        CLIENT_FOR_EVER = -1,
};

struct client;

/* -errno of connect(2), -ENAMETOOLONG. */
int client_open(const char *path, struct client **ret);
struct client *client_free(struct client *c);

int client_fd(const struct client *c);

/* Sends a call; takes over parameters (NULL: none). */
int client_send(struct client *c, const char *method, json_t *parameters, bool more);

/* The next answer. -ETIMEDOUT; -ECONNRESET: it hung up; -EPROTO: no varlink; -EINTR;
 * -EAGAIN: none is there and timeout_ms is 0. */
int client_receive(struct client *c, int timeout_ms, struct client_answer *ret);
