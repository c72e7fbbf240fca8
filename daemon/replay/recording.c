/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/observation_json.h"

struct recording_writer {
        int fd; /* -1: the recording has ended */
};

int recording_writer_open(const char *path, struct recording_writer **ret) {
        int r, fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);

        if (fd < 0)
                return -errno;
        r = recording_writer_new(fd, ret);
        if (r < 0)
                close(fd);
        return r;
}

int recording_writer_new(int fd, struct recording_writer **ret) {
        struct recording_writer *w = malloc(sizeof *w);

        if (!w)
                return -ENOMEM;
        w->fd = fd;
        *ret = w;
        return 0;
}

struct recording_writer *recording_writer_free(struct recording_writer *w) {
        if (w && w->fd >= 0)
                close(w->fd);
        free(w);
        return NULL;
}

/* All of it or an error; on an error ret_done says how much is in the file. */
static int write_all(int fd, const char *data, size_t length, size_t *ret_done) {
        size_t done = 0;
        int r = 0;

        while (done < length) {
                ssize_t n = write(fd, data + done, length - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        r = -errno;
                        break;
                }
                done += (size_t) n;
        }
        *ret_done = done;
        return r;
}

/* Half a line would spoil the replay of all the lines before it. */
static void take_back(int fd, size_t written) {
        struct stat st;

        if (written == 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (size_t) st.st_size < written)
                return;
        if (ftruncate(fd, st.st_size - (off_t) written) < 0)
                return; /* the reader will name the line */
}

static int write_line(int fd, const struct observation *o) {
        size_t length, done;
        char *line;
        int r = observation_json_write(o, &line);

        if (r < 0)
                return r;
        length = strlen(line);
        line[length] = '\n'; /* in place of its NUL: one write, one line */
        r = write_all(fd, line, length + 1, &done);
        free(line);
        if (r < 0)
                take_back(fd, done);
        return r;
}

int recording_write(struct recording_writer *w, const struct observation *o) {
        int r;

        if (w->fd < 0)
                return 0;
        r = write_line(w->fd, o);
        if (r < 0) {
                close(w->fd);
                w->fd = -1;
        }
        return r;
}

bool recording_writer_active(const struct recording_writer *w) {
        return w->fd >= 0;
}

struct recording_reader {
        FILE *file;
        uint64_t line;
        uint64_t last_us;
        struct observation next;
        char text[RECORDING_LINE_MAX];
};

int recording_reader_open(const char *path, struct recording_reader **ret) {
        FILE *file = fopen(path, "re");
        int r;

        if (!file)
                return -errno;
        r = recording_reader_new(file, ret);
        if (r < 0)
                fclose(file);
        return r;
}

int recording_reader_new(FILE *file, struct recording_reader **ret) {
        struct recording_reader *r = malloc(sizeof *r);

        if (!r)
                return -ENOMEM;
        r->file = file;
        r->line = 0;
        r->last_us = 0;
        *ret = r;
        return 0;
}

struct recording_reader *recording_reader_free(struct recording_reader *r) {
        if (r)
                fclose(r->file);
        free(r);
        return NULL;
}

/* A line without its line break: 1, or 0 at the end. getline() would take as
 * much memory as the file wants, and fgets() hides NULs. */
static int read_line(struct recording_reader *r, size_t *ret_length) {
        size_t length = 0;
        int c;

        while ((c = getc_unlocked(r->file)) != EOF && c != '\n') {
                if (length == sizeof r->text)
                        return -EFBIG;
                r->text[length++] = (char) c;
        }
        if (ferror(r->file))
                return errno > 0 ? -errno : -EIO;
        *ret_length = length;
        return c == '\n' || length > 0;
}

int recording_read(struct recording_reader *r, struct observation *ret, char error[static RECORDING_ERROR_MAX]) {
        char what[OBSERVATION_JSON_ERROR_MAX];
        size_t length;
        int result = read_line(r, &length);

        if (result == 0)
                return 0;
        r->line++;
        if (result < 0)
                snprintf(what, sizeof what, "%s", result == -EFBIG ? "too long" : strerror(-result));
        else {
                result = observation_json_parse(r->text, length, &r->next, what);
                if (result == -ENOMEM)
                        snprintf(what, sizeof what, "%s", strerror(ENOMEM));
        }
        if (result == 0 && r->next.time_us < r->last_us) {
                snprintf(what, sizeof what, "time_us: %" PRIu64 " lies before %" PRIu64 " of the line before",
                         r->next.time_us, r->last_us);
                result = -EBADMSG;
        }
        if (result < 0) {
                snprintf(error, RECORDING_ERROR_MAX, "line %" PRIu64 ": %s", r->line, what);
                return result;
        }
        r->last_us = r->next.time_us;
        *ret = r->next;
        return 1;
}
