/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* realpath */

#include "actions/syncookies_record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/syncookies_text.h"

enum { RECORD_SIZE_MAX = 4096 };

static const char record_name[] = SYNCOOKIES_RECORD_NAME;
static const char record_new_name[] = SYNCOOKIES_RECORD_NAME ".new";
static const char record_bad_name[] = SYNCOOKIES_RECORD_BAD_NAME;

/* A folder that it may be in. */
struct place {
        char *path; /* NULL: none */
        int fd;     /* -1: not open (yet); holds the lock */
};

struct syncookies_record {
        struct place state, runtime;
        const struct place *home; /* where it is written; NULL: none is open yet */
        const struct place *last; /* for messages */
};

static int place_new(const char *path, struct place *ret) {
        *ret = (struct place) { .path = path ? strdup(path) : NULL, .fd = -1 };
        return path && !ret->path ? -ENOMEM : 0;
}

static void place_free(struct place *p) {
        if (p->fd >= 0)
                close(p->fd);
        free(p->path);
}

int syncookies_record_new(const char *state_dir, const char *runtime_dir, struct syncookies_record **ret) {
        struct syncookies_record *s = calloc(1, sizeof *s);

        if (!s)
                return -ENOMEM;
        if (place_new(state_dir, &s->state) < 0 || place_new(runtime_dir, &s->runtime) < 0) {
                syncookies_record_free(s);
                return -ENOMEM;
        }
        s->last = &s->state;
        *ret = s;
        return 0;
}

struct syncookies_record *syncookies_record_free(struct syncookies_record *s) {
        if (!s)
                return NULL;
        place_free(&s->runtime);
        place_free(&s->state);
        free(s);
        return NULL;
}

const char *syncookies_record_directory(const struct syncookies_record *s) {
        return s->last->path ? s->last->path : s->state.path;
}

/* --- its folders --- */

static bool is_same(int a, int b) {
        struct stat of_a, of_b;

        return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

/* Both of one name are one: who has locked it once could not do so again. */
static int open_place(struct place *p, const struct place *other) {
        int fd, r;

        if (p->fd >= 0)
                return 0;
        if (!p->path)
                return -ENOENT;
        fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = other->fd >= 0 && is_same(fd, other->fd) ? -EALREADY
            : flock(fd, LOCK_EX | LOCK_NB) == 0      ? 0
            : errno == EWOULDBLOCK                   ? -EBUSY
                                                     : -errno;
        if (r < 0)
                close(fd);
        else
                p->fd = fd;
        return r;
}

/* One of the two will do; which, is settled by the first time that it works. */
int syncookies_record_lock(struct syncookies_record *s) {
        int of_state, of_runtime;

        if (s->home)
                return 0;
        of_state = open_place(&s->state, &s->runtime);
        s->last = &s->state;
        if (of_state == -EBUSY)
                return of_state;
        of_runtime = open_place(&s->runtime, &s->state);
        if (of_runtime == -EBUSY) {
                s->last = &s->runtime;
                return of_runtime;
        }
        if (s->runtime.fd < 0 && s->state.fd < 0)
                return of_state;
        s->home = s->runtime.fd >= 0 ? &s->runtime : &s->state;
        return 0;
}

/* --- its file --- */

static int write_whole(int fd, const char *text, size_t length) {
        while (length > 0) {
                ssize_t n = write(fd, text, length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                length -= (size_t) n;
        }
        return 0;
}

/* A --restore by root must leave a record that the daemon's user can read. */
static int give_to_owner_of_dir(int dir, int fd) {
        struct stat st;

        if (geteuid() != 0)
                return 0;
        return fstat(dir, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0 ? -errno : 0;
}

static int create_new(int dir, const char *text) {
        int fd, r;

        unlinkat(dir, record_new_name, 0); /* of a run that was killed here */
        fd = openat(dir, record_new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = give_to_owner_of_dir(dir, fd);
        if (r == 0)
                r = write_whole(fd, text, strlen(text));
        if (close(fd) < 0 && r == 0)
                r = -errno;
        return r;
}

/* What was made as syncookies.json.new becomes the record, or goes. */
static int replace(int dir, int made) {
        int r = made;

        if (r == 0 && renameat(dir, record_new_name, dir, record_name) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(dir, record_new_name, 0);
        return r;
}

static int put(int dir, const char *text) {
        return replace(dir, create_new(dir, text));
}

static int read_record(int dir, char text[static RECORD_SIZE_MAX + 1], size_t *ret_length) {
        int fd = openat(dir, record_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        size_t length = 0;
        ssize_t n;

        if (fd < 0)
                return -errno;
        do {
                n = read(fd, text + length, RECORD_SIZE_MAX + 1 - length);
                if (n > 0)
                        length += (size_t) n;
        } while ((n > 0 && length <= RECORD_SIZE_MAX) || (n < 0 && errno == EINTR));
        if (n < 0)
                n = -errno;
        close(fd);
        if (n < 0)
                return (int) n;
        *ret_length = length;
        if (length == 0) /* what some file systems make of it when the power goes */
                return -ENOENT;
        return length > RECORD_SIZE_MAX ? -EBADMSG : 0;
}

/* --- the link in the state folder --- */

/* The folder that it leads to, to be closed. -EINVAL: it is no link; -ELOOP: none that is followed;
 * -ENOENT: nothing there, or nothing any more. */
static int follow(int state, int *ret_dir) {
        const size_t name_length = strlen(record_name);
        char target[PATH_MAX];
        ssize_t n = readlinkat(state, record_name, target, sizeof target - 1);
        struct stat ours, theirs;
        int dir;

        if (n < 0)
                return -errno;
        target[n] = '\0';
        if (target[0] != '/' || (size_t) n <= name_length + 1 || target[(size_t) n - name_length - 1] != '/' ||
            strcmp(target + (size_t) n - name_length, record_name) != 0)
                return -ELOOP;
        target[(size_t) n - name_length - 1] = '\0';
        dir = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return errno == ENOENT || errno == ENOMEM ? -errno : -ELOOP;
        if (fstat(state, &ours) < 0 || fstat(dir, &theirs) < 0 || ours.st_uid != theirs.st_uid) {
                close(dir);
                return -ELOOP;
        }
        *ret_dir = dir;
        return 0;
}

static int make_link(const struct syncookies_record *s) {
        char real[PATH_MAX], target[PATH_MAX];

        if (!realpath(s->runtime.path, real) ||
            snprintf(target, sizeof target, "%s/%s", real, record_name) >= (int) sizeof target)
                return -ENAMETOOLONG;
        unlinkat(s->state.fd, record_new_name, 0);
        return replace(s->state.fd, symlinkat(target, s->state.fd, record_new_name) < 0 ? -errno : 0);
}

/* --- loading --- */

/* Where it was found. */
struct found {
        int dir;      /* what is in a folder */
        bool at_link; /* to elsewhere than the runtime folder; dir is to be closed */
        bool linked;  /* the state folder has the link that it is to have */
};

static int take_over(struct syncookies_record *s, int dir, struct found *ret) {
        if (flock(dir, LOCK_EX | LOCK_NB) < 0) {
                close(dir);
                return -EBUSY;
        }
        s->runtime.fd = dir;
        s->home = &s->runtime;
        *ret = (struct found) { .dir = dir, .linked = true };
        return 0;
}

static int find(struct syncookies_record *s, struct found *ret) {
        int dir = -1, r = s->state.fd < 0 ? -ENOENT : follow(s->state.fd, &dir);

        *ret = (struct found) { .dir = s->runtime.fd >= 0 ? s->runtime.fd : s->state.fd };
        s->last = s->home;
        if (r == 0 && s->runtime.fd < 0) /* we were not told of it */
                r = take_over(s, dir, ret);
        else if (r == 0 && is_same(dir, s->runtime.fd)) {
                close(dir);
                ret->linked = true;
        } else if (r == 0)
                *ret = (struct found) { .dir = dir, .at_link = true };
        else if (r != -ENOENT) { /* a record, or what is none */
                ret->dir = s->state.fd;
                s->last = &s->state;
        }
        if (r == -ENOENT && s->runtime.fd >= 0) /* it may be there without the link */
                r = 0;
        return r == -EINVAL ? 0 : r;
}

/* Into the runtime folder, with the link to it. What cannot be replaced in the state folder would be
 * found before it: then it stays there. */
static void settle(struct syncookies_record *s, const struct found *found, const char *text) {
        bool elsewhere = text && found->dir != s->runtime.fd;
        int r = 0;

        if (s->home != &s->runtime || s->state.fd < 0 || found->linked)
                return;
        if (elsewhere)
                r = put(s->runtime.fd, text);
        if (r == 0)
                r = make_link(s);
        if (r < 0 && elsewhere) {
                unlinkat(s->runtime.fd, record_name, 0);
                s->home = s->last = &s->state;
        } else if (found->at_link)
                unlinkat(found->dir, record_name, 0);
}

static int move_aside(struct syncookies_record *s, const struct found *found) {
        int dir = found->at_link ? s->state.fd : found->dir;

        return renameat(dir, record_name, dir, record_bad_name) < 0 ? -errno : -EBADMSG;
}

int syncookies_record_load(struct syncookies_record *s, struct cookie_record *ret) {
        char text[RECORD_SIZE_MAX + 1];
        size_t length = 0;
        struct found found;
        int r = syncookies_record_lock(s);

        if (r < 0)
                return r;
        r = find(s, &found);
        if (r == 0)
                r = read_record(found.dir, text, &length);
        if (r == 0)
                r = syncookies_text_read(text, length, ret);
        if (r == -EBADMSG || r == -ELOOP || r == -EISDIR)
                r = move_aside(s, &found);
        else if (r == 0 || r == -ENOENT) {
                text[length] = '\0';
                settle(s, &found, r == 0 ? text : NULL);
        }
        if (found.at_link)
                close(found.dir);
        return r;
}

/* --- keeping --- */

int syncookies_record_save(struct syncookies_record *s, const struct cookie_record *record) {
        char *text;
        int r = syncookies_record_lock(s);

        if (r < 0)
                return r;
        s->last = s->home;
        text = syncookies_text_write(record);
        r = text ? put(s->home->fd, text) : -ENOMEM;
        free(text);
        return r;
}

int syncookies_record_forget(struct syncookies_record *s, const struct cookie_record *record) {
        int r = syncookies_record_save(s, record);

        if (!s->home)
                return r == -ENOENT ? 0 : r; /* no directory, no record */
        if (r < 0 && unlinkat(s->home->fd, record_name, 0) < 0 && errno != ENOENT)
                /* A read-only file system says so also of what is not there. */
                return faccessat(s->home->fd, record_name, F_OK, 0) < 0 && errno == ENOENT ? 0 : r;
        return 0;
}
