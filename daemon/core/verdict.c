/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/verdict.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *const state_names[STATES] = {
        [STATE_NORMAL] = "normal",
        [STATE_RECOVERING] = "recovering",
        [STATE_SUSPECT] = "suspect",
        [STATE_FLOOD] = "flood",
};

static const char *const explanation_names[EXPLANATIONS] = {
        [EXPLAINED_NOISE] = "noise",
        [EXPLAINED_LOSS] = "loss",
        [EXPLAINED_FAR] = "far-clients",
        [EXPLAINED_ACCEPT] = "accept-queue",
        [EXPLAINED_CHECKS] = "half-open-checks",
        [EXPLAINED_RETRIES] = "retries",
        [EXPLAINED_WAY_BACK] = "way-back",
};

static const char *const diagnosis_names[DIAGNOSES] = {
        [DIAGNOSIS_UNKNOWN] = "unknown",
        [DIAGNOSIS_QUIET] = "quiet",
        [DIAGNOSIS_BUSY] = "busy",
        [DIAGNOSIS_FLASH_CROWD] = "flash-crowd",
        [DIAGNOSIS_ACCEPT_STALL] = "accept-stall",
        [DIAGNOSIS_PORT_SCAN] = "port-scan",
        [DIAGNOSIS_LOSSY_CLIENTS] = "lossy-clients",
        [DIAGNOSIS_FLOOD_SPOOFED] = "flood-spoofed",
        [DIAGNOSIS_FLOOD_DISTRIBUTED] = "flood-distributed",
        [DIAGNOSIS_FLOOD_CONCENTRATED] = "flood-concentrated",
        [DIAGNOSIS_FLOOD_REFLECTED] = "flood-reflected",
};

const char *explanation_name(enum explanation e) {
        return explanation_names[e];
}

const char *flood_state_name(enum flood_state s) {
        return state_names[s];
}

const char *diagnosis_name(enum diagnosis d) {
        return diagnosis_names[d];
}

int diagnosis_from_name(const char *name, enum diagnosis *ret) {
        for (unsigned i = 0; i < DIAGNOSES; i++)
                if (strcmp(diagnosis_names[i], name) == 0) {
                        *ret = (enum diagnosis) i;
                        return 0;
                }
        return -ENOENT;
}

bool diagnosis_is_flood(enum diagnosis d) {
        return d >= DIAGNOSIS_FLOOD_SPOOFED && d <= DIAGNOSIS_FLOOD_REFLECTED;
}

struct evidence evidence_unknown(void) {
        return (struct evidence) {
                .half_open = NAN,
                .half_open_aged = NAN,
                .backlog = NAN,
                .fill = NAN,
                .accept_queue = NAN,
                .syn_per_s = NAN,
                .completed_per_s = NAN,
                .unanswered_per_s = NAN,
                .unanswered_share = NAN,
                .cookies_sent_per_s = NAN,
                .cookies_received_per_s = NAN,
                .queue_drops_per_s = NAN,
                .accept_overflows_per_s = NAN,
                .embryonic_rsts_per_s = NAN,
                .stray_share = NAN,
                .stray_ports = NAN,
                .distinct_sources = NAN,
                .seen_once_share = NAN,
                .top_share = NAN,
                .dropped_before_per_s = NAN,
                .forwarded_per_s = NAN,
                .strength = NAN,
                .known_finished_share = NAN,
                .probe_connected_share = NAN,
                .probe_slowest_ms = NAN,
        };
}

static double certain_share(const struct obs_source *s, double total) {
        return (s->known & OBS_S_SYNS) ? fmin((s->syn_per_s - s->syn_error_per_s) / total, 1) : NAN;
}

void evidence_add_sources(struct evidence *e, const struct obs_sources *sources, bool name) {
        double total;

        if (!sources)
                return;
        if (sources->known & OBS_SS_DISTINCT)
                e->distinct_sources = sources->distinct;
        if (sources->known & OBS_SS_SEEN_ONCE)
                e->seen_once_share = sources->seen_once_share;
        /* Shares are of the same seconds as the table's own total. */
        total = sources->known & OBS_SS_DISTINCT ? sources->syn_per_s : e->syn_per_s;
        if (!(total > 0) || !name)
                return;
        for (uint32_t i = 0; i < sources->count; i++)
                e->top_share = fmax(e->top_share, certain_share(&sources->list[i], total));
        for (uint32_t i = 0; i < sources->count; i++)
                if (certain_share(&sources->list[i], total) >= VERDICT_ABOUT_AS_MUCH * e->top_share &&
                    sources->list[i].prefix.length > e->top.length)
                        e->top = sources->list[i].prefix;
}
