/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/varlink.h"

static int put(struct varlink_reader *r, const char *data, size_t size) {
        while (size > 0) {
                char *to;
                size_t space;
                int error = varlink_reader_space(r, &to, &space);

                if (error < 0)
                        return error;
                space = space < size ? space : size;
                memcpy(to, data, space);
                varlink_reader_filled(r, space);
                data += space;
                size -= space;
        }
        return 0;
}

static void cuts_at_every_byte(void **state) {
        static const char stream[] = "{\"a\":1}\0\0{\"b\":\"two\"}";
        static const char *const want[] = { "{\"a\":1}", "", "{\"b\":\"two\"}" };

        for (size_t cut = 0; cut <= sizeof stream; cut++) {
                struct varlink_reader *r = varlink_reader_new();
                const char *text;
                size_t length, found = 0;

                assert_int_equal(put(r, stream, cut), 0);
                while (varlink_reader_next(r, &text, &length))
                        assert_string_equal(text, want[found++]);
                assert_int_equal(put(r, stream + cut, sizeof stream - cut), 0);
                while (varlink_reader_next(r, &text, &length)) {
                        assert_string_equal(text, want[found]);
                        assert_int_equal(length, strlen(want[found]));
                        found++;
                }
                assert_int_equal(found, 3);
                assert_int_equal(varlink_reader_pending(r), 0);
                varlink_reader_free(r);
        }
}

static void longest_message(void **state) {
        struct varlink_reader *r = varlink_reader_new();
        char *big = malloc(VARLINK_MESSAGE_MAX + 1);
        const char *text;
        size_t length;

        memset(big, 'x', VARLINK_MESSAGE_MAX + 1);
        big[VARLINK_MESSAGE_MAX - 1] = '\0';
        assert_int_equal(put(r, big, VARLINK_MESSAGE_MAX), 0);
        assert_true(varlink_reader_next(r, &text, &length));
        assert_int_equal(length, VARLINK_MESSAGE_MAX - 1);

        big[VARLINK_MESSAGE_MAX - 1] = 'x';
        assert_int_equal(put(r, big, VARLINK_MESSAGE_MAX + 1), -EMSGSIZE);
        assert_int_equal(varlink_reader_pending(r), VARLINK_MESSAGE_MAX);
        free(big);
        varlink_reader_free(r);
}

static int parse(const char *text, struct varlink_call *ret) {
        return varlink_call_parse(text, strlen(text), ret);
}

static void parses_calls(void **state) {
        struct varlink_call c;

        assert_int_equal(parse("{\"method\":\"io.synward.Ping\"}", &c), 0);
        assert_string_equal(c.method, "io.synward.Ping");
        assert_int_equal(json_object_size(c.parameters), 0);
        assert_false(c.more || c.oneway || c.upgrade);
        assert_int_equal(varlink_call_interface_length(&c), strlen("io.synward"));
        varlink_call_clear(&c);

        assert_int_equal(parse("{\"method\":\"x\",\"parameters\":{\"n\":4},\"more\":true,"
                               "\"oneway\":true,\"upgrade\":true,\"later\":[]}",
                               &c),
                         0);
        assert_true(c.more && c.oneway && c.upgrade);
        assert_int_equal(json_integer_value(json_object_get(c.parameters, "n")), 4);
        assert_int_equal(varlink_call_interface_length(&c), 0);
        varlink_call_clear(&c);
}

static void refuses_calls(void **state) {
        static const char *const texts[] = {
                "",
                "{",
                "[]",
                "1",
                "{}",
                "{\"method\":1}",
                "{\"method\":\"a\",\"method\":\"b\"}",
                "{\"method\":\"a\",\"parameters\":[]}",
                "{\"method\":\"a\",\"more\":1}",
                "{\"method\":\"a\",\"oneway\":\"yes\"}",
                "{\"method\":\"a\"} x",
                "{\"method\":\"\xff\"}",
                "{\"method\":\"a\\u0000b\"}",
        };

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                struct varlink_call c = { .method = "kept" };

                assert_int_equal(parse(texts[i], &c), -EBADMSG);
                assert_string_equal(c.method, "kept");
        }
}

static void nesting_is_bounded(void **state) {
        size_t depth = VARLINK_MESSAGE_MAX - 64;
        char *text = malloc(depth + 1);
        struct varlink_call c;

        memset(text, '[', depth);
        text[depth] = '\0';
        assert_int_equal(parse(text, &c), -EBADMSG);
        free(text);
}

static void encodes(json_t *message, const char *want) {
        size_t size;
        char *text = varlink_encode(message, &size);

        assert_string_equal(text, want);
        assert_int_equal(size, strlen(want) + 1);
        free(text);
        json_decref(message);
}

static void builds_messages(void **state) {
        encodes(varlink_reply(NULL, false), "{}");
        encodes(varlink_reply(json_pack("{s:f}", "x", 0.1), false), "{\"parameters\":{\"x\":0.1}}");
        encodes(varlink_reply(json_object(), true), "{\"parameters\":{},\"continues\":true}");
        encodes(varlink_error("io.synward.No", NULL), "{\"error\":\"io.synward.No\"}");
        encodes(varlink_invalid("limit"), "{\"error\":\"org.varlink.service.InvalidParameter\","
                                          "\"parameters\":{\"parameter\":\"limit\"}}");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cuts_at_every_byte), cmocka_unit_test(longest_message),
                cmocka_unit_test(parses_calls),       cmocka_unit_test(refuses_calls),
                cmocka_unit_test(nesting_is_bounded), cmocka_unit_test(builds_messages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
