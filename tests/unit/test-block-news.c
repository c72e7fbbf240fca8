/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many changes of the block list, few messages. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "core/block_news.h"

#define S UINT64_C(1000000)

static struct block_news news;
static struct event e;

static int set_up(void **state) {
        memset(&news, 0, sizeof news);
        return 0;
}

static struct prefix host(unsigned i) {
        struct prefix p = { .length = ADDRESS_BITS };
        char text[32];

        snprintf(text, sizeof text, "198.51.%u.%u", i / 256, i % 256);
        assert_int_equal(prefix_parse(text, &p), 0);
        return p;
}

static void note(enum block_change_type type, unsigned i, const char *reason) {
        struct block_change c = { .type = type, .prefix = host(i), .certain_per_s = 100 };

        snprintf(c.reason, sizeof c.reason, "%s", reason);
        block_news_note(&news, &c);
}

static bool take(uint64_t now_us) {
        return block_news_take(&news, now_us, 300 * S, false, &e);
}

static void says(const char *part) {
        if (!strstr(e.message, part))
                fail_msg("not in it: %s\n%s", part, e.message);
}

static void the_first_at_once_then_together(void **state) {
        assert_false(block_news_due(&news, 100 * S));
        note(BLOCK_ADDED, 1, "flood-concentrated: at least 900 SYN/s");
        assert_true(block_news_due(&news, 100 * S));
        assert_true(take(100 * S));
        assert_int_equal(e.type, EVENT_SOURCE_BLOCKED);
        assert_int_equal(e.sources_count, 1);
        says("198.51.0.1 is blocked for 300 s: flood-concentrated: at least 900 SYN/s; to undo, add it");
        assert_false(take(100 * S));
        for (unsigned i = 2; i < 14; i++)
                note(BLOCK_ADDED, i, "flood-concentrated");
        assert_false(block_news_due(&news, 100 * S + BLOCK_NEWS_US - 1));
        assert_true(block_news_due(&news, 100 * S + BLOCK_NEWS_US));
        assert_true(take(105 * S));
        assert_int_equal(e.sources_count, 12);
        says("198.51.0.2, 198.51.0.3, 198.51.0.4 and 9 more are blocked for 300 s: together at least "
             "1,200 SYN/s, and they finish no handshake");
        assert_false(take(105 * S));
        assert_false(block_news_due(&news, 200 * S));
}

/* Of 250 sources blocked 16 at a tick; nobody is forgotten or told twice. */
static void two_hundred_and_fifty(void **state) {
        unsigned events = 0, sources = 0;
        uint64_t now_us = S;
        bool seen[250] = { false };

        for (unsigned i = 0; i < 250 || now_us < 30 * S; now_us += S / 5) {
                for (unsigned k = 0; k < 16 && i < 250; k++, i++) {
                        while (!block_news_has_room(&news) && take(now_us)) {
                                events++;
                                sources += e.sources_count;
                                for (uint32_t n = 0; n < e.sources_count; n++)
                                        seen[e.sources[n].address.bytes[15]] = true;
                        }
                        note(BLOCK_ADDED, i, "x");
                }
                while (block_news_due(&news, now_us) && take(now_us)) {
                        events++;
                        sources += e.sources_count;
                        for (uint32_t n = 0; n < e.sources_count; n++)
                                seen[e.sources[n].address.bytes[15]] = true;
                }
        }
        assert_int_equal(sources, 250);
        assert_in_range(events, 2, 6);
        for (unsigned i = 0; i < 250; i++)
                assert_true(seen[i]);
}

static void who_is_let_go_comes_first(void **state) {
        note(BLOCK_ADDED, 1, "x");
        assert_true(take(S));
        note(BLOCK_ADDED, 2, "x");
        note(BLOCK_REMOVED, 1, "the prefix around it is blocked now");
        note(BLOCK_EXPIRED, 3, "block.timeout is over");
        note(BLOCK_EXPIRED, 4, "block.timeout is over");
        assert_true(take(2 * S));
        assert_int_equal(e.type, EVENT_SOURCE_UNBLOCKED);
        says("198.51.0.1 is not blocked any more: the prefix around it is blocked now");
        assert_true(take(2 * S));
        says("198.51.0.3, 198.51.0.4 are not blocked any more: block.timeout is over");
        assert_true(take(2 * S));
        assert_int_equal(e.type, EVENT_SOURCE_BLOCKED);
        assert_false(take(2 * S));
}

static void there_and_back_is_no_news(void **state) {
        note(BLOCK_ADDED, 1, "x");
        note(BLOCK_REMOVED, 1, "x");
        note(BLOCK_EXPIRED, 2, "x");
        note(BLOCK_ADDED, 2, "x");
        assert_false(block_news_due(&news, 100 * S));
        assert_false(take(100 * S));
}

static void note_limit(enum block_change_type type, unsigned i, uint32_t limit_per_s) {
        struct block_change c = { .type = type, .prefix = host(i), .limit_per_s = limit_per_s, .certain_per_s = 100 };

        snprintf(c.reason, sizeof c.reason, "because");
        block_news_note(&news, &c);
}

static void who_is_limited_is_told_apart(void **state) {
        note_limit(BLOCK_ADDED, 1, 10);
        note_limit(BLOCK_ADDED, 2, 0);
        note_limit(BLOCK_ADDED, 3, 10);
        assert_true(take(S));
        assert_int_equal(e.type, EVENT_SOURCE_LIMITED);
        assert_int_equal(e.sources_count, 2);
        says("198.51.0.1, 198.51.0.3 are limited to 10 SYN/s for 300 s: together at least 200 SYN/s unfinished; "
             "not cut off, for they are clients; to undo, add them to allow");
        assert_true(take(S));
        assert_int_equal(e.type, EVENT_SOURCE_BLOCKED);
        says("198.51.0.2 is blocked for 300 s: because");
        assert_false(take(S));
        /* To be cut off instead of limited is news, though it is the same address. */
        note_limit(BLOCK_REMOVED, 1, 10);
        note_limit(BLOCK_ADDED, 1, 0);
        assert_true(take(S));
        assert_int_equal(e.type, EVENT_SOURCE_UNLIMITED);
        says("198.51.0.1 is not limited any more: because");
        assert_true(take(S));
        assert_int_equal(e.type, EVENT_SOURCE_BLOCKED);
        assert_false(take(S));
}

static void a_dry_run_says_so(void **state) {
        note(BLOCK_ADDED, 1, "x");
        assert_true(block_news_take(&news, S, S, true, &e));
        assert_true(e.pretended);
        says("dry run: 198.51.0.1 would be blocked for 1 s");
        assert_null(strstr(e.message, "to undo"));
}

/* The longest names and reasons: cut, never beyond. */
static void the_longest(void **state) {
        struct block_change c = { .type = BLOCK_ADDED };

        memset(c.reason, 'r', sizeof c.reason - 1);
        memset(c.prefix.address.bytes, 0xff, 16);
        for (unsigned i = 0; i < EVENT_SOURCES_MAX; i++) {
                c.prefix.length = (uint8_t) (ADDRESS_BITS - i);
                block_news_note(&news, &c);
        }
        assert_false(block_news_has_room(&news));
        assert_true(take(S));
        assert_int_equal(e.sources_count, EVENT_SOURCES_MAX);
        assert_non_null(memchr(e.message, '\0', sizeof e.message));
        says("reload");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(the_first_at_once_then_together, set_up),
                cmocka_unit_test_setup(two_hundred_and_fifty, set_up),
                cmocka_unit_test_setup(who_is_let_go_comes_first, set_up),
                cmocka_unit_test_setup(there_and_back_is_no_news, set_up),
                cmocka_unit_test_setup(who_is_limited_is_told_apart, set_up),
                cmocka_unit_test_setup(a_dry_run_says_so, set_up),
                cmocka_unit_test_setup(the_longest, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
