/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* struct ucred */

#include "util/claim.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOOK_MS = 5 };

struct name {
        struct sockaddr_un address;
        socklen_t length;
};

static struct name name_of(const char *text) {
        struct name n = { .address = { .sun_family = AF_UNIX } };
        size_t length = strnlen(text, sizeof n.address.sun_path - 1);

        memcpy(n.address.sun_path + 1, text, length);
        n.length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + length);
        return n;
}

/* Who listens there. -errno: nobody, by now. */
static int ask_owner(const struct name *n, struct ucred *ret) {
        socklen_t size = sizeof *ret;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r = 0;

        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) &n->address, n->length) < 0 ||
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0)
                r = -errno;
        close(fd);
        return r;
}

static int refused(const struct name *n, pid_t *ret_pid) {
        struct ucred owner;

        if (ask_owner(n, &owner) < 0 || (owner.uid != 0 && owner.uid != geteuid()))
                return -EPERM;
        *ret_pid = owner.pid;
        return -EBUSY;
}

int claim_take(const char *name, int *ret, pid_t *ret_pid) {
        const struct name n = name_of(name);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r = 0;

        if (fd < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *) &n.address, n.length) < 0)
                r = errno == EADDRINUSE ? refused(&n, ret_pid) : -errno;
        else if (listen(fd, 1) < 0)
                r = -errno;
        if (r < 0)
                close(fd);
        else
                *ret = fd;
        return r;
}

bool claim_is_taken(const char *name) {
        const struct name n = name_of(name);
        struct ucred owner;
        int r = ask_owner(&n, &owner);

        return r >= 0 || r == -EAGAIN; /* its queue is full */
}

void claim_wait_until_free(const char *name, unsigned limit_ms) {
        for (unsigned waited_ms = 0; waited_ms < limit_ms && claim_is_taken(name); waited_ms += LOOK_MS)
                usleep(LOOK_MS * 1000);
}
