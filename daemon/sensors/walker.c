/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/walker.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "sensors/sock_diag_ask.h"
#include "util/helper.h"

struct walker {
        int fd;
        struct sock_diag_asker *asker; /* NULL: not open */
        struct walker_frame frame;     /* that is being filled */
};

static int hand_over(struct walker *w) {
        size_t length = offsetof(struct walker_frame, rows) + w->frame.count * sizeof w->frame.rows[0];
        ssize_t n;

        do
                n = send(w->fd, &w->frame, length, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        w->frame.count = 0;
        w->frame.begins = 0;
        return n < 0 ? -errno : 0;
}

static void on_begin(void *data) {
        struct walker *w = data;

        w->frame.begins = 1;
        w->frame.count = 0;
}

static int on_row(void *data, const struct sock_diag_row *row) {
        struct walker *w = data;

        w->frame.rows[w->frame.count++] = *row;
        return w->frame.count == WALKER_ROWS_MAX ? hand_over(w) : 0;
}

static int walk(struct walker *w, uint32_t states) {
        const struct sock_diag_rows rows = { .begin = on_begin, .row = on_row, .data = w };
        int r = w->asker ? 0 : sock_diag_asker_new(NULL, &w->asker);

        if (r == 0)
                r = sock_diag_ask(w->asker, states, &rows);
        if (r < 0)
                w->asker = sock_diag_asker_free(w->asker);
        return r;
}

void walker_run(int fd, const void *userdata) {
        struct walker *w = calloc(1, sizeof *w);
        struct walker_request request;
        int r = w ? 0 : -ENOMEM;

        (void) userdata;
        if (w)
                w->fd = fd;
        while (r != -EPIPE && w && recv(fd, &request, sizeof request, 0) == sizeof request) {
                uint64_t before_us = helper_cpu_us();

                w->frame.ends = 0;
                w->frame.result = walk(w, request.states);
                w->frame.ends = 1;
                w->frame.cost_us = helper_cpu_us() - before_us;
                r = hand_over(w);
        }
        if (w)
                sock_diag_asker_free(w->asker);
        free(w);
}
