/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* struct ucred */

#include "claim.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/log.h"

static const char name[] = "\0io.synward";

/* Who listens there. -errno: nobody, by now. */
static int ask_owner(const struct sockaddr_un *address, socklen_t length, struct ucred *ret) {
        socklen_t size = sizeof *ret;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r = 0;

        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) address, length) < 0 ||
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0)
                r = -errno;
        close(fd);
        return r;
}

static int refused(const struct sockaddr_un *address, socklen_t length, pid_t *ret_pid) {
        struct ucred owner;

        if (ask_owner(address, length, &owner) >= 0 && (owner.uid == 0 || owner.uid == geteuid())) {
                *ret_pid = owner.pid;
                return -EBUSY;
        }
        log_warning("Somebody else has the name @io.synward: whether another synwardd works here cannot be told");
        return 0;
}

int claim_namespace(pid_t *ret_pid) {
        static int held = -1;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + sizeof name - 1);
        int fd, r = 0;

        if (held >= 0)
                return 0;
        memcpy(address.sun_path, name, sizeof name - 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *) &address, length) < 0)
                r = errno == EADDRINUSE ? refused(&address, length, ret_pid) : -errno;
        else if (listen(fd, 1) < 0)
                r = -errno;
        else
                held = fd;
        if (held < 0)
                close(fd);
        return r;
}
