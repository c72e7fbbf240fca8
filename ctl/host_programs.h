/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What else on this host has a hand in what becomes of SYNs: bpftune, which writes the same
 * settings, SYNPROXY and XDP programs, which answer or drop before TCP counts, and published
 * container ports, whose SYNs are handed on to another network namespace. Only what was
 * read is told; rules of a firewall are firewall.h's.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "core/advice.h"

enum { HOST_PROGRAMS_PORTS_MAX = 8, HOST_PROGRAMS_XDP_MAX = 4 };

struct host_xdp {
        char device[IFNAMSIZ]; /* free of control characters */
        uint32_t program;      /* as "bpftool prog show id" takes it; 0: not told */
};

struct host_programs {
        int bpftune;          /* its pid; 0: it does not run */
        unsigned published;   /* TCP ports that docker-proxy(1) processes stand for, more than are kept */
        uint16_t ports[HOST_PROGRAMS_PORTS_MAX];
        uint64_t proxied;     /* SYNs to SYNPROXY since its module was loaded; 0: none, or no such module */
        unsigned xdp_count;   /* devices with a program, more than are kept */
        struct host_xdp xdp[HOST_PROGRAMS_XDP_MAX];
};

/* proc: "/proc", or a copy. own: it is this host's, whose devices count too. What cannot be read is not there. */
void host_programs_read(const char *proc, bool own, struct host_programs *ret);
/* Pure. */
void host_programs_advise(const struct host_programs *p, const struct advice_host *h, struct advice_list *l);

/* An answer to RTM_GETLINK (net/core/rtnetlink.c: rtnl_xdp_fill()), userdata: struct host_programs; 0. */
int host_programs_take_link(const struct nlmsghdr *nlh, void *userdata);
/* The host's port of a docker-proxy's /proc/PID/cmdline: words that end in NUL, "-proto tcp … -host-port 80 …".
 * False: none, or not TCP's. */
bool host_programs_published(const char *cmdline, size_t length, uint16_t *ret_port);
