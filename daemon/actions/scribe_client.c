/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/scribe_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "util/helper.h"
#include "util/log.h"

enum {
        TRIES_MAX = 3, /* of an order that its scribe did not outlive */
        MOMENT_MS = 20,
        END_MOMENTS = 100,
};

#define STANDS_US UINT64_C(2000000)

struct item {
        struct item *next;
        unsigned tries;
        struct scribe_order order;
        char data[];
};

struct scribe_client {
        sd_event *event;
        sd_event_source *io;
        scribe_done_fn *done;
        void *userdata;
        struct helper *helper;
        struct item *first, *last; /* the first is at hand */
        size_t sent;               /* bytes of it that the scribe has */
        struct scribe_reply reply; /* to it, and the text behind it */
        char *text;
        size_t received; /* bytes of both */
        uint64_t now_us, moved_us; /* the last step; when the order at hand became that */
        uint64_t waiting, dropped;
};

static size_t size_of(const struct scribe_order *o) {
        return sizeof *o + o->length;
}

static void forget_progress(struct scribe_client *c) {
        free(c->text);
        c->text = NULL;
        c->sent = c->received = 0;
        c->moved_us = c->now_us;
}

/* The order at hand is done with. */
static void finish(struct scribe_client *c, const struct scribe_reply *reply) {
        struct item *i = c->first;
        char *text = c->text;

        c->first = i->next;
        if (!c->first)
                c->last = NULL;
        c->waiting -= size_of(&i->order);
        c->text = NULL;
        forget_progress(c);
        c->done(c->userdata, &i->order, reply, text);
        free(text);
        free(i);
}

/* Its order goes to the next one, unless that is what ends them. */
static void lose(struct scribe_client *c) {
        c->io = sd_event_source_disable_unref(c->io);
        helper_lose(c->helper, c->now_us);
        if (c->first && c->sent > 0) {
                c->first->order.again = true;
                if (++c->first->tries >= TRIES_MAX) {
                        c->dropped++;
                        finish(c, &(struct scribe_reply) { .result = -EPIPE });
                }
        }
        forget_progress(c);
}

/* -EAGAIN: not all of it now; -EPIPE. */
static int give(struct scribe_client *c) {
        struct item *i = c->first;
        size_t size = size_of(&i->order);
        int fd = helper_fd(c->helper);

        while (c->sent < size) {
                bool head = c->sent < sizeof i->order;
                const char *from = head ? (const char *) &i->order + c->sent : i->data + (c->sent - sizeof i->order);
                ssize_t n = send(fd, from, (head ? sizeof i->order : size) - c->sent, MSG_NOSIGNAL);

                if (n < 0)
                        return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
                c->sent += (size_t) n;
        }
        return 0;
}

/* 0: a whole reply is there; -EAGAIN: not yet; -EPIPE. */
static int take(struct scribe_client *c) {
        int fd = helper_fd(c->helper);

        for (;;) {
                bool head = c->received < sizeof c->reply;
                size_t size = sizeof c->reply + (head ? 0 : c->reply.length);
                char *to = head ? (char *) &c->reply + c->received : c->text + (c->received - sizeof c->reply);
                ssize_t n;

                if (!head && c->received == size)
                        return 0;
                n = recv(fd, to, size - c->received, 0);
                if (n < 0)
                        return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
                if (n == 0)
                        return -EPIPE;
                c->received += (size_t) n;
                if (c->received != sizeof c->reply)
                        continue;
                if (c->reply.length > SCRIBE_DATA_MAX)
                        return -EPIPE;
                c->text = malloc(c->reply.length + 1);
                if (!c->text)
                        return -EPIPE;
        }
}

/* Whether it moved. */
static bool move(struct scribe_client *c) {
        bool moved = false;
        int r = 0;

        while (c->first && helper_fd(c->helper) >= 0) {
                r = give(c);
                if (r == 0)
                        r = take(c);
                if (r < 0)
                        break;
                moved = true;
                finish(c, &(struct scribe_reply) { .result = c->reply.result,
                                                   .length = c->reply.length,
                                                   .cost_us = c->reply.cost_us,
                                                   .others_bytes = c->reply.others_bytes });
        }
        if (r == -EPIPE)
                lose(c);
        else if (c->io)
                sd_event_source_set_io_events(c->io, c->first && c->sent < size_of(&c->first->order)
                                                             ? EPOLLIN | EPOLLOUT
                                                             : EPOLLIN);
        return moved;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct scribe_client *c = userdata;

        (void) source;
        (void) fd;
        move(c);
        if (c->io && !c->first && (revents & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)))
                lose(c);
        return 0;
}

static void listen_to(struct scribe_client *c) {
        if (sd_event_add_io(c->event, &c->io, helper_fd(c->helper), EPOLLIN | EPOLLRDHUP, on_io, c) < 0) {
                helper_lose(c->helper, c->now_us);
                return;
        }
        /* As the control socket's clients: a tick comes first. */
        (void) sd_event_source_set_priority(c->io, SD_EVENT_PRIORITY_IDLE);
}

int scribe_client_new(sd_event *event, const char *state_dir, scribe_done_fn *done, void *userdata,
                      struct scribe_client **ret) {
        struct scribe_client *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return -ENOMEM;
        c->event = sd_event_ref(event);
        c->done = done;
        c->userdata = userdata;
        r = helper_new("synwardd-scribe", SOCK_STREAM, scribe_run, state_dir, &c->helper);
        if (r < 0) {
                scribe_client_free(c);
                return r;
        }
        listen_to(c);
        *ret = c;
        return 0;
}

/* --- orders ------------------------------------------------------------------------ */

/* One that waits, and is not at hand, of the same file. */
static struct item **find_same(struct scribe_client *c, const struct scribe_order *order) {
        struct item **at = c->first ? &c->first->next : &c->first;

        if (order->operation != SCRIBE_PUT && order->operation != SCRIBE_CLIENTS)
                return NULL;
        for (; *at; at = &(*at)->next)
                if ((*at)->order.operation == order->operation && (*at)->order.id == order->id &&
                    strcmp((*at)->order.name, order->name) == 0)
                        return at;
        return NULL;
}

static void append(struct scribe_client *c, struct item *i) {
        if (c->last)
                c->last->next = i;
        else
                c->first = i;
        c->last = i;
}

/* In the old one's place. */
static void replace(struct scribe_client *c, struct item **at, struct item *i) {
        struct item *old = *at;

        i->next = old->next;
        *at = i;
        if (c->last == old)
                c->last = i;
        c->waiting -= size_of(&old->order);
        free(old);
}

int scribe_client_submit(struct scribe_client *c, const struct scribe_order *order, const void *data) {
        uint64_t max = order->operation == SCRIBE_APPEND ? SCRIBE_QUEUE_APPEND_MAX : SCRIBE_QUEUE_MAX;
        struct item *i, **same = find_same(c, order);

        if (c->waiting + size_of(order) > max) {
                c->dropped++;
                return -ENOBUFS;
        }
        i = malloc(sizeof *i + order->length);
        if (!i)
                return -ENOMEM;
        *i = (struct item) { .order = *order };
        memcpy(i->data, data ? data : "", order->length);
        c->waiting += size_of(order);
        if (same)
                replace(c, same, i);
        else
                append(c, i);
        if (c->first == i) {
                c->moved_us = c->now_us;
                move(c);
        }
        return 0;
}

void scribe_client_step(struct scribe_client *c, uint64_t now_us) {
        /* The first step, or one after a suspend: how long an order takes is counted from here. */
        if (now_us - c->now_us > STANDS_US)
                c->moved_us = now_us;
        c->now_us = now_us;
        if (helper_revive(c->helper, now_us)) {
                forget_progress(c);
                listen_to(c);
        }
        move(c);
}

struct scribe_client_state scribe_client_state(const struct scribe_client *c) {
        return (struct scribe_client_state) {
                .error = helper_fd(c->helper) < 0                          ? -EPIPE
                         : c->first && c->now_us - c->moved_us > STANDS_US ? -ETIMEDOUT
                                                                           : 0,
                .waiting = c->waiting,
                .dropped = c->dropped,
        };
}

/* --- the end --------------------------------------------------------------------------- */

static void wait_for_rest(struct scribe_client *c) {
        unsigned moments = 0, left = 0;

        while (c->first && moments < END_MOMENTS) {
                struct pollfd p = { .fd = helper_fd(c->helper), .events = POLLIN };

                if (move(c))
                        continue;
                if (c->first && c->sent < size_of(&c->first->order))
                        p.events |= POLLOUT;
                if (p.fd < 0) /* none takes its place any more */
                        break;
                moments += poll(&p, 1, MOMENT_MS) == 0;
        }
        for (const struct item *i = c->first; i; i = i->next)
                left++;
        if (left > 0)
                log_warning("The disk stands still: %u writes of records are given up", left);
}

struct scribe_client *scribe_client_free(struct scribe_client *c) {
        if (!c)
                return NULL;
        if (c->helper)
                wait_for_rest(c);
        c->io = sd_event_source_disable_unref(c->io);
        helper_free(c->helper);
        while (c->first) {
                struct item *i = c->first;

                c->first = i->next;
                free(i);
        }
        free(c->text);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}
