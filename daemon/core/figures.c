/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/figures.h"

#include <string.h>

#define ROW(figure, unit_, places_, help_, ...) \
        { .name = #figure, .help = help_, .offset = offsetof(struct evidence, figure), \
          .unit = unit_, .places = places_, ##__VA_ARGS__ }

#define EVENT FIGURE_IN_EVENT
#define HOST FIGURE_OF_HOST
#define LISTENER FIGURE_OF_LISTENER
#define HISTORY FIGURE_IN_HISTORY
#define ALL (EVENT | HOST | LISTENER | HISTORY)

const struct figure figures[] = {
        ROW(half_open, FIGURE_COUNT, ALL, "Handshakes begun and not finished (SYN_RECV).",
            .peak = true, .host_metric = "synward_half_open",
            .listener_metric = "synward_listener_half_open"),
        ROW(half_open_aged, FIGURE_COUNT, ALL, "Half-opens whose SYN-ACK was sent again.",
            .peak = true, .host_metric = "synward_half_open_aged",
            .listener_metric = "synward_listener_half_open_aged"),
        ROW(backlog, FIGURE_COUNT, EVENT | HOST | LISTENER,
            "Limit of half-opens; of the host: of all listeners.",
            .listener_metric = "synward_listener_backlog"),
        ROW(fill, FIGURE_SHARE, ALL,
            "Half-opens by their limit; of the host: of the listener filled most.",
            .peak = true, .host_metric = "synward_fill_ratio",
            .listener_metric = "synward_listener_fill_ratio"),
        ROW(accept_queue, FIGURE_COUNT, ALL, "Finished handshakes that wait for accept.",
            .peak = true, .host_metric = "synward_accept_queue",
            .listener_metric = "synward_listener_accept_queue"),
        ROW(syn_per_s, FIGURE_RATE, ALL, "SYNs that came in."),
        ROW(completed_per_s, FIGURE_RATE, ALL, "Handshakes that clients finished."),
        ROW(unanswered_per_s, FIGURE_RATE, ALL, "Handshakes that nobody finished.",
            .host_metric = "synward_unanswered_per_second"),
        ROW(unanswered_share, FIGURE_SHARE, EVENT, "Unfinished share of the handshakes that ended."),
        { .name = "completion_ratio", .help = "Finished share of the handshakes that ended.",
          .offset = offsetof(struct evidence, unanswered_share), .unit = FIGURE_SHARE,
          .places = HOST | LISTENER, .rest = true, .host_metric = "synward_completion_ratio" },
        ROW(cookies_sent_per_s, FIGURE_RATE, ALL, "SYN-ACKs sent with a SYN cookie."),
        ROW(cookies_received_per_s, FIGURE_RATE, EVENT | HOST | HISTORY,
            "Valid SYN cookies that came back."),
        ROW(queue_drops_per_s, FIGURE_RATE, ALL, "SYNs refused because the queue was full."),
        ROW(accept_overflows_per_s, FIGURE_RATE, EVENT | HOST | HISTORY,
            "SYNs and ACKs refused because the accept queue was full."),
        ROW(embryonic_rsts_per_s, FIGURE_RATE, ALL,
            "Half-opens that an RST ended, from whoever got the SYN-ACK."),
        ROW(dropped_before_per_s, FIGURE_RATE, EVENT | HOST,
            "SYNs that came in and were dropped before TCP: by a firewall, a full conntrack table, as martians.",
            .host_metric = "synward_syns_dropped_before_per_second"),
        ROW(forwarded_per_s, FIGURE_RATE, EVENT | HOST, "SYNs on their way to other hosts.",
            .host_metric = "synward_syns_forwarded_per_second"),
        ROW(stray_share, FIGURE_SHARE, EVENT | HOST, "Share of the SYNs to ports without a listener.",
            .host_metric = "synward_stray_ratio"),
        ROW(stray_ports, FIGURE_COUNT, EVENT | HOST, "Different ports without a listener.",
            .host_metric = "synward_stray_ports"),
        ROW(distinct_sources, FIGURE_COUNT, EVENT | HOST, "Addresses that sent a SYN lately."),
        ROW(seen_once_share, FIGURE_SHARE, EVENT | HOST,
            "Share of the SYNs whose address was seen once.",
            .host_metric = "synward_seen_once_ratio"),
        ROW(top_share, FIGURE_SHARE, EVENT | HOST,
            "Share of the SYNs that the heaviest source or network certainly sends.",
            .host_metric = "synward_top_source_ratio"),
        ROW(known_finished_share, FIGURE_SHARE, EVENT | HOST | HISTORY,
            "Share of known clients' handshakes that their first SYN finished.",
            .host_metric = "synward_known_finished_ratio"),
        ROW(probe_connected_share, FIGURE_SHARE, EVENT | HOST | HISTORY,
            "Share of the probe's handshakes that connected.", .host_metric = "synward_probe_connected_ratio"),
        ROW(probe_slowest_ms, FIGURE_MS, EVENT | HOST | HISTORY,
            "The slowest of the probe's handshakes that connected.", .peak = true),
        ROW(strength, FIGURE_RATE, EVENT | HOST | LISTENER, "Strength of the evidence: 1 and more is a flood.",
            .host_metric = "synward_strength"),
        { .name = NULL },
};

double figure_value(const struct figure *f, const struct evidence *e) {
        double value;

        memcpy(&value, (const char *) e + f->offset, sizeof value);
        return f->rest ? 1 - value : value;
}
