/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_hosts_state.h"

/* So many more who answer than who are answered, and so many. */
#define BACKSCATTER_FACTOR 4.0
#define BACKSCATTER_FROM 8.0

uint32_t capture_hosts_count(const struct capture_hosts *h) {
        return h->count;
}

const struct capture_service *capture_hosts_service(const struct capture_hosts *h, uint32_t i) {
        return &h->services[i];
}

uint32_t capture_hosts_listeners(const struct capture_hosts *h) {
        return h->listeners;
}

uint64_t capture_hosts_left_out(const struct capture_hosts *h) {
        return h->left_out;
}

bool capture_hosts_are_named(const struct capture_hosts *h) {
        return h->given->listen_count > 0 || h->given->local_count > 0;
}

bool capture_hosts_busiest_elsewhere(const struct capture_hosts *h, struct listener_key *ret, uint64_t *ret_syns,
                                     bool *ret_out) {
        const struct end *most = NULL;

        for (uint32_t i = 0; i < ENDS_MAX; i++)
                if (h->ends[i].used && h->ends[i].service == CAPTURE_NO_SERVICE &&
                    h->ends[i].syns > (most ? most->syns : 0))
                        most = &h->ends[i];
        if (!most)
                return false;
        *ret = (struct listener_key) { .address = most->address, .port = most->port };
        *ret_syns = most->syns;
        *ret_out = most->went_out && !most->came_in;
        return true;
}

bool capture_hosts_most_meant(const struct capture_hosts *h, unsigned service, struct address *ret) {
        const struct end *most = NULL;
        uint64_t all = 0;

        for (uint32_t i = 0; i < ENDS_MAX; i++) {
                if (!h->ends[i].used || h->ends[i].service != (int) service)
                        continue;
                all += h->ends[i].syns;
                if (!most || h->ends[i].syns > most->syns)
                        most = &h->ends[i];
        }
        if (!most || (uint64_t) most->syns * 2 < all)
                return false;
        *ret = most->address;
        return true;
}

void capture_hosts_unasked(const struct capture_hosts *h, double *ret_from, double *ret_to) {
        *ret_from = h->unasked_from_estimate;
        *ret_to = h->unasked_to_estimate;
}

bool capture_hosts_unasked_to(const struct capture_hosts *h, struct address *ret) {
        const struct end *most = NULL;

        for (uint32_t i = 0; i < ENDS_MAX; i++)
                if (h->ends[i].used && h->ends[i].syns == 0 && h->ends[i].answers > (most ? most->answers : 0))
                        most = &h->ends[i];
        if (most)
                *ret = most->unasked_to;
        return most != NULL;
}

bool capture_hosts_backscatter(const struct capture_hosts *h) {
        double from, to;

        capture_hosts_unasked(h, &from, &to);
        return from >= BACKSCATTER_FROM && from >= BACKSCATTER_FACTOR * to;
}
