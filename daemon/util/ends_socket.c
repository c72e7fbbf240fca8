/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/ends_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/sock_diag.h>

enum { RECEIVE_BUFFER = 4 * 1024 * 1024 };

static int join(int fd, int group) {
        return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0 ? -errno : 0;
}

static int set_up(int fd) {
        const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
        int r, size = RECEIVE_BUFFER;

        /* Before joining: the kernel loads what tells of TCP when such a socket is bound. */
        if (bind(fd, (const struct sockaddr *) &any, sizeof any) < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
                (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        r = join(fd, SKNLGRP_INET_TCP_DESTROY);
        return r < 0 ? r : join(fd, SKNLGRP_INET6_TCP_DESTROY);
}

int ends_socket_open(int *ret_fd) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), r;

        if (fd < 0)
                return -errno;
        r = set_up(fd);
        if (r < 0) {
                close(fd);
                return r;
        }
        *ret_fd = fd;
        return 0;
}
