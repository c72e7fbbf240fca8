/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/known_clients_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char name[] = "known-clients", new_name[] = "known-clients.new";

static int open_dir(const char *state_dir) {
        int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return dir < 0 ? -errno : dir;
}

/* Up to size bytes; how many there are, or -errno. */
static ssize_t read_up_to(int fd, uint8_t *to, size_t size) {
        size_t length = 0;
        ssize_t n;

        do {
                n = read(fd, to + length, size - length);
                if (n > 0)
                        length += (size_t) n;
        } while ((n > 0 && length < size) || (n < 0 && errno == EINTR));
        return n < 0 ? -errno : (ssize_t) length;
}

int known_clients_file_load(const char *state_dir, struct known_clients *k, uint64_t now_us) {
        size_t size = known_clients_size(k);
        int dir = open_dir(state_dir), fd;
        uint8_t *bytes;
        ssize_t n;

        if (dir < 0)
                return dir;
        fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        n = fd < 0 ? -errno : 0;
        close(dir);
        if (fd < 0)
                return (int) n;
        bytes = malloc(size + 1);
        n = bytes ? read_up_to(fd, bytes, size + 1) : -ENOMEM; /* one more tells what is too long */
        close(fd);
        if (n >= 0)
                n = known_clients_load(k, bytes, (size_t) n, now_us) < 0 ? -EBADMSG : 0;
        free(bytes);
        return (int) n;
}

static int write_whole(int fd, const uint8_t *bytes, size_t length) {
        while (length > 0) {
                ssize_t n = write(fd, bytes, length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                bytes += n;
                length -= (size_t) n;
        }
        return 0;
}

static int write_new(int dir, const uint8_t *bytes, size_t length) {
        int fd, r;

        unlinkat(dir, new_name, 0); /* of a run that was killed here */
        fd = openat(dir, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = write_whole(fd, bytes, length);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && renameat(dir, new_name, dir, name) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(dir, new_name, 0);
        return r;
}

int known_clients_file_put(const char *state_dir, const void *bytes, size_t length) {
        int dir = open_dir(state_dir), r;

        if (dir < 0)
                return dir;
        r = write_new(dir, bytes, length);
        close(dir);
        return r;
}
