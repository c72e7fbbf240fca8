/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util/json_text.h"

struct client {
        int fd;
        char *buffer;
        size_t size, filled;
};

int client_open(const char *path, struct client **ret) {
        struct sockaddr_un sun = { .sun_family = AF_UNIX };
        struct client *c;
        int error = 0;

        if (strlen(path) >= sizeof sun.sun_path)
                return -ENAMETOOLONG;
        memcpy(sun.sun_path, path, strlen(path));
        c = calloc(1, sizeof *c);
        if (!c)
                return -ENOMEM;
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *) &sun, sizeof sun) < 0)
                error = -errno;
        if (error < 0) {
                client_free(c);
                return error;
        }
        *ret = c;
        return 0;
}

struct client *client_free(struct client *c) {
        if (!c)
                return NULL;
        if (c->fd >= 0)
                close(c->fd);
        free(c->buffer);
        free(c);
        return NULL;
}

int client_fd(const struct client *c) {
        return c->fd;
}

int client_send(struct client *c, const char *method, json_t *parameters, bool more) {
        json_t *call = json_pack("{s:s, s:b, s:o*}", "method", method, "more", (int) more,
                                 "parameters", parameters);
        char *text = json_text_write(call, JSON_COMPACT, "");
        size_t size = text ? strlen(text) + 1 : 0;
        ssize_t n;

        json_decref(call);
        if (!text)
                return -ENOMEM;
        /* A call of ours is a few hundred bytes: the socket takes it whole or not at all. */
        n = send(c->fd, text, size, MSG_NOSIGNAL);
        free(text);
        if (n < 0)
                return errno == EPIPE ? -ECONNRESET : -errno;
        return (size_t) n == size ? 0 : -EIO;
}

static int64_t now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits for more bytes and takes them in. */
static int fill(struct client *c, int timeout_ms) {
        struct pollfd p = { .fd = c->fd, .events = POLLIN };
        ssize_t n;
        int r;

        if (c->filled == c->size) {
                size_t size = c->size == 0 ? 16384 : c->size * 2;
                char *buffer;

                if (c->size >= CLIENT_MESSAGE_MAX)
                        return -EPROTO;
                buffer = realloc(c->buffer, size);
                if (!buffer)
                        return -ENOMEM;
                c->buffer = buffer;
                c->size = size;
        }
        r = poll(&p, 1, timeout_ms);
        if (r < 0) /* top's window has a new size: the answer is still to come */
                return errno == EINTR ? 0 : -errno;
        if (r == 0)
                return timeout_ms == 0 ? -EAGAIN : -ETIMEDOUT;
        n = recv(c->fd, c->buffer + c->filled, c->size - c->filled, 0);
        if (n == 0)
                return -ECONNRESET;
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        c->filled += (size_t) n;
        return 0;
}

int client_receive(struct client *c, int timeout_ms, struct client_answer *ret) {
        int64_t end_ms = now_ms() + timeout_ms;
        char *nul;
        size_t size;
        int error;

        while (!(nul = c->filled > 0 ? memchr(c->buffer, '\0', c->filled) : NULL)) {
                int64_t left_ms = timeout_ms <= 0 ? timeout_ms : end_ms - now_ms();

                if (timeout_ms > 0 && left_ms <= 0)
                        return -ETIMEDOUT;
                error = fill(c, (int) left_ms);
                if (error < 0)
                        return error;
        }
        error = client_answer_parse(c->buffer, ret);
        size = (size_t) (nul - c->buffer) + 1;
        memmove(c->buffer, nul + 1, c->filled - size);
        c->filled -= size;
        return error;
}
