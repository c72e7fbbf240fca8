/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/syncookies_record.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/json_text.h"

enum { RECORD_SIZE_MAX = 4096 };

static const char record_name[] = SYNCOOKIES_RECORD_NAME;
static const char record_new_name[] = SYNCOOKIES_RECORD_NAME ".new";
static const char record_bad_name[] = SYNCOOKIES_RECORD_BAD_NAME;
static const char record_schema[] = "synward.syncookies.v1";

struct syncookies_record {
        char *state_dir;
        int dir; /* -1: not open (yet); holds the lock */
};

int syncookies_record_new(const char *state_dir, struct syncookies_record **ret) {
        struct syncookies_record *s = calloc(1, sizeof *s);

        if (!s)
                return -ENOMEM;
        s->dir = -1;
        s->state_dir = strdup(state_dir);
        if (!s->state_dir) {
                free(s);
                return -ENOMEM;
        }
        *ret = s;
        return 0;
}

struct syncookies_record *syncookies_record_free(struct syncookies_record *s) {
        if (!s)
                return NULL;
        if (s->dir >= 0)
                close(s->dir);
        free(s->state_dir);
        free(s);
        return NULL;
}

const char *syncookies_record_directory(const struct syncookies_record *s) {
        return s->state_dir;
}

/* --- its text --- */

char *syncookies_record_format(const struct cookie_record *r) {
        uint64_t before = json_text_failures();
        json_t *changes = json_array(), *o;
        char *text = NULL;

        for (uint32_t i = 0; i < r->changes_count; i++)
                json_array_append_new(changes, json_integer((json_int_t) r->changes_us[i]));
        o = json_pack("{s:s, s:b, s:s, s:i, s:i, s:i, s:o}", "schema", record_schema,
                      "owned", (int) r->owned, "epoch", r->epoch, "original", (int) r->original,
                      "previous", (int) r->previous, "written", (int) r->written,
                      "changes_us", changes);
        if (json_text_failures() == before)
                text = json_text_write(o, JSON_INDENT(2), "");
        json_decref(o);
        return text;
}

static int parse_changes(const json_t *changes, struct cookie_record *r) {
        size_t count = json_array_size(changes);

        if (!json_is_array(changes) || count > COOKIE_CHANGES_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < count; i++) {
                const json_t *at = json_array_get(changes, i);
                json_int_t us = json_integer_value(at);

                if (!json_is_integer(at) || us < 0 ||
                    (i > 0 && (uint64_t) us < r->changes_us[i - 1]))
                        return -EBADMSG;
                r->changes_us[i] = (uint64_t) us;
        }
        r->changes_count = (uint32_t) count;
        return 0;
}

static int parse_object(json_t *o, struct cookie_record *ret) {
        struct cookie_record r = { 0 };
        const char *schema, *epoch;
        json_int_t original, previous, written;
        int owned;
        json_t *changes;

        if (json_unpack(o, "{s:s, s:b, s:s, s:I, s:I, s:I, s:o}", "schema", &schema,
                        "owned", &owned, "epoch", &epoch, "original", &original,
                        "previous", &previous, "written", &written, "changes_us", &changes) < 0)
                return -EBADMSG;
        if (strcmp(schema, record_schema) != 0 || epoch[0] == '\0' ||
            strlen(epoch) >= sizeof r.epoch || original < 0 || original > UINT8_MAX ||
            previous < 0 || previous > UINT8_MAX || written < 0 || written > UINT8_MAX)
                return -EBADMSG;
        r.owned = owned;
        strcpy(r.epoch, epoch);
        r.original = (uint8_t) original;
        r.previous = (uint8_t) previous;
        r.written = (uint8_t) written;
        if (parse_changes(changes, &r) < 0)
                return -EBADMSG;
        *ret = r;
        return 0;
}

int syncookies_record_parse(const char *text, size_t length, struct cookie_record *ret) {
        uint64_t before = json_text_failures();
        json_t *o = json_text_read(text, length, JSON_REJECT_DUPLICATES, NULL, NULL);
        int r = o ? parse_object(o, ret) : -EBADMSG;

        json_decref(o);
        /* json_unpack() takes memory too. What is not a record is moved away, and the old value with it. */
        return r < 0 && json_text_failures() != before ? -ENOMEM : r;
}

/* --- its file --- */

/* Opened when first needed, and again while that fails: it may come later. */
static int open_dir(struct syncookies_record *s) {
        int fd, r;

        if (s->dir >= 0)
                return 0;
        fd = open(s->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                r = errno == EWOULDBLOCK ? -EBUSY : -errno;
                close(fd);
                return r;
        }
        s->dir = fd;
        return 0;
}

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

static int put(int dir, const char *text) {
        int r = create_new(dir, text);

        if (r == 0 && renameat(dir, record_new_name, dir, record_name) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(dir, record_new_name, 0);
        return r;
}

static int forget(int dir, const char *text) {
        int r = put(dir, text);

        if (r < 0 && unlinkat(dir, record_name, 0) < 0 && errno != ENOENT)
                /* A read-only file system says so also of what is not there. */
                return faccessat(dir, record_name, F_OK, 0) < 0 && errno == ENOENT ? 0 : r;
        return 0;
}

int syncookies_record_claim(struct syncookies_record *s) {
        return open_dir(s);
}

int syncookies_record_put(const char *state_dir, const char *text, bool forgets) {
        int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

        if (dir < 0) /* no directory, no record */
                return forgets && errno == ENOENT ? 0 : -errno;
        r = forgets ? forget(dir, text) : put(dir, text);
        close(dir);
        return r;
}

int syncookies_record_save(struct syncookies_record *s, const struct cookie_record *record) {
        char *text;
        int r = open_dir(s);

        if (r < 0)
                return r;
        text = syncookies_record_format(record);
        r = text ? put(s->dir, text) : -ENOMEM;
        free(text);
        return r;
}

int syncookies_record_forget(struct syncookies_record *s, const struct cookie_record *record) {
        char *text;
        int r = open_dir(s);

        if (r < 0)
                return r == -ENOENT ? 0 : r; /* no directory, no record */
        text = syncookies_record_format(record);
        r = text ? forget(s->dir, text) : -ENOMEM;
        free(text);
        return r;
}

static int move_aside(struct syncookies_record *s) {
        return renameat(s->dir, record_name, s->dir, record_bad_name) < 0 ? -errno : 0;
}

static int read_record(struct syncookies_record *s, char text[static RECORD_SIZE_MAX + 1],
                       size_t *ret_length) {
        int fd = openat(s->dir, record_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
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

int syncookies_record_load(struct syncookies_record *s, struct cookie_record *ret) {
        char text[RECORD_SIZE_MAX + 1];
        size_t length = 0;
        int r = open_dir(s);

        if (r < 0)
                return r;
        r = read_record(s, text, &length);
        if (r == 0)
                r = syncookies_record_parse(text, length, ret);
        if (r == -EBADMSG || r == -ELOOP || r == -EISDIR) {
                r = move_aside(s);
                return r < 0 ? r : -EBADMSG;
        }
        return r;
}
