/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/block_guard.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTE_GATEWAY = 0x2 /* RTF_GATEWAY, linux/route.h */ };

static bool add(struct block_protected *p, const struct address *a) {
        if (address_is_wildcard(a))
                return true;
        for (uint32_t i = 0; i < p->count; i++)
                if (address_equal(&p->list[i], a))
                        return true;
        if (p->count == BLOCK_PROTECTED_MAX)
                return false;
        p->list[p->count++] = *a;
        return true;
}

static bool read_interfaces(struct block_protected *p) {
        struct ifaddrs *list;
        bool ok = true;

        if (getifaddrs(&list) < 0)
                return false;
        for (const struct ifaddrs *i = list; i && ok; i = i->ifa_next) {
                struct address a;

                if (!i->ifa_addr)
                        continue;
                if (i->ifa_addr->sa_family == AF_INET)
                        a = address_from_ipv4(((const struct sockaddr_in *) i->ifa_addr)->sin_addr.s_addr);
                else if (i->ifa_addr->sa_family == AF_INET6)
                        a = address_from_ipv6(((const struct sockaddr_in6 *) i->ifa_addr)->sin6_addr.s6_addr);
                else
                        continue;
                ok = add(p, &a);
        }
        freeifaddrs(list);
        return ok;
}

/* Iface Destination Gateway Flags …: addresses as they lie in memory. */
bool block_guard_take_route4(const char *line, struct block_protected *p) {
        unsigned gateway, flags;
        struct address a;

        if (sscanf(line, "%*s %*x %x %x", &gateway, &flags) != 2 || !(flags & ROUTE_GATEWAY))
                return true;
        a = address_from_ipv4(gateway);
        return add(p, &a);
}

static bool read_hex(const char *text, uint8_t bytes[static 16]) {
        for (unsigned i = 0; i < 16; i++)
                if (sscanf(text + 2 * i, "%2hhx", &bytes[i]) != 1)
                        return false;
        return true;
}

/* destination length source length gateway metric references use flags device */
bool block_guard_take_route6(const char *line, struct block_protected *p) {
        char gateway[33];
        uint8_t bytes[16];
        unsigned flags;
        struct address a;

        if (sscanf(line, "%*32s %*2s %*32s %*2s %32s %*x %*x %*x %x", gateway, &flags) != 2 ||
            !(flags & ROUTE_GATEWAY) || strlen(gateway) != 32 || !read_hex(gateway, bytes))
                return true;
        a = address_from_ipv6(bytes);
        return add(p, &a);
}

bool block_guard_take_resolver(const char *line, struct block_protected *p) {
        char text[128];
        struct address a;

        if (sscanf(line, " nameserver %127s", text) != 1)
                return true;
        text[strcspn(text, "%")] = '\0'; /* a link-local one with its device */
        return address_parse(text, &a) != 0 || add(p, &a);
}

/* Up to so many lines. *ret_end: that was all. */
static bool read_lines(FILE *f, block_guard_take_fn *take, uint32_t *lines, struct block_protected *p, bool *ret_end) {
        char line[512];
        bool ok = true;

        *ret_end = false;
        for (; *lines > 0 && ok; --*lines) {
                if (!fgets(line, sizeof line, f)) {
                        *ret_end = true;
                        return !ferror(f);
                }
                ok = take(line, p);
        }
        return ok;
}

static const struct {
        const char *path;
        block_guard_take_fn *take;
} sources[] = {
        { "/proc/net/route", block_guard_take_route4 },
        { "/proc/net/ipv6_route", block_guard_take_route6 },
        { "/etc/resolv.conf", block_guard_take_resolver },
        { "/run/systemd/resolve/resolv.conf", block_guard_take_resolver }, /* behind systemd-resolved's own address */
};

/* A file that is not there names nobody: no IPv6, no resolver. */
static bool open_source(struct block_guard *g) {
        g->file = fopen(g->source == 0 && g->routes4 ? g->routes4 : sources[g->source].path, "re");
        return g->file || errno == ENOENT;
}

static void next_source(struct block_guard *g) {
        if (g->file)
                fclose(g->file);
        g->file = NULL;
        g->source++;
}

bool block_guard_gather(struct block_guard *g, struct block_protected *ret) {
        uint32_t lines = BLOCK_GUARD_LINES_MAX;

        if (g->source == 0 && !g->file) {
                g->found.count = 0;
                g->found.known = read_interfaces(&g->found);
        }
        while (g->source < sizeof sources / sizeof *sources && g->found.known) {
                bool end = true;

                if (!g->file)
                        g->found.known = open_source(g);
                if (g->file)
                        g->found.known = read_lines(g->file, sources[g->source].take, &lines, &g->found, &end);
                if (!end && g->found.known)
                        return false;
                next_source(g);
        }
        *ret = g->found;
        g->source = 0;
        return true;
}

void block_guard_end(struct block_guard *g) {
        if (g->file)
                fclose(g->file);
        g->file = NULL;
        g->source = 0;
}

static const struct established_peer *find_peer(const struct established_peer *peers, uint32_t count,
                                                const struct prefix *p) {
        for (uint32_t i = 0; i < count; i++)
                if (peers[i].length == p->length &&
                    memcmp(peers[i].bytes, p->address.bytes, sizeof peers[i].bytes) == 0)
                        return &peers[i];
        return NULL;
}

static int ask(struct peer_counter *counter, uint64_t now_us, const struct block_candidate *candidates,
               uint32_t count) {
        struct established_peer peers[ESTABLISHED_PEERS_MAX] = { 0 };
        int r;

        if (count == 0)
                return 0;
        for (uint32_t i = 0; i < count; i++) {
                memcpy(peers[i].bytes, candidates[i].prefix.address.bytes, sizeof peers[i].bytes);
                peers[i].length = candidates[i].prefix.length;
        }
        r = peer_counter_ask(counter, PEER_COUNTER_BLOCK, peers, count, now_us);
        return r == -EBUSY ? 0 : r;
}

int block_guard_look(struct peer_counter *counter, uint64_t now_us, struct block_candidate *candidates,
                     uint32_t count) {
        struct established_peer peers[ESTABLISHED_PEERS_MAX];
        int r = ask(counter, now_us, candidates, count), kept = 0;
        uint64_t cost_us;
        uint32_t n;

        if (r >= 0)
                r = peer_counter_answer(counter, PEER_COUNTER_BLOCK, now_us, peers, &n, &cost_us);
        if (r == -EAGAIN || r == -ENOENT)
                return 0;
        for (uint32_t i = 0; r >= 0 && i < count; i++) {
                const struct established_peer *p = find_peer(peers, n, &candidates[i].prefix);

                if (!p)
                        continue;
                candidates[kept] = candidates[i];
                candidates[kept].established = p->count > 0;
                candidates[kept++].half_open_aged = p->half_open_aged;
        }
        return r < 0 ? r : kept;
}
