/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/block_guard.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "util/established.h"

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

bool block_guard_read_routes4(FILE *f, struct block_protected *p) {
        char line[512];

        while (fgets(line, sizeof line, f)) {
                unsigned gateway, flags;
                struct address a;

                /* Iface Destination Gateway Flags …: addresses as they lie in memory. */
                if (sscanf(line, "%*s %*x %x %x", &gateway, &flags) != 2 || !(flags & ROUTE_GATEWAY))
                        continue;
                a = address_from_ipv4(gateway);
                if (!add(p, &a))
                        return false;
        }
        return true;
}

static bool read_hex(const char *text, uint8_t bytes[static 16]) {
        for (unsigned i = 0; i < 16; i++)
                if (sscanf(text + 2 * i, "%2hhx", &bytes[i]) != 1)
                        return false;
        return true;
}

bool block_guard_read_routes6(FILE *f, struct block_protected *p) {
        char line[512];

        while (fgets(line, sizeof line, f)) {
                char gateway[33];
                uint8_t bytes[16];
                unsigned flags;
                struct address a;

                /* destination length source length gateway metric references use flags device */
                if (sscanf(line, "%*32s %*2s %*32s %*2s %32s %*x %*x %*x %x", gateway, &flags) != 2 ||
                    !(flags & ROUTE_GATEWAY) || strlen(gateway) != 32 || !read_hex(gateway, bytes))
                        continue;
                a = address_from_ipv6(bytes);
                if (!add(p, &a))
                        return false;
        }
        return true;
}

bool block_guard_read_resolvers(FILE *f, struct block_protected *p) {
        char line[512], text[128];

        while (fgets(line, sizeof line, f)) {
                struct address a;

                if (sscanf(line, " nameserver %127s", text) != 1)
                        continue;
                text[strcspn(text, "%")] = '\0'; /* a link-local one with its device */
                if (address_parse(text, &a) == 0 && !add(p, &a))
                        return false;
        }
        return true;
}

/* A file that is not there names nobody: no IPv6, no resolver. */
static bool read_file(const char *path, bool (*read)(FILE *f, struct block_protected *p),
                      struct block_protected *p) {
        FILE *f = fopen(path, "re");
        bool ok;

        if (!f)
                return errno == ENOENT;
        ok = read(f, p) && !ferror(f);
        fclose(f);
        return ok;
}

void block_guard_gather(struct block_protected *ret) {
        ret->count = 0;
        ret->known = read_interfaces(ret) &&
                     read_file("/proc/net/route", block_guard_read_routes4, ret) &&
                     read_file("/proc/net/ipv6_route", block_guard_read_routes6, ret) &&
                     read_file("/etc/resolv.conf", block_guard_read_resolvers, ret) &&
                     /* Behind systemd-resolved's own address. */
                     read_file("/run/systemd/resolve/resolv.conf", block_guard_read_resolvers, ret);
}

int block_guard_look(struct block_candidate *candidates, uint32_t count) {
        struct established_peer peers[BLOCK_CANDIDATES_MAX];
        int r;

        for (uint32_t i = 0; i < count; i++) {
                memcpy(peers[i].bytes, candidates[i].prefix.address.bytes, sizeof peers[i].bytes);
                peers[i].length = candidates[i].prefix.length;
        }
        r = established_count(peers, count);
        for (uint32_t i = 0; r >= 0 && i < count; i++) {
                candidates[i].established = peers[i].count > 0;
                candidates[i].half_open_aged = peers[i].half_open_aged;
        }
        return r;
}
