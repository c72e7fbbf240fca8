/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/settings.h"

struct file_sink {
        char path[SETTINGS_PATH_MAX];
        int fd;
        bool half_line; /* what is there ends within a line */
};

int file_sink_new(const char *path, struct file_sink **ret) {
        struct file_sink *f;

        if (strlen(path) >= sizeof f->path)
                return -ENAMETOOLONG;
        f = calloc(1, sizeof *f);
        if (!f)
                return -ENOMEM;
        memcpy(f->path, path, strlen(path));
        f->fd = -1;
        *ret = f;
        return 0;
}

static void close_file(struct file_sink *f) {
        if (f->fd >= 0)
                close(f->fd);
        f->fd = -1;
        f->half_line = false;
}

struct file_sink *file_sink_free(struct file_sink *f) {
        if (f)
                close_file(f);
        free(f);
        return NULL;
}

static bool still_at_path(const struct file_sink *f) {
        struct stat by_path, ours;

        return stat(f->path, &by_path) == 0 && fstat(f->fd, &ours) == 0 && by_path.st_dev == ours.st_dev &&
               by_path.st_ino == ours.st_ino;
}

/* The last bytes of what is there; false: it is no file, or shorter. */
static bool read_end(const char *path, char *ret, size_t length) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        bool whole;

        if (fd < 0)
                return false;
        whole = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t) st.st_size >= length &&
                pread(fd, ret, length, st.st_size - (off_t) length) == (ssize_t) length;
        close(fd);
        return whole;
}

/* A write that was cut short, perhaps by an earlier process for want of space. */
static bool ends_within_a_line(const char *path) {
        char last;

        return read_end(path, &last, 1) && last != '\n';
}

static bool ends_with(const char *path, const char *line) {
        size_t length = strlen(line);
        char *end = malloc(length);
        bool is = end && read_end(path, end, length) && memcmp(end, line, length) == 0;

        free(end);
        return is;
}

static int open_file(struct file_sink *f) {
        if (f->fd >= 0 && still_at_path(f))
                return 0;
        close_file(f);
        /* Not to wait for the reader of a FIFO, now or when its pipe is full. */
        f->fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
        if (f->fd < 0)
                return -errno;
        f->half_line = ends_within_a_line(f->path);
        return 0;
}

static int write_line(struct file_sink *f, const char *line) {
        char line_break = '\n';
        struct iovec iov[2] = {
                { &line_break, f->half_line ? 1 : 0 },
                { (char *) (uintptr_t) line, strlen(line) },
        };
        size_t length = iov[0].iov_len + iov[1].iov_len;
        ssize_t n;

        do
                n = writev(f->fd, iov, 2);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n > 0)
                f->half_line = (size_t) n > iov[0].iov_len && (size_t) n < length;
        /* Regular files are cut short for want of space and nothing else. */
        return (size_t) n < length ? -ENOSPC : 0;
}

int file_sink_write(struct file_sink *f, const char *line, bool again) {
        int r = again && ends_with(f->path, line) ? -EALREADY : open_file(f);

        return r == -EALREADY ? 0 : r < 0 ? r : write_line(f, line);
}

const char *file_sink_path(const struct file_sink *f) {
        return f->path;
}
