/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What top shows, asked for again and again without ever waiting: a round of calls on one
 * connection, which is opened anew when the daemon has gone and comes back.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "ctl/client.h"

enum feed_part { FEED_STATUS, FEED_SOURCES, FEED_PREFIXES, FEED_EVENTS, FEED_HISTORY, FEED_PARTS };

struct feed {
        const char *socket;
        struct client *client;      /* NULL: there is no connection */
        bool waiting;               /* for the answer to: */
        enum feed_part asked;
        int64_t asked_ms;
        unsigned rounds;            /* that were begun */
        json_t *parts[FEED_PARTS];  /* the last answers; NULL: none */
        int error;                  /* -errno: why there is none at present */
        int64_t lost_ms;            /* since when */
};

/* Begins a round, unless one is under way. Times are of a clock that only goes forward. */
void feed_ask(struct feed *f, int64_t now_ms);
/* To be waited for until it can be read; -1: nothing to wait for. */
int feed_fd(const struct feed *f);
/* Takes in what is there, and gives up a daemon that does not answer. Whether there is
 * something new to show. */
bool feed_take(struct feed *f, int64_t now_ms);
void feed_clear(struct feed *f);
