/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/source.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/recording.h"

enum { MAGIC_SIZE = 4 };

struct replay_source {
        char path[256];
        struct recording_reader *recording;
        FILE *file;       /* the recording's, to ask where it is */
        double file_size; /* 0: not known */
        struct pcap_replay *capture;
};

static const struct {
        uint8_t bytes[MAGIC_SIZE];
        const char *packer; /* NULL: a capture */
} magics[] = {
        { { 0xa1, 0xb2, 0xc3, 0xd4 }, NULL }, /* pcap, µs */
        { { 0xd4, 0xc3, 0xb2, 0xa1 }, NULL },
        { { 0xa1, 0xb2, 0x3c, 0x4d }, NULL }, /* pcap, ns */
        { { 0x4d, 0x3c, 0xb2, 0xa1 }, NULL },
        { { 0xa1, 0xb2, 0xcd, 0x34 }, NULL }, /* pcap, Kuznetzov's */
        { { 0x34, 0xcd, 0xb2, 0xa1 }, NULL },
        { { 0x0a, 0x0d, 0x0d, 0x0a }, NULL }, /* pcapng */
        { { 0x28, 0xb5, 0x2f, 0xfd }, "zstd" },
        { { 0xfd, '7', 'z', 'X' }, "xz" },
};

static int fail(int r, char *error, const char *path, const char *what) {
        snprintf(error, REPLAY_ERROR_MAX, "%.250s: %.380s", path, what);
        return r;
}

/* 0: a capture. */
static int look_at_magic(const uint8_t *b, size_t count, const char *path, char *error) {
        char what[128];

        if (count == 0)
                return fail(-EBADMSG, error, path, "there is nothing in it");
        if (b[0] == 0x1f && b[1] == 0x8b)
                return fail(-EBADMSG, error, path, "packed by gzip: unpack it first (gzip -d)");
        for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
                if (memcmp(b, magics[i].bytes, MAGIC_SIZE) != 0)
                        continue;
                if (!magics[i].packer)
                        return 0;
                snprintf(what, sizeof what, "packed by %s: unpack it first (%s -d)", magics[i].packer,
                         magics[i].packer);
                return fail(-EBADMSG, error, path, what);
        }
        return fail(-EBADMSG, error, path,
                    "neither a recording (JSON lines of synwardd --record) nor a capture (pcap, pcapng)");
}

static int open_recording(struct replay_source *s, int fd, bool model_given, char *error) {
        FILE *f;
        int r;

        if (model_given) {
                close(fd);
                return fail(-EINVAL, error, s->path,
                            "a recording has the kernel's own figures; --replay-backlog, "
                            "--replay-syncookies, --replay-local and --replay-listen are for captures");
        }
        f = fdopen(fd, "r");
        if (!f) {
                r = -errno;
                close(fd);
                return fail(r, error, s->path, strerror(-r));
        }
        ungetc('{', f); /* one character can be put back everywhere, also into a pipe */
        r = recording_reader_new(f, &s->recording);
        if (r < 0) {
                fclose(f);
                return fail(r, error, s->path, strerror(-r));
        }
        s->file = f;
        return 0;
}

static int open_capture(struct replay_source *s, int fd, const uint8_t *magic, size_t count,
                        const struct pcap_replay_options *model, char *error) {
        char why[PCAP_REPLAY_ERROR_MAX];
        int r = look_at_magic(magic, count, s->path, error);

        if (r < 0) {
                close(fd);
                return r;
        }
        lseek(fd, -(off_t) count, SEEK_CUR); /* of a pipe it fails, and they are handed over */
        r = pcap_replay_new(fd, s->path, magic, count, model, &s->capture, why);
        if (r < 0)
                snprintf(error, REPLAY_ERROR_MAX, "%s", why);
        return r;
}

/* Some at most, fewer at the end. */
static ssize_t read_some(int fd, uint8_t *ret, size_t count) {
        size_t got = 0;

        while (got < count) {
                ssize_t n = read(fd, ret + got, count - got);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                got += (size_t) n;
        }
        return (ssize_t) got;
}

static int open_either(struct replay_source *s, const struct pcap_replay_options *model,
                       bool model_given, char *error) {
        bool standard_input = strcmp(s->path, "-") == 0;
        int fd = standard_input ? dup(STDIN_FILENO) : open(s->path, O_RDONLY | O_CLOEXEC);
        uint8_t magic[MAGIC_SIZE] = { 0 };
        struct stat st;
        ssize_t n;

        if (fd < 0)
                return fail(-errno, error, s->path, strerror(errno));
        if (standard_input)
                snprintf(s->path, sizeof s->path, "standard input");
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                s->file_size = (double) st.st_size;
        n = read_some(fd, magic, 1);
        if (n == 1 && magic[0] == '{')
                return open_recording(s, fd, model_given, error);
        if (n == 1) {
                ssize_t more = read_some(fd, magic + 1, sizeof magic - 1);

                n = more < 0 ? more : 1 + more;
        }
        if (n < 0) {
                close(fd);
                return fail((int) n, error, s->path, strerror((int) -n));
        }
        return open_capture(s, fd, magic, (size_t) n, model, error);
}

int replay_source_open(const char *path, const struct pcap_replay_options *model, bool model_given,
                       struct replay_source **ret, char error[static REPLAY_ERROR_MAX]) {
        struct replay_source *s;
        int r;

        if (strlen(path) >= sizeof s->path)
                return fail(-ENAMETOOLONG, error, path, strerror(ENAMETOOLONG));
        s = calloc(1, sizeof *s);
        if (!s)
                return fail(-ENOMEM, error, path, strerror(ENOMEM));
        strcpy(s->path, path);
        r = open_either(s, model, model_given, error);
        if (r < 0) {
                replay_source_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct replay_source *replay_source_free(struct replay_source *s) {
        if (s) {
                recording_reader_free(s->recording);
                pcap_replay_free(s->capture);
        }
        free(s);
        return NULL;
}

int replay_source_next(struct replay_source *s, struct observation *ret,
                       char error[static REPLAY_ERROR_MAX]) {
        char why[PCAP_REPLAY_ERROR_MAX];
        int r;

        if (s->capture)
                return pcap_replay_next(s->capture, ret);
        r = recording_read(s->recording, ret, why);
        return r < 0 ? fail(r, error, s->path, why) : r;
}

double replay_source_progress(const struct replay_source *s) {
        long place;

        if (s->capture)
                return pcap_replay_progress(s->capture);
        place = ftell(s->file);
        return place >= 0 && s->file_size > 0 ? fmin(1, (double) place / s->file_size) : NAN;
}

struct pcap_replay *replay_source_capture(const struct replay_source *s) {
        return s->capture;
}

const char *replay_source_name(const struct replay_source *s) {
        return s->path;
}
