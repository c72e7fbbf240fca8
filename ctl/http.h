/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * As much of HTTP/1.1 (RFC 9110, 9112) as a scrape needs: one request for /metrics, read
 * whole. Pure; metrics.c moves the bytes. Whatever is not such a request has a status of 4xx.
 */

#include <stdbool.h>
#include <stddef.h>

enum {
        HTTP_HEAD_MAX = 8192,  /* of a request, with its request line */
        HTTP_TARGET_MAX = 1024,
};

enum http_status {
        HTTP_MORE = 0, /* the request is not whole yet */
        HTTP_OK = 200,
        HTTP_BAD_REQUEST = 400,
        HTTP_NOT_FOUND = 404,
        HTTP_METHOD_NOT_ALLOWED = 405,
        HTTP_TIMEOUT = 408,
        HTTP_CONTENT_TOO_LARGE = 413, /* a body, of any length */
        HTTP_URI_TOO_LONG = 414,
        HTTP_FIELDS_TOO_LARGE = 431,
        HTTP_UNAVAILABLE = 503, /* the daemon does not answer */
};

struct http_request {
        bool head;        /* the body is not wanted */
        bool openmetrics; /* what it would rather have */
};

/* text: what came so far, at most HTTP_HEAD_MAX bytes of any kind. */
enum http_status http_parse(const char *text, size_t length, struct http_request *ret);
/* "Not Found" */
const char *http_reason(enum http_status status);
