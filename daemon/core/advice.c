/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/advice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        SOMAXCONN_SHORT = 1024,
        MAX_SYN_SHORT = 1024,
        CONNTRACK_SMALL = 262144,
        CONNTRACK_LARGE = 524288,
        HALF_OPEN_LIFE_S = 63, /* with the usual five retries */
};

const char *advice_severity_name(enum advice_severity s) {
        static const char *const names[ADVICE_SEVERITIES] = { "fine", "info", "warning", "serious" };

        return names[s];
}

void advice_add(struct advice_list *l, enum advice_severity severity, const char *id, const char *title,
                const char *command, const char *why, ...) {
        struct advice *a = &l->list[l->count];
        va_list args;

        if (l->count == ADVICE_MAX)
                return;
        l->count++;
        *a = (struct advice) { .id = id, .severity = severity, .title = title };
        snprintf(a->command, sizeof a->command, "%s", command ? command : "");
        va_start(args, why);
        vsnprintf(a->why, sizeof a->why, why, args);
        va_end(args);
}

const struct advice *advice_find(const struct advice_list *l, const char *id) {
        for (unsigned i = 0; i < l->count; i++)
                if (strcmp(l->list[i].id, id) == 0)
                        return &l->list[i];
        return NULL;
}

static void advise_cookies(struct advice_list *l, const struct advice_host *h) {
        static const char on[] = "sysctl -w net.ipv4.tcp_syncookies=1";

        if (h->syncookies < 0)
                advice_add(l, ADVICE_SERIOUS, "tcp_syncookies", "SYN cookies are not there", NULL,
                           "This kernel has no net.ipv4.tcp_syncookies (CONFIG_SYN_COOKIES): a flood that "
                           "fills a queue shuts the listener.");
        else if (h->syncookies == 0)
                advice_add(l, h->daemon ? ADVICE_INFO : ADVICE_SERIOUS, "tcp_syncookies", "SYN cookies are off", on,
                           h->daemon ? "synwardd switches them on in a flood, unless its policy forbids it."
                                     : "A few SYNs a second fill a queue and shut the listener, and "
                                       "synwardd is not there to switch them on.");
        else if (h->syncookies == 2 && h->daemon)
                advice_add(l, ADVICE_INFO, "tcp_syncookies", "SYN cookies are always sent", NULL,
                           "Value 2 answers every SYN by cookie. If synwardctl status says that synwardd set "
                           "it, it puts the old value back; do not write it by hand.");
        else if (h->syncookies == 2)
                advice_add(l, ADVICE_WARNING, "tcp_syncookies", "SYN cookies are always sent", on,
                           "Value 2 answers every SYN by cookie: each connection loses its TCP options "
                           "unless timestamps carry them. Meant for tests and floods.");
        else
                advice_add(l, ADVICE_FINE, "tcp_syncookies", "SYN cookies are sent when a queue is full", NULL,
                           "net.ipv4.tcp_syncookies is %ld.", h->syncookies);
        if (h->timestamps == 0)
                advice_add(l, ADVICE_WARNING, "tcp_timestamps", "TCP timestamps are off",
                           "sysctl -w net.ipv4.tcp_timestamps=1",
                           "A connection made by SYN cookie then has neither window scaling nor SACK.");
}

static void advise_limits(struct advice_list *l, const struct advice_host *h) {
        if (h->somaxconn >= 0 && h->somaxconn < SOMAXCONN_SHORT)
                advice_add(l, ADVICE_WARNING, "somaxconn", "every listen queue is cut short",
                           "sysctl -w net.core.somaxconn=4096",
                           "net.core.somaxconn is %ld: no listener holds more half-opens than that, "
                           "whatever it asked listen(2) for.",
                           h->somaxconn);
        else if (h->somaxconn >= 0)
                advice_add(l, ADVICE_FINE, "somaxconn", "listen queues may be long", NULL, "net.core.somaxconn is %ld.",
                           h->somaxconn);
        if (h->max_syn_backlog >= 0 && h->max_syn_backlog < MAX_SYN_SHORT && h->syncookies == 0)
                advice_add(l, ADVICE_WARNING, "tcp_max_syn_backlog", "half-opens are refused early",
                           "sysctl -w net.ipv4.tcp_max_syn_backlog=4096",
                           "Without SYN cookies the kernel drops SYNs when fewer than a quarter of "
                           "net.ipv4.tcp_max_syn_backlog (%ld) is left.",
                           h->max_syn_backlog);
}

static void advise_retries(struct advice_list *l, const struct advice_host *h) {
        if (h->synack_retries > 5)
                advice_add(l, ADVICE_WARNING, "tcp_synack_retries", "half-opens live very long",
                           "sysctl -w net.ipv4.tcp_synack_retries=5",
                           "Each SYN-ACK is sent again %ld times: a spoofed half-open holds its place for "
                           "more than a minute.",
                           h->synack_retries);
        else if (h->synack_retries >= 4)
                advice_add(l, ADVICE_INFO, "tcp_synack_retries", "half-opens live for half a minute or more",
                           "sysctl -w net.ipv4.tcp_synack_retries=3",
                           "With %ld retries a spoofed half-open holds its place for %d s; 3 make it 15 s "
                           "and are enough for most paths.",
                           h->synack_retries, (2 << h->synack_retries) - 1);
        if (h->abort_on_overflow == 1)
                advice_add(l, ADVICE_WARNING, "tcp_abort_on_overflow", "clients are reset when accept is slow",
                           "sysctl -w net.ipv4.tcp_abort_on_overflow=0",
                           "A burst that the application would have caught up with becomes refused "
                           "connections.");
}

static void advise_conntrack(struct advice_list *l, const struct advice_host *h) {
        long max = h->conntrack_max, count = h->conntrack_count;
        char larger[ADVICE_COMMAND_MAX];

        snprintf(larger, sizeof larger, "sysctl -w net.netfilter.nf_conntrack_max=%ld",
                 max < CONNTRACK_LARGE ? 2L * CONNTRACK_LARGE : max * 2);
        if (max <= 0)
                advice_add(l, ADVICE_FINE, "nf_conntrack", "connections are not tracked", NULL,
                           "No table that a flood could fill.");
        else if (count > max / 10 * 8)
                advice_add(l, ADVICE_SERIOUS, "nf_conntrack", "the connection tracking table is almost full", larger,
                           "%ld of %ld entries. When it is full, every new connection is dropped.", count, max);
        else if (max < CONNTRACK_SMALL)
                advice_add(l, ADVICE_WARNING, "nf_conntrack", "the connection tracking table is small", larger,
                           "Every spoofed SYN takes one of %ld entries for a minute: %ld SYN/s fill it. "
                           "Or do not track the ports you serve (notrack in prerouting, raw).",
                           max, max / 60);
        else
                advice_add(l, ADVICE_FINE, "nf_conntrack", "the connection tracking table is large", NULL,
                           "%ld of %ld entries.", count < 0 ? 0 : count, max);
        if (max > 0 && h->conntrack_loose == 1)
                advice_add(l, ADVICE_INFO, "nf_conntrack_tcp_loose", "tracking takes up connections midway",
                           "sysctl -w net.netfilter.nf_conntrack_tcp_loose=0",
                           "A flood of ACKs makes entries too; SYNPROXY needs 0.");
}

static void advise_paths(struct advice_list *l, const struct advice_host *h) {
        if (h->rp_filter_all == 0 && h->rp_filter_default == 0)
                advice_add(l, ADVICE_INFO, "rp_filter", "packets are not checked for their way back",
                           "sysctl -w net.ipv4.conf.all.rp_filter=2",
                           "Loose mode drops spoofed sources that this host has no route to; it is no use "
                           "where there is a default route.");
        else if (h->rp_filter_all >= 0)
                advice_add(l, ADVICE_FINE, "rp_filter", "packets are checked for their way back", NULL,
                           "rp_filter is %ld (all), %ld (default).", h->rp_filter_all, h->rp_filter_default);
}

void advice_host(struct advice_list *l, const struct advice_host *h) {
        advise_cookies(l, h);
        advise_limits(l, h);
        advise_retries(l, h);
        advise_conntrack(l, h);
        advise_paths(l, h);
}

/* --- queues ----------------------------------------------------------------------- */

bool advice_queue_is_short(const struct advice_queue *q) {
        return q->backlog < ADVICE_BACKLOG_SHORT || q->needed > q->backlog;
}

uint32_t advice_queue_wanted(const struct advice_queue *q) {
        uint32_t wanted = 16;
        double seen = q->needed > 0 ? 2 * q->needed : (double) ADVICE_BACKLOG_SHORT;

        while (wanted < seen && wanted < 65536)
                wanted *= 2;
        return wanted;
}

void advice_queue(struct advice_list *l, const struct advice_queue *q, const struct advice_host *h) {
        uint32_t wanted = advice_queue_wanted(q);
        char command[ADVICE_COMMAND_MAX] = "";

        if (!advice_queue_is_short(q))
                return;
        if (h->somaxconn >= 0 && (uint32_t) h->somaxconn < wanted)
                snprintf(command, sizeof command, "sysctl -w net.core.somaxconn=%u", wanted);
        if (q->needed > q->backlog && q->served)
                advice_add(
                        l, ADVICE_INFO, "backlog", "a queue is short for the bursts that come", command,
                        "%s holds %u, and %.0f came at once; hardly anybody was turned away. A backlog of %u would do. "
                        "Raise it in the application's configuration and restart it.",
                        q->name, q->backlog, q->needed, wanted);
        else if (q->needed > q->backlog)
                advice_add(l, ADVICE_WARNING, "backlog", "a queue is too short for the bursts that come", command,
                           "%s holds %u, and %.0f came at once: a backlog of %u would do. Raise it in the "
                           "application's configuration and restart it.",
                           q->name, q->backlog, q->needed, wanted);
        else
                advice_add(l, ADVICE_WARNING, "backlog", "a listener has a short queue", command,
                           "%s holds %u half-opens: %u SYN/s that nobody finishes fill it for good. Raise the "
                           "backlog in the application's configuration.",
                           q->name, q->backlog, q->backlog / HALF_OPEN_LIFE_S + 1);
}
