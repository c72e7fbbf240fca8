/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "util/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/child.h"

enum {
        END_TRIES = 40,
        END_PAUSE_US = 5000,
        PAUSE_FIRST_US = 100000,
        PAUSE_MAX_US = 2000000,
        LIVED_US = 10000000, /* who lived so long starts the pauses anew */
};

struct helper {
        const char *name;
        int type;
        helper_main *run;
        const void *userdata;
        int fd;
        pid_t pid; /* 0: none, and none to be waited for */
        uint64_t began_us, retry_us, pause_us;
};

_Noreturn static void be(const struct helper *h, int fd) {
        if (child_part(fd) < 0)
                _exit(EXIT_FAILURE);
        (void) prctl(PR_SET_NAME, h->name, 0, 0, 0);
        /* Only for one that stands still: else the end of the pair is what ends us. */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        h->run(CHILD_PAIR_FD, h->userdata);
        _exit(EXIT_SUCCESS);
}

static int start(struct helper *h) {
        int pair[2], r;
        pid_t pid;

        if (socketpair(AF_UNIX, h->type | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        pid = fork();
        if (pid == 0) {
                close(pair[0]);
                be(h, pair[1]);
        }
        r = pid < 0 ? -errno : 0;
        close(pair[1]);
        if (r == 0 && fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
                r = -errno;
        if (r < 0) {
                close(pair[0]);
                if (pid > 0)
                        h->pid = pid; /* ends by itself, and is reaped later */
                return r;
        }
        h->fd = pair[0];
        h->pid = pid;
        return 0;
}

int helper_new(const char *name, int type, helper_main *run, const void *userdata, struct helper **ret) {
        struct helper *h = calloc(1, sizeof *h);
        int r;

        if (!h)
                return -ENOMEM;
        *h = (struct helper) {
                .name = name, .type = type, .run = run, .userdata = userdata, .fd = -1, .pause_us = PAUSE_FIRST_US
        };
        r = start(h);
        if (r < 0) {
                helper_free(h);
                return r;
        }
        *ret = h;
        return 0;
}

/* Whether there is none any more. */
static bool reap(struct helper *h) {
        if (h->pid > 0 && waitpid(h->pid, NULL, WNOHANG) != 0)
                h->pid = 0;
        return h->pid == 0;
}

static void close_end(struct helper *h) {
        if (h->fd >= 0)
                close(h->fd);
        h->fd = -1;
}

struct helper *helper_free(struct helper *h) {
        if (!h)
                return NULL;
        close_end(h);
        for (unsigned i = 0; !reap(h) && i < END_TRIES; i++)
                usleep(END_PAUSE_US);
        if (h->pid > 0) {
                kill(h->pid, SIGKILL);
                for (unsigned i = 0; !reap(h) && i < END_TRIES; i++)
                        usleep(END_PAUSE_US);
        }
        free(h);
        return NULL;
}

int helper_fd(const struct helper *h) {
        return h->fd;
}

pid_t helper_pid(const struct helper *h) {
        return h->fd < 0 ? 0 : h->pid;
}

void helper_lose(struct helper *h, uint64_t now_us) {
        if (h->fd < 0)
                return;
        close_end(h);
        if (h->pid > 0)
                kill(h->pid, SIGKILL);
        if (now_us - h->began_us > LIVED_US)
                h->pause_us = PAUSE_FIRST_US;
        h->retry_us = now_us + h->pause_us;
        h->pause_us = h->pause_us * 2 < PAUSE_MAX_US ? h->pause_us * 2 : PAUSE_MAX_US;
}

bool helper_revive(struct helper *h, uint64_t now_us) {
        if (h->fd >= 0)
                return false;
        if (!reap(h) || now_us < h->retry_us)
                return false;
        h->began_us = now_us;
        if (start(h) >= 0)
                return true;
        h->retry_us = now_us + PAUSE_MAX_US;
        return false;
}

uint64_t helper_cpu_us(void) {
        struct rusage u;

        /* Cannot fail for ourselves. */
        getrusage(RUSAGE_SELF, &u);
        return (uint64_t) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
               (uint64_t) (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}
