/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int make_address(const char *path, struct sockaddr_un *ret) {
        struct sockaddr_un sun = { .sun_family = AF_UNIX };

        if (strlen(path) == 0)
                return -EINVAL;
        if (strlen(path) >= sizeof sun.sun_path)
                return -ENAMETOOLONG;
        memcpy(sun.sun_path, path, strlen(path));
        *ret = sun;
        return 0;
}

static int open_directory(char *path, int *ret_fd) {
        const char *directory = dirname(path);
        int fd;

        if (mkdir(directory, 0755) < 0 && errno != EEXIST)
                return -errno;
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

enum { LOCK_TRIES = 20, LOCK_PAUSE_NS = 10 * 1000 * 1000 };

/* Holding the directory's lock, two that start at once cannot both remove the same old
 * socket, the slower one the newcomer's. */
static int lock_directory(const char *path, int *ret_fd) {
        char *copy = strdup(path); /* dirname() writes into it */
        int fd = -1, error;

        if (!copy)
                return -ENOMEM;
        error = open_directory(copy, &fd);
        free(copy);
        if (error < 0)
                return error;
        /* Whoever may read the directory may hold its lock: not waited for without end. */
        for (unsigned i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0 && i < LOCK_TRIES; i++)
                nanosleep(&(struct timespec) { .tv_nsec = LOCK_PAUSE_NS }, NULL);
        *ret_fd = fd;
        return 0;
}

static bool somebody_answers(const struct sockaddr_un *sun) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        bool refused;

        if (fd < 0)
                return true;
        /* A full backlog (EAGAIN) is somebody too. */
        refused = connect(fd, (const struct sockaddr *) sun, sizeof *sun) < 0 && errno == ECONNREFUSED;
        close(fd);
        return !refused;
}

static int remove_stale(const struct sockaddr_un *sun) {
        struct stat st;

        if (lstat(sun->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;
        if (somebody_answers(sun))
                return -EADDRINUSE;
        return unlink(sun->sun_path) < 0 ? -errno : 0;
}

/* sysusers(8) makes the group in /etc/group. getgrnam(3) would look there too, but
 * keep the name services' libraries in memory for as long as the daemon lives. */
static int find_group(const char *name, gid_t *ret) {
        FILE *f = fopen("/etc/group", "re");
        struct group *group;
        int r = -ENOENT;

        if (!f)
                return -errno;
        while ((errno = 0, group = fgetgrent(f)) && strcmp(group->gr_name, name) != 0)
                ;
        if (group) {
                *ret = group->gr_gid;
                r = 0;
        } else if (errno == ENOMEM)
                r = -ENOMEM;
        fclose(f);
        return r;
}

/* -ENOMEM: whose it should be could not be looked up. */
static int give_to_group(const char *path, const char *name) {
        gid_t gid = 0;
        int r = name ? find_group(name, &gid) : -ENOENT;

        /* Not being allowed to leaves it to our own group: fewer may read, never more. */
        if (r >= 0 && chown(path, (uid_t) -1, gid) < 0)
                return 0;
        return r == -ENOMEM ? r : 0;
}

/* Made for its owner alone, then opened to the group: never wider than it will be. */
static int bind_private(int fd, const struct sockaddr_un *sun, const char *group, struct stat *ret) {
        int error;

        if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *) sun, sizeof *sun) < 0)
                return -errno;
        error = give_to_group(sun->sun_path, group);
        if (error == 0 &&
            (chmod(sun->sun_path, 0660) < 0 || lstat(sun->sun_path, ret) < 0 || listen(fd, LISTEN_BACKLOG) < 0))
                error = -errno;
        if (error < 0)
                unlink(sun->sun_path);
        return error;
}

static int open_locked(const struct sockaddr_un *sun, const char *group, struct stat *ret_st, int *ret_fd) {
        int fd, error;

        error = remove_stale(sun);
        if (error < 0)
                return error;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        error = bind_private(fd, sun, group, ret_st);
        if (error < 0) {
                close(fd);
                return error;
        }
        *ret_fd = fd;
        return 0;
}

int listen_open(const char *path, const char *group, struct listen_place *ret_place, int *ret_fd) {
        struct sockaddr_un sun;
        struct stat st;
        int error, lock = -1, fd = -1;
        char *copy;

        error = make_address(path, &sun);
        if (error < 0)
                return error;
        copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        error = lock_directory(path, &lock);
        if (error == 0) {
                error = open_locked(&sun, group, &st, &fd);
                close(lock);
        }
        if (error < 0) {
                free(copy);
                return error;
        }
        *ret_place = (struct listen_place) { copy, st.st_dev, st.st_ino };
        *ret_fd = fd;
        return 0;
}

void listen_remove(struct listen_place *place) {
        struct stat st;

        if (place->path && lstat(place->path, &st) == 0 && st.st_dev == place->device && st.st_ino == place->inode)
                unlink(place->path);
        free(place->path);
        *place = (struct listen_place) { 0 };
}
