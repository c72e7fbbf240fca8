/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "actions/syslog_sink.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "format/event_fields.h"
#include "format/time_text.h"
#include "util/printable.h"

enum { HOST_MAX = 256 }; /* RFC 5424, 6: HOSTNAME has at most 255 characters */

struct syslog_sink {
        struct sockaddr_un address;
        uint8_t facility;
        char host[HOST_MAX];
        int fd;
        bool stream;
};

int syslog_sink_new(const char *path, uint8_t facility, struct syslog_sink **ret) {
        struct syslog_sink *s;

        if (!*path)
                path = SYSLOG_SINK_DEFAULT_PATH;
        if (strlen(path) >= sizeof s->address.sun_path)
                return -ENAMETOOLONG;
        s = calloc(1, sizeof *s);
        if (!s)
                return -ENOMEM;
        s->address.sun_family = AF_UNIX;
        memcpy(s->address.sun_path, path, strlen(path));
        s->facility = facility;
        if (gethostname(s->host, sizeof s->host - 1) < 0 || !*s->host)
                snprintf(s->host, sizeof s->host, "-"); /* the format's word for unknown */
        s->fd = -1;
        *ret = s;
        return 0;
}

static void disconnect(struct syslog_sink *s) {
        if (s->fd >= 0)
                close(s->fd);
        s->fd = -1;
}

struct syslog_sink *syslog_sink_free(struct syslog_sink *s) {
        if (s)
                disconnect(s);
        free(s);
        return NULL;
}

struct text {
        char *at;
        size_t left; /* with the NUL */
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...) {
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(t->at, t->left, format, args);
        va_end(args);
        if (n < 0)
                return;
        if ((size_t) n >= t->left)
                n = (int) t->left - 1;
        t->at += n;
        t->left -= (size_t) n;
}

/* RFC 5424, 6.3.3: these three are escaped within a value. */
static void add_escaped(struct text *t, const char *value) {
        for (; *value; value++)
                add(t, strchr("\"\\]", *value) ? "\\%c" : "%c", *value);
}

size_t syslog_sink_format(const struct event *e, uint8_t facility, const char *host, int pid,
                          char text[static SYSLOG_SINK_MESSAGE_MAX]) {
        struct event_field fields[EVENT_FIELDS_MAX];
        unsigned count = event_fields(e, fields);
        struct text t = { text, SYSLOG_SINK_MESSAGE_MAX };
        char time[TIME_TEXT_MAX], message[EVENT_MESSAGE_MAX];

        add(&t, "<%u>1 %s %s synwardd %i %s [" SYSLOG_SINK_SD_ID, facility * 8u + (unsigned) e->severity,
            time_text_format(e->realtime_us, time), host, pid, event_type_name(e->type));
        for (unsigned i = 0; i < count; i++) {
                add(&t, " %s=\"", fields[i].name);
                add_escaped(&t, fields[i].text);
                add(&t, "\"");
        }
        snprintf(message, sizeof message, "%s", e->message);
        add(&t, "] %s", printable(message));
        return (size_t) (t.at - text);
}

static int try_connect(struct syslog_sink *s, int type) {
        int r;

        s->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (s->fd < 0)
                return -errno;
        if (connect(s->fd, (const struct sockaddr *) &s->address, sizeof s->address) < 0) {
                r = -errno;
                disconnect(s);
                return r;
        }
        s->stream = type == SOCK_STREAM;
        return 0;
}

static int connect_either(struct syslog_sink *s) {
        int r = try_connect(s, SOCK_DGRAM);

        return r == -EPROTOTYPE ? try_connect(s, SOCK_STREAM) : r;
}

static int send_message(struct syslog_sink *s, const char *text, size_t length) {
        ssize_t n = send(s->fd, text, length + (s->stream ? 1 : 0), MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
                return -errno;
        if ((size_t) n < length) {
                /* Half a message would run into the next one: begin anew. */
                disconnect(s);
                return -EAGAIN;
        }
        return 0;
}

int syslog_sink_write(struct syslog_sink *s, const struct event *e) {
        char text[SYSLOG_SINK_MESSAGE_MAX];
        size_t length = syslog_sink_format(e, s->facility, s->host, (int) getpid(), text);
        int r = -ENOTCONN;

        text[length] = '\n'; /* sent to streams only */
        if (s->fd >= 0)
                r = send_message(s, text, length);
        if (r == 0 || r == -EAGAIN)
                return r;
        /* The server has gone, perhaps only to start again. */
        disconnect(s);
        r = connect_either(s);
        if (r < 0)
                return r;
        return send_message(s, text, length);
}
