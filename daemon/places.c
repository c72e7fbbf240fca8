/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* fchownat */

#include "places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"

enum { DEPTH_MAX = 3 }; /* incidents/ID/file */

/* What we make in a state or runtime directory. */
static bool is_ours(const char *name) {
        static const char *const names[] = {
                "control.sock",    "incidents",           "known-clients",       "known-clients.new",
                "syncookies.json", "syncookies.json.bad", "syncookies.json.new",
        };

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return false;
}

static bool is_dot(const char *name) {
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *open_list(int fd) {
        int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = copy < 0 ? NULL : fdopendir(copy);

        if (!d && copy >= 0)
                close(copy);
        return d;
}

static bool holds_only_ours(int fd) {
        DIR *d = open_list(fd);
        const struct dirent *e;
        bool ours = d;

        while (ours && (e = readdir(d)))
                ours = is_dot(e->d_name) || is_ours(e->d_name);
        if (d)
                closedir(d);
        return ours;
}

/* What could not be given shows when it is written to. */
static void give(int result) {
        (void) result;
}

static void give_tree(int fd, const struct privileges_user *user, unsigned depth);

/* Nobody but root has written here: nothing changes between the look and the gift. */
static void give_entry(int fd, const char *name, const struct privileges_user *user, unsigned depth) {
        struct stat st;

        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_uid != 0)
                return;
        if (S_ISDIR(st.st_mode)) {
                int child = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                if (child < 0)
                        return;
                if (depth < DEPTH_MAX)
                        give_tree(child, user, depth + 1);
                close(child);
        } else if (S_ISREG(st.st_mode) && st.st_nlink == 1)
                give(fchownat(fd, name, user->uid, user->gid, AT_SYMLINK_NOFOLLOW));
}

/* Itself last: until then it is root's. */
static void give_tree(int fd, const struct privileges_user *user, unsigned depth) {
        DIR *d = open_list(fd);
        const struct dirent *e;

        while (d && (e = readdir(d)))
                if (!is_dot(e->d_name))
                        give_entry(fd, e->d_name, user, depth);
        if (d)
                closedir(d);
        give(fchown(fd, user->uid, user->gid));
}

void places_give(const char *directory, const struct privileges_user *user) {
        struct stat st;
        int fd;

        if (mkdir(directory, 0750) < 0 && errno != EEXIST)
                return;
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return;
        if (fstat(fd, &st) >= 0 && st.st_uid == 0 && !(st.st_mode & S_IWOTH) && holds_only_ours(fd))
                give_tree(fd, user, 1);
        close(fd);
}

static void tell(const char *path, const struct privileges_user *user, int error) {
        if (user)
                log_warning("%s: the user %s cannot write there: %s; to mend: chown %s the directory, which must be "
                            "reachable for that user, or name another one",
                            path, user->name, strerror(error), user->name);
        else
                log_warning("%s: cannot write there: %s", path, strerror(error));
}

void places_check(const char *directory, const struct privileges_user *user) {
        if (access(directory, W_OK | X_OK) < 0)
                tell(directory, user, errno);
}

void places_check_files(const struct settings *settings, const struct privileges_user *user) {
        const char *path = settings->alerts.file;
        char parent[PATH_MAX];

        if (!*path || access(path, W_OK) == 0)
                return;
        if (errno != ENOENT) {
                tell(path, user, errno);
                return;
        }
        if (strlen(path) >= sizeof parent)
                return;
        strcpy(parent, path);
        if (access(dirname(parent), W_OK | X_OK) < 0)
                tell(path, user, errno);
}
