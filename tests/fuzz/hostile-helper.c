/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/hostile-helper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/helper.h"

struct helper {
        int ours, theirs; /* -1: lost */
};

static struct helper only;

int hostile_helper_fd(void) {
        return only.theirs;
}

int helper_new(const char *name, int type, helper_main *run, const void *userdata, struct helper **ret) {
        int pair[2];

        (void) name;
        (void) run;
        (void) userdata;
        if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
                abort();
        only = (struct helper) { pair[0], pair[1] };
        *ret = &only;
        return 0;
}

void helper_lose(struct helper *h, uint64_t now_us) {
        (void) now_us;
        if (h->ours < 0)
                return;
        close(h->ours);
        close(h->theirs);
        h->ours = h->theirs = -1;
}

struct helper *helper_free(struct helper *h) {
        if (h)
                helper_lose(h, 0);
        return NULL;
}

int helper_fd(const struct helper *h) {
        return h->ours;
}

pid_t helper_pid(const struct helper *h) {
        (void) h;
        return 0;
}

bool helper_revive(struct helper *h, uint64_t now_us) {
        (void) h;
        (void) now_us;
        return false;
}

uint64_t helper_cpu_us(void) {
        return 0;
}
