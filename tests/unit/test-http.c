/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/http.h"

#define HOST "Host: h\r\n\r\n"
#define GET "GET /metrics HTTP/1.1\r\n"
#define OPENMETRICS "application/openmetrics-text"

static enum http_status status_of(const char *text) {
        struct http_request r;

        return http_parse(text, strlen(text), &r);
}

static struct http_request request(const char *text) {
        struct http_request r = { .head = false };

        assert_int_equal(http_parse(text, strlen(text), &r), HTTP_OK);
        return r;
}

static void takes_a_scrape(void **state) {
        assert_false(request(GET HOST).head);
        assert_true(request("HEAD /metrics HTTP/1.1\r\n" HOST).head);
        request("\r\nGET /metrics HTTP/1.1\r\n" HOST);
        request("GET /metrics?x=1 HTTP/1.1\r\n" HOST);
        request("GET http://h:1/metrics HTTP/1.1\r\n" HOST);
        request("GET /metrics HTTP/1.0\r\n\r\n");
        request("GET /metrics HTTP/1.1\nhost: h\n\n");
        request(GET "Content-Length: 0\r\nX-Empty:\r\n" HOST);
}

static void refuses_the_rest(void **state) {
        static const struct {
                const char *text;
                enum http_status status;
        } cases[] = {
                { "GET / HTTP/1.1\r\n" HOST, HTTP_NOT_FOUND },
                { "GET /metrics/ HTTP/1.1\r\n" HOST, HTTP_NOT_FOUND },
                { "GET http://h HTTP/1.1\r\n" HOST, HTTP_NOT_FOUND },
                { "OPTIONS * HTTP/1.1\r\n" HOST, HTTP_METHOD_NOT_ALLOWED },
                { "POST /metrics HTTP/1.1\r\n" HOST, HTTP_METHOD_NOT_ALLOWED },
                { "get /metrics HTTP/1.1\r\n" HOST, HTTP_METHOD_NOT_ALLOWED },
                { "GET /metrics HTTP/2.0\r\n" HOST, HTTP_BAD_REQUEST },
                { "GET /metrics\r\n" HOST, HTTP_BAD_REQUEST },
                { "GET  /metrics HTTP/1.1\r\n" HOST, HTTP_BAD_REQUEST },
                { "GET /metrics HTTP/1.1 \r\n" HOST, HTTP_BAD_REQUEST },
                { "G(T /metrics HTTP/1.1\r\n" HOST, HTTP_BAD_REQUEST },
                { "\x16\x03\x01\x02\n\n", HTTP_BAD_REQUEST },
                { GET "\r\n", HTTP_BAD_REQUEST },
                { GET "Host: a\r\n" HOST, HTTP_BAD_REQUEST },
                { GET "Host : h\r\n\r\n", HTTP_BAD_REQUEST },
                { GET "Host\r\n\r\n", HTTP_BAD_REQUEST },
                { GET "Host: h\r\n folded\r\n\r\n", HTTP_BAD_REQUEST },
                { GET "X: a\001b\r\n" HOST, HTTP_BAD_REQUEST },
                { GET "Content-Length: 5\r\n" HOST, HTTP_CONTENT_TOO_LARGE },
                { GET "Transfer-Encoding: chunked\r\n" HOST, HTTP_CONTENT_TOO_LARGE },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                if (status_of(cases[i].text) != cases[i].status)
                        fail_msg("%u, not %u: %s", status_of(cases[i].text), cases[i].status, cases[i].text);
}

/* Every byte on its way, and nothing read behind the end. */
static void waits_for_the_whole(void **state) {
        static const char text[] = GET "Accept: " OPENMETRICS ";version=1.0.0,*/*;q=0.1\r\n" HOST;
        struct http_request r;

        for (size_t n = 0; n < strlen(text); n++) {
                char *copy = malloc(n ? n : 1);

                memcpy(copy, text, n);
                assert_int_equal(http_parse(copy, n, &r), HTTP_MORE);
                free(copy);
        }
        assert_int_equal(http_parse(text, strlen(text), &r), HTTP_OK);
        assert_true(r.openmetrics);
}

static void has_bounds(void **state) {
        static char text[HTTP_HEAD_MAX];
        struct http_request r;

        memset(text, 'a', sizeof text);
        assert_int_equal(http_parse(text, sizeof text - 1, &r), HTTP_MORE);
        assert_int_equal(http_parse(text, sizeof text, &r), HTTP_URI_TOO_LONG);
        memcpy(text, GET, strlen(GET));
        assert_int_equal(http_parse(text, sizeof text, &r), HTTP_FIELDS_TOO_LARGE);
        memset(text, 'a', sizeof text);
        memcpy(text, "GET /", 5);
        memcpy(text + 2000, " HTTP/1.1\r\n" HOST, strlen(" HTTP/1.1\r\n" HOST));
        assert_int_equal(http_parse(text, sizeof text, &r), HTTP_URI_TOO_LONG);
        memset(text, '\n', sizeof text);
        assert_int_equal(http_parse(text, sizeof text, &r), HTTP_URI_TOO_LONG);
}

static void negotiates(void **state) {
        static const struct {
                const char *accept;
                bool openmetrics;
        } cases[] = {
                { "*/*", false },
                { "text/plain", false },
                { OPENMETRICS, true },
                { OPENMETRICS "; version=0.0.1", true },
                { OPENMETRICS ";version=2.0.0", false },
                { OPENMETRICS ";q=0", false },
                { OPENMETRICS ";q=0.4,text/plain;q=0.5", false },
                { "text/plain;version=0.0.4;q=0.5," OPENMETRICS ";q=0.8", true },
                /* Prometheus 2.42 */
                { OPENMETRICS ";version=1.0.0," OPENMETRICS
                              ";version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                  true },
                { ",;=,;;q=,q", false },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char text[512];

                snprintf(text, sizeof text, GET "Accept: %s\r\n" HOST, cases[i].accept);
                if (request(text).openmetrics != cases[i].openmetrics)
                        fail_msg("%s", cases[i].accept);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(takes_a_scrape),      cmocka_unit_test(refuses_the_rest),
                cmocka_unit_test(waits_for_the_whole), cmocka_unit_test(has_bounds),
                cmocka_unit_test(negotiates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
