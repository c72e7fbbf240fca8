/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/walker_client.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "sensors/walker.h"
#include "util/helper.h"

/* At a turn of the event loop, some 8,000 rows and milliseconds. */
enum { FRAMES_A_TURN = 64 };

struct walker_client {
        sd_event *event;
        sd_event_source *io;
        struct sock_diag_rows rows;
        struct helper *helper;
        bool walking;  /* asked for and not collected */
        int result;    /* -EAGAIN: not ended */
        uint64_t asked_us, cost_us;
        struct walker_frame frame;
};

static void lose(struct walker_client *c, uint64_t now_us, int error) {
        c->io = sd_event_source_disable_unref(c->io);
        helper_lose(c->helper, now_us);
        c->result = error;
}

/* What sock_diag_parse() could have returned. */
static bool is_row(const struct sock_diag_row *row) {
        uint8_t known;

        memcpy(&known, &row->drops_known, sizeof known); /* a bool may be looked at only when it is one */
        return known <= 1 && (row->family == AF_INET || row->family == AF_INET6);
}

static bool is_good(const struct walker_frame *f, size_t length) {
        bool good = length >= offsetof(struct walker_frame, rows) && f->count <= WALKER_ROWS_MAX &&
                    length == offsetof(struct walker_frame, rows) + f->count * sizeof f->rows[0] && f->result <= 0;

        for (uint32_t i = 0; good && i < f->count; i++)
                good = is_row(&f->rows[i]);
        return good;
}

static int take(struct walker_client *c) {
        ssize_t n = recv(helper_fd(c->helper), &c->frame, sizeof c->frame, 0);

        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? -EAGAIN : -EPIPE;
        if (n == 0)
                return -EPIPE;
        return is_good(&c->frame, (size_t) n) ? 0 : -EPROTO;
}

static void hear(struct walker_client *c) {
        const struct walker_frame *f = &c->frame;

        if (f->begins)
                c->rows.begin(c->rows.data);
        for (uint32_t i = 0; i < f->count; i++)
                (void) c->rows.row(c->rows.data, &f->rows[i]);
        if (!f->ends)
                return;
        c->result = f->result;
        c->cost_us += f->cost_us;
}

/* What has come, up to the end and up to so many. -EAGAIN: no more now; 0: there may be; other -errno. */
static int hear_some(struct walker_client *c, unsigned max) {
        uint64_t before_us = helper_cpu_us();
        int r = 0;

        for (unsigned i = 0; r == 0 && c->result == -EAGAIN && i < max; i++) {
                r = take(c);
                if (r == 0)
                        hear(c);
        }
        c->cost_us += helper_cpu_us() - before_us;
        return r;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct walker_client *c = userdata;
        int r;

        (void) source;
        (void) fd;
        r = hear_some(c, FRAMES_A_TURN);
        if ((r < 0 && r != -EAGAIN) || (revents & (EPOLLHUP | EPOLLERR)))
                lose(c, c->asked_us, r < 0 && r != -EAGAIN ? r : -EPIPE);
        return 0;
}

static void listen_to(struct walker_client *c, uint64_t now_us) {
        if (sd_event_add_io(c->event, &c->io, helper_fd(c->helper), EPOLLIN, on_io, c) < 0) {
                lose(c, now_us, -ENOMEM);
                return;
        }
        /* A tick comes first. */
        (void) sd_event_source_set_priority(c->io, SD_EVENT_PRIORITY_IDLE);
}

int walker_client_new(sd_event *event, const struct sock_diag_rows *rows, struct walker_client **ret) {
        struct walker_client *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return -ENOMEM;
        c->event = sd_event_ref(event);
        c->rows = *rows;
        c->result = -EAGAIN;
        r = helper_new("synwardd-walker", SOCK_SEQPACKET, walker_run, NULL, &c->helper);
        if (r < 0) {
                walker_client_free(c);
                return r;
        }
        listen_to(c, 0);
        *ret = c;
        return 0;
}

struct walker_client *walker_client_free(struct walker_client *c) {
        if (!c)
                return NULL;
        c->io = sd_event_source_disable_unref(c->io);
        helper_free(c->helper);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}

int walker_client_ask(struct walker_client *c, enum sock_diag_states states, uint64_t now_us) {
        const struct walker_request request = { .states = states };
        int fd = helper_fd(c->helper);

        if (c->walking)
                return -EBUSY;
        if (fd < 0)
                return -EPIPE;
        if (send(fd, &request, sizeof request, MSG_NOSIGNAL) != sizeof request) {
                lose(c, now_us, -EPIPE);
                return -EPIPE;
        }
        c->walking = true;
        c->result = -EAGAIN;
        c->asked_us = now_us;
        c->cost_us = 0;
        return 0;
}

bool walker_client_is_walking(const struct walker_client *c) {
        return c->walking;
}

int walker_client_collect(struct walker_client *c, unsigned wait_ms, uint64_t now_us, uint64_t *ret_cost_us) {
        struct pollfd p = { .fd = helper_fd(c->helper), .events = POLLIN };
        int r;

        if (!c->walking)
                return -EAGAIN;
        r = c->result == -EAGAIN ? hear_some(c, FRAMES_A_TURN) : 0;
        if (r == -EAGAIN && wait_ms > 0 && poll(&p, 1, (int) wait_ms) > 0)
                r = hear_some(c, FRAMES_A_TURN);
        if (r < 0 && r != -EAGAIN)
                lose(c, now_us, r);
        if (c->result == -EAGAIN && now_us - c->asked_us > WALKER_STANDS_US)
                lose(c, now_us, -ETIMEDOUT);
        if (c->result == -EAGAIN)
                return -EAGAIN;
        c->walking = false;
        *ret_cost_us = c->cost_us;
        r = c->result;
        c->result = -EAGAIN;
        return r;
}

void walker_client_step(struct walker_client *c, uint64_t now_us) {
        if (helper_revive(c->helper, now_us))
                listen_to(c, now_us);
}
