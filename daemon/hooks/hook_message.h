/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the daemon and the starter, the process that runs hooks, say to each other: fixed records
 * over a socket pair that keeps records apart (SOCK_SEQPACKET). Both are the same program, so that
 * the records are in its own layout.
 *
 * An order names a command by its place in the policy, never by its words: the starter has them from
 * the configuration. The digest says which configuration is meant. The event is a record whose
 * fields are all checked; what a hook reads of it (JSON, SYNWARD_NAME) is made by the starter, so
 * that a daemon that was taken over can choose its figures and its sentence, and nothing else.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/settings.h"
#include "hooks/hook.h"

enum { HOOK_PATTERN_MAX = 32 };

enum hook_order_kind {
        HOOK_ORDER_FOLLOW, /* the configuration was read again: read it too */
        HOOK_ORDER_RUN,
        HOOK_ORDERS,
};

struct hook_order {
        uint32_t magic;
        uint32_t kind;
        uint64_t digest;   /* settings_hooks_digest() of what the daemon has */
        uint32_t rule;     /* HOOK_ORDER_RUN: whose hook, from 0 */
        struct event event; /* likewise; evidence.pattern is NULL, it is here: */
        char pattern[HOOK_PATTERN_MAX]; /* a word of small letters and dashes; empty: none */
};

enum hook_report_kind {
        HOOK_REPORT_STATE,  /* the numbers below, which each report has */
        HOOK_REPORT_OTHER,  /* asked to follow, it found another configuration, or none that is good */
        HOOK_REPORT_FAILED, /* a hook */
        HOOK_REPORTS,
};

struct hook_report {
        uint32_t magic;
        uint32_t kind;
        uint32_t generation; /* which starter this is, from 1 on */
        uint32_t running;    /* hooks, now */
        uint64_t dropped;    /* by this starter, as one too many */
        /* HOOK_REPORT_FAILED; see struct hook_failure. */
        uint32_t event_type;
        uint64_t sequence;
        char command[SETTINGS_PATH_MAX];
        char why[HOOK_WHY_MAX];
        char output[HOOK_OUTPUT_MAX + 1];
};

/* Zeroed but for what every one carries. */
void hook_order_begin(struct hook_order *o, enum hook_order_kind kind, uint64_t digest);
/* HOOK_ORDER_RUN: which command, for which event. */
void hook_order_set(struct hook_order *o, uint32_t rule, const struct event *e);
void hook_report_begin(struct hook_report *r, enum hook_report_kind kind, uint32_t generation);

/* 0, or -EPROTO: not of the one length or not ours; -EINVAL: a field is out of its range. */
int hook_order_check(const void *data, size_t length);
int hook_report_check(const void *data, size_t length);

/* The event of an order that was checked. Its pattern points into the order. */
void hook_order_event(const struct hook_order *o, struct event *ret);
