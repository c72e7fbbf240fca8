/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/host_programs.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/term.h"
#include "util/kernel_text.h"
#include "util/netlink.h"

enum { PATH_SIZE = 512 };

/* --- pure ---------------------------------------------------------------------------- */

bool host_programs_published(const char *cmdline, size_t length, uint16_t *ret_port) {
        const char *before = "", *word, *end;
        bool tcp = false;
        long port = 0;

        for (size_t i = 0; i < length; i += (size_t) (end - word) + 1) {
                word = cmdline + i;
                end = memchr(word, '\0', length - i);
                if (!end)
                        break;
                if (strcmp(before, "-proto") == 0)
                        tcp = strcmp(word, "tcp") == 0;
                else if (strcmp(before, "-host-port") == 0 && !kernel_text_number(word, strlen(word), &port))
                        return false;
                before = word;
        }
        if (!tcp || port <= 0 || port > UINT16_MAX)
                return false;
        *ret_port = (uint16_t) port;
        return true;
}

struct link {
        char device[IFNAMSIZ];
        bool attached;
        uint32_t program;
};

/* The program's number is IFLA_XDP_PROG_ID, unless several are attached, each in its own way. */
static int take_xdp(const struct nlattr *a, void *userdata) {
        struct link *link = userdata;
        uint16_t type = mnl_attr_get_type(a);

        if (type == IFLA_XDP_ATTACHED && mnl_attr_validate(a, MNL_TYPE_U8) >= 0)
                link->attached = mnl_attr_get_u8(a) != XDP_ATTACHED_NONE;
        else if (type >= IFLA_XDP_PROG_ID && type <= IFLA_XDP_HW_PROG_ID && mnl_attr_validate(a, MNL_TYPE_U32) >= 0 &&
                 link->program == 0)
                link->program = mnl_attr_get_u32(a);
        return MNL_CB_OK;
}

static int take_attribute(const struct nlattr *a, void *userdata) {
        struct link *link = userdata;
        uint16_t type = mnl_attr_get_type(a);

        if (type == IFLA_IFNAME && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
                term_clean(mnl_attr_get_str(a), link->device, sizeof link->device);
        else if (type == IFLA_XDP && mnl_attr_validate(a, MNL_TYPE_NESTED) >= 0)
                mnl_attr_parse_nested(a, take_xdp, link);
        return MNL_CB_OK;
}

int host_programs_take_link(const struct nlmsghdr *nlh, void *userdata) {
        struct host_programs *p = userdata;
        struct link link = { .device = "?" };

        /* libmnl reads to the aligned end; attributes are padded, so that is the real one. */
        if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ifinfomsg) ||
            nlh->nlmsg_len % NLMSG_ALIGNTO != 0)
                return 0;
        mnl_attr_parse(nlh, sizeof(struct ifinfomsg), take_attribute, &link);
        if (!link.attached)
                return 0;
        if (p->xdp_count < HOST_PROGRAMS_XDP_MAX) {
                p->xdp[p->xdp_count].program = link.program;
                memcpy(p->xdp[p->xdp_count].device, link.device, sizeof link.device);
        }
        p->xdp_count++;
        return 0;
}

/* What it does: pull request 163 of its repository, March 2025, src/tcp_buffer_tuner.c. */
static void advise_bpftune(const struct host_programs *p, struct advice_list *l) {
        if (p->bpftune > 0)
                advice_add(
                        l, ADVICE_WARNING, "bpftune", "bpftune writes the same settings", NULL,
                        "It runs (pid %d). From March 2025 on its tcp_buffer tuner sets tcp_syncookies to 0 when nobody sends "
                        "cookies back, as in a flood of forged addresses, and changes tcp_max_syn_backlog. What it "
                        "writes synwardd takes for an administrator's. Run it with its other tuners only (bpftune -a).",
                        p->bpftune);
}

static void advise_synproxy(const struct host_programs *p, const struct advice_host *h, struct advice_list *l) {
        bool loose = h->conntrack_loose == 1;

        if (p->proxied > 0)
                advice_add(l, loose ? ADVICE_WARNING : ADVICE_INFO, "synproxy",
                           "SYNPROXY answers in front of the listeners",
                           loose ? "sysctl -w net.netfilter.nf_conntrack_tcp_loose=0" : NULL,
                           "%" PRIu64
                           " SYNs since its module was loaded. TCP, and so synwardd's counters, sees those that "
                           "it passes on.%s",
                           p->proxied,
                           loose ? " The ACKs that answer it must be invalid to tracking, which takes them up now."
                                 : "");
}

static void advise_xdp(const struct host_programs *p, struct advice_list *l) {
        char all[HOST_PROGRAMS_XDP_MAX * 40] = "", more[32] = "";
        int used = 0;

        if (p->xdp_count == 0)
                return;
        for (unsigned i = 0; i < p->xdp_count && i < HOST_PROGRAMS_XDP_MAX; i++)
                used += snprintf(all + used, sizeof all - (size_t) used, "%s%s (program %u)", i ? ", " : "",
                                 p->xdp[i].device, p->xdp[i].program);
        if (p->xdp_count > HOST_PROGRAMS_XDP_MAX)
                snprintf(more, sizeof more, " and %u more", p->xdp_count - HOST_PROGRAMS_XDP_MAX);
        advice_add(
                l, ADVICE_INFO, "xdp", "an XDP program sees packets first", NULL,
                "%s%s. What it drops or answers reaches no counter, no firewall and no sensor of synwardd. bpftool prog "
                "show id %u names it.",
                all, more, p->xdp[0].program);
}

static void advise_published(const struct host_programs *p, struct advice_list *l) {
        char ports[HOST_PROGRAMS_PORTS_MAX * 8] = "", more[32] = "";
        int used = 0;

        if (p->published == 0)
                return;
        for (unsigned i = 0; i < p->published && i < HOST_PROGRAMS_PORTS_MAX; i++)
                used += snprintf(ports + used, sizeof ports - (size_t) used, "%s%u", i ? ", " : "", p->ports[i]);
        if (p->published > HOST_PROGRAMS_PORTS_MAX)
                snprintf(more, sizeof more, " and %u more", p->published - HOST_PROGRAMS_PORTS_MAX);
        advice_add(
                l, ADVICE_INFO, "published_ports", "ports of containers are published", NULL,
                "%s%s, by docker-proxy. Docker's rules hand SYNs from outside on to the container: its queue and its "
                "tcp_syncookies count, not the host's. The host's listener there takes only what those rules leave.",
                ports, more);
}

void host_programs_advise(const struct host_programs *p, const struct advice_host *h, struct advice_list *l) {
        advise_bpftune(p, l);
        advise_synproxy(p, h, l);
        advise_xdp(p, l);
        advise_published(p, l);
}

/* --- reading --------------------------------------------------------------------------- */

/* Returns how much of a process' file there is, and ends it by NUL. */
static size_t read_file(const char *proc, const char *process, const char *name, char *text, size_t size) {
        char path[PATH_SIZE];
        size_t n = 0;
        FILE *f;

        snprintf(path, sizeof path, "%s/%s/%s", proc, process, name);
        f = fopen(path, "re");
        if (f) {
                n = fread(text, 1, size - 1, f);
                fclose(f);
        }
        text[n] = '\0';
        return n;
}

/* For each address family and protocol docker runs one. */
static void add_port(struct host_programs *p, uint16_t port) {
        for (unsigned i = 0; i < p->published && i < HOST_PROGRAMS_PORTS_MAX; i++)
                if (p->ports[i] == port)
                        return;
        if (p->published < HOST_PROGRAMS_PORTS_MAX)
                p->ports[p->published] = port;
        p->published++;
}

static void see_process(const char *proc, const char *process, struct host_programs *p) {
        char name[32], cmdline[1024];
        uint16_t port;
        size_t length;

        read_file(proc, process, "comm", name, sizeof name);
        if (strcmp(name, "bpftune\n") == 0)
                p->bpftune = atoi(process);
        if (strcmp(name, "docker-proxy\n") != 0)
                return;
        length = read_file(proc, process, "cmdline", cmdline, sizeof cmdline);
        if (host_programs_published(cmdline, length, &port))
                add_port(p, port);
}

static void see_processes(const char *proc, struct host_programs *p) {
        DIR *d = opendir(proc);
        struct dirent *entry;

        if (!d)
                return;
        while ((entry = readdir(d)))
                if (isdigit((unsigned char) entry->d_name[0]))
                        see_process(proc, entry->d_name, p);
        closedir(d);
}

static void forget_links(void *userdata) {
        struct host_programs *p = userdata;

        p->xdp_count = 0;
}

/* Any user may ask. */
static void see_links(struct host_programs *p) {
        const struct netlink_parser parser = { .begin = forget_links, .parse = host_programs_take_link, .data = p };
        _Alignas(struct nlmsghdr) char buffer[256];
        struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
        struct netlink *nl;

        nlh->nlmsg_type = RTM_GETLINK;
        nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
        mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        if (netlink_open(NETLINK_ROUTE, &nl) < 0)
                return;
        if (netlink_transact(nl, nlh, &parser) < 0)
                p->xdp_count = 0;
        netlink_free(nl);
}

void host_programs_read(const char *proc, bool own, struct host_programs *ret) {
        char path[PATH_SIZE];

        *ret = (struct host_programs) { 0 };
        see_processes(proc, ret);
        snprintf(path, sizeof path, "%s/net/stat/synproxy", proc);
        if (!kernel_text_read_column(path, "syn_received", &ret->proxied))
                ret->proxied = 0;
        if (own)
                see_links(ret);
}
