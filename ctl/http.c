/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A part of the request; not ended by a NUL. */
struct part {
        const char *text;
        size_t length;
};

const char *http_reason(enum http_status status) {
        switch (status) {
        case HTTP_OK:
                return "OK";
        case HTTP_BAD_REQUEST:
                return "Bad Request";
        case HTTP_NOT_FOUND:
                return "Not Found";
        case HTTP_METHOD_NOT_ALLOWED:
                return "Method Not Allowed";
        case HTTP_TIMEOUT:
                return "Request Timeout";
        case HTTP_CONTENT_TOO_LARGE:
                return "Content Too Large";
        case HTTP_URI_TOO_LONG:
                return "URI Too Long";
        case HTTP_FIELDS_TOO_LARGE:
                return "Request Header Fields Too Large";
        case HTTP_UNAVAILABLE:
                return "Service Unavailable";
        case HTTP_MORE:
                break;
        }
        return "";
}

static bool equals(struct part p, const char *text) {
        return p.length == strlen(text) && strncasecmp(p.text, text, p.length) == 0;
}

static struct part trim(struct part p) {
        while (p.length > 0 && (*p.text == ' ' || *p.text == '\t')) {
                p.text++;
                p.length--;
        }
        while (p.length > 0 && (p.text[p.length - 1] == ' ' || p.text[p.length - 1] == '\t'))
                p.length--;
        return p;
}

/* Up to the next such character, which is taken as well. */
static struct part cut(struct part *rest, char at) {
        const char *end = memchr(rest->text, at, rest->length);
        struct part p = { rest->text, end ? (size_t) (end - rest->text) : rest->length };
        size_t taken = p.length + (end != NULL);

        rest->text += taken;
        rest->length -= taken;
        return p;
}

/* RFC 9110, 5.6.2. */
static bool is_token(struct part p) {
        for (size_t i = 0; i < p.length; i++)
                if (p.text[i] <= ' ' || p.text[i] == 0x7f || strchr("\"(),/:;<=>?@[\\]{}", p.text[i]))
                        return false;
        return p.length > 0;
}

static bool is_plain(struct part p) {
        for (size_t i = 0; i < p.length; i++)
                if (((unsigned char) p.text[i] < ' ' && p.text[i] != '\t') || p.text[i] == 0x7f)
                        return false;
        return true;
}

/* --- the request line ------------------------------------------------------------------------- */

/* "/metrics?x=1" and "http://host/metrics" are asked of proxies and of us alike. */
static bool is_metrics(struct part target) {
        static const char scheme[] = "http://";
        struct part path;

        if (target.length > strlen(scheme) && strncasecmp(target.text, scheme, strlen(scheme)) == 0) {
                const char *slash = memchr(target.text + strlen(scheme), '/', target.length - strlen(scheme));

                if (!slash)
                        return false;
                target.length -= (size_t) (slash - target.text);
                target.text = slash;
        }
        path = cut(&target, '?');
        return path.length == strlen("/metrics") && memcmp(path.text, "/metrics", path.length) == 0;
}

static enum http_status parse_line(struct part line, bool *ret_old, struct http_request *r) {
        struct part method = cut(&line, ' '), target = cut(&line, ' '), version = line;

        if (target.length > HTTP_TARGET_MAX)
                return HTTP_URI_TOO_LONG;
        if (!is_token(method) || target.length == 0 || !is_plain(target) || version.length != 8 ||
            memcmp(version.text, "HTTP/1.", 7) != 0 || version.text[7] < '0' || version.text[7] > '9')
                return HTTP_BAD_REQUEST;
        *ret_old = version.text[7] == '0';
        r->head = method.length == 4 && memcmp(method.text, "HEAD", 4) == 0;
        if (!r->head && !(method.length == 3 && memcmp(method.text, "GET", 3) == 0))
                return HTTP_METHOD_NOT_ALLOWED;
        return is_metrics(target) ? HTTP_OK : HTTP_NOT_FOUND;
}

/* --- its fields ----------------------------------------------------------------------------------- */

/* Of a weight, 0..1; what is none counts as the nearest. */
static int thousandths(double weight) {
        if (!(weight > 0)) /* or not a number */
                return 0;
        return weight < 1 ? (int) (weight * 1000 + 0.5) : 1000;
}

/* The weight of "text/plain; version=0.0.4; q=0.5", 0..1000; bad_version: a version that is not ours. */
static int weight_of(struct part range, struct part *ret_type, bool *ret_bad_version) {
        int weight = 1000;

        *ret_type = trim(cut(&range, ';'));
        *ret_bad_version = false;
        while (range.length > 0) {
                struct part parameter = trim(cut(&range, ';')), name = cut(&parameter, '=');
                char digits[8] = "";

                if (equals(name, "version") && !equals(parameter, "1.0.0") && !equals(parameter, "0.0.1"))
                        *ret_bad_version = true;
                if (!equals(name, "q"))
                        continue;
                memcpy(digits, parameter.text, parameter.length < 7 ? parameter.length : 7);
                weight = thousandths(strtod(digits, NULL));
        }
        return weight;
}

/* Whether OpenMetrics is liked at least as much as text; "any" is no wish for it. */
static bool wants_openmetrics(struct part accept) {
        int openmetrics = 0, text = 0;

        while (accept.length > 0) {
                bool bad_version;
                struct part type;
                int weight = weight_of(cut(&accept, ','), &type, &bad_version);

                if (equals(type, "application/openmetrics-text") && !bad_version && weight > openmetrics)
                        openmetrics = weight;
                if (equals(type, "text/plain") && weight > text)
                        text = weight;
        }
        return openmetrics > 0 && openmetrics >= text;
}

static enum http_status take_field(struct part line, unsigned *hosts, struct http_request *r) {
        struct part name = cut(&line, ':'), value = trim(line);

        /* No blank before the colon, no continued lines: RFC 9112, 5.1 and 5.2. */
        if (name.text + name.length == line.text || !is_token(name) || !is_plain(value))
                return HTTP_BAD_REQUEST;
        if (equals(name, "Host"))
                (*hosts)++;
        if (equals(name, "Transfer-Encoding") || (equals(name, "Content-Length") && !equals(value, "0")))
                return HTTP_CONTENT_TOO_LARGE;
        if (equals(name, "Accept"))
                r->openmetrics |= wants_openmetrics(value);
        return HTTP_OK;
}

/* A line without its end, which may be a mere LF. False: it is not whole. */
static bool next_line(struct part *rest, struct part *ret) {
        if (rest->length == 0 || !memchr(rest->text, '\n', rest->length))
                return false;
        *ret = cut(rest, '\n');
        if (ret->length > 0 && ret->text[ret->length - 1] == '\r')
                ret->length--;
        return true;
}

/* The head is not whole: what is wrong with it already, or HTTP_MORE. */
static enum http_status unfinished(bool has_line, size_t length) {
        if (length < HTTP_HEAD_MAX)
                return HTTP_MORE;
        return has_line ? HTTP_FIELDS_TOO_LARGE : HTTP_URI_TOO_LONG;
}

enum http_status http_parse(const char *text, size_t length, struct http_request *ret) {
        struct part rest = { text, length }, line = { text, 0 }, field;
        enum http_status status = HTTP_OK, line_status;
        struct http_request r = { .head = false };
        bool old = false, has_line = false;
        unsigned hosts = 0;

        while (!has_line && next_line(&rest, &line))
                has_line = line.length > 0; /* an empty line before it: RFC 9112, 2.2 */
        if (!has_line)
                return unfinished(false, length);
        line_status = parse_line(line, &old, &r);
        for (;;) {
                if (!next_line(&rest, &field))
                        return unfinished(true, length);
                if (field.length == 0)
                        break;
                if (status == HTTP_OK)
                        status = take_field(field, &hosts, &r);
        }
        *ret = r;
        if (line_status != HTTP_OK)
                return line_status;
        if (status != HTTP_OK)
                return status;
        return hosts == 1 || (old && hosts == 0) ? HTTP_OK : HTTP_BAD_REQUEST;
}
