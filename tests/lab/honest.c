/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Honest clients: connections opened at a rate from many addresses, each held
 * for a while and closed. Nothing is sent on them.
 *
 * The addresses are the namespace's own by a "local" route (AnyIP), bound with
 * IP_FREEBIND; the port is chosen at connect(), so that one address can serve
 * many connections.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

enum { TARGETS_MAX = 64, FDS_MAX = 20000, OPEN_MAX = 15000, EVENTS = 512, YOUNG_US = 1000000 };

struct settings {
        struct lab_endpoint to[TARGETS_MAX];
        unsigned to_count;
        struct lab_range from;
        bool has_from, poisson, reset, progress;
        double per_s;
        uint64_t duration_us, hold_us, timeout_us, seed, first;
        uint64_t keep;  /* open that many and keep them all to the end */
        uint64_t burst; /* open that many at once to begin with */
        unsigned open_max;
};

enum phase { UNUSED, CONNECTING, CONNECTED };

/* Indexed by file descriptor. Both waits are of constant length, so each phase
 * is a queue in order of its deadline. */
struct connection {
        enum phase phase;
        uint64_t since_us;
        int previous, next;
};

struct queue {
        int first, last;
};

struct clients {
        const struct settings *settings;
        int epoll;
        struct connection connections[FDS_MAX];
        struct queue connecting, connected;
        unsigned open, open_peak;
        uint64_t rng, opened, skipped, done, failed, timeouts, refused, reset_by_peer;
        struct lab_histogram latency;
};

static void queue_add(struct clients *c, struct queue *q, int fd) {
        struct connection *n = &c->connections[fd];

        n->previous = q->last;
        n->next = -1;
        if (q->last >= 0)
                c->connections[q->last].next = fd;
        else
                q->first = fd;
        q->last = fd;
}

static void queue_remove(struct clients *c, struct queue *q, int fd) {
        struct connection *n = &c->connections[fd];

        if (n->previous >= 0)
                c->connections[n->previous].next = n->next;
        else
                q->first = n->next;
        if (n->next >= 0)
                c->connections[n->next].previous = n->previous;
        else
                q->last = n->previous;
}

static void close_connection(struct clients *c, int fd) {
        struct connection *n = &c->connections[fd];

        queue_remove(c, n->phase == CONNECTING ? &c->connecting : &c->connected, fd);
        n->phase = UNUSED;
        if (c->settings->reset) {
                struct linger l = { .l_onoff = 1 };

                (void) setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
        }
        close(fd);
        c->open--;
}

static int bind_source(struct clients *c, int fd) {
        struct sockaddr_storage address = { .ss_family = (sa_family_t) c->settings->from.family };
        socklen_t length = sizeof(struct sockaddr_in);
        int one = 1;
        uint8_t bytes[16];

        /* A step that shares no factor with a power of two visits every address
         * before it comes back, and neighbours in time are none in number. */
        lab_range_address(&c->settings->from, (c->settings->first + c->opened) * 7919, bytes);
        if (address.ss_family == AF_INET) {
                memcpy(&((struct sockaddr_in *) &address)->sin_addr, bytes, 4);
        } else {
                memcpy(&((struct sockaddr_in6 *) &address)->sin6_addr, bytes, 16);
                length = sizeof(struct sockaddr_in6);
                if (setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one)) < 0)
                        return -errno;
        }
        if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)) < 0 ||
            setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) < 0 ||
            bind(fd, (struct sockaddr *) &address, length) < 0)
                return -errno;
        return 0;
}

static void open_connection(struct clients *c) {
        const struct lab_endpoint *to = &c->settings->to[c->opened % c->settings->to_count];
        struct epoll_event e = { .events = EPOLLOUT | EPOLLRDHUP };
        int fd, r = 0;

        if (c->open >= c->settings->open_max) {
                c->skipped++;
                return;
        }
        fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 || fd >= FDS_MAX)
                lab_die("socket");
        if (c->settings->has_from)
                r = bind_source(c, fd);
        c->opened++;
        if (r == 0 && connect(fd, (const struct sockaddr *) &to->address, to->length) < 0 && errno != EINPROGRESS)
                r = -errno;
        if (r < 0) {
                if (c->failed++ == 0)
                        fprintf(stderr, "honest: first failure: %s\n", strerror(-r));
                close(fd);
                return;
        }
        e.data.fd = fd;
        if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
                lab_die("epoll_ctl");
        c->connections[fd].phase = CONNECTING;
        c->connections[fd].since_us = lab_now_us();
        queue_add(c, &c->connecting, fd);
        if (++c->open > c->open_peak)
                c->open_peak = c->open;
}

static void finish_connect(struct clients *c, int fd) {
        struct connection *n = &c->connections[fd];
        struct epoll_event e = { .events = EPOLLRDHUP, .data.fd = fd };
        uint64_t now = lab_now_us();
        int error = 0;
        socklen_t length = sizeof(error);

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
                lab_die("SO_ERROR");
        if (error) {
                if (error == ECONNREFUSED || error == ECONNRESET)
                        c->refused++;
                c->failed++;
                close_connection(c, fd);
                return;
        }
        lab_histogram_add(&c->latency, now - n->since_us);
        c->done++;
        queue_remove(c, &c->connecting, fd);
        n->phase = CONNECTED;
        n->since_us = now;
        queue_add(c, &c->connected, fd);
        if (c->settings->hold_us == 0 && c->settings->keep == 0)
                close_connection(c, fd);
        else if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, fd, &e) < 0)
                lab_die("epoll_ctl");
}

static void handle(struct clients *c, const struct epoll_event *e) {
        int fd = e->data.fd;

        switch (c->connections[fd].phase) {
        case UNUSED:
                break;
        case CONNECTING:
                finish_connect(c, fd);
                break;
        case CONNECTED:
                c->reset_by_peer++;
                close_connection(c, fd);
                break;
        }
}

/* Ends what has waited long enough; returns when the next one will have. */
static uint64_t expire(struct clients *c, uint64_t now) {
        uint64_t next = UINT64_MAX, due;

        while (c->connecting.first >= 0) {
                due = c->connections[c->connecting.first].since_us + c->settings->timeout_us;
                if (due > now) {
                        next = due;
                        break;
                }
                c->timeouts++;
                close_connection(c, c->connecting.first);
        }
        while (c->connected.first >= 0 && c->settings->keep == 0) {
                due = c->connections[c->connected.first].since_us + c->settings->hold_us;
                if (due > now)
                        return due < next ? due : next;
                close_connection(c, c->connected.first);
        }
        return next;
}

static uint64_t gap_us(struct clients *c) {
        double mean = 1e6 / c->settings->per_s;

        if (!c->settings->poisson)
                return (uint64_t) mean;
        return (uint64_t) (-log(1 - lab_random_unit(&c->rng)) * mean);
}

/* Those that have just been opened: they may still be answered. */
static unsigned count_young(const struct clients *c) {
        uint64_t now = lab_now_us();
        unsigned n = 0;

        for (int fd = c->connecting.last; fd >= 0; fd = c->connections[fd].previous, n++)
                if (c->connections[fd].since_us + YOUNG_US < now)
                        break;
        return n;
}

static void report(const struct clients *c, const char *what, double seconds) {
        printf("{\"program\":\"honest\",\"what\":\"%s\",\"seconds\":%.1f,\"opened\":%llu,"
               "\"connected\":%llu,\"failed\":%llu,\"refused\":%llu,\"timeouts\":%llu,"
               "\"reset_by_peer\":%llu,\"skipped\":%llu,\"open\":%u,\"open_peak\":%u,\"young\":%u,"
               "\"connect_p50_ms\":%.1f,\"connect_p95_ms\":%.1f,\"connect_p99_ms\":%.1f,"
               "\"connect_max_ms\":%.1f}\n",
               what, seconds, (unsigned long long) c->opened, (unsigned long long) c->done,
               (unsigned long long) c->failed, (unsigned long long) c->refused, (unsigned long long) c->timeouts,
               (unsigned long long) c->reset_by_peer, (unsigned long long) c->skipped, c->open, c->open_peak,
               count_young(c), lab_histogram_quantile_ms(&c->latency, 0.5),
               lab_histogram_quantile_ms(&c->latency, 0.95), lab_histogram_quantile_ms(&c->latency, 0.99),
               (double) c->latency.max_us / 1e3);
        fflush(stdout);
}

static void wait_for_events(struct clients *c, uint64_t until) {
        struct epoll_event events[EVENTS];
        uint64_t now = lab_now_us(), us = until > now ? until - now : 0;
        struct timespec t = { .tv_sec = (time_t) (us / 1000000), .tv_nsec = (long) (us % 1000000) * 1000 };
        int n = epoll_pwait2(c->epoll, events, EVENTS, &t, NULL);

        for (int i = 0; i < n; i++)
                handle(c, &events[i]);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static void run(struct clients *c) {
        const struct settings *s = c->settings;
        uint64_t start = lab_now_us(), stop = start + s->duration_us;
        uint64_t next_open = s->per_s > 0 ? start : UINT64_MAX, next_report = start + 1000000;

        for (uint64_t i = 0; i < s->burst; i++)
                open_connection(c);
        while (lab_running()) {
                uint64_t now = lab_now_us(), wake;
                /* A bounded number at a go, or a late client would starve its own answers. */
                unsigned budget = 64;

                if (now >= stop && (c->connecting.first < 0 || s->keep))
                        break;
                if (now >= stop)
                        next_open = UINT64_MAX;
                for (; next_open <= now && budget; budget--) {
                        next_open += gap_us(c);
                        if (s->keep == 0 || c->open < s->keep)
                                open_connection(c);
                }
                wake = earlier(expire(c, now), earlier(next_open, now + 100000));
                if (s->progress && now >= next_report) {
                        report(c, "progress", (double) (now - start) / 1e6);
                        next_report += 1000000;
                }
                wait_for_events(c, wake);
        }
        report(c, "end", (double) (lab_now_us() - start) / 1e6);
}

static const char help[] = "honest --to ADDRESS:PORT ... [--from RANGE] [--rate PER_SECOND] [--poisson]\n"
                           "       [--duration TIME] [--hold TIME] [--timeout TIME] [--burst N] [--keep N]\n"
                           "       [--first N] [--open-max N] [--reset] [--seed N] [--progress]\n"
                           "--burst: so many at once to begin with; --keep: open at the rate until N are open,\n"
                           "keep them; --first: number of the first source address; --reset: close by RST";

static void parse_option(struct settings *s, int c) {
        switch (c) {
        case 't':
                if (s->to_count == TARGETS_MAX)
                        lab_usage("at most %d targets", TARGETS_MAX);
                s->to[s->to_count++] = lab_endpoint_parse("--to", optarg);
                break;
        case 'f':
                s->from = lab_range_parse("--from", optarg);
                s->has_from = true;
                break;
        case 'r':
                s->per_s = lab_number("--rate", optarg, 0, 50000);
                break;
        case 'p':
                s->poisson = true;
                break;
        case 'd':
                s->duration_us = lab_duration_us("--duration", optarg);
                break;
        case 'H':
                s->hold_us = lab_duration_us("--hold", optarg);
                break;
        case 'T':
                s->timeout_us = lab_duration_us("--timeout", optarg);
                break;
        case 'b':
                s->burst = lab_integer("--burst", optarg, 0, OPEN_MAX);
                break;
        case 'k':
                s->keep = lab_integer("--keep", optarg, 0, OPEN_MAX);
                break;
        case 'n':
                s->first = lab_integer("--first", optarg, 0, UINT32_MAX);
                break;
        case 'o':
                s->open_max = (unsigned) lab_integer("--open-max", optarg, 1, OPEN_MAX);
                break;
        case 'R':
                s->reset = true;
                break;
        case 's':
                s->seed = lab_integer("--seed", optarg, 1, UINT64_MAX);
                break;
        case 'P':
                s->progress = true;
                break;
        case 'h':
                puts(help);
                exit(0);
        default:
                exit(2);
        }
}

static struct settings parse(int argc, char **argv) {
        static const struct option options[] = {
                { "to", required_argument, NULL, 't' },       { "from", required_argument, NULL, 'f' },
                { "rate", required_argument, NULL, 'r' },     { "poisson", no_argument, NULL, 'p' },
                { "duration", required_argument, NULL, 'd' }, { "hold", required_argument, NULL, 'H' },
                { "timeout", required_argument, NULL, 'T' },  { "burst", required_argument, NULL, 'b' },
                { "keep", required_argument, NULL, 'k' },     { "first", required_argument, NULL, 'n' },
                { "open-max", required_argument, NULL, 'o' }, { "reset", no_argument, NULL, 'R' },
                { "seed", required_argument, NULL, 's' },     { "progress", no_argument, NULL, 'P' },
                { "help", no_argument, NULL, 'h' },           { 0 },
        };
        struct settings s = {
                .duration_us = 10000000, .hold_us = 100000, .timeout_us = 10000000, .seed = 1, .open_max = OPEN_MAX
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                parse_option(&s, c);
        if (s.to_count == 0 || optind != argc)
                lab_usage("--to is missing (see --help)");
        return s;
}

int main(int argc, char **argv) {
        static struct clients c;
        struct settings s = parse(argc, argv);

        lab_require_namespace();
        if (lab_raise_nofile() < s.open_max + 100)
                lab_usage("RLIMIT_NOFILE is too low for --open-max %u", s.open_max);
        lab_catch_signals();
        c.settings = &s;
        c.rng = s.seed;
        c.connecting = c.connected = (struct queue) { -1, -1 };
        c.epoll = epoll_create1(EPOLL_CLOEXEC);
        if (c.epoll < 0)
                lab_die("epoll_create1");
        run(&c);
        return 0;
}
