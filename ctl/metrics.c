/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl metrics */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/http.h"

enum {
        READ_MS = 5000,   /* for a whole request */
        WRITE_MS = 5000,  /* for the whole answer */
        LINGER_MS = 1000, /* for who still sends when the answer is out */
        LINGER_MAX = 65536,
        CHUNK = 4096,     /* what a socket that can be written to takes without waiting */
        EVER_S = 20,      /* whatever happens */
};

static int64_t now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool wait_for(int fd, short events, int64_t until_ms) {
        struct pollfd p = { .fd = fd, .events = events };

        for (;;) {
                int64_t left_ms = until_ms - now_ms();
                int r = left_ms > 0 ? poll(&p, 1, (int) left_ms) : 0;

                if (r >= 0 || errno != EINTR)
                        return r > 0;
        }
}

/* HTTP_MORE: whoever came went without a word. */
static enum http_status read_request(struct http_request *ret) {
        int64_t until_ms = now_ms() + READ_MS;
        char buffer[HTTP_HEAD_MAX];
        size_t filled = 0;

        for (;;) {
                enum http_status status = http_parse(buffer, filled, ret);
                ssize_t n;

                if (status != HTTP_MORE)
                        return status;
                if (!wait_for(STDIN_FILENO, POLLIN, until_ms))
                        return HTTP_TIMEOUT;
                n = read(STDIN_FILENO, buffer + filled, sizeof buffer - filled);
                if (n <= 0)
                        return filled > 0 && n == 0 ? HTTP_BAD_REQUEST : HTTP_MORE;
                filled += (size_t) n;
        }
}

static int write_all(const char *text, size_t length, int64_t until_ms) {
        while (length > 0) {
                ssize_t n;

                if (!wait_for(STDOUT_FILENO, POLLOUT, until_ms))
                        return -ETIMEDOUT;
                n = write(STDOUT_FILENO, text, length < CHUNK ? length : CHUNK);
                if (n < 0 && errno != EINTR)
                        return -errno;
                text += n > 0 ? n : 0;
                length -= n > 0 ? (size_t) n : 0;
        }
        return 0;
}

static void answer(enum http_status status, const char *type, bool head_only, const char *body) {
        int64_t until_ms = now_ms() + WRITE_MS;
        char head[512], date[64];
        time_t now = time(NULL);
        struct tm tm;
        int n;

        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
        n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
                     "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
                     (int) status, http_reason(status), date, type, strlen(body),
                     status == HTTP_METHOD_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : "");
        if (write_all(head, (size_t) n, until_ms) == 0 && !head_only)
                write_all(body, strlen(body), until_ms);
}

/* An end of ours while bytes of theirs are unread would take the answer back (RFC 9112, 9.6). */
static void linger(void) {
        int64_t until_ms = now_ms() + LINGER_MS;
        size_t read_so_far = 0;
        char buffer[CHUNK];
        ssize_t n;

        if (shutdown(STDOUT_FILENO, SHUT_WR) < 0)
                return; /* no socket */
        while (read_so_far < LINGER_MAX && wait_for(STDIN_FILENO, POLLIN, until_ms) &&
               (n = read(STDIN_FILENO, buffer, sizeof buffer)) > 0)
                read_so_far += (size_t) n;
}

static int ask_metrics(const struct ctl *ctl, bool openmetrics, json_t **ret) {
        return ctl_ask(ctl, "io.synward.GetMetrics",
                       openmetrics ? json_pack("{s:b}", "openmetrics", 1) : NULL, CLIENT_TIMEOUT_MS, ret);
}

/* One exchange on standard input and output, as a service of a socket with Accept=yes. */
static int serve(const struct ctl *ctl) {
        static const char text_type[] = "text/plain; version=0.0.4; charset=utf-8";
        static const char openmetrics_type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        struct http_request request = { .head = false };
        enum http_status status;
        json_t *metrics = NULL;
        char words[128];

        signal(SIGPIPE, SIG_IGN);
        alarm(EVER_S);
        status = read_request(&request);
        if (status == HTTP_MORE)
                return EXIT_OK;
        if (status == HTTP_OK && ask_metrics(ctl, request.openmetrics, &metrics) != EXIT_OK)
                status = HTTP_UNAVAILABLE;
        if (status == HTTP_OK)
                answer(status, request.openmetrics ? openmetrics_type : text_type, request.head,
                       ctl_text(metrics, "text"));
        else {
                snprintf(words, sizeof words, "%d %s%s\n", (int) status, http_reason(status),
                         status == HTTP_UNAVAILABLE ? ": synwardd does not answer"
                         : status == HTTP_NOT_FOUND ? ": there is only /metrics"
                                                    : "");
                answer(status, "text/plain; charset=utf-8", request.head, words);
        }
        json_decref(metrics);
        linger();
        return EXIT_OK;
}

/* As it is, but for what could drive a terminal. */
static void print_lines(const char *text) {
        while (*text) {
                size_t n = strcspn(text, "\n");

                term_say(stdout, "%.*s", (int) n, text);
                text += n;
                if (*text)
                        putchar(*text++);
        }
}

int command_metrics(struct ctl *ctl, int argc, char **argv) {
        static const struct option options[] = { { "http", no_argument, NULL, 'H' }, { 0 } };
        bool http = false;
        json_t *metrics;
        int c, status;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (c != 'H')
                        return EXIT_USAGE;
                http = true;
        }
        if (optind < argc)
                return ctl_usage("metrics", "too many arguments", argv[optind]);
        if (http && ctl->json)
                return ctl_usage("metrics", "choose one of", "--http, --json");
        if (http)
                return serve(ctl);
        status = ask_metrics(ctl, false, &metrics);
        if (status != EXIT_OK)
                return status;
        if (ctl->json)
                status = ctl_print_json(metrics);
        else
                print_lines(ctl_text(metrics, "text"));
        json_decref(metrics);
        return status;
}
