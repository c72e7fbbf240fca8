/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who asks for incident records, and has the scribe read them. Those who ask for the same at a time
 * get one answer; and all that is read takes 3 % of a CPU over time, however often and by however
 * many it is asked for: who asks now and then is answered at once, who asks in a loop waits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "actions/scribe.h"

enum { INCIDENT_DESK_MAX = 32 }; /* who wait at a time */

struct incident_desk_ops {
        /* As scribe_client_submit(). */
        int (*submit)(void *userdata, const struct scribe_order *order, const void *data);
        /* The record at hand, by its id (0: there is none), and what memory has of it: in full, or as a
         * line of the list. NULL: no memory. */
        uint64_t (*present_id)(void *userdata);
        json_t *(*present)(void *userdata, bool in_full);
        /* Some that wait have their answer now. */
        void (*ready)(void *userdata);
        void *userdata;
};

struct incident_desk;

/* ops is copied. -ENOMEM. */
int incident_desk_new(const struct incident_desk_ops *ops, struct incident_desk **ret);
struct incident_desk *incident_desk_free(struct incident_desk *d);

/* The three as struct api_ops has them (control/api.h). */
int incident_desk_ask(struct incident_desk *d, const char *id, uint64_t *ret_ticket);
int incident_desk_answer(const struct incident_desk *d, uint64_t ticket, const char **ret_text, size_t *ret_length);
void incident_desk_end(struct incident_desk *d, uint64_t ticket);

/* Of SCRIBE_LIST and SCRIBE_READ, how they went. */
void incident_desk_done(struct incident_desk *d, const struct scribe_reply *reply, const char *text);
/* Once a tick. */
void incident_desk_step(struct incident_desk *d, uint64_t now_us);
