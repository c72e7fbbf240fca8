/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl doctor: is this host ready for a SYN flood? Reads only. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/listening.h"

enum severity { FINE, INFO, WARNING, SERIOUS };

struct doctor {
        const struct ctl *ctl;
        const char *proc; /* "/proc", or a copy of another host's */
        bool own;         /* it is this host's: sockets, kernel log and daemon count too */
        bool daemon;      /* synwardd answers */
        json_t *findings;
        enum severity worst;
};

static const char *const severity_words[] = { "fine", "info", "warning", "serious" };

/* command: what mends it, NULL: nothing to mend. why: printf-like. */
__attribute__((format(printf, 6, 7)))
static void find(struct doctor *d, enum severity severity, const char *id, const char *title,
                 const char *command, const char *why, ...) {
        char text[512];
        va_list ap;

        va_start(ap, why);
        vsnprintf(text, sizeof text, why, ap);
        va_end(ap);
        json_array_append_new(d->findings,
                              json_pack("{s:s, s:s, s:s, s:s, s:s?}", "id", id, "severity",
                                        severity_words[severity], "finding", title, "why", text,
                                        "command", command));
        if (severity > d->worst)
                d->worst = severity;
}

/* The number in a file under /proc, -1 if there is none. */
static long read_number(const struct doctor *d, const char *name) {
        char path[512], text[64] = "";
        FILE *f;
        long value = -1;
        char *end;

        snprintf(path, sizeof path, "%s/%s", d->proc, name);
        f = fopen(path, "re");
        if (!f)
                return -1;
        if (fgets(text, sizeof text, f)) {
                value = strtol(text, &end, 10);
                if (end == text)
                        value = -1;
        }
        fclose(f);
        return value;
}

static void look_at_cookies(struct doctor *d) {
        long cookies = read_number(d, "sys/net/ipv4/tcp_syncookies");
        static const char on[] = "sysctl -w net.ipv4.tcp_syncookies=1";

        if (cookies < 0)
                find(d, SERIOUS, "tcp_syncookies", "SYN cookies are not there", NULL,
                     "This kernel has no net.ipv4.tcp_syncookies (CONFIG_SYN_COOKIES): a flood that "
                     "fills a queue shuts the listener.");
        else if (cookies == 0)
                find(d, d->daemon ? INFO : SERIOUS, "tcp_syncookies", "SYN cookies are off", on,
                     d->daemon ? "synwardd switches them on in a flood, unless its policy forbids it."
                               : "A few SYNs a second fill a queue and shut the listener, and "
                                 "synwardd is not there to switch them on.");
        else if (cookies == 2 && d->daemon)
                find(d, INFO, "tcp_syncookies", "SYN cookies are always sent", NULL,
                     "Value 2 answers every SYN by cookie. If synwardctl status says that synwardd set "
                     "it, it puts the old value back; do not write it by hand.");
        else if (cookies == 2)
                find(d, WARNING, "tcp_syncookies", "SYN cookies are always sent", on,
                     "Value 2 answers every SYN by cookie: each connection loses its TCP options "
                     "unless timestamps carry them. Meant for tests and floods.");
        else
                find(d, FINE, "tcp_syncookies", "SYN cookies are sent when a queue is full", NULL,
                     "net.ipv4.tcp_syncookies is %ld.", cookies);
        if (read_number(d, "sys/net/ipv4/tcp_timestamps") == 0)
                find(d, WARNING, "tcp_timestamps", "TCP timestamps are off",
                     "sysctl -w net.ipv4.tcp_timestamps=1",
                     "A connection made by SYN cookie then has neither window scaling nor SACK.");
}

static void look_at_limits(struct doctor *d) {
        long somaxconn = read_number(d, "sys/net/core/somaxconn");
        long max_syn = read_number(d, "sys/net/ipv4/tcp_max_syn_backlog");
        long retries = read_number(d, "sys/net/ipv4/tcp_synack_retries");

        if (somaxconn >= 0 && somaxconn < 1024)
                find(d, WARNING, "somaxconn", "every listen queue is cut short",
                     "sysctl -w net.core.somaxconn=4096",
                     "net.core.somaxconn is %ld: no listener holds more half-opens than that, "
                     "whatever it asked listen(2) for.", somaxconn);
        else if (somaxconn >= 0)
                find(d, FINE, "somaxconn", "listen queues may be long", NULL,
                     "net.core.somaxconn is %ld.", somaxconn);
        if (max_syn >= 0 && max_syn < 1024 && read_number(d, "sys/net/ipv4/tcp_syncookies") == 0)
                find(d, WARNING, "tcp_max_syn_backlog", "half-opens are refused early",
                     "sysctl -w net.ipv4.tcp_max_syn_backlog=4096",
                     "Without SYN cookies the kernel drops SYNs when fewer than a quarter of "
                     "net.ipv4.tcp_max_syn_backlog (%ld) is left.", max_syn);
        if (retries > 5)
                find(d, WARNING, "tcp_synack_retries", "half-opens live very long",
                     "sysctl -w net.ipv4.tcp_synack_retries=5",
                     "Each SYN-ACK is sent again %ld times: a spoofed half-open holds its place for "
                     "more than a minute.", retries);
        else if (retries >= 4)
                find(d, INFO, "tcp_synack_retries", "half-opens live for half a minute or more",
                     "sysctl -w net.ipv4.tcp_synack_retries=3",
                     "With %ld retries a spoofed half-open holds its place for %d s; 3 make it 15 s "
                     "and are enough for most paths.", retries, (2 << retries) - 1);
        if (read_number(d, "sys/net/ipv4/tcp_abort_on_overflow") == 1)
                find(d, WARNING, "tcp_abort_on_overflow", "clients are reset when accept is slow",
                     "sysctl -w net.ipv4.tcp_abort_on_overflow=0",
                     "A burst that the application would have caught up with becomes refused "
                     "connections.");
}

/* The sockets of an SO_REUSEPORT group share their address. */
static bool is_named_before(const struct listening *list, int i) {
        for (int k = 0; k < i; k++)
                if (strcmp(list[k].address, list[i].address) == 0)
                        return true;
        return false;
}

static void look_at_listeners(struct doctor *d) {
        enum { LISTENERS = 1024, SHORT = 256 };
        static struct listening list[LISTENERS];
        int n = listening_read(list, LISTENERS);
        unsigned found = 0;

        if (n < 0) {
                find(d, INFO, "listeners", "listening sockets cannot be read", NULL, "%s.",
                     strerror(-n));
                return;
        }
        for (int i = 0; i < n; i++) {
                if (list[i].queue > list[i].backlog)
                        find(d, SERIOUS, "accept_queue", "an application does not accept", NULL,
                             "%s: %u connections wait for accept, its limit is %u. New ones are "
                             "dropped; that is no flood.", list[i].address, list[i].queue,
                             list[i].backlog);
                if (list[i].backlog >= SHORT || list[i].loopback || is_named_before(list, i))
                        continue;
                found++;
                find(d, WARNING, "backlog", "a listener has a short queue", NULL,
                     "%s holds %u half-opens: %u SYN/s that nobody finishes fill it for good. Raise "
                     "the backlog in the application's configuration.", list[i].address,
                     list[i].backlog, list[i].backlog / 63 + 1);
        }
        if (found == 0)
                find(d, FINE, "backlog", "listeners have long queues", NULL,
                     "%d listening sockets, none open to others holds fewer than %d half-opens.", n,
                     SHORT);
}

static void look_at_conntrack(struct doctor *d) {
        long max = read_number(d, "sys/net/netfilter/nf_conntrack_max");
        long count = read_number(d, "sys/net/netfilter/nf_conntrack_count");
        char larger[64];

        snprintf(larger, sizeof larger, "sysctl -w net.netfilter.nf_conntrack_max=%ld",
                 max < 524288 ? 1048576L : max * 2);
        if (max <= 0) {
                find(d, FINE, "nf_conntrack", "connections are not tracked", NULL,
                     "No table that a flood could fill.");
                return;
        }
        if (count > max / 10 * 8)
                find(d, SERIOUS, "nf_conntrack", "the connection tracking table is almost full",
                     larger,
                     "%ld of %ld entries. When it is full, every new connection is dropped.", count,
                     max);
        else if (max < 262144)
                find(d, WARNING, "nf_conntrack", "the connection tracking table is small",
                     larger,
                     "Every spoofed SYN takes one of %ld entries for a minute: %ld SYN/s fill it. "
                     "Or do not track the ports you serve (notrack in prerouting, raw).", max,
                     max / 60);
        else
                find(d, FINE, "nf_conntrack", "the connection tracking table is large", NULL,
                     "%ld of %ld entries.", count < 0 ? 0 : count, max);
        if (read_number(d, "sys/net/netfilter/nf_conntrack_tcp_loose") == 1)
                find(d, INFO, "nf_conntrack_tcp_loose", "tracking takes up connections midway",
                     "sysctl -w net.netfilter.nf_conntrack_tcp_loose=0",
                     "A flood of ACKs makes entries too; SYNPROXY needs 0.");
}

static void look_at_paths(struct doctor *d) {
        long all = read_number(d, "sys/net/ipv4/conf/all/rp_filter");
        long other = read_number(d, "sys/net/ipv4/conf/default/rp_filter");

        if (all == 0 && other == 0)
                find(d, INFO, "rp_filter", "packets are not checked for their way back",
                     "sysctl -w net.ipv4.conf.all.rp_filter=2",
                     "Loose mode drops spoofed sources that this host has no route to; it is no use "
                     "where there is a default route.");
        else if (all >= 0)
                find(d, FINE, "rp_filter", "packets are checked for their way back", NULL,
                     "rp_filter is %ld (all), %ld (default).", all, other);
}

/* /proc/net/netstat: pairs of lines, names and values, "TcpExt:" first. -1: not there. */
static long long read_counter(const struct doctor *d, const char *wanted) {
        char path[512], *names = NULL, *values = NULL;
        size_t names_size = 0, values_size = 0;
        long long found = -1;
        FILE *f;

        snprintf(path, sizeof path, "%s/net/netstat", d->proc);
        f = fopen(path, "re");
        while (f && found < 0 && getline(&names, &names_size, f) > 0 &&
               getline(&values, &values_size, f) > 0) {
                char *n = names, *v = values, *name, *value;

                while ((name = strsep(&n, " \n")) && (value = strsep(&v, " \n")))
                        if (strcmp(name, wanted) == 0)
                                found = strtoll(value, NULL, 10);
        }
        if (f)
                fclose(f);
        free(names);
        free(values);
        return found;
}

static void look_at_counters(struct doctor *d) {
        long long drops = read_counter(d, "TCPReqQFullDrop");
        long long overflows = read_counter(d, "ListenOverflows");
        long long cookies = read_counter(d, "TCPReqQFullDoCookies");
        bool off = read_number(d, "sys/net/ipv4/tcp_syncookies") == 0;

        if (drops > 0)
                find(d, WARNING, "queue_drops", "SYNs were refused since the host started",
                     off ? "sysctl -w net.ipv4.tcp_syncookies=1" : NULL,
                     "%lld times a queue was full and SYN cookies were off.", drops);
        if (cookies > 0)
                find(d, INFO, "queue_cookies", "queues were full since the host started", NULL,
                     "%lld SYNs were answered by cookie for that.", cookies);
        if (overflows > 0)
                find(d, INFO, "listen_overflows", "applications were slow to accept", NULL,
                     "%lld times an accept queue was full since the host started.", overflows);
        if (drops == 0 && overflows <= 0 && cookies <= 0)
                find(d, FINE, "counters", "no queue was full since the host started", NULL,
                     "TCPReqQFullDrop, TCPReqQFullDoCookies and ListenOverflows are 0.");
}

static void look_at_kernel_log(struct doctor *d) {
        int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        char record[8192], last[128] = "";
        unsigned count = 0;
        ssize_t n;

        if (fd < 0) {
                find(d, INFO, "kernel_log", "the kernel's log cannot be read", NULL, "%s.",
                     strerror(errno));
                return;
        }
        /* EPIPE: older records were overwritten; the next read goes on behind them. */
        while ((n = read(fd, record, sizeof record - 1)) > 0 || (n < 0 && errno == EPIPE)) {
                const char *text;

                record[n > 0 ? n : 0] = '\0';
                text = strstr(record, "ossible SYN flooding on port");
                if (!text)
                        continue;
                count++;
                snprintf(last, sizeof last, "P%.*s", (int) strcspn(text, "\n"), text);
        }
        close(fd);
        if (count > 0)
                find(d, WARNING, "kernel_log", "the kernel has seen full queues", NULL,
                     "%u times; the last: \"%s\".", count, last);
        else
                find(d, FINE, "kernel_log", "the kernel's log tells of no SYN flood", NULL,
                     "No \"Possible SYN flooding\" in it.");
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
        d->daemon = error == 0 || error == -EACCES;
        if (d->daemon)
                find(d, FINE, "synwardd", "synwardd is running", NULL, "%s.",
                     error == 0 ? "It answers" : "Its socket is there, but not for this user");
        else
                find(d, WARNING, "synwardd", "synwardd is not running",
                     "systemctl enable --now synward", "Nobody would tell you of a flood.");
}

static void print_findings(const struct doctor *d) {
        static const enum paint paints[] = { PAINT_GOOD, PAINT_INFO, PAINT_WARN, PAINT_BAD };
        const json_t *f;

        for (int severity = SERIOUS; severity >= FINE; severity--) {
                size_t i;

                json_array_foreach(d->findings, i, f) {
                        const char *command = ctl_text(f, "command");

                        if (strcmp(ctl_text(f, "severity"), severity_words[severity]) != 0)
                                continue;
                        term_put(&d->ctl->term, paints[severity], severity_words[severity]);
                        printf("%*s", (int) (9 - strlen(severity_words[severity])), "");
                        term_put(&d->ctl->term, PAINT_BOLD, ctl_text(f, "finding"));
                        printf("\n         ");
                        term_put(&d->ctl->term, PAINT_NONE, ctl_text(f, "why"));
                        if (*command) {
                                printf("\n         # ");
                                term_put(&d->ctl->term, PAINT_NONE, command);
                        }
                        putchar('\n');
                }
        }
}

static void look(struct doctor *d) {
        if (d->own)
                look_for_daemon(d);
        look_at_cookies(d);
        look_at_limits(d);
        if (d->own)
                look_at_listeners(d);
        look_at_conntrack(d);
        look_at_paths(d);
        look_at_counters(d);
        if (d->own)
                look_at_kernel_log(d);
}

int command_doctor(struct ctl *ctl, int argc, char **argv) {
        static const struct option options[] = {
                { "proc", required_argument, NULL, 'p' },
                { 0 },
        };
        struct doctor d = { .ctl = ctl, .proc = "/proc", .own = true };
        json_t *report;
        int c;

        while ((c = getopt_long(argc, argv, "p:", options, NULL)) != -1) {
                if (c != 'p')
                        return EXIT_USAGE;
                d.proc = optarg;
                d.own = false;
        }
        if (optind < argc)
                return ctl_usage("doctor", "too many arguments", argv[optind]);
        d.findings = json_array();
        look(&d);
        report = json_pack("{s:s, s:s, s:o}", "schema", "synward.doctor.v1", "worst",
                           severity_words[d.worst], "findings", d.findings);
        if (ctl->json)
                ctl_print_json(report);
        else
                print_findings(&d);
        json_decref(report);
        return d.worst == SERIOUS ? EXIT_REFUSED : EXIT_OK;
}
