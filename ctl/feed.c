/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/feed.h"

#include <errno.h>
#include <stddef.h>

enum {
        EVENTS = 40,
        SOURCES = 40,
        HISTORY_POINTS = 600, /* all seconds there are: a wide screen shows them */
        HISTORY_EVERY = 4,    /* rounds: it moves slowly, and is the longest answer */
};

static json_t *parameters_of(enum feed_part part) {
        switch (part) {
        case FEED_SOURCES:
                return json_pack("{s:i, s:b}", "limit", SOURCES, "prefixes", 0);
        case FEED_PREFIXES:
                return json_pack("{s:i, s:b}", "limit", SOURCES, "prefixes", 1);
        case FEED_EVENTS:
                return json_pack("{s:i}", "limit", EVENTS);
        case FEED_HISTORY:
                return json_pack("{s:i}", "limit", HISTORY_POINTS);
        case FEED_STATUS:
        case FEED_PARTS:
                break;
        }
        return NULL;
}

static void lose(struct feed *f, int error, int64_t now_ms) {
        f->client = client_free(f->client);
        f->waiting = false;
        if (f->error == 0)
                f->lost_ms = now_ms;
        f->error = error;
}

static void send_call(struct feed *f, int64_t now_ms) {
        static const char *const methods[] = {
                [FEED_STATUS] = "io.synward.GetStatus",    [FEED_SOURCES] = "io.synward.GetSources",
                [FEED_PREFIXES] = "io.synward.GetSources", [FEED_EVENTS] = "io.synward.GetEvents",
                [FEED_HISTORY] = "io.synward.GetHistory",
        };
        int error = client_send(f->client, methods[f->asked], parameters_of(f->asked), false);

        if (error < 0) {
                lose(f, error, now_ms);
                return;
        }
        f->waiting = true;
        f->asked_ms = now_ms;
}

void feed_ask(struct feed *f, int64_t now_ms) {
        int error;

        if (f->waiting)
                return;
        if (!f->client) {
                error = client_open(f->socket, &f->client);
                if (error < 0) {
                        f->client = NULL;
                        lose(f, error, now_ms);
                        return;
                }
                f->rounds = 0;
        }
        f->asked = FEED_STATUS;
        f->rounds++;
        send_call(f, now_ms);
}

int feed_fd(const struct feed *f) {
        return f->waiting ? client_fd(f->client) : -1;
}

/* Keeps the answer and goes on to the next call. Whether the round is over. */
static bool keep(struct feed *f, struct client_answer *a, int64_t now_ms) {
        if (f->asked == FEED_STATUS && a->error) {
                lose(f, -EBUSY, now_ms); /* it has only just started */
                return true;
        }
        /* An older daemon has no history: what it does not answer is not there. */
        json_decref(f->parts[f->asked]);
        f->parts[f->asked] = a->error ? NULL : json_incref(a->parameters);
        f->error = 0;
        f->waiting = false;
        f->asked++;
        if (f->asked == FEED_HISTORY && (f->rounds - 1) % HISTORY_EVERY != 0)
                f->asked++;
        if (f->asked < FEED_PARTS)
                send_call(f, now_ms);
        return !f->waiting;
}

bool feed_take(struct feed *f, int64_t now_ms) {
        while (f->waiting) {
                struct client_answer a = { .message = NULL };
                int error = client_receive(f->client, 0, &a);
                bool over;

                if (error == -EAGAIN) {
                        if (now_ms - f->asked_ms < CLIENT_TIMEOUT_MS)
                                return false;
                        error = -ETIMEDOUT;
                }
                if (error < 0) {
                        lose(f, error, now_ms);
                        return true;
                }
                over = keep(f, &a, now_ms);
                client_answer_clear(&a);
                if (over)
                        return true;
        }
        return false;
}

void feed_clear(struct feed *f) {
        f->client = client_free(f->client);
        f->waiting = false;
        for (unsigned i = 0; i < FEED_PARTS; i++) {
                json_decref(f->parts[i]);
                f->parts[i] = NULL;
        }
}
