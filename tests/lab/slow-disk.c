/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A disk that stands still, for LD_PRELOAD: while the file SLOW_DISK_FLAG (SLOW_DISK.frozen) is there,
 * whatever would change a file under the folder SLOW_DISK, or of that name, waits until it is gone.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static bool is_under(const char *path) {
        const char *disk = getenv("SLOW_DISK");

        return disk && strncmp(path, disk, strlen(disk)) == 0;
}

static void wait_for_thaw(void) {
        const char *given = getenv("SLOW_DISK_FLAG");
        char flag[512];

        if (given)
                snprintf(flag, sizeof flag, "%s", given);
        else
                snprintf(flag, sizeof flag, "%s.frozen", getenv("SLOW_DISK"));
        while (access(flag, F_OK) == 0)
                nanosleep(&(struct timespec) { .tv_nsec = 5000000 }, NULL);
}

static void touch_fd(int fd) {
        char link[64], path[512];
        ssize_t n;

        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof path - 1);
        if (n < 0)
                return;
        path[n] = '\0';
        if (is_under(path))
                wait_for_thaw();
}

static void touch(int dir, const char *path) {
        if (path[0] != '/' && dir != AT_FDCWD)
                touch_fd(dir);
        else if (is_under(path))
                wait_for_thaw();
}

/* What the C library has of that name. */
#define REAL(type, name) ((type) dlsym(RTLD_NEXT, name))

static mode_t mode_of(int flags, va_list list) {
        return flags & O_CREAT ? va_arg(list, mode_t) : 0;
}

#define OPENAT(name)                                                                              \
        int name(int dir, const char *path, int flags, ...) {                                     \
                va_list list;                                                                     \
                mode_t mode;                                                                      \
                va_start(list, flags);                                                            \
                mode = mode_of(flags, list);                                                      \
                va_end(list);                                                                     \
                if (flags & O_CREAT)                                                              \
                        touch(dir, path);                                                         \
                return REAL(int (*)(int, const char *, int, ...), #name)(dir, path, flags, mode); \
        }

OPENAT(openat)
#ifdef __GLIBC__
OPENAT(openat64)
#endif

#define TRUNCATE(name, type)                                \
        int name(int fd, type length) {                     \
                touch_fd(fd);                               \
                return REAL(int (*)(int, type), #name)(fd, length); \
        }

TRUNCATE(ftruncate, off_t)
#ifdef __GLIBC__
TRUNCATE(ftruncate64, off64_t)
#endif

ssize_t write(int fd, const void *data, size_t length) {
        touch_fd(fd);
        return REAL(ssize_t(*)(int, const void *, size_t), "write")(fd, data, length);
}

int fsync(int fd) {
        touch_fd(fd);
        return REAL(int (*)(int), "fsync")(fd);
}

int mkdir(const char *path, mode_t mode) {
        touch(AT_FDCWD, path);
        return REAL(int (*)(const char *, mode_t), "mkdir")(path, mode);
}

int mkdirat(int dir, const char *path, mode_t mode) {
        touch(dir, path);
        return REAL(int (*)(int, const char *, mode_t), "mkdirat")(dir, path, mode);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
        touch(to_dir, to);
        return REAL(int (*)(int, const char *, int, const char *), "renameat")(from_dir, from, to_dir, to);
}

int unlinkat(int dir, const char *path, int flags) {
        touch(dir, path);
        return REAL(int (*)(int, const char *, int), "unlinkat")(dir, path, flags);
}
