/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the sensor takes for granted about the kernel, checked against the one
 * that runs: in a network namespace of its own, with a few SYNs written into a
 * tun device whose other end nobody answers. Needs root and /dev/net/tun; takes
 * about five seconds. Prints a line for each fact, exits 1 when one is wrong.
 */

#include "config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/observation.h"
#include "sensors/sock_diag.h"
#include "sensors/sock_diag_parse.h"
#include "tests/lab/netns.h"
#include "tests/lab/tun.h"

enum {
        PORT4 = 1004,
        PORT6 = 1006,
        PORT_GHOST = 1010,
        PORT_DEVICE = 1012,
        PORT_DEFER = 1014,
        PORT_GROUP = 1016,
        PORT_SMALL = 1018,
        BACKLOG_SMALL = 4,
        WAIT_MAX_MS = 3000,
        TIMED_HOST = 3,
        REPEATED_HOST = 8,
        COPIES = 6
};

static int failures, tun;
static uint8_t timed_host = TIMED_HOST;

static void fact(bool holds, const char *text) {
        printf("%s  %s\n", holds ? "holds" : "WRONG", text);
        failures += !holds;
}

static void die(const char *what) {
        perror(what);
        exit(1);
}

static uint64_t now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* --- traffic ----------------------------------------------------------------- */

static void syn4(uint16_t port, uint8_t host) {
        if (tun_syn4(tun, port, 0xc6336400u | host) < 0)
                die("tun");
}

static void syn6(uint16_t port) {
        if (tun_syn6(tun, port) < 0)
                die("tun");
}

static int listener(int family, uint16_t port, int backlog, int level, int option, const void *value,
                    socklen_t length) {
        struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
        struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
        int s = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (s < 0 || (value && setsockopt(s, level, option, value, length) < 0) ||
            (family == AF_INET ? bind(s, (struct sockaddr *) &a4, sizeof a4)
                               : bind(s, (struct sockaddr *) &a6, sizeof a6)) < 0 ||
            listen(s, backlog) < 0)
                die("listener");
        return s;
}

/* --- the raw rows ------------------------------------------------------------ */

struct rows {
        unsigned listens, half_opens, families, mapped;
        bool half_open_first; /* a LISTEN row came after a half-open */
        bool found;
        struct sock_diag_row timed; /* the half-open of timed_host */
};

static int on_row(const struct nlmsghdr *message, void *data) {
        struct rows *rows = data;
        struct sock_diag_row row;
        int r = sock_diag_parse(message, &row);

        if (r < 0)
                return r;
        if (row.state == SOCK_DIAG_LISTEN) {
                rows->listens++;
                rows->half_open_first |= rows->half_opens > 0;
        } else {
                rows->half_opens++;
                rows->families |= row.family == AF_INET ? 1 : 2;
                rows->mapped += row.family == AF_INET6 && address_is_ipv4(&row.remote);
                if (row.remote.bytes[15] == timed_host) {
                        rows->timed = row;
                        rows->found = true;
                }
        }
        return 0;
}

static int ask(struct netlink *n, bool compat, uint8_t family, struct rows *ret) {
        _Alignas(struct nlmsghdr) char buffer[SOCK_DIAG_REQUEST_MAX];
        const struct netlink_parser parser = { .parse = on_row, .data = ret };
        enum sock_diag_states states = SOCK_DIAG_LISTENERS_AND_HALF_OPENS;

        *ret = (struct rows) { 0 };
        return netlink_transact(n,
                                compat ? sock_diag_build_compat(buffer, states)
                                       : sock_diag_build_family(buffer, family, states),
                                &parser);
}

/* --- the facts --------------------------------------------------------------- */

static struct observation o;

static const struct obs_listener *see(struct sock_diag *s, const char *address, uint16_t port, uint32_t ifindex) {
        struct listener_key key = { .port = port, .ifindex = ifindex };

        o = (struct observation) { 0 };
        if (sock_diag_dump(s, &o) < 0 || address_parse(address, &key.address) < 0)
                die("dump");
        return observation_find_listener(&o, &key);
}

static void check_walk(struct netlink *n) {
        struct rows rows;

        syn4(PORT4, 1);
        syn6(PORT6);
        syn4(PORT6, 2);
        fact(ask(n, true, 0, &rows) == 0 && rows.families == 3,
             "TCPDIAG_GETSOCK dumps half-opens of both families in one walk");
        fact(rows.listens >= 2 && rows.half_opens == 3 && !rows.half_open_first,
             "LISTEN rows come before the half-opens");
        fact(rows.mapped == 1, "an IPv4 client of a dual-stack listener is ::ffff:a.b.c.d");
        fact(ask(n, false, AF_UNSPEC, &rows) < 0, "SOCK_DIAG_BY_FAMILY refuses AF_UNSPEC");
        fact(ask(n, false, AF_INET, &rows) == 0 && rows.half_opens == 1 && rows.mapped == 0,
             "AF_INET has only the half-opens of IPv4 listeners");
        fact(ask(n, false, AF_INET6, &rows) == 0 && rows.half_opens == 2 && rows.mapped == 1,
             "AF_INET6 has the mapped ones too");
}

static void check_age(struct netlink *n) {
        uint64_t sent_us, seen_us, age_us;
        int64_t worst_us = 0;
        struct rows rows;
        bool retried = false, found = true;

        syn4(PORT4, TIMED_HOST);
        sent_us = now_us();
        /* All along the first time-out and past the second SYN-ACK. */
        do {
                usleep(50000);
                if (ask(n, true, 0, &rows) < 0)
                        die("dump");
                seen_us = now_us();
                found &= rows.found;
                age_us = sock_diag_age_us(&rows.timed);
                retried |= rows.timed.retrans == 1;
                if (llabs((int64_t) (age_us - (seen_us - sent_us))) > llabs(worst_us))
                        worst_us = (int64_t) (age_us - (seen_us - sent_us));
        } while (seen_us - sent_us < 1500000);
        printf("       worst error of an age: %.1f ms\n", (double) worst_us / 1e3);
        fact(found && retried && llabs(worst_us) < 1000000 / 8 + 25000,
             "ages by the formula, before and after a retry");
}

/* tcp_check_req() and tcp_oow_rate_limited(): one of the copies is answered, and counts as a retry. */
static void check_repeats(struct netlink *n) {
        struct rows rows;
        uint64_t age_us;

        timed_host = REPEATED_HOST;
        for (unsigned i = 0; i < COPIES; i++)
                syn4(PORT4, REPEATED_HOST);
        if (ask(n, true, 0, &rows) < 0)
                die("dump");
        age_us = sock_diag_age_us(&rows.timed);
        fact(rows.found && rows.timed.retrans == 1 && age_us >= 2000000 && age_us < 3000000,
             "a SYN that comes six times at once looks two seconds old");
}

static void check_limits(struct sock_diag *s) {
        const struct obs_listener *l;

        see(s, "0.0.0.0", PORT_SMALL, 0);
        for (uint8_t i = 0; i < 20; i++)
                syn4(PORT_SMALL, (uint8_t) (100 + i));
        l = see(s, "0.0.0.0", PORT_SMALL, 0);
        fact(l && l->backlog == BACKLOG_SMALL, "wqueue of a LISTEN row is its limit");
        fact(l && l->half_open == BACKLOG_SMALL + 1, "without cookies the queue holds B + 1");
        fact(l && (l->known & OBS_L_DROPS) && l->drops == 20 - (BACKLOG_SMALL + 1),
             "SKMEMINFO counts the listener's dropped SYNs");
}

static void check_keys(struct sock_diag *s) {
        const struct obs_listener *l;
        int closed = listener(AF_INET, PORT_GHOST, 16, 0, 0, NULL, 0);
        uint32_t ghosts;

        syn4(PORT_DEVICE, 4);
        syn4(PORT_GROUP, 5);
        syn4(PORT_GROUP, 6);
        l = see(s, "0.0.0.0", PORT_DEVICE, if_nametoindex("t0"));
        fact(l && l->half_open == 1, "a listener bound to a device owns its half-opens by ifindex");
        l = see(s, "0.0.0.0", PORT_GROUP, 0);
        fact(l && l->sockets == 2 && l->backlog == 32 && l->half_open == 2, "an SO_REUSEPORT group is one");
        l = see(s, "::", PORT6, 0);
        fact(l && l->half_open == 2, "a dual-stack listener owns mapped half-opens");

        ghosts = o.ghosts;
        syn4(PORT_GHOST, 7);
        close(closed);
        see(s, "0.0.0.0", PORT_GHOST, 0);
        fact(ghosts == 0 && o.ghosts == 1, "half-opens outlive their listener");
}

/* A handshake that is finished at the server's TCP but brings no data. */
static void check_deferred(struct sock_diag *s) {
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons(PORT_DEFER),
                                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        uint64_t until_us = now_us() + WAIT_MAX_MS * UINT64_C(1000);
        const struct obs_listener *l;

        if (connect(client, (struct sockaddr *) &to, sizeof to) < 0)
                die("connect");
        do {
                usleep(50000);
                l = see(s, "0.0.0.0", PORT_DEFER, 0);
        } while ((!l || l->deferred == 0) && now_us() < until_us);
        fact(l && l->half_open == 1 && l->deferred == 1 && l->age[OBS_AGE_1S] == 0,
             "a deferred accept shows in its timer");
        close(client);
}

int main(void) {
        const int on = 1, seconds = 10;
        struct netlink *n = NULL;
        struct sock_diag *s = NULL;

        netns_enter("facts-sock_diag");
        tun = tun_open("facts-sock_diag");
        tun_run("echo 0 >/proc/sys/net/ipv4/tcp_syncookies");
        if (netlink_open(NETLINK_SOCK_DIAG, &n) < 0 || sock_diag_new(NULL, &s) < 0)
                die("netlink");
        listener(AF_INET, PORT4, 16, 0, 0, NULL, 0);
        listener(AF_INET6, PORT6, 16, 0, 0, NULL, 0);
        listener(AF_INET, PORT_SMALL, BACKLOG_SMALL, 0, 0, NULL, 0);
        listener(AF_INET, PORT_DEVICE, 16, SOL_SOCKET, SO_BINDTODEVICE, "t0", 3);
        listener(AF_INET, PORT_DEFER, 16, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
        listener(AF_INET, PORT_GROUP, 16, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        listener(AF_INET, PORT_GROUP, 16, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);

        check_walk(n);
        check_age(n);
        check_repeats(n);
        check_limits(s);
        check_keys(s);
        check_deferred(s);
        fact(!sock_diag_is_split(s), "the sensor never had to ask twice");
        sock_diag_free(s);
        netlink_free(n);
        return failures ? 1 : 0;
}
