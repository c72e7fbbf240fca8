/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JSON_FLAGS (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

int incident_file_make(int directory, const char *name, int flags) {
        int fd = openat(directory, name,
                        O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | flags, 0640);

        return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const char *data, size_t length, size_t *ret_done) {
        size_t done = 0;

        while (done < length) {
                ssize_t n = write(fd, data + done, length - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        *ret_done = done;
                        return n < 0 ? -errno : -EIO;
                }
                done += (size_t) n;
        }
        *ret_done = done;
        return 0;
}

void incident_file_close(struct incident_file *f) {
        if (f->fd >= 0)
                close(f->fd);
        f->fd = -1;
}

int incident_file_append(struct incident_file *f, const char *line, size_t length) {
        size_t done;
        int r = write_all(f->fd, line, length, &done);

        if (r == 0) {
                f->bytes += length;
                return 0;
        }
        if (done > 0 && ftruncate(f->fd, (off_t) f->bytes) < 0)
                r = -errno; /* half a line stays: its reader will name it */
        incident_file_close(f);
        return r;
}

int incident_file_put(int directory, const char *name, const char *text, size_t length) {
        char new[64];
        size_t done;
        int fd, r;

        snprintf(new, sizeof new, ".%s.new", name);
        fd = incident_file_make(directory, new, O_TRUNC);
        if (fd < 0)
                return fd;
        r = write_all(fd, text, length, &done);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && renameat(directory, new, directory, name) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(directory, new, 0);
        return r;
}

int incident_file_put_json(int directory, const char *name, json_t *o) {
        char *text = o ? json_dumps(o, JSON_FLAGS) : NULL;
        size_t length;
        int r;

        json_decref(o);
        if (!text)
                return -ENOMEM;
        length = strlen(text);
        text[length] = '\n'; /* in place of its NUL */
        r = incident_file_put(directory, name, text, length + 1);
        free(text);
        return r;
}
