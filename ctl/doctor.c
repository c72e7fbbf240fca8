/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl doctor: is this host ready for a SYN flood? Reads only. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/advice.h"
#include "ctl/ctl.h"
#include "ctl/firewall.h"
#include "ctl/host_programs.h"
#include "ctl/listening.h"
#include "ctl/mend.h"
#include "ctl/namespaces.h"
#include "util/kernel_text.h"

struct doctor {
        const struct ctl *ctl;
        const char *proc; /* "/proc", or a copy of another host's */
        bool own;         /* it is this host's: sockets, kernel log and daemon count too */
        struct advice_host host;
        struct advice_list advice;
};

/* The number in a file under /proc, -1 if there is none. */
static long read_number(const struct doctor *d, const char *name) {
        char path[512];

        snprintf(path, sizeof path, "%s/%s", d->proc, name);
        return kernel_text_read_number(path);
}

static void read_host(struct doctor *d) {
        const struct {
                const char *name;
                long *value;
        } files[] = {
                { "sys/net/ipv4/tcp_syncookies", &d->host.syncookies },
                { "sys/net/ipv4/tcp_timestamps", &d->host.timestamps },
                { "sys/net/ipv4/tcp_abort_on_overflow", &d->host.abort_on_overflow },
                { "sys/net/core/somaxconn", &d->host.somaxconn },
                { "sys/net/ipv4/tcp_max_syn_backlog", &d->host.max_syn_backlog },
                { "sys/net/ipv4/tcp_synack_retries", &d->host.synack_retries },
                { "sys/net/netfilter/nf_conntrack_max", &d->host.conntrack_max },
                { "sys/net/netfilter/nf_conntrack_count", &d->host.conntrack_count },
                { "sys/net/netfilter/nf_conntrack_tcp_loose", &d->host.conntrack_loose },
                { "sys/net/ipv4/conf/all/rp_filter", &d->host.rp_filter_all },
                { "sys/net/ipv4/conf/default/rp_filter", &d->host.rp_filter_default },
        };

        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
                *files[i].value = read_number(d, files[i].name);
}

/* The sockets of an SO_REUSEPORT group share their address. */
static bool is_named_before(const struct listening *list, int i) {
        for (int k = 0; k < i; k++)
                if (strcmp(list[k].address, list[i].address) == 0)
                        return true;
        return false;
}

/* Some settings are the machine's, and the kernel shows them in its first network namespace only
 * (net/core/sysctl_net_core.c: net_core_table). */
static bool is_namespace_of_its_own(const struct doctor *d) {
        return read_number(d, "sys/net/core/somaxconn") >= 0 && read_number(d, "sys/net/core/netdev_budget") < 0;
}

static void look_at_namespace(struct doctor *d, const struct listening *list, int count) {
        int open = 0;

        if (!is_namespace_of_its_own(d))
                return;
        for (int i = 0; i < count; i++)
                open += !list[i].loopback;
        advice_add(
                &d->advice, open > 0 ? ADVICE_INFO : ADVICE_WARNING, "namespace",
                "this network namespace is not the host's", NULL,
                "A container's? %d sockets listen in it for others. synwardd sees what comes to those, and nothing of "
                "the host or of other containers; to watch the host it needs the host's network "
                "(--network=host; Kubernetes: hostNetwork).",
                open);
}

static void look_at_other_namespaces(struct doctor *d) {
        static struct namespaces n; /* large */

        if (namespaces_read(d->proc, &n) < 0)
                return; /* a copy without it */
        if (d->own)
                namespaces_read_syncookies(&n);
        namespaces_advise(&n, &d->advice);
}

static void look_at_host_programs(struct doctor *d) {
        struct host_programs p;

        host_programs_read(d->proc, d->own, &p);
        host_programs_advise(&p, &d->host, &d->advice);
}

static void look_at_listeners(struct doctor *d) {
        enum { LISTENERS = 1024 };
        static struct listening list[LISTENERS];
        int n = listening_read(list, LISTENERS);
        unsigned before;

        look_at_namespace(d, list, n);
        if (n < 0) {
                advice_add(&d->advice, ADVICE_INFO, "listeners", "listening sockets cannot be read", NULL, "%s.",
                           strerror(-n));
                return;
        }
        firewall_look(d->proc, list, n, &d->advice);
        before = d->advice.count;
        for (int i = 0; i < n; i++) {
                struct advice_queue q = { .name = list[i].address, .backlog = list[i].backlog };

                if (list[i].queue > list[i].backlog)
                        advice_add(&d->advice, ADVICE_SERIOUS, "accept_queue", "an application does not accept", NULL,
                                   "%s: %u connections wait for accept, its limit is %u. New ones are "
                                   "dropped; that is no flood.",
                                   list[i].address, list[i].queue, list[i].backlog);
                if (!list[i].loopback && !is_named_before(list, i))
                        advice_queue(&d->advice, &q, &d->host);
        }
        if (d->advice.count == before)
                advice_add(&d->advice, ADVICE_FINE, "backlog", "listeners have long queues", NULL,
                           "%d listening sockets, none open to others holds fewer than %d half-opens.", n,
                           ADVICE_BACKLOG_SHORT);
}

/* -1: not there. */
static long long read_counter(const struct doctor *d, const char *wanted) {
        char path[512];
        uint64_t count;

        snprintf(path, sizeof path, "%s/net/netstat", d->proc);
        return kernel_text_read_counters(path, "TcpExt:", wanted, &count) && count <= LLONG_MAX ? (long long) count
                                                                                                : -1;
}

/* "Possible SYN flooding" in the kernel's log, which is the whole machine's. -errno: not readable. */
static int read_kernel_log(char last[static 128]) {
        int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), count = 0;
        char record[8192];
        ssize_t n;

        if (fd < 0)
                return -errno;
        /* EPIPE: older records were overwritten; the next read goes on behind them. */
        while ((n = read(fd, record, sizeof record - 1)) > 0 || (n < 0 && errno == EPIPE)) {
                const char *text;

                record[n > 0 ? n : 0] = '\0';
                text = strstr(record, "ossible SYN flooding on port");
                if (!text)
                        continue;
                count++;
                snprintf(last, 128, "P%.*s", (int) strcspn(text, "\n"), text);
        }
        close(fd);
        return count;
}

/* The log is the whole machine's, the counters are this network namespace's: told together, so
 * that they do not seem to contradict each other. */
static void look_at_kernel_log(struct doctor *d, bool counted) {
        char last[128] = "";
        int count = read_kernel_log(last);

        if (count < 0)
                advice_add(&d->advice, ADVICE_INFO, "kernel_log", "the kernel's log cannot be read", NULL, "%s.",
                           strerror(-count));
        else if (count > 0 && counted)
                advice_add(&d->advice, ADVICE_WARNING, "kernel_log", "the kernel has seen full queues", NULL,
                           "%d times; the last: \"%s\".", count, last);
        else if (count > 0)
                advice_add(&d->advice, ADVICE_INFO, "kernel_log", "queues were full elsewhere on this machine", NULL,
                           "The kernel's log is the whole machine's and says so %d times, the last: \"%s\"; no "
                           "queue of this network namespace was. A container's?",
                           count, last);
        else
                advice_add(&d->advice, ADVICE_FINE, "kernel_log", "the kernel's log tells of no SYN flood", NULL,
                           "No \"Possible SYN flooding\" in it.");
}

static void look_at_counters(struct doctor *d) {
        long long drops = read_counter(d, "TCPReqQFullDrop");
        long long overflows = read_counter(d, "ListenOverflows");
        long long cookies = read_counter(d, "TCPReqQFullDoCookies");

        if (drops > 0)
                advice_add(&d->advice, ADVICE_WARNING, "queue_drops", "SYNs were refused since the host started",
                           d->host.syncookies == 0 ? "sysctl -w net.ipv4.tcp_syncookies=1" : NULL,
                           "%lld times a queue was full and SYN cookies were off.", drops);
        if (d->host.syncookies == 2) /* it counts every SYN then, and there is no queue */
                cookies = 0;
        if (cookies > 0)
                advice_add(&d->advice, ADVICE_INFO, "queue_cookies", "queues were full since the host started", NULL,
                           "%lld SYNs were answered by cookie for that.", cookies);
        if (overflows > 0)
                advice_add(
                        &d->advice, ADVICE_INFO, "listen_overflows", "accept queues were full since the host started",
                        NULL,
                        "%lld times: an application was slow to accept, or more came at once than its backlog holds.",
                        overflows);
        if (drops <= 0 && overflows <= 0 && cookies <= 0)
                advice_add(&d->advice, ADVICE_FINE, "counters", "no queue of this network namespace was full", NULL,
                           "TCPReqQFullDrop, TCPReqQFullDoCookies and ListenOverflows are %s.",
                           drops < 0 ? "not to be read" : "0");
        if (d->own)
                look_at_kernel_log(d, drops > 0 || cookies > 0);
}

static void look_for_daemon(struct doctor *d) {
        struct client *c = NULL;
        struct client_answer a;
        int error = client_open(d->ctl->socket, &c);

        if (error == 0)
                error = client_send(c, "io.synward.Ping", NULL, false);
        if (error == 0)
                error = client_receive(c, CLIENT_TIMEOUT_MS, &a);
        client_free(c);
        if (error == 0)
                client_answer_clear(&a);
        d->host.daemon = error == 0 || error == -EACCES;
        if (d->host.daemon)
                advice_add(&d->advice, ADVICE_FINE, "synwardd", "synwardd is running", NULL, "%s.",
                           error == 0 ? "It answers" : "Its socket is there, but not for this user");
        else
                advice_add(&d->advice, ADVICE_WARNING, "synwardd", "synwardd is not running",
                           "systemctl enable --now synward", "Nobody would tell you of a flood.");
}

/* A wildcard serves it as well; that of IPv6 IPv4 too, unless IPV6_V6ONLY (ipv6(7)). */
static bool listens(const struct listening *list, int count, const char *address) {
        const char *port = strrchr(address, ':');

        for (int i = 0; port && i < count; i++) {
                const char *other = strrchr(list[i].address, ':');
                bool wildcard = strncmp(list[i].address, "[::]:", 5) == 0 ||
                                (address[0] != '[' && strncmp(list[i].address, "0.0.0.0:", 8) == 0);

                if (strcmp(list[i].address, address) == 0 || (wildcard && other && strcmp(other, port) == 0))
                        return true;
        }
        return false;
}

/* What the daemon probes, if it can be asked. */
static void look_at_probe(struct doctor *d) {
        enum { LISTENERS = 1024 };
        static struct listening list[LISTENERS];
        int n = listening_read(list, LISTENERS);
        struct client *c = NULL;
        struct client_answer a;
        const json_t *probe;
        int error = client_open(d->ctl->socket, &c);

        if (error == 0)
                error = client_send(c, "io.synward.GetStatus", NULL, false);
        if (error == 0)
                error = client_receive(c, CLIENT_TIMEOUT_MS, &a);
        client_free(c);
        if (error != 0)
                return;
        probe = json_object_get(a.parameters, "probe");
        if (json_is_object(probe) && n >= 0 && !listens(list, n, ctl_text(probe, "listener")))
                advice_add(
                        &d->advice, ADVICE_WARNING, "probe_listener", "nobody listens where the probe connects to",
                        NULL,
                        "probe.listener is %s. Start the service, or name an address of this host on which it listens.",
                        ctl_text(probe, "listener"));
        else if (json_is_object(probe) && *ctl_text(probe, "why"))
                advice_add(&d->advice, ADVICE_WARNING, "probe", "the probe does not work", NULL, "%s: %s.",
                           ctl_text(probe, "listener"), ctl_text(probe, "why"));
        client_answer_clear(&a);
}

static enum advice_severity worst(const struct advice_list *l) {
        enum advice_severity worst = ADVICE_FINE;

        for (unsigned i = 0; i < l->count; i++)
                if (l->list[i].severity > worst)
                        worst = l->list[i].severity;
        return worst;
}

static void print_finding(const struct doctor *d, const struct advice *a) {
        static const enum paint paints[] = { PAINT_GOOD, PAINT_INFO, PAINT_WARN, PAINT_BAD };
        const char *severity = advice_severity_name(a->severity);

        term_put(&d->ctl->term, paints[a->severity], severity);
        printf("%*s", (int) (9 - strlen(severity)), "");
        term_put(&d->ctl->term, PAINT_BOLD, a->title);
        printf("\n         ");
        term_put(&d->ctl->term, PAINT_NONE, a->why);
        if (a->command[0]) {
                printf("\n         # ");
                term_put(&d->ctl->term, PAINT_NONE, a->command);
        }
        putchar('\n');
}

static void print_findings(const struct doctor *d) {
        for (int severity = ADVICE_SERIOUS; severity >= ADVICE_FINE; severity--)
                for (unsigned i = 0; i < d->advice.count; i++)
                        if ((int) d->advice.list[i].severity == severity)
                                print_finding(d, &d->advice.list[i]);
}

static json_t *report_json(const struct doctor *d) {
        json_t *findings = json_array();
        int error = 0;

        for (unsigned i = 0; i < d->advice.count; i++) {
                const struct advice *a = &d->advice.list[i];

                error |= json_array_append_new(findings, json_pack("{s:s, s:s, s:s, s:s, s:s?}", "id", a->id, "severity",
                                                         advice_severity_name(a->severity), "finding", a->title, "why",
                                                         a->why, "command", a->command[0] ? a->command : NULL));
        }
        if (error) { /* no memory: all of it or nothing */
                json_decref(findings);
                return NULL;
        }
        return json_pack("{s:s, s:s, s:o}", "schema", "synward.doctor.v1", "worst",
                         advice_severity_name(worst(&d->advice)), "findings", findings);
}

static void look(struct doctor *d) {
        if (d->own)
                look_for_daemon(d);
        read_host(d);
        advice_host(&d->advice, &d->host);
        look_at_host_programs(d);
        look_at_other_namespaces(d); /* before many listeners fill the list */
        if (d->own) {
                look_at_probe(d);
                look_at_listeners(d);
        }
        look_at_counters(d);
}

/* Takes over the document. EXIT_OK, or another status, told on standard error. */
static int print_json(json_t *json) {
        int status = ctl_print_json(json);

        json_decref(json);
        return status;
}

static int report(const struct doctor *d) {
        if (d->ctl->json)
                return print_json(report_json(d));
        print_findings(d);
        return EXIT_OK;
}

static int report_fix(const struct doctor *d) {
        static struct mend m; /* large */

        mend_plan(&d->advice, &m);
        if (d->ctl->json)
                return print_json(mend_json(&m, worst(&d->advice)));
        mend_print(&m, stdout);
        return EXIT_OK;
}

int command_doctor(struct ctl *ctl, int argc, char **argv) {
        static const struct option options[] = {
                { "fix", no_argument, NULL, 'f' },
                { "proc", required_argument, NULL, 'p' },
                { 0 },
        };
        static struct doctor d; /* large */
        bool fix = false;
        int c, status;

        d = (struct doctor) { .ctl = ctl, .proc = "/proc", .own = true };

        while ((c = getopt_long(argc, argv, "p:", options, NULL)) != -1)
                switch (c) {
                case 'f':
                        fix = true;
                        break;
                case 'p':
                        d.proc = optarg;
                        d.own = false;
                        break;
                default:
                        return EXIT_USAGE;
                }
        if (optind < argc)
                return ctl_usage("doctor", "too many arguments", argv[optind]);
        look(&d);
        status = fix ? report_fix(&d) : report(&d);
        return worst(&d.advice) == ADVICE_SERIOUS ? EXIT_REFUSED : status;
}
