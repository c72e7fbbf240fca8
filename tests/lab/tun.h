/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * SYNs from people who never answer: a tun device whose other end takes the
 * SYN-ACKs and says nothing. The host is 192.0.2.1 and 2001:db8::1.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static inline void tun_run(const char *command) {
        if (system(command) != 0) {
                fprintf(stderr, "failed: %s\n", command);
                exit(1);
        }
}

/* In a namespace of the caller's own (netns.h). Exits with 77 where there is no tun. */
static inline int tun_open(const char *program) {
        struct ifreq r = { .ifr_name = "t0", .ifr_flags = IFF_TUN | IFF_NO_PI };
        int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

        if (tun < 0 || ioctl(tun, TUNSETIFF, &r) < 0) {
                fprintf(stderr, "%s: skipped, no tun device: %s\n", program, strerror(errno));
                exit(77);
        }
        tun_run("ip addr add 192.0.2.1/24 dev t0 && ip addr add 2001:db8::1/64 dev t0 nodad && "
                "ip link set t0 up && ip route add default dev t0 && "
                "ip -6 route add default dev t0");
        /* Without detection of duplicates, too, an address is tentative until a worker of the kernel has run. */
        tun_run("tries=100; while [ -n \"$(ip -6 addr show dev t0 tentative)\" ]; do "
                "[ $((tries -= 1)) -gt 0 ] || exit 1; sleep 0.05; done");
        return tun;
}

static inline uint32_t tun_sum(const void *data, size_t length) {
        const uint8_t *p = data;
        uint32_t sum = 0;

        for (size_t i = 0; i + 1 < length; i += 2)
                sum += (uint32_t) p[i] << 8 | p[i + 1];
        return sum;
}

static inline uint16_t tun_fold(uint32_t sum) {
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return htons((uint16_t) ~sum);
}

static inline struct tcphdr tun_tcp(uint16_t port, uint16_t source_port, uint32_t pseudo_sum) {
        struct tcphdr t = { .source = htons(source_port),
                            .dest = htons(port),
                            .seq = htonl(1),
                            .doff = sizeof t / 4,
                            .syn = 1,
                            .window = htons(64240) };

        t.check = tun_fold(tun_sum(&t, sizeof t) + pseudo_sum + IPPROTO_TCP + sizeof t);
        return t;
}

/* source: host byte order. -errno when the device did not take it. */
static inline int tun_syn4(int tun, uint16_t port, uint32_t source) {
        struct {
                struct iphdr ip;
                struct tcphdr tcp;
        } p = {
                .ip = { .version = 4,
                        .ihl = 5,
                        .tot_len = htons(sizeof p),
                        .ttl = 64,
                        .protocol = IPPROTO_TCP,
                        .saddr = htonl(source),
                        .daddr = htonl(0xc0000201u) },
        };

        p.ip.check = tun_fold(tun_sum(&p.ip, sizeof p.ip));
        p.tcp = tun_tcp(port, 40000, tun_sum(&p.ip.saddr, 8));
        return write(tun, &p, sizeof p) == sizeof p ? 0 : -errno;
}

static inline int tun_syn6(int tun, uint16_t port) {
        struct {
                struct ip6_hdr ip;
                struct tcphdr tcp;
        } p = { 0 };

        p.ip.ip6_flow = htonl(6u << 28);
        p.ip.ip6_plen = htons(sizeof p.tcp);
        p.ip.ip6_nxt = IPPROTO_TCP;
        p.ip.ip6_hlim = 64;
        inet_pton(AF_INET6, "2001:db8:ffff::1", &p.ip.ip6_src);
        inet_pton(AF_INET6, "2001:db8::1", &p.ip.ip6_dst);
        p.tcp = tun_tcp(port, 40000, tun_sum(&p.ip.ip6_src, 32));
        return write(tun, &p, sizeof p) == sizeof p ? 0 : -errno;
}
