/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct flight {
        int fd; /* -1: free */
        uint64_t begun_us;
};

struct probe {
        int epoll;
        struct flight flights[PROBE_FLIGHTS_MAX];
};

int probe_new(struct probe **ret) {
        struct probe *p = calloc(1, sizeof *p);

        if (!p)
                return -ENOMEM;
        for (unsigned i = 0; i < PROBE_FLIGHTS_MAX; i++)
                p->flights[i].fd = -1;
        p->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (p->epoll < 0) {
                int r = -errno;

                free(p);
                return r;
        }
        *ret = p;
        return 0;
}

static void end(struct flight *f) {
        close(f->fd);
        f->fd = -1;
}

struct probe *probe_free(struct probe *p) {
        if (!p)
                return NULL;
        for (unsigned i = 0; i < PROBE_FLIGHTS_MAX; i++)
                if (p->flights[i].fd >= 0)
                        end(&p->flights[i]);
        close(p->epoll);
        free(p);
        return NULL;
}

int probe_fd(const struct probe *p) {
        return p->epoll;
}

/* --- beginning ------------------------------------------------------------------------ */

static socklen_t fill(struct sockaddr_storage *to, const struct address *a, uint16_t port) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

        memset(to, 0, sizeof *to);
        if (address_is_ipv4(a)) {
                memcpy(&in.sin_addr, a->bytes + sizeof address_mapped, sizeof in.sin_addr);
                memcpy(to, &in, sizeof in);
                return sizeof in;
        }
        memcpy(&in6.sin6_addr, a->bytes, sizeof in6.sin6_addr);
        memcpy(to, &in6, sizeof in6);
        return sizeof in6;
}

/* Without a port, so that each connection can have any (IP_BIND_ADDRESS_NO_PORT, ip(7)). */
static int bind_from(int fd, const struct address *from) {
        struct sockaddr_storage a;
        socklen_t length = fill(&a, from, 0);
        int one = 1;

        (void) setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        return bind(fd, (struct sockaddr *) &a, length) < 0 ? -errno : 0;
}

static int start(struct probe *p, struct flight *f, const struct settings_address *listener,
                 const struct address *from) {
        const int no_lingering = -1, give_up_ms = PROBE_GIVE_UP_MS;
        struct epoll_event wanted = { .events = EPOLLOUT, .data.u32 = (uint32_t) (f - p->flights) };
        struct sockaddr_storage to;
        socklen_t length = fill(&to, &listener->address, listener->port);
        int r = 0;

        if (setsockopt(f->fd, IPPROTO_TCP, TCP_LINGER2, &no_lingering, sizeof no_lingering) < 0 ||
            setsockopt(f->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &give_up_ms, sizeof give_up_ms) < 0)
                return -errno;
        if (!address_is_wildcard(from))
                r = bind_from(f->fd, from);
        if (r < 0)
                return r;
        if (connect(f->fd, (struct sockaddr *) &to, length) < 0 && errno != EINPROGRESS && errno != ECONNREFUSED)
                return -errno;
        return epoll_ctl(p->epoll, EPOLL_CTL_ADD, f->fd, &wanted) < 0 ? -errno : 0;
}

int probe_begin(struct probe *p, const struct settings_address *listener, const struct address *from, uint64_t now_us) {
        struct flight *f = p->flights;
        int r;

        while (f < p->flights + PROBE_FLIGHTS_MAX && f->fd >= 0)
                f++;
        if (f == p->flights + PROBE_FLIGHTS_MAX)
                return -EBUSY;
        f->fd = socket(address_is_ipv4(&listener->address) ? AF_INET : AF_INET6,
                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
        if (f->fd < 0)
                return -errno;
        f->begun_us = now_us;
        r = start(p, f, listener, from);
        if (r < 0)
                end(f);
        return r;
}

/* --- ending --------------------------------------------------------------------------- */

static uint64_t time_taken_us(const struct flight *f, uint64_t now_us) {
        struct tcp_info info;
        socklen_t length = sizeof info;

        memset(&info, 0, sizeof info);
        if (getsockopt(f->fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_total_retrans == 0 &&
            info.tcpi_rtt > 0)
                return info.tcpi_rtt;
        return now_us - f->begun_us;
}

static struct probe_end finish(struct flight *f, uint64_t now_us) {
        struct probe_end e = { .took_us = now_us - f->begun_us };
        socklen_t length = sizeof e.error;

        if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &e.error, &length) < 0)
                e.error = errno;
        if (e.error == 0)
                e.took_us = time_taken_us(f, now_us);
        e.error = -e.error;
        end(f);
        return e;
}

bool probe_ended(struct probe *p, uint64_t timeout_us, uint64_t now_us, struct probe_end *ret) {
        struct epoll_event event;

        if (epoll_wait(p->epoll, &event, 1, 0) == 1) {
                *ret = finish(&p->flights[event.data.u32], now_us);
                return true;
        }
        for (unsigned i = 0; i < PROBE_FLIGHTS_MAX; i++) {
                struct flight *f = &p->flights[i];

                if (f->fd < 0 || now_us - f->begun_us < timeout_us)
                        continue;
                *ret = (struct probe_end) { .error = -ETIMEDOUT, .took_us = now_us - f->begun_us };
                end(f);
                return true;
        }
        return false;
}
