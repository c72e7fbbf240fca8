/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sysctl {
        char path[256];
        int fd;
};

int sysctl_new(const char *path, struct sysctl **ret) {
        struct sysctl *s = calloc(1, sizeof *s);

        if (!s)
                return -ENOMEM;
        snprintf(s->path, sizeof s->path, "%s", path);
        s->fd = -1;
        *ret = s;
        return 0;
}

static void close_file(struct sysctl *s) {
        if (s->fd >= 0)
                close(s->fd);
        s->fd = -1;
}

struct sysctl *sysctl_free(struct sysctl *s) {
        if (!s)
                return NULL;
        close_file(s);
        free(s);
        return NULL;
}

/* "1\n", as proc_dou8vec_minmax() (kernel/sysctl.c) writes it. */
int sysctl_parse(const char *text, size_t length, uint8_t *ret) {
        unsigned value = 0;

        if (length < 2 || length > 4 || text[length - 1] != '\n')
                return -EBADMSG;
        for (size_t i = 0; i < length - 1; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return -EBADMSG;
                value = value * 10 + (unsigned) (text[i] - '0');
        }
        if (value > UINT8_MAX)
                return -EBADMSG;
        *ret = (uint8_t) value;
        return 0;
}

int sysctl_read(struct sysctl *s, uint8_t *ret) {
        char text[16];
        ssize_t n;
        int r;

        if (s->fd < 0)
                s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (s->fd < 0)
                return -errno;
        n = pread(s->fd, text, sizeof text, 0);
        if (n < 0) {
                r = -errno;
                close_file(s);
                return r;
        }
        return sysctl_parse(text, (size_t) n, ret);
}

int sysctl_read_once(const char *path, uint8_t *ret) {
        struct sysctl s = { .fd = -1 };
        int r;

        snprintf(s.path, sizeof s.path, "%s", path);
        r = sysctl_read(&s, ret);
        close_file(&s);
        return r;
}

int sysctl_write(const char *path, uint8_t value) {
        char text[8];
        int length = snprintf(text, sizeof text, "%u\n", value);
        int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

        if (fd < 0)
                return -errno;
        if (write(fd, text, (size_t) length) < 0)
                r = -errno;
        close(fd);
        return r;
}
