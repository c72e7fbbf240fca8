/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(int directory, const char *name, int flags) {
        int fd = openat(directory, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | flags, 0640);

        return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const char *data, size_t length) {
        while (length > 0) {
                ssize_t n = write(fd, data, length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                data += n;
                length -= (size_t) n;
        }
        return 0;
}

/* To where the next bytes belong. */
static int go_to(int fd, uint64_t offset) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (uint64_t) st.st_size < offset)
                return -ESTALE;
        if ((uint64_t) st.st_size > offset && ftruncate(fd, (off_t) offset) < 0)
                return -errno;
        return lseek(fd, (off_t) offset, SEEK_SET) < 0 ? -errno : 0;
}

int incident_file_append(int directory, const char *name, uint64_t offset, const void *data, size_t length) {
        int fd = open_file(directory, name, 0), r;

        if (fd < 0)
                return fd;
        r = go_to(fd, offset);
        if (r == 0) {
                r = write_all(fd, data, length);
                if (r < 0 && ftruncate(fd, (off_t) offset) < 0)
                        r = -errno; /* half a line stays: its reader will name it */
        }
        if (close(fd) < 0 && r == 0)
                r = -errno;
        return r;
}

int incident_file_put(int directory, const char *name, const void *data, size_t length) {
        char new[64];
        int fd, r;

        snprintf(new, sizeof new, ".%s.new", name);
        fd = open_file(directory, new, O_TRUNC);
        if (fd < 0)
                return fd;
        r = write_all(fd, data, length);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && renameat(directory, new, directory, name) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(directory, new, 0);
        return r;
}
