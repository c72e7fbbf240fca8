/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The least that any reader of the packet log must do, to measure ours
 * against: binds a group with the same sizes, receives, walks the messages
 * without looking into them, for SECONDS. Prints messages and CPU time.
 *
 *   nflog-floor GROUP SECONDS FLUSH
 *   FLUSH: the age at which the kernel hands over a batch that is not full, in 10 ms
 */

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_log/libnetfilter_log.h>
#include <linux/netfilter/nfnetlink_log.h>

static uint8_t buffer[128 * 1024];

static double seconds(clockid_t id) {
        struct timespec t;

        clock_gettime(id, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void bind_group(struct mnl_socket *s, uint16_t group, uint32_t flush_10ms) {
        int size = 8 * 1024 * 1024, on = 1;
        char b[512];
        struct nlmsghdr *h = nflog_nlmsg_put_header(b, NFULNL_MSG_CONFIG, AF_UNSPEC, group);

        nflog_attr_put_cfg_cmd(h, NFULNL_CFG_CMD_BIND);
        nflog_attr_put_cfg_mode(h, NFULNL_COPY_PACKET, 128);
        mnl_attr_put_u32(h, NFULA_CFG_QTHRESH, htonl(512));
        mnl_attr_put_u32(h, NFULA_CFG_NLBUFSIZ, htonl(128 * 1024));
        mnl_attr_put_u32(h, NFULA_CFG_TIMEOUT, htonl(flush_10ms));
        mnl_attr_put_u16(h, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
        (void) setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        mnl_socket_setsockopt(s, NETLINK_NO_ENOBUFS, &on, sizeof on);
        if (mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
                exit(1);
}

int main(int argc, char **argv) {
        struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);
        unsigned long long messages = 0;
        double until;

        if (argc != 4 || !s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
                return 1;
        bind_group(s, (uint16_t) atoi(argv[1]), (uint32_t) atoi(argv[3]));
        fprintf(stderr, "ready\n");
        until = seconds(CLOCK_MONOTONIC) + atof(argv[2]);
        while (seconds(CLOCK_MONOTONIC) < until) {
                struct pollfd p = { .fd = mnl_socket_get_fd(s), .events = POLLIN };
                ssize_t n;

                if (poll(&p, 1, 100) <= 0)
                        continue;
                while ((n = recv(p.fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
                        const struct nlmsghdr *h = (const void *) buffer;
                        int left = (int) n;

                        for (; left >= (int) sizeof *h && h->nlmsg_len >= sizeof *h; messages++) {
                                left -= (int) NLMSG_ALIGN(h->nlmsg_len);
                                h = (const void *) ((const uint8_t *) h + NLMSG_ALIGN(h->nlmsg_len));
                        }
                }
        }
        printf("{ \"received\": %llu, \"cpu_us\": %.0f }\n", messages, seconds(CLOCK_PROCESS_CPUTIME_ID) * 1e6);
        mnl_socket_close(s);
        return 0;
}
