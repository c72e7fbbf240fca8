/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/block_guard.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "util/netlink.h"

enum { REQUEST_MAX = 4096, ROUTE_GATEWAY = 0x2 /* RTF_GATEWAY, linux/route.h */ };

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

/* --- gathering --------------------------------------------------------------------- */

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
                     read_file("/etc/resolv.conf", block_guard_read_resolvers, ret);
}

/* --- established connections -------------------------------------------------------- */

struct search {
        struct block_candidate *candidates;
        uint32_t count;
};

/*
 * "The peer is in this prefix, or in that one, …" as bytecode: each condition
 * falls through to a jump behind the end when it holds, and goes on with the
 * next one when it does not; the last leads past the end, which is a no.
 */
static uint32_t put_condition(uint8_t *at, const struct prefix *p, uint8_t family, uint32_t rest,
                              bool last) {
        uint32_t bytes = family == AF_INET ? 4 : 16;
        uint32_t length = (uint32_t) (sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond)) + bytes;
        struct inet_diag_bc_op op = {
                .code = INET_DIAG_BC_D_COND, .yes = (unsigned char) length,
                .no = (unsigned short) (length + 4),
        };
        struct inet_diag_bc_op jump = { .code = INET_DIAG_BC_JMP, .yes = 4, .no = (unsigned short) rest };
        struct inet_diag_hostcond host = {
                .family = family,
                .prefix_len = (uint8_t) (p->length - (family == AF_INET ? ADDRESS_IPV4_OFFSET_BITS : 0)),
                .port = -1,
        };

        memcpy(at, &op, sizeof op);
        memcpy(at + sizeof op, &host, sizeof host);
        memcpy(at + sizeof op + sizeof host, p->address.bytes + 16 - bytes, bytes);
        if (last)
                return length;
        memcpy(at + length, &jump, sizeof jump);
        return length + 4;
}

static uint32_t condition_length(uint8_t family) {
        return (uint32_t) (sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond)) +
               (family == AF_INET ? 4 : 16) + 4;
}

static uint32_t make_filter(const struct search *s, uint8_t family, uint8_t *code) {
        uint32_t n = 0, done = 0, at = 0, total;

        for (uint32_t i = 0; i < s->count; i++)
                n += (address_is_ipv4(&s->candidates[i].prefix.address) ? AF_INET : AF_INET6) == family;
        if (n == 0)
                return 0;
        total = n * condition_length(family) - 4;
        for (uint32_t i = 0; i < s->count; i++) {
                const struct prefix *p = &s->candidates[i].prefix;

                if ((address_is_ipv4(&p->address) ? AF_INET : AF_INET6) != family)
                        continue;
                done++;
                /* A jump's distance counts from the jump itself. */
                at += put_condition(code + at, p, family, total - at - condition_length(family) + 4,
                                    done == n);
        }
        return total;
}

static int on_socket(const struct nlmsghdr *message, void *data) {
        const struct inet_diag_msg *m = mnl_nlmsg_get_payload(message);
        struct search *s = data;
        struct address peer;

        if (mnl_nlmsg_get_payload_len(message) < sizeof *m)
                return -EBADMSG;
        peer = m->idiag_family == AF_INET ? address_from_ipv4(m->id.idiag_dst[0])
                                          : address_from_ipv6((const uint8_t *) m->id.idiag_dst);
        for (uint32_t i = 0; i < s->count; i++)
                if (prefix_contains(&s->candidates[i].prefix, &peer))
                        s->candidates[i].established = true;
        return 0;
}

/* IPv4 peers of dual-stack sockets are found in the walk of IPv6. */
static int walk(struct netlink *n, struct search *s, uint8_t family, const uint8_t *code, uint32_t length) {
        const struct netlink_parser parser = { .parse = on_socket, .data = s };
        _Alignas(struct nlmsghdr) char buffer[REQUEST_MAX];
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
        struct inet_diag_req_v2 *request;

        h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        request = mnl_nlmsg_put_extra_header(h, sizeof *request);
        request->sdiag_family = family;
        request->sdiag_protocol = IPPROTO_TCP;
        request->idiag_states = 1u << TCP_ESTABLISHED;
        mnl_attr_put(h, INET_DIAG_REQ_BYTECODE, length, code);
        return netlink_transact(n, h, &parser);
}

int block_guard_established(struct block_candidate *candidates, uint32_t count) {
        static const uint8_t tries[][2] = { /* which sockets, which peers */
                { AF_INET, AF_INET }, { AF_INET6, AF_INET }, { AF_INET6, AF_INET6 },
        };
        struct search s = { candidates, count };
        uint8_t code[BLOCK_CANDIDATES_MAX * 64];
        struct netlink *n = NULL;
        int r = netlink_open(NETLINK_SOCK_DIAG, &n);

        for (unsigned i = 0; r >= 0 && i < 3; i++) {
                uint32_t length = make_filter(&s, tries[i][1], code);

                if (length == 0)
                        continue;
                r = walk(n, &s, tries[i][0], code, length);
                if (r == -ENOENT && tries[i][0] == AF_INET6) /* a kernel without IPv6 */
                        r = 0;
        }
        netlink_free(n);
        return r;
}
