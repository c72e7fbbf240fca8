/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileged/log_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_log/libnetfilter_log.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "util/log_batch.h"
#include "util/netlink.h"

enum {
        /* When it is so old the kernel sends a batch. Below 5,000 SYN/s each batch is a wake-up: with
         * 10 ms they would be most of what a SYN costs. Who sends may be known so late; how many is
         * counted. */
        BATCH_AGE_10MS = 10,
        RECEIVE_BUFFER = 8 * 1024 * 1024,
        ANSWER_TIMEOUT_S = 5,
};

static int transact(struct mnl_socket *socket, struct nlmsghdr *h) {
        char answer[1024];
        ssize_t n;

        h->nlmsg_flags |= NLM_F_ACK;
        h->nlmsg_seq = 1;
        if (mnl_socket_sendto(socket, h, h->nlmsg_len) < 0)
                return -errno;
        for (;;) {
                const struct nlmsghdr *a = (const void *) answer;

                n = mnl_socket_recvfrom(socket, answer, sizeof answer);
                /* Packets of the group may come before the answer; they are too long for it. */
                if (n < 0 && errno == ENOSPC)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                if (!netlink_buffer_ok(answer, (size_t) n) || a->nlmsg_type != NLMSG_ERROR)
                        continue;
                return mnl_cb_run(answer, (size_t) n, 1, mnl_socket_get_portid(socket), NULL, NULL) < 0 ? -errno : 0;
        }
}

static int command(struct mnl_socket *socket, uint16_t group, uint8_t cmd) {
        char buffer[256];
        struct nlmsghdr *h = nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, group);

        if (nflog_attr_put_cfg_cmd(h, cmd) < 0)
                return -EINVAL;
        return transact(socket, h);
}

static int configure(struct mnl_socket *socket, uint16_t group, uint32_t copy_range) {
        char buffer[256];
        struct nlmsghdr *h = nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, group);

        if (nflog_attr_put_cfg_mode(h, NFULNL_COPY_PACKET, copy_range) < 0)
                return -EINVAL;
        mnl_attr_put_u32(h, NFULA_CFG_QTHRESH, htonl(LOG_BATCH_SYNS));
        mnl_attr_put_u32(h, NFULA_CFG_NLBUFSIZ, htonl(LOG_BATCH_BYTES));
        mnl_attr_put_u32(h, NFULA_CFG_TIMEOUT, htonl(BATCH_AGE_10MS));
        mnl_attr_put_u16(h, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
        return transact(socket, h);
}

/* The kernel says EPERM for both: no privilege, and a group with another owner. A group that
 * nobody will have tells them apart. */
static bool may_bind_another(struct mnl_socket *socket, uint16_t group) {
        uint16_t other = group ^ 0xa5a5;

        if (command(socket, other, NFULNL_CFG_CMD_BIND) < 0)
                return false;
        (void) command(socket, other, NFULNL_CFG_CMD_UNBIND);
        return true;
}

static int bind_group(struct mnl_socket *socket, uint16_t group, const char **ret_reason) {
        int r = command(socket, group, NFULNL_CFG_CMD_BIND);

        if (r >= 0)
                return 0;
        if (r == -EBUSY || (r == -EPERM && may_bind_another(socket, group))) {
                *ret_reason = "another program reads this NFLOG group";
                return -EBUSY;
        }
        if (r == -EPERM)
                *ret_reason = "reading NFLOG needs CAP_NET_ADMIN";
        else if (r == -EINVAL || r == -EOPNOTSUPP) {
                *ret_reason = "this kernel has no NFLOG (CONFIG_NETFILTER_NETLINK_LOG)";
                r = -EPROTONOSUPPORT;
        } else
                *ret_reason = "the NFLOG group could not be bound";
        return r;
}

static void set_socket_options(struct mnl_socket *socket) {
        struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
        int fd = mnl_socket_get_fd(socket), size = RECEIVE_BUFFER, on = 1;

        (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        /* FORCE passes net.core.rmem_max and needs CAP_NET_ADMIN in the first user namespace. */
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
                (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        /* Loss is told by the sequence; ENOBUFS would only cost a system call each time. */
        (void) mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, &on, sizeof on);
}

int log_socket_open(uint16_t group, uint32_t copy_range, int *ret_fd, const char **ret_reason) {
        struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
        int r;

        *ret_reason = "no netfilter netlink socket";
        if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
                r = -errno;
                goto end;
        }
        set_socket_options(socket);
        r = bind_group(socket, group, ret_reason);
        if (r < 0)
                goto end;
        *ret_reason = "the NFLOG group could not be configured";
        r = configure(socket, group, copy_range);
        if (r < 0)
                goto end;
        /* libmnl closes the one it made. */
        r = fcntl(mnl_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
        if (r < 0) {
                r = -errno;
                goto end;
        }
        *ret_reason = NULL;
        *ret_fd = r;
        r = 0;
end:
        if (socket)
                (void) mnl_socket_close(socket);
        return r;
}
