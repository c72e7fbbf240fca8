/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "control/server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/listen.h"
#include "util/json_text.h"

struct client {
        struct server *server;
        int fd;
        uid_t uid;
        sd_event_source *io, *stall;
        struct varlink_reader *reader;
        bool ended; /* will send no more, but may still read */
        bool broken;
        bool moved; /* in this wake-up: a call was taken or some of the output read */
        struct server_stream stream;
        char *output; /* what is left of the last answer; NULL: all taken */
        size_t output_size, output_sent;
};

struct server {
        sd_event *event;
        const struct server_service *service;
        void *userdata;
        uint64_t stall_us;
        int fd;
        struct listen_place place;
        sd_event_source *io, *retry;
        struct client *clients[SERVER_CLIENTS_MAX];
        struct server_stats stats;
};

/* Nobody waits for it any more. */
static void stream_end(struct client *c) {
        if (c->stream.active && c->server->service->end)
                c->server->service->end(c->server->userdata, &c->stream);
        c->stream.active = false;
}

static struct client *client_free(struct client *c) {
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->stall);
        stream_end(c);
        if (c->fd >= 0)
                close(c->fd);
        varlink_reader_free(c->reader);
        free(c->output);
        free(c);
        return NULL;
}

/* Frees the client, and lets the next one in if we had stopped for want of descriptors. */
static void client_gone(struct client *c, bool at_fault) {
        struct server *s = c->server;

        for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
                if (s->clients[i] == c)
                        s->clients[i] = NULL;
        s->stats.clients--;
        if (at_fault)
                s->stats.dropped++;
        client_free(c);
        sd_event_source_set_enabled(s->io, SD_EVENT_ON);
}

static void client_write(struct client *c) {
        while (c->output) {
                ssize_t n = send(c->fd, c->output + c->output_sent, c->output_size - c->output_sent,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0) {
                        c->broken = errno != EAGAIN && errno != EINTR;
                        return;
                }
                c->moved = true;
                c->output_sent += (size_t) n;
                if (c->output_sent == c->output_size) {
                        free(c->output);
                        c->output = NULL;
                }
        }
}

/* Takes over text. */
static void client_send_text(struct client *c, char *text, size_t size) {
        assert(!c->output);
        c->output_sent = 0;
        c->output = text;
        c->output_size = size;
        if (!text || size > SERVER_OUTPUT_MAX)
                c->broken = true;
        else
                client_write(c);
}

/* Takes over message. */
static void client_send(struct client *c, json_t *message) {
        size_t size = 0;
        char *text = message ? varlink_encode(message, &size) : NULL;

        json_decref(message);
        client_send_text(c, text, size);
}

static void client_call(struct client *c, const char *text, size_t length) {
        const struct server *s = c->server;
        struct varlink_call call;
        uint64_t before;
        json_t *answer;

        if (varlink_call_parse(text, length, &call) < 0) {
                c->broken = true;
                return;
        }
        c->moved = true;
        before = json_text_failures();
        answer = s->service->answer(s->userdata, &call, c->uid, &c->stream);
        /* An answer of which a part is missing would be taken for the whole. */
        if (json_text_failures() != before) {
                json_decref(answer);
                answer = NULL;
        }
        if (call.oneway) {
                stream_end(c);
                json_decref(answer);
        } else if (answer || !c->stream.active)
                client_send(c, answer);
        varlink_call_clear(&call);
}

/* One answer at a time, and one call a wake-up: a client that sends them by the thousand waits
 * until it reads, and for everybody else's turn. */
static void client_serve(struct client *c) {
        const char *text;
        size_t length;

        if (!c->output && !c->stream.active && varlink_reader_next(c->reader, &text, &length))
                client_call(c, text, length);
        while (!c->broken && !c->output && c->stream.active) {
                json_t *part = c->server->service->next(c->server->userdata, &c->stream);
                char *encoded = c->stream.text;

                c->stream.text = NULL;
                if (encoded)
                        client_send_text(c, encoded, c->stream.text_size);
                else if (part)
                        client_send(c, part);
                else
                        return;
        }
}

static bool client_reads(const struct client *c) {
        return !c->ended && !c->output && !c->stream.active;
}

static void client_read(struct client *c) {
        char *space;
        size_t size;
        ssize_t n;

        if (varlink_reader_space(c->reader, &space, &size) < 0) {
                c->broken = true;
                return;
        }
        n = recv(c->fd, space, size, MSG_DONTWAIT);
        if (n < 0)
                c->broken = errno != EAGAIN && errno != EINTR;
        else if (n == 0)
                c->ended = true;
        else
                varlink_reader_filled(c->reader, (size_t) n);
}

/* The clock of a call runs from its first byte, so that a byte now and then does not keep it
 * going; that of an answer from the last byte taken. */
static int client_set_stall(struct client *c) {
        bool waits = c->output || (!c->stream.active && varlink_reader_pending(c->reader) > 0);
        int enabled, error;

        error = sd_event_source_get_enabled(c->stall, &enabled);
        if (error < 0)
                return error;
        if (!waits)
                return sd_event_source_set_enabled(c->stall, SD_EVENT_OFF);
        if (enabled && !c->moved)
                return 0;
        error = sd_event_source_set_time_relative(c->stall, c->server->stall_us);
        return error < 0 ? error : sd_event_source_set_enabled(c->stall, SD_EVENT_ONESHOT);
}

/* Having just taken a call it may hold another, which client_serve() left for the next time. */
static bool client_may_hold_call(const struct client *c) {
        return c->moved && !c->output && !c->stream.active && varlink_reader_pending(c->reader) > 0;
}

static uint32_t client_events(const struct client *c) {
        /* Writable is what a socket is at once: our way to be called again, after the others. */
        if (c->output || client_may_hold_call(c))
                return EPOLLOUT;
        return client_reads(c) ? EPOLLIN : 0;
}

/* What every wake-up of a client ends with: it is served, and gone or waiting again. */
static void client_go_on(struct client *c) {
        bool done;

        c->moved = false;
        if (c->output)
                client_write(c);
        if (!c->broken)
                client_serve(c);
        done = c->ended && !c->output && !c->stream.active && !client_may_hold_call(c);
        if (done && varlink_reader_pending(c->reader) > 0)
                c->broken = true; /* it went away in the middle of a call */
        if (c->broken || done)
                client_gone(c, c->broken);
        else if (sd_event_source_set_io_events(c->io, client_events(c)) < 0 || client_set_stall(c) < 0)
                client_gone(c, true);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct client *c = userdata;

        (void) source;
        (void) fd;
        if ((revents & EPOLLIN) && client_reads(c))
                client_read(c);
        else if (revents & (EPOLLHUP | EPOLLERR)) {
                client_gone(c, false);
                return 0;
        }
        client_go_on(c);
        return 0;
}

static int on_stall(sd_event_source *source, uint64_t now_us, void *userdata) {
        (void) source;
        (void) now_us;
        client_gone(userdata, true);
        return 0;
}

static int client_start(struct client *c) {
        struct ucred peer;
        socklen_t size = sizeof peer;
        sd_event *event = c->server->event;
        int error;

        if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;
        c->uid = peer.uid;
        c->reader = varlink_reader_new();
        if (!c->reader)
                return -ENOMEM;
        error = sd_event_add_io(event, &c->io, c->fd, EPOLLIN, on_client, c);
        if (error < 0)
                return error;
        error = sd_event_add_time_relative(event, &c->stall, CLOCK_MONOTONIC, c->server->stall_us, 0, on_stall, c);
        if (error < 0)
                return error;
        /* Detection comes first: a busy client may wait for a tick, never a tick for a client. */
        error = sd_event_source_set_priority(c->io, SD_EVENT_PRIORITY_IDLE);
        if (error < 0)
                return error;
        return sd_event_source_set_enabled(c->stall, SD_EVENT_OFF);
}

/* Who may change things. */
static bool is_trusted(const struct client *c) {
        return c->uid == 0 || c->uid == geteuid();
}

static unsigned count_others(const struct server *s) {
        unsigned n = 0;

        for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
                n += s->clients[i] && !is_trusted(s->clients[i]);
        return n;
}

static void take_client(struct server *s, int fd) {
        struct client **slot = NULL;
        struct client *c;

        for (unsigned i = 0; i < SERVER_CLIENTS_MAX && !slot; i++)
                if (!s->clients[i])
                        slot = &s->clients[i];
        if (!slot) {
                s->stats.refused++;
                close(fd);
                return;
        }
        c = calloc(1, sizeof *c);
        if (!c) {
                s->stats.accept_failed++;
                close(fd);
                return;
        }
        *c = (struct client) { .server = s, .fd = fd };
        if (client_start(c) < 0) {
                s->stats.accept_failed++;
                client_free(c);
                return;
        }
        if (!is_trusted(c) && count_others(s) >= SERVER_OTHERS_MAX) {
                s->stats.refused++;
                client_free(c);
                return;
        }
        *slot = c;
        s->stats.clients++;
        s->stats.accepted++;
}

static int on_retry(sd_event_source *source, uint64_t now_us, void *userdata) {
        struct server *s = userdata;

        (void) source;
        (void) now_us;
        return sd_event_source_set_enabled(s->io, SD_EVENT_ON);
}

/* Out of descriptors: the connection stays in the backlog and would wake us for ever. */
static int pause_accepting(struct server *s) {
        int error = sd_event_source_set_enabled(s->io, SD_EVENT_OFF);

        s->stats.accept_failed++;
        if (error < 0)
                return error;
        error = sd_event_source_set_time_relative(s->retry, SERVER_ACCEPT_RETRY_US);
        return error < 0 ? error : sd_event_source_set_enabled(s->retry, SD_EVENT_ONESHOT);
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        (void) source;
        (void) revents;
        if (client >= 0)
                take_client(userdata, client);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                return pause_accepting(userdata);
        return 0;
}

static int server_start(struct server *s) {
        int flags = fcntl(s->fd, F_GETFL);
        int error;

        if (flags < 0 || fcntl(s->fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        error = sd_event_add_io(s->event, &s->io, s->fd, EPOLLIN, on_connect, s);
        if (error < 0)
                return error;
        error = sd_event_source_set_priority(s->io, SD_EVENT_PRIORITY_IDLE);
        if (error < 0)
                return error;
        error = sd_event_add_time_relative(s->event, &s->retry, CLOCK_MONOTONIC, 0, 0, on_retry, s);
        return error < 0 ? error : sd_event_source_set_enabled(s->retry, SD_EVENT_OFF);
}

int server_new(sd_event *event, const struct server_options *options, const struct server_service *service,
               void *userdata, struct server **ret) {
        struct server *s = calloc(1, sizeof *s);
        int error = 0;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->service = service;
        s->userdata = userdata;
        s->stall_us = options->stall_us > 0 ? options->stall_us : SERVER_STALL_US;
        s->fd = -1;
        if (options->path)
                error = listen_open(options->path, options->group, &s->place, &s->fd);
        else
                s->fd = options->fd;
        if (error == 0)
                error = server_start(s);
        if (error < 0) {
                if (!options->path)
                        s->fd = -1;
                server_free(s);
                return error;
        }
        *ret = s;
        return 0;
}

struct server *server_free(struct server *s) {
        if (!s)
                return NULL;
        for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
                client_free(s->clients[i]);
        sd_event_source_disable_unref(s->io);
        sd_event_source_disable_unref(s->retry);
        listen_remove(&s->place);
        if (s->fd >= 0)
                close(s->fd);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

void server_wake(struct server *s) {
        for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
                if (s->clients[i] && s->clients[i]->stream.active && !s->clients[i]->output)
                        client_go_on(s->clients[i]);
}

const struct server_stats *server_stats(const struct server *s) {
        return &s->stats;
}
