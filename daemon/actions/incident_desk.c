/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_desk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/incident_store.h"
#include "util/helper.h"
#include "util/json_text.h"

/* What may be spent on reading: 3 % of a CPU, and what has piled up of that in 8 s at once. */
enum { READING_PERMILLE = 30, READING_MAX_US = 250000 };

/* Sooner than those who ask give up: synwardctl waits for 5 s. */
#define PATIENCE_US UINT64_C(4000000)

/* Of all who asked for the same at a time. */
struct answer {
        unsigned holders;
        int result;
        size_t length;
        char text[];
};

struct slot {
        uint64_t ticket; /* 0: free */
        uint64_t id;     /* 0: the list */
        uint64_t since_us;
        bool asked;      /* the scribe is at it */
        int error;       /* given up; 0: not */
        struct answer *answer;
};

struct incident_desk {
        struct incident_desk_ops ops;
        struct slot slots[INCIDENT_DESK_MAX];
        uint64_t last_ticket, now_us;
        int64_t allowance_us; /* of CPU time; below 0 after a dear answer */
        bool at_work;         /* the scribe is asked */
};

int incident_desk_new(const struct incident_desk_ops *ops, struct incident_desk **ret) {
        struct incident_desk *d = calloc(1, sizeof *d);

        if (!d)
                return -ENOMEM;
        d->ops = *ops;
        d->allowance_us = READING_MAX_US;
        *ret = d;
        return 0;
}

static struct answer *let_go(struct answer *a) {
        if (a && --a->holders == 0)
                free(a);
        return NULL;
}

struct incident_desk *incident_desk_free(struct incident_desk *d) {
        if (!d)
                return NULL;
        for (unsigned i = 0; i < INCIDENT_DESK_MAX; i++)
                let_go(d->slots[i].answer);
        free(d);
        return NULL;
}

static bool waits(const struct slot *s) {
        return s->ticket && !s->answer && !s->error;
}

static struct slot *longest_waiting(struct incident_desk *d) {
        struct slot *found = NULL;

        for (unsigned i = 0; i < INCIDENT_DESK_MAX; i++) {
                struct slot *s = &d->slots[i];

                if (waits(s) && (!found || s->ticket < found->ticket))
                        found = s;
        }
        return found;
}

static int order_reading(struct incident_desk *d, uint64_t id) {
        uint64_t present_id = d->ops.present_id(d->ops.userdata);
        struct scribe_order order = { .operation = id ? SCRIBE_READ : SCRIBE_LIST, .id = id ? id : present_id };
        bool with_present = present_id && (!id || id == present_id);
        json_t *o = with_present ? d->ops.present(d->ops.userdata, id != 0) : NULL;
        char *text = json_text_write(o, JSON_COMPACT | JSON_REAL_PRECISION(15), "");
        int r = -ENOMEM;

        json_decref(o);
        if (text)
                order.length = (uint32_t) strlen(text);
        if (text || !with_present)
                r = d->ops.submit(d->ops.userdata, &order, text);
        free(text);
        return r;
}

/* Who has waited longest is next, and whoever wants the same. */
static void begin(struct incident_desk *d) {
        uint64_t before_us = helper_cpu_us(), id;
        struct slot *next = d->at_work || d->allowance_us <= 0 ? NULL : longest_waiting(d);
        int r;

        if (!next)
                return;
        id = next->id;
        for (unsigned i = 0; i < INCIDENT_DESK_MAX; i++)
                if (waits(&d->slots[i]) && d->slots[i].id == id)
                        d->slots[i].asked = true;
        d->at_work = true; /* before, for the answer may be there at once */
        r = order_reading(d, id);
        d->allowance_us -= (int64_t) (helper_cpu_us() - before_us);
        if (r < 0)
                incident_desk_done(d, &(struct scribe_reply) { .result = r }, NULL);
}

/* INCIDENT_DESK_MAX: there is none such. */
static unsigned find(const struct incident_desk *d, uint64_t ticket) {
        unsigned i = 0;

        while (i < INCIDENT_DESK_MAX && (ticket == 0 || d->slots[i].ticket != ticket))
                i++;
        return i;
}

static struct slot *find_free(struct incident_desk *d) {
        for (unsigned i = 0; i < INCIDENT_DESK_MAX; i++)
                if (!d->slots[i].ticket)
                        return &d->slots[i];
        return NULL;
}

int incident_desk_ask(struct incident_desk *d, const char *id, uint64_t *ret_ticket) {
        struct slot *s = find_free(d);
        uint64_t number = 0;

        if (id && incident_store_parse_id(id, &number) < 0)
                return -ENOENT;
        if (!s)
                return -EBUSY;
        *s = (struct slot) { .ticket = ++d->last_ticket, .id = number, .since_us = d->now_us };
        *ret_ticket = s->ticket;
        begin(d);
        return 0;
}

int incident_desk_answer(const struct incident_desk *d, uint64_t ticket, const char **ret_text, size_t *ret_length) {
        unsigned i = find(d, ticket);
        const struct slot *s = &d->slots[i];

        if (i == INCIDENT_DESK_MAX)
                return -EINVAL;
        if (s->error)
                return s->error;
        if (!s->answer)
                return -EAGAIN;
        *ret_text = s->answer->text;
        *ret_length = s->answer->length;
        return s->answer->result;
}

void incident_desk_end(struct incident_desk *d, uint64_t ticket) {
        unsigned i = find(d, ticket);

        if (i == INCIDENT_DESK_MAX)
                return;
        let_go(d->slots[i].answer);
        d->slots[i] = (struct slot) { .ticket = 0 };
}

static struct answer *make_answer(const struct scribe_reply *reply, const char *text, uint64_t id) {
        size_t length = reply->result == -ENOENT ? 24 : reply->length;
        struct answer *a = malloc(sizeof *a + length + 1);

        if (!a)
                return NULL;
        *a = (struct answer) { .result = reply->result, .length = length };
        if (reply->result == -ENOENT)
                a->length = (size_t) snprintf(a->text, length + 1, "%" PRIu64, id);
        else
                memcpy(a->text, text ? text : "", text ? length : 0);
        return a;
}

void incident_desk_done(struct incident_desk *d, const struct scribe_reply *reply, const char *text) {
        struct answer *a = NULL;
        bool ready = false;

        d->at_work = false;
        d->allowance_us -= (int64_t) reply->cost_us;
        for (unsigned i = 0; i < INCIDENT_DESK_MAX; i++) {
                struct slot *s = &d->slots[i];

                if (!waits(s) || !s->asked)
                        continue;
                if (!a)
                        a = make_answer(reply, text, s->id);
                if (a)
                        a->holders++;
                else
                        s->error = -ENOMEM;
                s->answer = a;
                ready = true;
        }
        if (ready)
                d->ops.ready(d->ops.userdata);
}

void incident_desk_step(struct incident_desk *d, uint64_t now_us) {
        uint64_t elapsed_us = d->now_us ? now_us - d->now_us : 0;
        bool ready = false;

        d->now_us = now_us;
        if (elapsed_us > 60000000)
                elapsed_us = 60000000;
        d->allowance_us += (int64_t) (elapsed_us * READING_PERMILLE / 1000);
        if (d->allowance_us > READING_MAX_US)
                d->allowance_us = READING_MAX_US;
        for (unsigned i = 0; i < INCIDENT_DESK_MAX; i++) {
                struct slot *s = &d->slots[i];

                if (waits(s) && now_us - s->since_us > PATIENCE_US) {
                        s->error = -ETIMEDOUT;
                        ready = true;
                }
        }
        if (ready)
                d->ops.ready(d->ops.userdata);
        begin(d);
}
