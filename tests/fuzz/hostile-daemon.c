/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* strndup */
#include "tests/fuzz/hostile-daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"

static struct {
        const uint8_t *answers;
        size_t left;
} daemon_side;

void hostile_daemon_start(const uint8_t *answers, size_t size) {
        daemon_side.answers = answers;
        daemon_side.left = size;
}

size_t hostile_daemon_left(void) {
        return daemon_side.left;
}

/* Nothing of it is looked at by anybody. */
int client_open(const char *path, struct client **ret) {
        static int nothing;

        (void) path;
        *ret = (struct client *) &nothing;
        return 0;
}

struct client *client_free(struct client *c) {
        (void) c;
        return NULL;
}

int client_fd(const struct client *c) {
        (void) c;
        return -1;
}

int client_send(struct client *c, const char *method, json_t *parameters, bool more) {
        (void) c;
        (void) method;
        (void) more;
        json_decref(parameters);
        return 0;
}

int client_receive(struct client *c, int timeout_ms, struct client_answer *ret) {
        char *text;
        size_t n;
        int r;

        (void) c;
        (void) timeout_ms;
        if (daemon_side.left == 0)
                return -ECONNRESET;
        n = strnlen((const char *) daemon_side.answers, daemon_side.left);
        text = strndup((const char *) daemon_side.answers, n); /* to the byte, so that a read beyond it is seen */
        if (!text)
                return -ENOMEM;
        n += n < daemon_side.left;
        daemon_side.answers += n;
        daemon_side.left -= n;
        r = client_answer_parse(text, ret);
        free(text);
        return r;
}
