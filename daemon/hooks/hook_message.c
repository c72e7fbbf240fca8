/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/hook_message.h"

#include <errno.h>
#include <string.h>

#include "util/printable.h"

/* Its last digit is the version. */
#define MAGIC UINT32_C(0x73796f01)

enum { COOKIES_NONE = -1, COOKIES_MAX = 255 /* tcp_syncookies is an u8 (net/ipv4/sysctl_net_ipv4.c) */ };

void hook_order_begin(struct hook_order *o, enum hook_order_kind kind, uint64_t digest) {
        memset(o, 0, sizeof *o);
        o->magic = MAGIC;
        o->kind = kind;
        o->digest = digest;
}

void hook_order_set(struct hook_order *o, uint32_t rule, const struct event *e) {
        const char *pattern = e->evidence.pattern;

        o->rule = rule;
        o->event = *e;
        o->event.evidence.pattern = NULL;
        if (pattern && strlen(pattern) < sizeof o->pattern)
                memcpy(o->pattern, pattern, strlen(pattern));
}

void hook_report_begin(struct hook_report *r, enum hook_report_kind kind, uint32_t generation) {
        memset(r, 0, sizeof *r);
        r->magic = MAGIC;
        r->kind = kind;
        r->generation = generation;
}

/* --- an order ------------------------------------------------------------------------ */

/* Before it is looked at as one: another value than these has no meaning. */
static bool is_bool(const struct hook_order *o, size_t offset) {
        return ((const unsigned char *) o)[offset] <= 1;
}

static bool are_sources(const struct event *e) {
        if (e->sources_count > EVENT_SOURCES_MAX || e->top_count > TOP_SOURCES_TOLD)
                return false;
        for (uint32_t i = 0; i < e->sources_count; i++)
                if (e->sources[i].length > ADDRESS_BITS)
                        return false;
        for (uint32_t i = 0; i < e->top_count; i++)
                if (e->top[i].prefix.length > ADDRESS_BITS)
                        return false;
        return e->evidence.top.length <= ADDRESS_BITS;
}

static bool is_cookies(int value) {
        return value >= COOKIES_NONE && value <= COOKIES_MAX;
}

static bool is_pattern(const char text[static HOOK_PATTERN_MAX]) {
        const char *end = memchr(text, '\0', HOOK_PATTERN_MAX);

        for (const char *c = text; end && c < end; c++)
                if (*c != '-' && (*c < 'a' || *c > 'z'))
                        return false;
        return end;
}

static bool is_event(const struct event *e) {
        return (unsigned) e->type < EVENT_TYPES && (unsigned) e->severity <= SEVERITY_DEBUG &&
               (unsigned) e->state < STATES && (unsigned) e->diagnosis < DIAGNOSES && e->sequence <= INT64_MAX &&
               e->incident <= INT64_MAX && are_sources(e) && is_cookies(e->old_value) && is_cookies(e->new_value) &&
               memchr(e->message, '\0', sizeof e->message);
}

int hook_order_check(const void *data, size_t length) {
        struct hook_order o;

        if (length != sizeof o)
                return -EPROTO;
        memcpy(&o, data, sizeof o);
        if (o.magic != MAGIC)
                return -EPROTO;
        if (o.kind >= HOOK_ORDERS || o.rule >= SETTINGS_RULES_MAX)
                return -EINVAL;
        if (o.kind != HOOK_ORDER_RUN)
                return 0;
        if (!is_bool(&o, offsetof(struct hook_order, event.has_listener)) ||
            !is_bool(&o, offsetof(struct hook_order, event.pretended)) || o.event.evidence.pattern ||
            !is_pattern(o.pattern) || !is_event(&o.event))
                return -EINVAL;
        return 0;
}

void hook_order_event(const struct hook_order *o, struct event *ret) {
        *ret = o->event;
        ret->evidence.pattern = o->pattern[0] ? o->pattern : NULL;
        printable(ret->message);
}

/* --- a report ------------------------------------------------------------------------ */

int hook_report_check(const void *data, size_t length) {
        struct hook_report r;

        if (length != sizeof r)
                return -EPROTO;
        memcpy(&r, data, sizeof r);
        if (r.magic != MAGIC)
                return -EPROTO;
        if (r.kind >= HOOK_REPORTS || r.generation == 0 || r.event_type >= EVENT_TYPES ||
            !memchr(r.command, '\0', sizeof r.command) || !memchr(r.why, '\0', sizeof r.why) ||
            !memchr(r.output, '\0', sizeof r.output))
                return -EINVAL;
        return 0;
}
