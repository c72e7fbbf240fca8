/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is wrong with a host that a flood would find, or with what comes to it, and
 * what mends it: one list for "synwardctl doctor" and "synwardd --diagnose", with one
 * set of limits. Pure: whoever asks has read the figures.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
        ADVICE_MAX = 96,
        ADVICE_WHY_MAX = 512,
        ADVICE_COMMAND_MAX = 96,
        ADVICE_BACKLOG_SHORT = 256, /* shorter ones are worth raising whatever comes */
};

enum advice_severity { ADVICE_FINE, ADVICE_INFO, ADVICE_WARNING, ADVICE_SERIOUS, ADVICE_SEVERITIES };

struct advice {
        const char *id;
        enum advice_severity severity;
        const char *title;
        char why[ADVICE_WHY_MAX];
        char command[ADVICE_COMMAND_MAX]; /* what mends it; empty: nothing to run */
};

struct advice_list {
        unsigned count; /* those beyond ADVICE_MAX are left out */
        struct advice list[ADVICE_MAX];
};

/* Settings and counters, -1: not known. */
struct advice_host {
        long syncookies, timestamps, abort_on_overflow;
        long somaxconn, max_syn_backlog, synack_retries;
        long conntrack_max, conntrack_count, conntrack_loose;
        long rp_filter_all, rp_filter_default;
        bool daemon; /* synwardd is there, and switches cookies on */
};

/* What a queue was seen to need. */
struct advice_queue {
        const char *name;
        uint32_t backlog;
        double needed; /* connections at once; 0: not seen */
        bool served;   /* and hardly anybody was turned away: by SYN cookies, or since few were too many */
};

const char *advice_severity_name(enum advice_severity s); /* "fine", "info", "warning", "serious" */

/* command NULL: none. why: as of printf. */
void advice_add(struct advice_list *l, enum advice_severity severity, const char *id, const char *title,
                const char *command, const char *why, ...) __attribute__((format(printf, 6, 7)));
/* NULL: it is not in it. */
const struct advice *advice_find(const struct advice_list *l, const char *id);

/* Everything about its settings. */
void advice_host(struct advice_list *l, const struct advice_host *h);
/* A short queue, if it is one. */
void advice_queue(struct advice_list *l, const struct advice_queue *q, const struct advice_host *h);
bool advice_queue_is_short(const struct advice_queue *q);
/* The backlog that would do: twice what came, as a power of two; at least `ADVICE_BACKLOG_SHORT` where
 * nothing was seen. */
uint32_t advice_queue_wanted(const struct advice_queue *q);
