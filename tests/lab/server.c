/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listeners that accept as told: everything, some a second, or never. What is
 * accepted is held until the client closes it.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "common.h"

enum { LISTENERS_MAX = 1024, EVENTS = 512, PROCESSES_MAX = 16 };

struct settings {
        struct lab_endpoint listen[LISTENERS_MAX];
        unsigned listen_count;
        int backlog, defer_s;
        unsigned group; /* sockets per address */
        unsigned processes, open_max;
        double accept_per_s; /* 0: never, negative: as they come */
        bool v6only;
};

struct server {
        const struct settings *settings;
        int epoll, listeners[LISTENERS_MAX];
        unsigned listener_count, open;
        bool full;
        uint64_t accepted, closed, accept_errors;
};

static int open_listener(const struct settings *s, const struct lab_endpoint *e) {
        int one = 1, fd;

        fd = socket(e->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                lab_die("socket");
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
                lab_die("SO_REUSEADDR");
        if (s->group > 1 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0)
                lab_die("SO_REUSEPORT");
        if (e->address.ss_family == AF_INET6) {
                int only = s->v6only;

                if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)
                        lab_die("IPV6_V6ONLY");
        }
        if (s->defer_s && setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &s->defer_s, sizeof(s->defer_s)) < 0)
                lab_die("TCP_DEFER_ACCEPT");
        if (bind(fd, (const struct sockaddr *) &e->address, e->length) < 0)
                lab_die("bind");
        if (listen(fd, s->backlog) < 0)
                lab_die("listen");
        return fd;
}

static void open_listeners(struct server *v) {
        const struct settings *s = v->settings;

        for (unsigned i = 0; i < s->listen_count; i++)
                for (unsigned g = 0; g < s->group; g++)
                        v->listeners[v->listener_count++] = open_listener(s, &s->listen[i]);
}

static void watch_listeners(struct server *v, bool on) {
        for (unsigned i = 0; i < v->listener_count; i++) {
                struct epoll_event e = {
                        .events = on ? EPOLLIN | EPOLLEXCLUSIVE : 0,
                        .data.u64 = (uint64_t) i << 32,
                };

                /* EPOLLEXCLUSIVE cannot be modified, only added again. */
                if (epoll_ctl(v->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, v->listeners[i], &e) < 0)
                        lab_die("epoll_ctl");
        }
        v->full = !on;
}

/* False when there was nothing to accept. */
static bool accept_one(struct server *v, int listener) {
        struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP };
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
                if (errno != EAGAIN && errno != ECONNABORTED)
                        v->accept_errors++;
                return false;
        }
        v->accepted++;
        v->open++;
        e.data.u64 = UINT64_C(1) << 63 | (uint32_t) fd;
        if (epoll_ctl(v->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
                lab_die("epoll_ctl");
        return true;
}

static void handle_connection(struct server *v, int fd) {
        char buffer[4096];
        ssize_t n;

        do
                n = read(fd, buffer, sizeof(buffer));
        while (n > 0);
        if (n < 0 && errno == EAGAIN)
                return;
        close(fd);
        v->open--;
        v->closed++;
}

static void handle(struct server *v, const struct epoll_event *e) {
        int listener;

        if (e->data.u64 >> 63) {
                handle_connection(v, (int) (uint32_t) e->data.u64);
                return;
        }
        listener = v->listeners[e->data.u64 >> 32];
        /* A bounded number at a go, so that the other listeners are served too. */
        for (unsigned i = 0; i < 64 && v->open < v->settings->open_max; i++)
                if (!accept_one(v, listener))
                        break;
}

/* A slow application: whatever waits, at its own pace. */
static void accept_slowly(struct server *v, uint64_t start_us, uint64_t *done) {
        double per_s = v->settings->accept_per_s;
        uint64_t due = (uint64_t) ((double) (lab_now_us() - start_us) * per_s / 1e6);

        for (; *done < due; (*done)++)
                for (unsigned i = 0; i < v->listener_count; i++)
                        if (v->open < v->settings->open_max && accept_one(v, v->listeners[i]))
                                break;
}

static void report(const struct server *v) {
        printf("{\"program\":\"server\",\"accepted\":%llu,\"closed\":%llu,\"open\":%u,"
               "\"accept_errors\":%llu}\n",
               (unsigned long long) v->accepted, (unsigned long long) v->closed, v->open,
               (unsigned long long) v->accept_errors);
        fflush(stdout);
}

static void serve(struct server *v) {
        double per_s = v->settings->accept_per_s;
        uint64_t start = lab_now_us(), done = 0;

        v->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (v->epoll < 0)
                lab_die("epoll_create1");
        v->full = true;
        if (per_s < 0)
                watch_listeners(v, true);
        while (lab_running()) {
                struct epoll_event events[EVENTS];
                int n = epoll_wait(v->epoll, events, EVENTS, per_s > 0 ? 10 : 1000);

                for (int i = 0; i < n; i++)
                        handle(v, &events[i]);
                if (per_s > 0)
                        accept_slowly(v, start, &done);
                else if (per_s < 0 && (v->open >= v->settings->open_max) != v->full)
                        watch_listeners(v, v->full);
        }
        report(v);
}

static void add_listen(struct settings *s, const char *text) {
        if (s->listen_count == LISTENERS_MAX)
                lab_usage("at most %d listeners", LISTENERS_MAX);
        s->listen[s->listen_count++] = lab_endpoint_parse("--listen", text);
}

static double parse_accept(const char *text) {
        if (strcmp(text, "all") == 0)
                return -1;
        if (strcmp(text, "never") == 0)
                return 0;
        return lab_number("--accept", text, 0.1, 100000);
}

static const char help[] = "server --listen ADDRESS:PORT ... [--backlog N] [--accept all|never|PER_SECOND]\n"
                           "       [--group N] [--defer SECONDS] [--v6only] [--processes N] [--open-max N]\n"
                           "--group: so many SO_REUSEPORT sockets for each address; --open-max: per process";

static struct settings parse(int argc, char **argv) {
        static const struct option options[] = {
                { "listen", required_argument, NULL, 'l' },
                { "backlog", required_argument, NULL, 'b' },
                { "accept", required_argument, NULL, 'a' },
                { "group", required_argument, NULL, 'g' },
                { "defer", required_argument, NULL, 'd' },
                { "v6only", no_argument, NULL, '6' },
                { "processes", required_argument, NULL, 'p' },
                { "open-max", required_argument, NULL, 'o' },
                { "help", no_argument, NULL, 'h' },
                { 0 },
        };
        struct settings s = { .backlog = 511, .group = 1, .processes = 1, .accept_per_s = -1, .open_max = 15000 };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'l':
                        add_listen(&s, optarg);
                        break;
                case 'b':
                        s.backlog = (int) lab_integer("--backlog", optarg, 1, 65535);
                        break;
                case 'a':
                        s.accept_per_s = parse_accept(optarg);
                        break;
                case 'g':
                        s.group = (unsigned) lab_integer("--group", optarg, 1, 16);
                        break;
                case 'd':
                        s.defer_s = (int) lab_integer("--defer", optarg, 1, 600);
                        break;
                case '6':
                        s.v6only = true;
                        break;
                case 'p':
                        s.processes = (unsigned) lab_integer("--processes", optarg, 1, PROCESSES_MAX);
                        break;
                case 'o':
                        s.open_max = (unsigned) lab_integer("--open-max", optarg, 1, 15000);
                        break;
                case 'h':
                        puts(help);
                        exit(0);
                default:
                        exit(2);
                }
        if (s.listen_count == 0 || s.listen_count * s.group > LISTENERS_MAX || optind != argc)
                lab_usage("--listen is missing, or too many listeners (see --help)");
        return s;
}

int main(int argc, char **argv) {
        struct settings s = parse(argc, argv);
        struct server v = { .settings = &s };
        pid_t children[PROCESSES_MAX];
        unsigned count = 0;

        if (lab_raise_nofile() < s.open_max + 100)
                lab_usage("RLIMIT_NOFILE is too low for --open-max %u", s.open_max);
        lab_catch_signals();
        open_listeners(&v);
        puts("{\"program\":\"server\",\"ready\":true}");
        fflush(stdout);
        while (count + 1 < s.processes) {
                pid_t parent = getpid(), pid = fork();

                if (pid < 0)
                        lab_die("fork");
                if (pid == 0) {
                        /* No orphan may keep a listener open after the lab. */
                        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
                                _exit(1);
                        serve(&v);
                        return 0;
                }
                children[count++] = pid;
        }
        serve(&v);
        for (unsigned i = 0; i < count; i++) {
                kill(children[i], SIGTERM);
                waitpid(children[i], NULL, 0);
        }
        return 0;
}
