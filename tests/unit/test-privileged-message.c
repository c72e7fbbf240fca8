/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keeper takes for a request and the daemon for an answer: each field at the ends of its
 * range, and just beyond. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "privileged/message.h"

static struct message_request good(enum message_operation operation) {
        struct message_request m;

        message_request_begin(&m, operation);
        m.sequence = 1;
        m.until_us = 1;
        return m;
}

static int check(const struct message_request *m) {
        return message_request_check(m, sizeof *m);
}

#define refused(m) assert_int_equal(check(&(m)), -EINVAL)
#define taken(m) assert_int_equal(check(&(m)), 0)

static void takes_one_length_only(void **state) {
        uint8_t bytes[sizeof(struct message_request) + 8] = { 0 };
        struct message_request m = good(MESSAGE_TABLE);

        memcpy(bytes, &m, sizeof m);
        for (size_t length = 0; length <= sizeof bytes; length++)
                assert_int_equal(message_request_check(bytes, length), length == sizeof m ? 0 : -EPROTO);
}

static void refuses_what_is_not_ours(void **state) {
        struct message_request m = good(MESSAGE_TABLE);

        m.magic ^= 1;
        assert_int_equal(check(&m), -EPROTO);
        m = good(MESSAGE_TABLE);
        m.sequence = 0;
        refused(m);
        m = good(MESSAGE_TABLE);
        m.until_us = 0;
        refused(m);
        m = good(MESSAGE_HELLO);
        refused(m);
        m = good(MESSAGE_OPERATIONS);
        refused(m);
        m.operation = UINT32_MAX;
        refused(m);
}

static void bounds_the_log(void **state) {
        static const enum message_operation both[] = { MESSAGE_RULES, MESSAGE_LOG };

        for (unsigned i = 0; i < 2; i++) {
                struct message_request m = good(both[i]);

                refused(m); /* no copy range */
                m.log = (struct message_log) { 65535, 40 };
                taken(m);
                m.log = (struct message_log) { 0, 2048 };
                taken(m);
                m.log = (struct message_log) { 65536, 40 };
                refused(m);
                m.log = (struct message_log) { 5, 39 };
                refused(m);
                m.log = (struct message_log) { 5, 2049 };
                refused(m);
        }
}

static void bounds_the_sampling(void **state) {
        static const struct message_sample taken_ones[] = { { 1, 1, 0, 1 }, { 512, 512, UINT32_MAX, 1000000 } };
        static const struct message_sample refused_ones[] = {
                { 0, 8, 0, 100 },   { 513, 8, 0, 100 }, { 4, 0, 0, 100 },
                { 4, 513, 0, 100 }, { 4, 8, 0, 0 },     { 4, 8, 0, 1000001 },
        };
        struct message_request m = good(MESSAGE_SAMPLE);

        for (unsigned i = 0; i < 2; i++) {
                m.sample = taken_ones[i];
                taken(m);
        }
        for (unsigned i = 0; i < sizeof refused_ones / sizeof *refused_ones; i++) {
                m.sample = refused_ones[i];
                refused(m);
        }
}

static void bounds_counters_and_cookies(void **state) {
        struct message_request m = good(MESSAGE_COUNTERS);

        refused(m);
        m.counters = 15;
        taken(m);
        m.counters = 16;
        refused(m);
        m = good(MESSAGE_SYNCOOKIES);
        for (m.syncookies = 0; m.syncookies <= 2; m.syncookies++)
                taken(m);
        refused(m); /* 3 */
        m.syncookies = 257;
        refused(m);
}

static struct message_request entry(const char *text, uint32_t timeout_ms) {
        struct message_request m = good(timeout_ms ? MESSAGE_BLOCK : MESSAGE_UNBLOCK);
        struct prefix p;

        assert_int_equal(prefix_parse(text, &p), 0);
        m.entries.count = 1;
        memcpy(m.entries.list[0].address, p.address.bytes, 16);
        m.entries.list[0].length = p.length;
        m.entries.list[0].timeout_ms = timeout_ms;
        return m;
}

static void bounds_the_entries(void **state) {
        static const char *const wide[] = { "192.0.0.0/15", "0.0.0.0/0", "0.0.0.0",       "2001::/16",
                                            "::/0",         "::",        "::ffff:0:0/96", "2001:da8::/31" };
        struct message_request m;

        m = entry("192.0.2.1", 1);
        taken(m);
        m = entry("192.0.0.0/16", MESSAGE_TIMEOUT_MAX_MS);
        taken(m);
        m = entry("2001:db8::/32", 1000);
        taken(m);
        m = entry("2001:db8::1", 0);
        taken(m);
        for (unsigned i = 0; i < sizeof wide / sizeof *wide; i++) {
                m = entry(wide[i], 1000);
                refused(m);
        }
        m = entry("192.0.2.1", MESSAGE_TIMEOUT_MAX_MS);
        m.entries.list[0].timeout_ms++;
        refused(m);
        m.entries.list[0].timeout_ms = 0; /* would stay for ever */
        refused(m);
        m = entry("192.0.2.1", 0);
        m.entries.list[0].timeout_ms = 1;
        refused(m);
        m = entry("192.0.2.1", 1000);
        m.entries.list[0].length = 129;
        refused(m);
        m.entries.list[0].length = 120; /* a bit beyond it is set */
        refused(m);
        m.entries.list[0].length = 256 + 128;
        refused(m);
}

/* The sets of those that are limited have one rate for all. */
static void bounds_the_limit(void **state) {
        struct message_request m = entry("192.0.2.1", 1000);

        m.entries.list[0].limit_per_s = MESSAGE_LIMIT_MAX;
        taken(m);
        m.entries.list[0].limit_per_s++;
        refused(m);
        m = entry("192.0.2.1", 0);
        m.entries.list[0].limit_per_s = 1; /* to be let go */
        taken(m);
        m = entry("192.0.2.1", 1000);
        m.entries.count = 3;
        m.entries.list[1] = m.entries.list[2] = m.entries.list[0];
        m.entries.list[0].limit_per_s = m.entries.list[2].limit_per_s = 10;
        taken(m);
        m.entries.list[2].limit_per_s = 11;
        refused(m);
}

static void bounds_their_number(void **state) {
        struct message_request m = entry("192.0.2.1", 1000);

        for (uint32_t i = 1; i < MESSAGE_ENTRIES_MAX; i++)
                m.entries.list[i] = m.entries.list[0];
        m.entries.count = MESSAGE_ENTRIES_MAX;
        taken(m);
        m.entries.list[MESSAGE_ENTRIES_MAX - 1].length = 3; /* each is looked at */
        refused(m);
        m.entries.count = MESSAGE_ENTRIES_MAX + 1;
        refused(m);
        m.entries.count = 0;
        refused(m);
}

static void bounds_the_ports(void **state) {
        struct message_request m = good(MESSAGE_PORTS);

        refused(m);
        for (uint32_t i = 0; i < MESSAGE_PORTS_MAX; i++)
                m.ports.list[i] = (uint16_t) (65535 - i);
        m.ports.count = MESSAGE_PORTS_MAX;
        taken(m);
        m.ports.count++;
        refused(m);
        m.ports.count = MESSAGE_PORTS_MAX;
        m.ports.list[MESSAGE_PORTS_MAX - 1] = 0;
        refused(m);
}

/* --- answers -------------------------------------------------------------------------- */

static struct message_reply answer(void) {
        const struct message_request to = good(MESSAGE_TABLE);
        struct message_reply m;

        message_reply_begin(&m, &to, 1);
        return m;
}

static int check_reply(const struct message_reply *m) {
        return message_reply_check(m, sizeof *m);
}

#define refused_reply(m) assert_int_equal(check_reply(&(m)), -EINVAL)

static void checks_answers(void **state) {
        struct message_reply m = answer();
        uint8_t bytes[sizeof m + 8] = { 0 };

        memcpy(bytes, &m, sizeof m);
        for (size_t length = 0; length <= sizeof bytes; length++)
                assert_int_equal(message_reply_check(bytes, length), length == sizeof m ? 0 : -EPROTO);
        m.magic++;
        assert_int_equal(check_reply(&m), -EPROTO);
        m = answer();
        m.result = -4095;
        assert_int_equal(check_reply(&m), 0);
        m.result = -4096;
        refused_reply(m);
        m.result = 1;
        refused_reply(m);
        m = answer();
        m.generation = 0;
        refused_reply(m);
        m = answer();
        m.operation = MESSAGE_OPERATIONS;
        refused_reply(m);
        m = answer();
        m.sequence = 0; /* only of a hello */
        refused_reply(m);
        m.operation = MESSAGE_HELLO;
        assert_int_equal(check_reply(&m), 0);
        m.sequence = 1;
        refused_reply(m);
        m = answer();
        m.counters_known = 16;
        refused_reply(m);
}

static void reasons_end_and_are_text(void **state) {
        struct message_reply m = answer();

        memset(m.reason, 'x', sizeof m.reason);
        refused_reply(m);
        m.reason[sizeof m.reason - 1] = '\0';
        assert_int_equal(check_reply(&m), 0);
        m.reason[3] = '\n';
        refused_reply(m);
        m.reason[3] = '\x1b';
        refused_reply(m);
        m.reason[3] = (char) 0xc3;
        refused_reply(m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(takes_one_length_only),
                cmocka_unit_test(refuses_what_is_not_ours),
                cmocka_unit_test(bounds_the_log),
                cmocka_unit_test(bounds_the_sampling),
                cmocka_unit_test(bounds_counters_and_cookies),
                cmocka_unit_test(bounds_the_entries),
                cmocka_unit_test(bounds_the_limit),
                cmocka_unit_test(bounds_their_number),
                cmocka_unit_test(bounds_the_ports),
                cmocka_unit_test(checks_answers),
                cmocka_unit_test(reasons_end_and_are_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
