/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/figures.h"

#include <string.h>

#define ROW(figure, unit_, kind_, places_, help_, source_, ...) \
        { .name = #figure, .help = help_, .source = source_, .offset = offsetof(struct evidence, figure), \
          .unit = unit_, .kind = kind_, .places = places_, ##__VA_ARGS__ }

#define EVENT FIGURE_IN_EVENT
#define HOST FIGURE_OF_HOST
#define LISTENER FIGURE_OF_LISTENER
#define HISTORY FIGURE_IN_HISTORY
#define ALL (EVENT | HOST | LISTENER | HISTORY)

/* clang-format off */
const struct figure figures[] = {
        ROW(half_open, FIGURE_COUNT, FIGURE_NOW, ALL, "Handshakes begun and not finished (SYN_RECV).",
            "sock_diag, the entries in SYN_RECV.",
            .host_metric = "synward_half_open", .listener_metric = "synward_listener_half_open"),
        ROW(half_open_aged, FIGURE_COUNT, FIGURE_NOW, ALL, "Half-opens whose SYN-ACK was sent again.",
            "sock_diag, those entries by how often their SYN-ACK was sent; of a listener without those that "
            "wait because its accept queue was full.",
            .host_metric = "synward_half_open_aged", .listener_metric = "synward_listener_half_open_aged"),
        ROW(backlog, FIGURE_COUNT, FIGURE_NOW, EVENT | HOST | LISTENER,
            "Limit of half-opens; of the host: of all listeners.",
            "sock_diag, the limit of the listening sockets (Send-Q of ss); of an SO_REUSEPORT group summed.",
            .listener_metric = "synward_listener_backlog"),
        ROW(fill, FIGURE_SHARE, FIGURE_NOW, ALL,
            "Half-opens by their limit; of the host: of the listener filled most.",
            "half_open and backlog.",
            .host_metric = "synward_fill_ratio", .listener_metric = "synward_listener_fill_ratio"),
        ROW(accept_queue, FIGURE_COUNT, FIGURE_NOW, ALL, "Finished handshakes that wait for accept.",
            "sock_diag, what waits at the listening sockets (Recv-Q of ss).",
            .host_metric = "synward_accept_queue", .listener_metric = "synward_listener_accept_queue"),
        ROW(syn_per_s, FIGURE_RATE, FIGURE_FLOW, ALL, "SYNs that came in.",
            "nftables, a counter at the end of input; of a listener the log of SYNs (NFLOG). Without them "
            "what finished, was refused and was left unfinished."),
        ROW(completed_per_s, FIGURE_RATE, FIGURE_FLOW, ALL, "Handshakes that clients finished.",
            "PassiveOpens of /proc/net/snmp; where that cannot be read, connections that are open and that "
            "have ended (sock_diag). Of a listener its share, by what began and what ended there "
            "(core/attribution.c)."),
        ROW(unanswered_per_s, FIGURE_RATE, FIGURE_FLOW, ALL, "Handshakes that nobody finished.",
            "entries in SYN_RECV that grow old (core/survival.c), cookies that do not come back "
            "(core/cookie_balance.c), entries that an RST ended; no more than the log of SYNs saw begin.",
            .host_metric = "synward_unanswered_per_second"),
        ROW(unanswered_share, FIGURE_SHARE, FIGURE_FLOW, EVENT,
            "Unfinished share of the handshakes that ended.",
            "unanswered_per_s and queue_drops_per_s, beside completed_per_s."),
        { .name = "completion_ratio", .help = "Finished share of the handshakes that ended.",
          .source = "completed_per_s, beside unanswered_per_s and queue_drops_per_s.",
          .offset = offsetof(struct evidence, unanswered_share), .unit = FIGURE_SHARE, .kind = FIGURE_FLOW,
          .places = HOST | LISTENER, .rest = true, .host_metric = "synward_completion_ratio" },
        ROW(cookies_sent_per_s, FIGURE_RATE, FIGURE_FLOW, ALL, "SYN-ACKs sent with a SYN cookie.",
            "SyncookiesSent of /proc/net/netstat; with tcp_syncookies at 2, where that cannot be read, the "
            "log of SYNs. Of a listener its share (core/attribution.c)."),
        ROW(cookies_received_per_s, FIGURE_RATE, FIGURE_FLOW, EVENT | HOST | HISTORY,
            "Valid SYN cookies that came back.",
            "SyncookiesRecv of /proc/net/netstat; with tcp_syncookies at 2, where that cannot be read, all "
            "that finished."),
        ROW(queue_drops_per_s, FIGURE_RATE, FIGURE_FLOW, ALL, "SYNs refused because the queue was full.",
            "TCPReqQFullDrop of /proc/net/netstat; with tcp_syncookies at 0 ListenDrops less "
            "ListenOverflows, if that is more. Of a listener its share, by its own count of drops (sock_diag)."),
        ROW(accept_overflows_per_s, FIGURE_RATE, FIGURE_FLOW, EVENT | HOST | HISTORY,
            "SYNs and ACKs refused because the accept queue was full.",
            "ListenOverflows of /proc/net/netstat."),
        ROW(embryonic_rsts_per_s, FIGURE_RATE, FIGURE_FLOW, ALL,
            "Half-opens that an RST ended, from whoever got the SYN-ACK.",
            "EmbryonicRsts of /proc/net/netstat; of a listener its share (core/attribution.c)."),
        ROW(dropped_before_per_s, FIGURE_RATE, FIGURE_LATELY, EVENT | HOST,
            "SYNs that came in and were dropped before TCP: by a firewall, a full conntrack table, "
            "as martians.",
            "nftables, a counter at prerouting, less those at forward and at the end of input.",
            .host_metric = "synward_syns_dropped_before_per_second"),
        ROW(forwarded_per_s, FIGURE_RATE, FIGURE_LATELY, EVENT | HOST, "SYNs on their way to other hosts.",
            "nftables, a counter at forward.", .host_metric = "synward_syns_forwarded_per_second"),
        ROW(stray_share, FIGURE_SHARE, FIGURE_LATELY, EVENT | HOST,
            "Share of the SYNs to ports without a listener.",
            "the log of SYNs (NFLOG), beside the listening sockets (sock_diag).",
            .host_metric = "synward_stray_ratio"),
        ROW(stray_ports, FIGURE_COUNT, FIGURE_LATELY, EVENT | HOST, "Different ports without a listener.",
            "the log of SYNs (NFLOG), beside the listening sockets (sock_diag).",
            .host_metric = "synward_stray_ports"),
        ROW(distinct_sources, FIGURE_COUNT, FIGURE_LATELY, EVENT | HOST, "Addresses that sent a SYN lately.",
            "the log of SYNs (NFLOG), estimated (core/distinct.c)."),
        ROW(seen_once_share, FIGURE_SHARE, FIGURE_LATELY, EVENT | HOST,
            "Share of the SYNs whose address was seen once.",
            "the log of SYNs (NFLOG), without known clients and SYNs sent again (core/seen_once.c).",
            .host_metric = "synward_seen_once_ratio"),
        ROW(top_share, FIGURE_SHARE, FIGURE_LATELY, EVENT | HOST,
            "Share of the SYNs that the heaviest source or network certainly sends.",
            "the log of SYNs (NFLOG), by lower bounds (core/heavy_hitters.c). In a flood of what is left "
            "unfinished (core/culprits.c), and 0 if the addresses are forged.",
            .host_metric = "synward_top_source_ratio"),
        ROW(known_finished_share, FIGURE_SHARE, FIGURE_LATELY, EVENT | HOST | HISTORY,
            "Share of known clients' handshakes that their first SYN finished.",
            "the log of SYNs (NFLOG), those of known clients that did not come again (core/impact.c).",
            .host_metric = "synward_known_finished_ratio"),
        ROW(probe_connected_share, FIGURE_SHARE, FIGURE_LATELY, EVENT | HOST | HISTORY,
            "Share of the probe's handshakes that connected.",
            "the daemon's own handshakes (probe.listener).",
            .host_metric = "synward_probe_connected_ratio"),
        ROW(probe_slowest_ms, FIGURE_MS, FIGURE_HIGHEST, EVENT | HOST | HISTORY,
            "The slowest of the probe's handshakes that connected.",
            "the daemon's own handshakes (probe.listener)."),
        ROW(strength, FIGURE_TIMES, FIGURE_NOW, EVENT | HOST | LISTENER,
            "Strength of the evidence: 1 and more is a flood.",
            "the pattern that fits best (core/flood_rules.c), at two looks of three, or at one "
            "that is overwhelming.",
            .host_metric = "synward_strength"),
        { .name = NULL },
};
/* clang-format on */

double figure_value(const struct figure *f, const struct evidence *e) {
        double value;

        memcpy(&value, (const char *) e + f->offset, sizeof value);
        return f->rest ? 1 - value : value;
}

bool figure_is_peak(const struct figure *f) {
        return f->kind == FIGURE_NOW || f->kind == FIGURE_HIGHEST;
}

const char *figure_unit_text(enum figure_unit unit) {
        switch (unit) {
        case FIGURE_COUNT:
                return "whole number";
        case FIGURE_RATE:
                return "per second";
        case FIGURE_SHARE:
                return "0 to 1";
        case FIGURE_MS:
                return "milliseconds";
        case FIGURE_TIMES:
                return "times the bound";
        }
        return NULL;
}

const char *figure_kind_text(enum figure_kind kind) {
        switch (kind) {
        case FIGURE_NOW:
                return "at the last look";
        case FIGURE_FLOW:
                return "smoothed over about a second";
        case FIGURE_LATELY:
                return "of the last seconds";
        case FIGURE_HIGHEST:
                return "the highest of the last seconds";
        }
        return NULL;
}
