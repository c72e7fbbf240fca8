/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct control {
        struct api api;
        struct server *server;
};

static const struct server_service service = {
        .answer = api_answer,
        .next = api_next,
        .end = api_end,
};

int control_new(sd_event *event, const struct server_options *options, const struct api_ops *ops, void *userdata,
                struct control **ret) {
        struct control *c = calloc(1, sizeof *c);
        int error;

        if (!c)
                return -ENOMEM;
        c->api = (struct api) { .ops = ops, .userdata = userdata, .own_uid = geteuid() };
        error = server_new(event, options, &service, &c->api, &c->server);
        if (error < 0) {
                control_free(c);
                return error;
        }
        *ret = c;
        return 0;
}

struct control *control_free(struct control *c) {
        if (c)
                server_free(c->server);
        free(c);
        return NULL;
}

void control_wake(struct control *c) {
        if (c)
                server_wake(c->server);
}

const struct server_stats *control_stats(const struct control *c) {
        return server_stats(c->server);
}
