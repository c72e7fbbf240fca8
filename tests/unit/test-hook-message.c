/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the starter takes for an order and the daemon for a report: each field at the ends of its
 * range, and just beyond. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "hooks/hook_message.h"

static struct hook_order good(void) {
        struct event e = event_make(EVENT_FLOOD_START);
        struct hook_order o;

        strcpy(e.message, "SYN flood");
        e.evidence.pattern = "surge";
        hook_order_begin(&o, HOOK_ORDER_RUN, 5);
        hook_order_set(&o, 1, &e);
        return o;
}

static int check(const struct hook_order *o) {
        return hook_order_check(o, sizeof *o);
}

#define refused(o) assert_int_equal(check(&(o)), -EINVAL)
#define taken(o) assert_int_equal(check(&(o)), 0)

static void takes_one_length_only(void **state) {
        static uint8_t bytes[sizeof(struct hook_order) + 8];
        struct hook_order o = good();

        memcpy(bytes, &o, sizeof o);
        for (size_t length = 0; length <= sizeof bytes; length++)
                assert_int_equal(hook_order_check(bytes, length), length == sizeof o ? 0 : -EPROTO);
        o.magic ^= 1;
        assert_int_equal(check(&o), -EPROTO);
}

static void bounds_the_order(void **state) {
        struct hook_order o = good();

        o.kind = HOOK_ORDERS;
        refused(o);
        o = good();
        o.rule = SETTINGS_RULES_MAX - 1;
        taken(o);
        o.rule = SETTINGS_RULES_MAX;
        refused(o);
        hook_order_begin(&o, HOOK_ORDER_FOLLOW, 5);
        taken(o);
}

static void bounds_the_event(void **state) {
#define FIELD(field, last, beyond)                                  \
        do {                                                        \
                struct hook_order o = good();                       \
                o.event.field = (last);                             \
                taken(o);                                           \
                o.event.field = (beyond);                           \
                refused(o);                                         \
        } while (0)
        FIELD(type, EVENT_TYPES - 1, EVENT_TYPES);
        FIELD(severity, SEVERITY_DEBUG, SEVERITY_DEBUG + 1);
        FIELD(state, STATES - 1, STATES);
        FIELD(diagnosis, DIAGNOSES - 1, DIAGNOSES);
        FIELD(sequence, INT64_MAX, (uint64_t) INT64_MAX + 1);
        FIELD(incident, INT64_MAX, (uint64_t) INT64_MAX + 1);
        FIELD(sources_count, EVENT_SOURCES_MAX, EVENT_SOURCES_MAX + 1);
        FIELD(top_count, TOP_SOURCES_TOLD, TOP_SOURCES_TOLD + 1);
        FIELD(old_value, 255, 256);
        FIELD(new_value, -1, -2);
        FIELD(evidence.top.length, 128, 129);
        FIELD(evidence.pattern, NULL, "anything");
#undef FIELD
}

static void bounds_prefixes(void **state) {
        struct hook_order o = good();

        o.event.sources[1].length = 129;
        o.event.top[1].prefix.length = 129;
        o.event.sources_count = o.event.top_count = 1; /* not theirs */
        taken(o);
        o.event.sources_count = 2;
        refused(o);
        o.event.sources_count = 1;
        o.event.top_count = 2;
        refused(o);
}

/* Neither is read as a bool before. */
static void knows_two_truths(void **state) {
        struct hook_order o = good();

        ((unsigned char *) &o)[offsetof(struct hook_order, event.has_listener)] = 2;
        refused(o);
        o = good();
        ((unsigned char *) &o)[offsetof(struct hook_order, event.pretended)] = 255;
        refused(o);
}

static void wants_text_that_ends(void **state) {
        struct hook_order o = good();

        memset(o.event.message, 'x', sizeof o.event.message);
        refused(o);
        o = good();
        memset(o.pattern, 'x', sizeof o.pattern);
        refused(o);
        o = good();
        strcpy(o.pattern, "BASH_ENV=/x");
        refused(o);
}

static void gives_the_event_back(void **state) {
        struct hook_order o = good();
        struct event e;

        strcpy(o.event.message, "two\nlines");
        taken(o);
        hook_order_event(&o, &e);
        assert_string_equal(e.evidence.pattern, "surge");
        assert_string_equal(e.message, "two?lines");
        assert_int_equal(e.type, EVENT_FLOOD_START);
        o.pattern[0] = '\0';
        hook_order_event(&o, &e);
        assert_null(e.evidence.pattern);
}

static void bounds_the_report(void **state) {
        static struct hook_report r;

#define BAD(change)                                                     \
        hook_report_begin(&r, HOOK_REPORT_FAILED, 1);                   \
        assert_int_equal(hook_report_check(&r, sizeof r), 0);           \
        change;                                                         \
        assert_int_equal(hook_report_check(&r, sizeof r), -EINVAL)
        BAD(r.kind = HOOK_REPORTS);
        BAD(r.generation = 0);
        BAD(r.event_type = EVENT_TYPES);
        BAD(memset(r.command, 'x', sizeof r.command));
        BAD(memset(r.why, 'x', sizeof r.why));
        BAD(memset(r.output, 'x', sizeof r.output));
#undef BAD
        r.magic ^= 1;
        assert_int_equal(hook_report_check(&r, sizeof r), -EPROTO);
        assert_int_equal(hook_report_check(&r, sizeof r - 1), -EPROTO);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(takes_one_length_only), cmocka_unit_test(bounds_the_order),
                cmocka_unit_test(bounds_the_event),      cmocka_unit_test(bounds_prefixes),
                cmocka_unit_test(knows_two_truths),      cmocka_unit_test(wants_text_that_ends),
                cmocka_unit_test(gives_the_event_back),  cmocka_unit_test(bounds_the_report),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
