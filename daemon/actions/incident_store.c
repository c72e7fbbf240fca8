/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/incident_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/incident_parse.h"

enum { ID_DIGITS_MAX = 18, FILE_READ_MAX = 1024 * 1024, FILES_MAX = 32 };

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int incident_store_parse_id(const char *text, uint64_t *ret) {
        uint64_t id = 0;
        size_t n = 0;

        for (; text[n]; n++) {
                if (text[n] < '0' || text[n] > '9' || n == ID_DIGITS_MAX)
                        return -EINVAL;
                id = id * 10 + (uint64_t) (text[n] - '0');
        }
        if (n == 0 || text[0] == '0')
                return -EINVAL;
        *ret = id;
        return 0;
}

static int open_base(const char *state_dir, int *ret_fd) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/incidents", state_dir);
        int fd;

        if (n < 0 || (size_t) n >= sizeof path)
                return -ENAMETOOLONG;
        fd = open(path, OPEN_DIRECTORY);
        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

static int make_base(const char *state_dir) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/incidents", state_dir);

        if (n < 0 || (size_t) n >= sizeof path)
                return -ENAMETOOLONG;
        if (mkdir(state_dir, 0750) < 0 && errno != EEXIST)
                return -errno;
        if (mkdir(path, 0750) < 0 && errno != EEXIST)
                return -errno;
        return 0;
}

int incident_store_open(const char *state_dir, uint64_t id, int *ret_fd) {
        char name[INCIDENT_STORE_NAME_MAX];
        int base, fd, r = open_base(state_dir, &base);

        if (r < 0)
                return r;
        snprintf(name, sizeof name, "%" PRIu64, id);
        fd = openat(base, name, OPEN_DIRECTORY);
        r = fd < 0 ? -errno : 0;
        close(base);
        if (r == 0)
                *ret_fd = fd;
        return r;
}

int incident_store_create(const char *state_dir, uint64_t id) {
        char name[INCIDENT_STORE_NAME_MAX];
        int base, r = make_base(state_dir);

        if (r >= 0)
                r = open_base(state_dir, &base);
        if (r < 0)
                return r;
        snprintf(name, sizeof name, "%" PRIu64, id);
        r = mkdirat(base, name, 0750) < 0 ? -errno : 0;
        close(base);
        return r;
}

/* --- what is there ---------------------------------------------------------------- */

/* Takes over fd. */
static DIR *open_listing(int fd) {
        DIR *d = fdopendir(fd);

        if (!d)
                close(fd);
        return d;
}

static uint64_t record_bytes(int base, const char *name) {
        uint64_t bytes = INCIDENT_STORE_BLOCK;
        int fd = openat(base, name, OPEN_DIRECTORY);
        DIR *d = fd < 0 ? NULL : open_listing(fd);
        struct dirent *e;
        struct stat st;

        while (d && (e = readdir(d)))
                if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                        bytes += ((uint64_t) st.st_size + INCIDENT_STORE_BLOCK - 1) / INCIDENT_STORE_BLOCK *
                                 INCIDENT_STORE_BLOCK;
        if (d)
                closedir(d);
        return bytes;
}

static bool is_directory(int base, const char *name) {
        struct stat st;

        return fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* When it was last written, its incident.json if it has one. */
static time_t written_s(int base, const char *name) {
        char summary[NAME_MAX + sizeof "/incident.json"];
        struct stat st;

        snprintf(summary, sizeof summary, "%s/incident.json", name);
        if (fstatat(base, summary, &st, AT_SYMLINK_NOFOLLOW) < 0 && fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        return st.st_mtim.tv_sec;
}

int incident_store_measure(const char *state_dir, uint64_t id, uint64_t *ret_bytes, uint64_t *ret_written_us) {
        char name[INCIDENT_STORE_NAME_MAX];
        int base, r = open_base(state_dir, &base);
        time_t at;

        if (r < 0)
                return r;
        snprintf(name, sizeof name, "%" PRIu64, id);
        *ret_bytes = record_bytes(base, name);
        at = written_s(base, name);
        *ret_written_us = at < 0 ? 0 : (uint64_t) at * 1000000;
        close(base);
        return 0;
}

int incident_store_remove(const char *state_dir, uint64_t id) {
        char name[INCIDENT_STORE_NAME_MAX];
        int fd, base, r = incident_store_open(state_dir, id, &fd);
        struct dirent *e;
        DIR *d;

        if (r < 0)
                return r;
        d = open_listing(fd);
        if (!d)
                return -ENOMEM;
        while ((e = readdir(d)))
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                    unlinkat(dirfd(d), e->d_name, 0) < 0 && r == 0)
                        r = -errno;
        closedir(d);
        if (r < 0)
                return r;
        r = open_base(state_dir, &base);
        if (r < 0)
                return r;
        snprintf(name, sizeof name, "%" PRIu64, id);
        r = unlinkat(base, name, AT_REMOVEDIR) < 0 ? -errno : 0;
        close(base);
        return r;
}

static int oldest_first(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return (x > y) - (x < y);
}

int incident_store_ids(const char *state_dir, uint64_t except, uint64_t **ret, size_t *ret_count) {
        int base, r = open_base(state_dir, &base);
        uint64_t *list = NULL, id;
        size_t count = 0, room = 0;
        struct dirent *e;
        DIR *d = r < 0 ? NULL : open_listing(base);

        if (r == 0 && !d)
                r = -ENOMEM;
        while (d && r == 0 && (e = readdir(d))) {
                if (incident_store_parse_id(e->d_name, &id) < 0 || id == except || !is_directory(dirfd(d), e->d_name))
                        continue;
                if (count == room) {
                        uint64_t *more = reallocarray(list, room = room * 2 + 64, sizeof *list);

                        if (!more) {
                                r = -ENOMEM;
                                break;
                        }
                        list = more;
                }
                list[count++] = id;
        }
        if (d)
                closedir(d);
        if (r < 0 && r != -ENOENT) {
                free(list);
                return r;
        }
        if (count > 0)
                qsort(list, count, sizeof *list, oldest_first);
        *ret = list;
        *ret_count = count;
        return 0;
}

/* --- what it says ------------------------------------------------------------------ */

/* A regular file, at most FILE_READ_MAX of it; to be freed. NULL: it cannot be read. */
static char *read_text(int directory, const char *name, size_t *ret_length) {
        int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        char *text = NULL;
        size_t length = 0;
        struct stat st;
        ssize_t n = 0;

        if (fd < 0)
                return NULL;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                text = malloc(FILE_READ_MAX);
        while (text && length < FILE_READ_MAX && (n = read(fd, text + length, FILE_READ_MAX - length)) > 0)
                length += (size_t) n;
        close(fd);
        if (n < 0) {
                free(text);
                return NULL;
        }
        *ret_length = length;
        return text;
}

json_t *incident_store_summary(const char *state_dir, uint64_t id) {
        size_t length = 0;
        json_t *o;
        char *text;
        int fd;

        if (incident_store_open(state_dir, id, &fd) < 0)
                return NULL;
        text = read_text(fd, "incident.json", &length);
        close(fd);
        o = incident_parse_summary(text, length, id);
        free(text);
        return o;
}

static char *read_record(const char *state_dir, uint64_t id, const char *name, size_t *ret_length) {
        char *text;
        int fd;

        if (incident_store_open(state_dir, id, &fd) < 0)
                return NULL;
        text = read_text(fd, name, ret_length);
        close(fd);
        return text;
}

json_t *incident_store_events(const char *state_dir, uint64_t id) {
        size_t length = 0;
        char *text = read_record(state_dir, id, "events.jsonl", &length);
        json_t *array = incident_parse_events(text, length);

        free(text);
        return array;
}

json_t *incident_store_json(const char *state_dir, uint64_t id, const char *name) {
        size_t length = 0;
        char *text = read_record(state_dir, id, name, &length);
        json_t *o = incident_parse_json(text, length);

        free(text);
        return o;
}

json_t *incident_store_text(const char *state_dir, uint64_t id, const char *name) {
        size_t length = 0;
        char *text = read_record(state_dir, id, name, &length);
        json_t *o = incident_parse_text(text, length);

        free(text);
        return o;
}

json_t *incident_store_files(const char *state_dir, uint64_t id) {
        json_t *o = json_object();
        int fd, r = o ? incident_store_open(state_dir, id, &fd) : -ENOMEM;
        DIR *d = r < 0 ? NULL : open_listing(fd);
        struct dirent *e;
        struct stat st;

        while (d && (e = readdir(d)) && json_object_size(o) < FILES_MAX)
                if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                        /* A name that is no UTF-8 is none of ours. */
                        json_object_set_new(o, e->d_name, json_integer(st.st_size));
        if (d)
                closedir(d);
        return o;
}
